"""The strip below the panes: balances, the latest transfers with both entries, and the progress of the story."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from models.ledger.account import Account
from models.ledger.amount import Unit, shown
from models.ledger.transfer import Entry, Transfer
from models.people.member import Member
from models.quota.allocation import base_of
from models.quota.loan import Loan
from models.quota.period import Period
from models.quota.request import Request
from models.quota.wallet import wallet_of

Json = dict[str, Any]
# Transfers in the strip, and at most so many of them spending.
ROWS, SPENDING = 6, 2
# Transfers that happen to everybody; shown only for the two people on the page.
_PRIVATE = ("use", "allocate", "fill", "fund")
# Calls of an agent within this time are shown as one.
TOGETHER = timedelta(seconds=45)


def balances(session: Session, email: str, language: str) -> Json:
    member = session.exec(select(Member).where(Member.email == email)).one()
    period, has = Period.latest(session), wallet_of(session, member.id)
    base = base_of(session, member.id, period.id) if period else 0
    held = session.exec(select(Account).where(Account.member_id == member.id).order_by(col(Account.id))).all()
    return {
        "name": member.name,
        "available": _usd(has.available, language),
        "base": _usd(base, language),
        "accounts": [
            {"kind": one.kind, "balance": _usd(one.balance, language), "negative": one.balance < 0}
            for one in held
            if one.balance or one.kind == "allocation"
        ],
    }


@dataclass
class _Line:
    """One transfer, or several alike told as one."""

    last: Transfer
    amount: int = 0
    why: dict[str, None] = field(default_factory=dict)


def transfers(session: Session, emails: tuple[str, ...], language: str) -> list[Json]:
    """Latest first: all decisions, and some of these people's spending."""
    theirs = select(Account.id).join(Member).where(col(Member.email).in_(emails))
    query = select(Transfer).where(
        col(Transfer.kind).not_in(_PRIVATE)
        | col(Transfer.source_id).in_(theirs)
        | col(Transfer.target_id).in_(theirs)
    )
    lines: list[_Line] = []
    for one in session.exec(query.order_by(col(Transfer.id).desc()).limit(120)).all():
        alike = [line for line in lines[-2:] if _alike(line.last, one)]
        if not alike:
            if one.kind == "use" and sum(line.last.kind == "use" for line in lines) >= SPENDING:
                continue
            alike = [_Line(one)]
            lines += alike
        alike[0].amount += one.amount
        alike[0].why[one.reason] = None
    return [_told(session, line, language) for line in lines[:ROWS]]


def _alike(last: Transfer, one: Transfer) -> bool:
    """The same person's spending from the same account, at about the same time."""
    same = (last.kind, last.source_id, last.target_id) == ("use", one.source_id, one.target_id)
    return same and last.at - one.at < TOGETHER


def _told(session: Session, line: _Line, language: str) -> Json:
    one = line.last
    entries = session.exec(select(Entry).where(Entry.transfer_id == one.id)).all()
    after = {entry.account_id: entry.balance_after for entry in entries}
    return {
        "id": one.id,
        "kind": one.kind,
        "at": one.at.isoformat(),
        "why": ", ".join(line.why),
        "from": _end(session, one.source_id, -line.amount, after, language),
        "to": _end(session, one.target_id, line.amount, after, language),
    }


def _end(session: Session, account_id: int, amount: int, after: dict[int, int], language: str) -> Json:
    account = session.get_one(Account, account_id)
    owner = session.get(Member, account.member_id) if account.member_id else None
    sign = "+" if amount > 0 else "−"
    return {
        "owner": owner.name if owner else account.team or "",
        "kind": account.kind,
        "amount": f"{sign}{_usd(abs(amount), language)}",
        "after": _usd(after[account_id], language),
    }


def _usd(amount: int, language: str) -> str:
    return shown(amount, Unit.USD, language).replace("-", "−")


def told_since(session: Session, email: str, friend: str, start: datetime) -> Json:
    """The progress of `email`'s story, by the ledger alone: asked, helped (has quota again), lent to `friend`."""
    me = session.exec(select(Member).where(Member.email == email)).one()
    other = session.exec(select(Member).where(Member.email == friend)).one()
    mine = session.exec(select(Request).where(Request.member_id == me.id, Request.asked_at >= start)).all()
    lent = session.exec(select(Loan.id).where(Loan.borrower_id == other.id, Loan.made_at >= start)).first()
    return {
        "asked": any(one.open for one in mine),
        "decided": any(one.granted for one in mine),
        "available": wallet_of(session, me.id).available,
        "lent": lent is not None,
    }
