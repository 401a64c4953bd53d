"""A people.csv to start from: explained columns, no people."""

from __future__ import annotations

from models.people.messenger import id_columns
from models.people.roster import columns

MEANING = {
    "name": "how others read them; the part before the @ when empty",
    "email": "needed: who this is, and the key of every later import",
    "gateway_id": "their id at the LLM gateway; the e-mail when empty",
    "manager_email": "who is asked first; also somebody of this file",
    "team": "the team's name as in policy.yaml",
    "role": "free text, for the policy to match",
    "employment": "employee (also when empty), contractor or intern",
    "locale": "en or zh; empty: what the messenger says",
    "timezone": "such as Asia/Shanghai; empty: the policy's",
}
ALICE = {
    "name": "Alice Wang", "email": "alice@corp.example", "slack_id": "U02ALICE", "dingtalk_id": "manager42",
    "manager_email": "carol@corp.example", "team": "payments", "role": "engineer", "employment": "employee", "locale": "en",
    "timezone": "Asia/Shanghai",
}  # fmt: skip


def template() -> str:
    # The import ignores lines that begin with #.
    ids = {
        column: f"their id in {messenger}, where they are on it" for column, messenger in id_columns().items()
    }
    meaning = MEANING | ids
    width = max(map(len, columns()))
    return "\n".join(
        [
            "# One line a person. Columns in any order; more columns are kept, and a policy can match them.",
            "# Lines that begin with # are left out. Try it: quotabot people import people.csv --dry-run",
            "#",
            *(f"# {column.ljust(width)}  {meaning[column]}" for column in columns()),
            "#",
            f"# {','.join(ALICE.get(column, '') for column in columns())}",
            ",".join(columns()),
            "",
        ]
    )
