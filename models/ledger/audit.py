"""Add up the whole ledger again and check the rules that always hold (sql/audit.sql)."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import text
from sqlmodel import Session

from models.statement import SqlFile

SQL = SqlFile("models.ledger", "sql/audit.sql")
# Each rule by the sentence that names it.
CHECKS = {name.replace("_", " "): SQL.text(name) for name in SQL.names}


@dataclass(frozen=True)
class Report:
    """`counts`: rows added up. `wrong`: (rule, row id, number found)."""

    counts: dict[str, int]
    wrong: list[tuple[str, int, int]] = field(default_factory=list)


def audit(session: Session, most: int = 20) -> Report:
    """At most `most` rows are listed for each rule."""
    connection = session.connection()
    wrong = [
        (name, int(row.id), int(row.found or 0))
        for name, query in CHECKS.items()
        for row in connection.execute(text(f"{query} LIMIT {most}"))
    ]
    tables = ("member", "account", "transfer", "entry", "loan", "request")
    counts = {
        name: int(connection.execute(text(f"SELECT COUNT(*) FROM {name}")).scalar_one()) for name in tables
    }
    return Report(counts, wrong)
