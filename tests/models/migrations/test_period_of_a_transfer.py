"""Transfers of an earlier version's closes are booked to their period after the migration."""

from __future__ import annotations

from sqlalchemy import text
from sqlmodel import Session, select

from bot.database import Database
from bot.migrate import migrate
from models.ledger.transfer import Transfer

ROWS = """
INSERT INTO member (id, name, email, gateway_id, team, role, employment, extra, joined_at)
  VALUES (1, 'Bob', 'bob@corp.example', 'bob', '', '', '', '{}', '2026-10-01');
INSERT INTO period (id, starts_at, ends_at, state, step, cursor)
  VALUES (1, '2026-10-01', '2026-11-01', 'closed', 0, 0), (2, '2026-11-01', '2026-12-01', 'closed', 0, 0),
    (3, '2026-12-01', '2027-01-01', 'open', 0, 0);
INSERT INTO account (id, kind, balance, member_id, opened_at) VALUES (1, 'issued', 0, NULL, '2026-10-01'),
  (2, 'allocation', 0, 1, '2026-10-01');
INSERT INTO transfer (id, kind, amount, source_id, target_id, at, actor, cause, reason)
  VALUES (1, 'allocate', 5, 1, 2, '2026-10-01', 'policy', 'period:1', ''),
    (2, 'use', 5, 2, 1, '2026-11-01', 'gateway', 'read:period:2', ''),
    (3, 'expire', 5, 2, 1, '2026-11-01', 'policy', 'period:2', ''),
    (4, 'return', 5, 2, 1, '2026-12-01', 'policy', 'period:3', ''),
    (5, 'repay', 5, 2, 1, '2026-12-01', 'policy', 'period:3', ''),
    (6, 'allocate', 5, 1, 2, '2026-12-02', 'policy', 'join:3', '')
"""


def test_what_a_close_posted_belongs_to_the_period_it_opened_or_closed(before: Database) -> None:
    def old(session: Session) -> None:
        for row in ROWS.split(";"):
            session.connection().execute(text(row.replace(":", "\\:")))

    before.transact(old)
    migrate(before.engine)
    periods = before.transact(
        lambda session: dict(
            session.exec(select(Transfer.id, Transfer.period_id).order_by(Transfer.id)).all()
        )
    )
    assert periods == {1: 1, 2: None, 3: 1, 4: 2, 5: 3, 6: None}
