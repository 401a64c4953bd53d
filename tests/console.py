"""An operator at a terminal: runs `quotabot` commands against one database, with people and a policy."""

from __future__ import annotations

import json
import os
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from typer.testing import CliRunner, Result

from bot.cli.app import app

TODAY = datetime.now(ZoneInfo("Asia/Shanghai")).date()
PEOPLE = """\
name,email,slack_id,manager_email,team,role,employment,locale,cost_center
Alice,alice@corp.example,U01,carol@corp.example,design,designer,employee,en,c1
Bob,bob@corp.example,U02,carol@corp.example,payments,engineer,employee,zh,c2
Carol,carol@corp.example,U03,,design,lead,employee,en,c1
Dan,dan@corp.example,U04,carol@corp.example,design,designer,contractor,en,c1
Lee,lee@corp.example,U05,,payments,lead,employee,zh,c2
Ops,ops@corp.example,U06,,it,admin,employee,en,c3
"""
POLICY = """\
unit: USD
timezone: Asia/Shanghai
period: monthly
admins: [ops@corp.example]
allocations:
  - match: {employment: contractor}
    amount: 0
  - match: {team: payments, role: engineer}
    amount: 500
    reason: on-call tooling
  - match: {}
    amount: 100
teams:
  - {name: payments, owner: lee@corp.example, top_up_budget: 5000}
"""


def next_month() -> date:
    """The first day of the month after this one."""
    return (TODAY.replace(day=1) + timedelta(days=40)).replace(day=1)


SETTLED: dict[tuple[str, str], bytes] = {}
"""The SQLite file in which these people and this policy were imported first."""


class Operator:
    """Types commands in `folder`; each is checked for its exit code."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file(self, name: str, text: str | bytes) -> str:
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    def run(self, *words: str, code: int = 0, typed: str | None = None) -> Result:
        result = CliRunner().invoke(app, words, input=typed)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, f"{words}: {result.exit_code}\n{result.output}"
        return result

    def says(self, *words: str) -> str:
        return self.run(*words).stdout

    def fails(self, *words: str, typed: str | None = None) -> str:
        """The stderr of a refused command; stdout must be empty."""
        result = self.run(*words, code=1, typed=typed)
        assert "Traceback" not in result.output
        assert not result.stdout
        return result.stderr.strip()

    def show(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.says("show", f"{name}@corp.example", "--json"))
        return found

    def settle(self, policy: str = POLICY, people: str = PEOPLE) -> None:
        """Import the people and apply the first policy; on SQLite, copy the file of the first time."""
        files = self.file("people.csv", people), self.file("policy.yaml", policy)
        database, known = self.folder / "quotabot.db", (people, policy)
        alone = os.environ["DATABASE_URL"] == f"sqlite:///{database}" and not database.exists()
        if alone and known in SETTLED:
            database.touch(mode=0o600)
            database.write_bytes(SETTLED[known])
            return
        self.run("people", "import", files[0])
        self.run("policy", "apply", files[1])
        if alone:
            SETTLED[known] = database.read_bytes()

    def rows(self, what: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.says("export", what, "--format", "jsonl").splitlines()]
