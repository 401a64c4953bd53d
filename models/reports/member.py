"""One member's amounts, loans and requests as plain data: `show --json`."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from models.ledger.amount import Unit, plain
from models.metering.accounts import accounts_of
from models.metering.gateway_state import rate_now
from models.people.member import Member
from models.policy import document, versions
from models.quota.allocation import allowance_of
from models.quota.approvers import Asked
from models.quota.loan import Loan, loans_of
from models.quota.loan_sums import NAMES, Sums
from models.quota.period import Period
from models.quota.request import Request
from models.quota.wallet import wallet_of


def overview(session: Session, member: Member) -> dict[str, Any]:
    """Amounts are plain decimal strings, times carry the policy's zone, `end` is exclusive."""
    current, period = versions.current(session), Period.latest(session)
    view = _View(
        session, current[1].unit if current else None, current[1].zone if current else ZoneInfo("UTC")
    )
    has = wallet_of(session, member.id)
    allowance = allowance_of(session, member.id, period.id) if period else None
    loans = loans_of(session, member.id, closed=True)
    given = [sums for loan, sums in loans if loan.lender_id == member.id]
    taken = [sums for loan, sums in loans if loan.borrower_id == member.id]
    amounts = {
        "base": allowance.base if allowance else 0,
        "available": has.available,
        "allocation": has.allocation,
        "top_ups": has.top_ups,
        "borrowed": has.borrowed,
        "overdraft": has.overdraft,
        "lent": sum(sums.open for sums in given),
        "owed": sum(sums.owed for sums in taken),
        "owed_to_me": sum(sums.owed for sums in given),
        "used": has.used - (allowance.used_before if allowance else 0),
        "used_total": has.used,
        "entitlement": has.entitlement,
    }
    return {
        "email": member.email,
        "name": member.name,
        "unit": view.unit.value if view.unit else None,
        **{name: view.amount(amount) for name, amount in amounts.items()},
        "limit": view.limit(member.id, current[1] if current else None),
        "period": {"start": view.time(period.starts_at), "end": view.time(period.ends_at)}
        if period
        else None,
        "loans": [view.loan(loan, sums, member.id) for loan, sums in loans],
        "requests": [view.request(one) for one in _requests(session, member.id)],
    }


def _requests(session: Session, member_id: int) -> list[Request]:
    query = select(Request).where(Request.member_id == member_id).order_by(col(Request.id))
    return list(session.exec(query).all())


class _View:
    def __init__(self, session: Session, unit: Unit | None, zone: ZoneInfo) -> None:
        self.session, self.unit, self.zone = session, unit, zone

    def amount(self, stored: int) -> str:
        return plain(stored, self.unit) if self.unit else str(stored)

    def time(self, at: datetime | None) -> str | None:
        return at.astimezone(self.zone).isoformat() if at else None

    def limit(self, member_id: int, policy: document.Policy | None) -> str | None:
        """The limit last read at the gateway, as booked quota; None without a limit."""
        totals = [row.total for row in accounts_of(self.session, member_id)]
        if policy is None or not totals or None in totals:
            return None
        return self.amount(rate_now(self.session, policy).booked(sum(filter(None, totals))))

    def loan(self, loan: Loan, sums: Sums, member_id: int) -> dict[str, Any]:
        lends = loan.lender_id == member_id
        period = self.session.get_one(Period, loan.period_id)
        return {
            "id": loan.id,
            "role": "lender" if lends else "borrower",
            "with": self._email(loan.borrower_id if lends else loan.lender_id),
            **{name: self.amount(getattr(sums, name)) for name in NAMES},
            "period": self.time(period.starts_at),
        }

    def request(self, one: Request) -> dict[str, Any]:
        asked = self.session.exec(
            select(Member.email)
            .join(Asked, col(Asked.member_id) == Member.id)
            .where(Asked.request_id == one.id)
            .order_by(col(Asked.asked_at), col(Asked.member_id))
        ).all()
        return {
            "code": one.code,
            "amount": self.amount(one.amount),
            "granted": self.amount(one.granted),
            "reason": one.reason,
            "state": one.state,
            "asked": self.time(one.asked_at),
            "approvers": list(asked),
            "decided_by": self._email(one.decided_by_id) or ("policy" if one.answer == "policy" else None),
            "decided_at": self.time(one.decided_at),
            "until": one.until.isoformat() if one.until else None,
        }

    def _email(self, member_id: int | None) -> str | None:
        return self.session.get_one(Member, member_id).email if member_id else None
