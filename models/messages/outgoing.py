"""Rows that a transaction leaves behind beside the books: effects, counted messages, a receipt. Nobody waits for their ids.

A flush writes all of them: in one statement on Postgres, in one for each table on SQLite.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session

from models.statement import SqlFile, Statement, is_postgres, written

Row = Mapping[str, Any]
TABLES = ("receipt", "tally", "effect")


class GatheringSession(Session):
    """Keeps outgoing rows until the next flush, which comes before every query of the ORM and at the end."""

    def __init__(self, *args: Any, **words: Any) -> None:
        super().__init__(*args, **words)
        self.gathered: dict[str, list[Row]] = {}

    def flush(self, objects: Sequence[Any] | None = None) -> None:
        super().flush(objects)
        if self.gathered:
            rows, self.gathered = self.gathered, {}
            _write(self, rows)


def leave(session: Session, table: str, row: Row) -> None:
    """Write `row` with the next flush; at once where the session gathers nothing."""
    if isinstance(session, GatheringSession):
        session.gathered.setdefault(table, []).append(row)
    else:
        _write(session, {table: [row]})


def _write(session: Session, rows: Mapping[str, Sequence[Row]]) -> None:
    if is_postgres(session):
        _ALL.changed(session, **{table: _json(rows.get(table, ()), _with_zone) for table in TABLES})
        return
    for table in TABLES:
        if table in rows:
            _EACH[table].changed(session, **{table: _json(rows[table], written)})


def _json(rows: Sequence[Row], moment: Any) -> str:
    return json.dumps(rows, ensure_ascii=False, default=moment)


def _with_zone(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


_SQL = SqlFile("models.messages", "sql/outgoing.sql")
_ALL = Statement(_SQL.text("all"))
_EACH = {table: Statement(_SQL.text(table)) for table in TABLES}
