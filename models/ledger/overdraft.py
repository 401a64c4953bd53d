"""Overdrafts: filled from own quota at once, and cleared by the organisation for a leaver (sql/overdraft.sql).

`fill_overdraft` and `clear_overdraft` act on one member, `fill_overdrafts` and `clear_overdrafts` on a set of members;
both give the same books.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlmodel import Session

from models.ledger.account import AccountKind, organisation
from models.ledger.transfer import Cause, Kind, post_all, transfer
from models.statement import SqlFile, Statement

SQL = SqlFile("models.ledger", "sql/overdraft.sql")

RANGE = "o.member_id > :lo AND o.member_id <= :hi"
"""A set of members: those with an id in (lo, hi]."""
LISTED = """
o.member_id IN (SELECT CAST(value AS BIGINT) FROM jsonb_array_elements_text(CAST(:ids AS JSONB))) -- postgres
o.member_id IN (SELECT value FROM json_each(:ids)) -- sqlite
"""
"""A set of members: those whose ids are in the JSON list `ids`."""


class Own(NamedTuple):
    account_id: int
    balance: int
    overdraft_id: int
    debt: int


class Debt(NamedTuple):
    overdraft_id: int
    amount: int


_OWN = Statement(SQL.text("own"), row=Own)
_DEBT = Statement(SQL.text("debt"), row=Debt)


def fill_overdraft(session: Session, member_id: int, cause: Cause) -> int:
    """Fill a member's overdraft as far as own quota goes. Returns how much."""
    session.flush()
    filled = 0
    for own in _OWN.all(session, member=member_id):
        part = min(own.debt - filled, own.balance)
        if part > 0:
            transfer(session, Kind.FILL, part, source=own.account_id, target=own.overdraft_id, cause=cause)
            filled += part
    return filled


def fill_overdrafts(session: Session, people: str, cause: Cause, **words: Any) -> None:
    """`fill_overdraft` for everybody in `people`: `RANGE` or `LISTED`, with its parameters."""
    post_all(session, SQL.text("fills", people=people), cause, **words)


def clear_overdraft(session: Session, member_id: int, cause: Cause) -> None:
    """The organisation pays what a leaver spent beyond their quota, also when the spend is metered later."""
    debt = _DEBT.first(session, member=member_id)
    if debt is not None:
        issued = organisation(session, AccountKind.ISSUED, cause.at)
        transfer(session, Kind.FILL, debt.amount, source=issued, target=debt.overdraft_id, cause=cause)


def clear_overdrafts(session: Session, people: str, cause: Cause, **words: Any) -> None:
    issued = organisation(session, AccountKind.ISSUED, cause.at)
    post_all(session, SQL.text("clearances", people=people), cause, issued=issued, **words)
