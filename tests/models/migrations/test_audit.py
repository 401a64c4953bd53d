"""Decisions of an earlier version are kept, sealed and guarded after the migration."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from bot.database import Database
from bot.migrate import migrate
from models.quota.chain import seal_next, verify
from models.quota.decision import Decision
from tests.company import NOW

ROWS = """
INSERT INTO member (id, name, email, gateway_id, team, role, employment, extra, joined_at)
  VALUES (1, 'Bob', 'bob@corp.example', 'bob', '', '', '', '{}', '2026-10-01'),
    (2, 'Carol', 'carol@corp.example', 'carol', '', '', '', '{}', '2026-10-01');
INSERT INTO account (id, kind, balance, member_id, opened_at) VALUES (1, 'issued', -5, NULL, '2026-10-01'),
  (2, 'allocation', 5, 1, '2026-10-01');
INSERT INTO transfer (id, kind, amount, source_id, target_id, at, actor, cause, reason)
  VALUES (1, 'allocate', 5, 1, 2, '2026-10-01', 'policy', 'join:1', '');
INSERT INTO request (id, code, member_id, amount, granted, reason, state, asked_at, decided_by_id, decided_at, answer)
  VALUES (1, 'A1BC', 1, 5, 5, 'load test', 'applied', '2026-10-01', 2, '2026-10-02', ''),
    (2, 'A2BC', 1, 6, 0, 'again', 'expired', '2026-10-03', NULL, '2026-10-05', ''),
    (3, 'A3BC', 1, 7, 0, '', 'pending', '2026-10-06', NULL, NULL, '')
"""


def test_old_decisions_and_transfers_become_part_of_the_chain(before: Database) -> None:
    def old(session: Session) -> None:
        for row in ROWS.split(";"):
            session.connection().execute(text(row.replace(":", "\\:")))

    before.transact(old)
    migrate(before.engine)
    kept = before.query(lambda session: [one.model_dump() for one in session.exec(select(Decision)).all()])
    assert [(one["outcome"], one["actor"], one["reason"]) for one in kept] == [
        ("approved", "member:2", "load test"),
        ("expired", "clock", "again"),
    ]
    before.transact(lambda session: seal_next(session, NOW))
    found = before.query(verify)
    assert (found.broken, found.rows, found.unsealed) == (None, 3, 0)
    with pytest.raises(IntegrityError):
        before.transact(lambda session: session.execute(text("UPDATE transfer SET amount = 6")) and None)
