"""A delegate's decision of before names in whose place it was after the migration."""

from __future__ import annotations

from sqlalchemy import text
from sqlmodel import Session, select

from bot.database import Database
from bot.migrate import migrate
from models.quota.request import Request

ROWS = """
INSERT INTO member (id, name, email, gateway_id, team, role, employment, extra, joined_at)
  VALUES (1, 'Bob', 'bob@corp.example', 'bob', '', '', '', '{}', '2026-10-01'),
    (2, 'Carol', 'carol@corp.example', 'carol', '', '', '', '{}', '2026-10-01'),
    (3, 'Eve', 'eve@corp.example', 'eve', '', '', '', '{}', '2026-10-01');
INSERT INTO request (id, code, member_id, amount, granted, reason, state, asked_at, decided_by_id, answer)
  VALUES (1, 'AAA1', 1, 5, 5, '', 'applied', '2026-10-01', 2, ''), (2, 'AAA2', 1, 5, 5, '', 'applied', '2026-10-02', 3, '');
INSERT INTO asked (request_id, member_id, for_id, why, asked_at)
  VALUES (1, 2, 2, 'manager', '2026-10-01'), (2, 2, 2, 'manager', '2026-10-02'), (2, 3, 2, 'delegate', '2026-10-02')
"""


def test_a_delegates_decision_is_of_the_approver_they_were_asked_for(before: Database) -> None:
    def old(session: Session) -> None:
        for row in ROWS.split(";"):
            session.connection().execute(text(row))

    before.transact(old)
    migrate(before.engine)
    found = before.transact(
        lambda session: dict(session.exec(select(Request.code, Request.decided_for_id)).all())
    )
    assert found == {"AAA1": None, "AAA2": 2}
