"""Rows that a transaction leaves behind: transfers, effects, counted messages, receipts. Nobody waits for their ids.

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
Rows = dict[str, list[Row]]
"""By table; `move` is a transfer that is to be posted, on Postgres alone."""
TABLES = ("move", "receipt", "tally", "effect")


class GatheringSession(Session):
    """Keeps outgoing rows until the next flush, which comes before every query of the ORM."""

    def __init__(self, *args: Any, **words: Any) -> None:
        super().__init__(*args, **words)
        self._gathered: Rows = {}

    def leave(self, table: str, row: Row) -> None:
        self._gathered.setdefault(table, []).append(row)

    def flush(self, objects: Sequence[Any] | None = None) -> None:
        super().flush(objects)
        write(self, self._take())

    def flush_but_outgoing(self) -> Rows:
        """Write what changed, and hand out what is left to be written."""
        super().flush()
        return self._take()

    def _take(self) -> Rows:
        rows, self._gathered = self._gathered, {}
        return rows


def leave(session: Session, table: str, row: Row) -> None:
    """Write `row` with the next flush; at once where the session gathers nothing."""
    if isinstance(session, GatheringSession):
        session.leave(table, row)
    else:
        write(session, {table: [row]})


def write(session: Session, rows: Rows) -> None:
    if not rows:
        return
    if is_postgres(session):
        _ALL.all(session, **{table: as_json(session, rows.get(table, ())) for table in TABLES})
        return
    for table in TABLES:
        if table in rows:
            _EACH[table].changed(session, **{table: as_json(session, rows[table])})


def as_json(session: Session, rows: Sequence[Row]) -> str:
    """Rows as one parameter, with times as this database keeps them."""
    if not rows:
        return "[]"
    return json.dumps(rows, ensure_ascii=False, default=_with_zone if is_postgres(session) else written)


def _with_zone(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


_SQL = SqlFile("models.messages", "sql/outgoing.sql")
_ALL: Statement[Any] = Statement(_SQL.text("all"))
_EACH = {table: Statement(_SQL.text(table)) for table in TABLES if table != "move"}
