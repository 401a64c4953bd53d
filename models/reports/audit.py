"""The audit trail as plain rows: changes of authority, decisions, forgivenesses and transfers, each with its actor."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any

from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from models.ledger.account import Account
from models.ledger.transfer import Transfer
from models.people.authority import Authority
from models.people.member import Member
from models.policy.calendar import midnight
from models.quota.decision import Decision
from models.quota.forgiveness import Forgiveness
from models.quota.loan import Loan
from models.quota.request import Request
from models.reports.style import PAGE, Row, Style
from models.statement import parts

COLUMNS = (
    "record", "id", "at", "actor", "what", "who", "on_behalf_of", "before", "after", "amount", "unit", "code", "reason", "answer",
    "cause", "policy",
)  # fmt: skip
_MEMBER = re.compile(r"member:(\d+)")


def audit_page(session: Session, style: Style, since: date | None, after: Any) -> tuple[list[Row], Any]:
    # One record after the other, each in the order of its rows.
    place, number = after or (0, 0)
    while place < len(_RECORDS):
        name, table, read = _RECORDS[place]
        query = select(table.id).where(table.id > number)
        if since is not None:
            query = query.where(table.at >= midnight(since, style.zone))
        ids = session.exec(query.order_by(table.id).limit(PAGE)).all()
        if ids:
            unit = style.unit.value if name != "authority" else None
            blank: Row = dict.fromkeys(COLUMNS) | {"record": name, "unit": unit}
            rows = [blank | row for row in read(session, style, ids)]
            return _with_emails(session, rows), (place, ids[-1])
        place, number = place + 1, 0
    return [], None


def newest(
    session: Session, style: Style, records: Sequence[str], since: date | None, most: int
) -> list[Row]:
    """The newest rows of these records, latest first."""
    found: list[Row] = []
    for name, table, read in _RECORDS:
        if name not in records:
            continue
        query = select(table.id).order_by(table.id.desc()).limit(most)
        if since is not None:
            query = query.where(table.at >= midnight(since, style.zone))
        ids = session.exec(query).all()
        found += [dict.fromkeys(COLUMNS) | {"record": name} | row for row in read(session, style, ids)]
    found.sort(key=lambda row: (row["at"], row["id"]), reverse=True)
    return _with_emails(session, found[:most])


def _columns(table: Any) -> Any:
    # Rows cost a quarter of objects.
    return table.__table__.columns


def _authority(session: Session, style: Style, ids: Sequence[int]) -> Iterable[Row]:
    query = select(*_columns(Authority)).where(col(Authority.id).in_(ids)).order_by(col(Authority.id))
    for one in session.exec(query):
        yield {
            "id": one.id, "at": style.time(one.at), "actor": one.actor, "what": one.what, "before": one.was,
            "after": one.becomes, "who": _member(one.member_id),
        }  # fmt: skip


def _decisions(session: Session, style: Style, ids: Sequence[int]) -> Iterable[Row]:
    wanted: Any = (*_columns(Decision), col(Request.member_id).label("asker"))
    query = select(*wanted).join(Request, col(Request.id) == Decision.request_id)
    for one in session.exec(query.where(col(Decision.id).in_(ids)).order_by(col(Decision.id))):
        until = f" until {one.until.isoformat()}" if one.until else ""
        yield {
            "id": one.id, "at": style.time(one.at), "actor": one.actor, "what": one.outcome, "who": _member(one.asker),
            "on_behalf_of": _member(one.for_id), "before": f"asked {style.amount(one.amount)}{until}",
            "after": f"granted {style.amount(one.granted)}", "amount": style.amount(one.granted or one.amount), "code": one.code,
            "reason": one.reason, "answer": one.answer, "cause": one.cause, "policy": one.policy,
        }  # fmt: skip


def _forgivenesses(session: Session, style: Style, ids: Sequence[int]) -> Iterable[Row]:
    query = select(Forgiveness, Loan).join(Loan, col(Loan.id) == Forgiveness.loan_id)
    for one, loan in session.exec(query.where(col(Forgiveness.id).in_(ids)).order_by(col(Forgiveness.id))):
        yield {
            "id": one.id, "at": style.time(one.at), "actor": one.actor, "what": "forgive", "who": _member(loan.borrower_id),
            "on_behalf_of": _member(loan.lender_id), "amount": style.amount(one.amount), "reason": one.reason,
            "cause": one.cause,
        }  # fmt: skip


def _transfers(session: Session, style: Style, ids: Sequence[int]) -> Iterable[Row]:
    source, target = aliased(Account), aliased(Account)
    query = (
        select(Transfer, source, target)
        .join(source, col(source.id) == Transfer.source_id)
        .join(target, col(target.id) == Transfer.target_id)
        .where(col(Transfer.id).in_(ids))
        .order_by(col(Transfer.id))
    )
    for one, giver, taker in session.exec(query):
        yield {
            "id": one.id, "at": style.time(one.at), "actor": one.actor, "what": str(one.kind),
            "who": _member(taker.member_id or giver.member_id), "before": _account(giver), "after": _account(taker),
            "amount": style.amount(one.amount), "reason": one.reason, "cause": one.cause, "policy": one.policy,
        }  # fmt: skip


def _account(account: Account) -> str:
    return " ".join(filter(None, (str(account.kind), account.team, _member(account.member_id))))


def _member(member_id: int | None) -> str:
    return f"member:{member_id}" if member_id else ""


def _with_emails(session: Session, rows: list[Row]) -> list[Row]:
    named = ("actor", "who", "on_behalf_of", "before", "after")
    ids = {int(one) for row in rows for name in named for one in _MEMBER.findall(row.get(name) or "")}
    emails: dict[int, str] = {}
    for part in parts(ids):
        emails |= dict(session.exec(select(Member.id, Member.email).where(col(Member.id).in_(part))).all())

    # Columns name members as `member:7`, also inside a text.
    def email(found: re.Match[str]) -> str:
        return emails.get(int(found[1]), found[0])

    for row in rows:
        row |= {name: _MEMBER.sub(email, row[name]) for name in named if row.get(name)}
    return rows


_RECORDS: tuple[tuple[str, Any, Callable[..., Iterable[Row]]], ...] = (
    ("authority", Authority, _authority),
    ("decision", Decision, _decisions),
    ("forgiveness", Forgiveness, _forgivenesses),
    ("transfer", Transfer, _transfers),
)
