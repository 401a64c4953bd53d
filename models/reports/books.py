"""The books as plain rows for `export`, a page at a time by key. Amounts are decimal strings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from sqlalchemy import tuple_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from models.ledger.account import Account
from models.ledger.transfer import Transfer
from models.metering.usage import Usage
from models.people.member import Member
from models.policy.calendar import midnight
from models.quota.forgiveness import TRANSFERRED
from models.quota.loan import Loan
from models.quota.loan_sums import NAMES, Sums
from models.quota.period import Period
from models.quota.request import Request
from models.reports import audit
from models.reports.style import PAGE, Row, Style


class Page(Protocol):
    def __call__(
        self, session: Session, style: Style, since: date | None, after: Any
    ) -> tuple[list[Row], Any]: ...


@dataclass(frozen=True)
class Book:
    """`page` returns the next rows and the key of the last one: the next page begins `after` it."""

    columns: tuple[str, ...]
    page: Page


def _ledger(session: Session, style: Style, since: date | None, after: Any) -> tuple[list[Row], Any]:
    source, target = aliased(Account), aliased(Account)
    giver, taker = aliased(Member), aliased(Member)
    query = (
        select(Transfer, source.kind, source.team, giver.email, target.kind, target.team, taker.email)  # type: ignore[call-overload]
        .join(source, col(source.id) == Transfer.source_id)
        .join(target, col(target.id) == Transfer.target_id)
        .outerjoin(giver, col(giver.id) == source.member_id)
        .outerjoin(taker, col(taker.id) == target.member_id)
        .where(col(Transfer.id) > (after or 0))
    )
    if since is not None:
        query = query.where(col(Transfer.at) >= midnight(since, style.zone))
    found = session.exec(query.order_by(col(Transfer.id)).limit(PAGE)).all()
    rows = [
        {
            "id": one.id,
            "at": style.time(one.at),
            "kind": str(one.kind),
            "amount": style.amount(one.amount),
            "unit": style.unit.value,
            "from": str(from_kind),
            "from_whom": from_email or from_team,
            "to": str(to_kind),
            "to_whom": to_email or to_team,
            "loan": one.loan_id,
            "actor": one.actor,
            "cause": one.cause,
            "reason": one.reason,
            "policy": one.policy,
        }
        for one, from_kind, from_team, from_email, to_kind, to_team, to_email in found
    ]
    return rows, found[-1][0].id if found else None


def _loans(session: Session, style: Style, since: date | None, after: Any) -> tuple[list[Row], Any]:
    lender, borrower = aliased(Member), aliased(Member)
    query = (
        select(Loan, lender.email, borrower.email, Period.starts_at)
        .join(lender, col(lender.id) == Loan.lender_id)
        .join(borrower, col(borrower.id) == Loan.borrower_id)
        .join(Period, col(Period.id) == Loan.period_id)
        .where(col(Loan.id) > (after or 0))
    )
    if since is not None:
        query = query.where(col(Loan.made_at) >= midnight(since, style.zone))
    found = session.exec(query.order_by(col(Loan.id)).limit(PAGE)).all()
    sums = _sums(session, [one for one, *_ in found])
    rows = [
        {
            "id": one.id,
            "lender": giver,
            "borrower": taker,
            "period": style.time(starts_at),
            **{name: style.amount(getattr(sums[one.id], name)) for name in NAMES},
            "unit": style.unit.value,
            "made_at": style.time(one.made_at),
            "closed_at": style.time(one.closed_at),
        }
        for one, giver, taker, starts_at in found
    ]
    return rows, found[-1][0].id if found else None


def _sums(session: Session, loans: list[Loan]) -> dict[int, Sums]:
    query: Any = (
        select(col(Transfer.loan_id), *TRANSFERRED)
        .where(col(Transfer.loan_id).in_([loan.id for loan in loans]))
        .group_by(col(Transfer.loan_id))
    )
    moved = {number: [int(amount) for amount in amounts] for number, *amounts in session.exec(query).all()}
    sums = {}
    for loan in loans:
        lent, returned, used, repaid = moved.get(loan.id, [0, 0, 0, 0])
        sums[loan.id] = Sums(lent, returned, used, repaid, loan.forgiven)
    return sums


def _requests(session: Session, style: Style, since: date | None, after: Any) -> tuple[list[Row], Any]:
    asker, decider = aliased(Member), aliased(Member)
    query = (
        select(Request, asker.email, decider.email)
        .join(asker, col(asker.id) == Request.member_id)
        .outerjoin(decider, col(decider.id) == Request.decided_by_id)
        .where(col(Request.id) > (after or 0))
    )
    if since is not None:
        query = query.where(col(Request.asked_at) >= midnight(since, style.zone))
    found = session.exec(query.order_by(col(Request.id)).limit(PAGE)).all()
    rows = [
        {
            "code": one.code,
            "email": email,
            "amount": style.amount(one.amount),
            "granted": style.amount(one.granted),
            "unit": style.unit.value,
            "reason": one.reason,
            "state": one.state,
            "asked_at": style.time(one.asked_at),
            "until": one.until.isoformat() if one.until else None,
            "decided_by": by or ("policy" if one.answer == "policy" else None),
            "decided_at": style.time(one.decided_at),
            "answer": one.answer,
            "policy": one.policy,
        }
        for one, email, by in found
    ]
    return rows, found[-1][0].id if found else None


def _usage(session: Session, style: Style, since: date | None, after: Any) -> tuple[list[Row], Any]:
    key = (col(Usage.member_id), col(Usage.day), col(Usage.model))
    query = select(Usage, Member.email).join(Member, col(Member.id) == Usage.member_id)
    if after is not None:
        query = query.where(tuple_(*key) > tuple_(*after))
    if since is not None:
        query = query.where(Usage.day >= since)
    found = session.exec(query.order_by(*key).limit(PAGE)).all()
    rows = [
        {
            "email": email,
            "day": one.day.isoformat(),
            "model": one.model,
            "amount": style.amount(one.amount),
            "unit": style.unit.value,
            "input_tokens": one.input_tokens,
            "output_tokens": one.output_tokens,
        }
        for one, email in found
    ]
    last = found[-1][0] if found else None
    return rows, (last.member_id, last.day, last.model) if last else None


BOOKS: dict[str, Book] = {
    "audit": Book(audit.COLUMNS, audit.audit_page),
    "ledger": Book(
        ("id", "at", "kind", "amount", "unit", "from", "from_whom", "to", "to_whom", "loan", "actor", "cause", "reason", "policy"),
        _ledger,
    ),
    "loans": Book(("id", "lender", "borrower", "period", *NAMES, "unit", "made_at", "closed_at"), _loans),
    "requests": Book(
        ("code", "email", "amount", "granted", "unit", "reason", "state", "asked_at", "until", "decided_by", "decided_at", "answer", "policy"),
        _requests,
    ),
    "usage": Book(("email", "day", "model", "amount", "unit", "input_tokens", "output_tokens"), _usage),
}  # fmt: skip
