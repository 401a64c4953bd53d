"""Loans of an earlier version: which were asked for, and of which end both were warned."""

from __future__ import annotations

from sqlalchemy import text
from sqlmodel import Session, select

from bot.database import Database
from bot.migrate import migrate
from models.quota.loan import Loan
from models.quota.period import Period

ROWS = """
INSERT INTO member (id, name, email, gateway_id, team, role, employment, extra, joined_at)
  VALUES (1, 'Bob', 'bob@corp.example', 'bob', '', '', '', '{}', '2026-10-01'),
    (2, 'Eve', 'eve@corp.example', 'eve', '', '', '', '{}', '2026-10-01'),
    (3, 'Max', 'max@corp.example', 'max', '', '', '', '{}', '2026-10-01');
INSERT INTO period (id, starts_at, ends_at, state, step, cursor)
  VALUES (1, '2026-11-01 00:00:00.000000', '2026-12-01 00:00:00.000000', 'open', 0, 0);
INSERT INTO account (id, kind, balance, member_id, opened_at) VALUES (1, 'loan', 5, 1, '2026-11-02'),
  (2, 'loan', 5, 1, '2026-11-02');
INSERT INTO loan (id, lender_id, borrower_id, period_id, account_id, forgiven, made_at)
  VALUES (1, 2, 1, 1, 1, 0, '2026-11-02 00:00:00.000000'), (2, 3, 1, 1, 2, 0, '2026-11-02 00:00:00.000000');
INSERT INTO ask (id, code, borrower_id, lender_id, amount, reason, state, asked_at, expires_at, decided_at)
  VALUES (1, 'AB23', 1, 2, 5, '', 'lent', '2026-11-02', '2026-11-03', '2026-11-02 00:00:00.000000'),
    (2, 'AB24', 1, 3, 5, '', 'declined', '2026-11-02', '2026-11-03', '2026-11-02 00:00:00.000000');
INSERT INTO effect (id, key, kind, payload, lane, due_at, attempts)
  VALUES (1, 'warn@2', 'mark', '{}', '', '2026-11-29', 0)
"""


def test_an_old_loan_knows_whether_it_was_asked_for_and_its_warning(before: Database) -> None:
    def old(session: Session) -> None:
        for row in ROWS.split(";"):
            session.connection().execute(text(row.replace(":", "\\:").replace("warn@", "warn\\:")))

    before.transact(old)
    migrate(before.engine)
    loans = before.transact(lambda session: session.exec(select(Loan).order_by(Loan.id)).all())
    ends_at = before.transact(lambda session: session.exec(select(Period.ends_at)).one())
    assert [(one.asked, one.ends_at, one.warned_for) for one in loans] == [
        (True, None, None),
        (False, None, ends_at),
    ]
