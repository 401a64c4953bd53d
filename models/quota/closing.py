"""Close one period and open the next: a job of small steps over ranges of people (sql/closing.sql).

Its place (step, cursor) is a row changed in the same transaction as the postings, so it can be killed anywhere and
run again, by one process or by two. No step begins before the one before is complete for everybody.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from models.ledger.account import Account, AccountKind, organisation
from models.ledger.overdraft import RANGE, fill_overdrafts
from models.ledger.transfer import Cause, Kind, post_all, transfer
from models.people.member import Member
from models.policy import versions
from models.policy.calendar import Span, next_span, span_of
from models.policy.document import Policy
from models.quota.allocation import Allowance, dues, note_allowances, welcome_all
from models.quota.period import CHUNK, Period, PeriodState
from models.quota.pool import fit_pools
from models.statement import SqlFile, Statement, is_postgres

CHUNK_ALONE = 1_000
"""People a piece on SQLite: every other write waits for one piece."""
NO_CAP = 2**62
"""More than any allocation."""

SQL = SqlFile("models.quota", "sql/closing.sql")
_OPEN_ALLOCATIONS = Statement(SQL.text("open_allocations"))
_NOTE_FILLED = Statement(SQL.text("note_filled"))
_CLOSE_LOANS = Statement(SQL.text("close_loans"))
_OVER = Statement(
    "SELECT EXISTS (SELECT 1 FROM period WHERE state <> 'closed' AND ends_at <= :now)", row=bool
)
_BEFORE = Statement(SQL.text("before"), row=int)


def open_first(session: Session, now: datetime, version: int, policy: Policy) -> Period:
    # Nothing closes before the first period, so the job begins with `_allocate`.
    span = span_of(policy.period, policy.zone, now)
    step = _STEPS.index(_allocate)
    period = Period(starts_at=span.start, ends_at=span.end, policy=version, step=step, told=None)
    session.add(period)
    session.flush()
    return period


def overdue(session: Session, now: datetime) -> list[Span]:
    """The periods that would close at once, where these are more than one: the clock is wrong, or nothing ran for long."""
    session.flush()
    # Asked before each piece of a job.
    if not _OVER.one(session, now=now):
        return []
    period, current = Period.latest(session), versions.current(session)
    if period is None or current is None:
        return []
    _, policy = current
    found, span = list[Span](), period.span
    while span.end <= now:
        found.append(span)
        span = next_span(policy.period, policy.zone, span)
    return found if len(found) > 1 else []


def begin_turn(session: Session, now: datetime) -> bool:
    """Begin to close the open period when its time is over. True when there is something to advance."""
    found = session.exec(
        select(Period).where(Period.state != PeriodState.CLOSED).with_for_update()
    ).one_or_none()
    if found is None or found.state == PeriodState.TURNING:
        return found is not None
    current = versions.current(session)
    if now < found.ends_at or current is None:
        return False
    version, policy = current
    span = next_span(policy.period, policy.zone, found.span)
    found.become(PeriodState.CLOSED)
    session.add(found)
    session.flush()
    session.add(Period(starts_at=span.start, ends_at=span.end, policy=version))
    session.flush()
    return True


@dataclass(frozen=True)
class Turn:
    """One transaction of the job: the period that opens, and the range of people `lo < id <= hi`.

    `cause`: for postings of the period that opens; `closing`: for those of the period that closes.
    """

    session: Session
    period: Period
    policy: Policy
    cause: Cause
    closing: Cause
    lo: int
    hi: int

    @property
    def people(self) -> dict[str, Any]:
        return {"lo": self.lo, "hi": self.hi}

    def post(self, moves: str, cause: Cause, **words: Any) -> int:
        return post_all(self.session, SQL.text(moves), cause, **self.people, **words)

    def account(self, kind: AccountKind) -> int:
        return organisation(self.session, kind, self.cause.at)


def advance(session: Session, now: datetime) -> bool:
    """Do the next piece of closing and opening. True while there is more. The caller commits each piece."""
    period = session.exec(
        select(Period).where(Period.state == PeriodState.TURNING).with_for_update()
    ).one_or_none()
    current = versions.current(session)
    if period is None or current is None:
        return False
    version, policy = current
    cause = Cause(
        max(now, period.starts_at), "policy", f"period:{period.id}", policy=version, period_id=period.id
    )
    closing = replace(cause, period_id=_BEFORE.first(session, start=period.starts_at))
    # A step ends when no member has an id above the cursor; the next one begins with everybody.
    hi = _end_of_range(session, period.cursor)
    if hi is not None:
        _STEPS[period.step](Turn(session, period, policy, cause, closing, period.cursor, hi))
        period.cursor = hi
    else:
        period.step, period.cursor = period.step + 1, 0
    if period.step == len(_STEPS):
        _expire_pools(session, period, closing)
        fit_pools(session, period, policy, cause)
        period.become(PeriodState.OPEN)
        period.policy = version
    session.add(period)
    session.flush()
    if period.state == PeriodState.OPEN:
        _welcome_latecomers(session, period, cause.at)
    return period.state == PeriodState.TURNING


def _welcome_latecomers(session: Session, period: Period, now: datetime) -> None:
    # They joined after `_allocate` had passed their id.
    known = select(Allowance.member_id).where(Allowance.period_id == period.id)
    query = select(Member.id).where(col(Member.left_at).is_(None), col(Member.id).not_in(known))
    welcome_all(session, session.exec(query).all(), now)


def _end_of_range(session: Session, after: int) -> int | None:
    most = CHUNK if is_postgres(session) else min(CHUNK, CHUNK_ALONE)
    following = (
        select(Member.id).where(col(Member.id) > after).order_by(col(Member.id)).limit(most).subquery()
    )
    found: int | None = session.exec(select(func.max(following.c.id))).one()
    return found


def _expire_pools(session: Session, period: Period, cause: Cause) -> None:
    # A pool belongs to its period.
    expired = organisation(session, AccountKind.EXPIRED, cause.at)
    pools = (
        select(Account).where(Account.kind == AccountKind.POOL, Account.balance > 0).order_by(col(Account.id))
    )
    for pool in session.exec(pools).all():
        if pool.period_id != period.id:
            transfer(session, Kind.EXPIRE, pool.balance, source=pool.id, target=expired, cause=cause)


# The steps, in the order of `_STEPS`


def _return_loans(turn: Turn) -> None:
    turn.post("returns", turn.closing)


def _fill(turn: Turn) -> None:
    # Before anything else happens to own quota.
    fill_overdrafts(turn.session, RANGE, turn.cause, **turn.people)


def _expire(turn: Turn) -> None:
    # The unspent allocation carries over as far as policy says; the rest and the ended top-ups expire.
    carry_over = turn.policy.carry_over
    turn.post(
        "expiries",
        turn.closing,
        expired=turn.account(AccountKind.EXPIRED),
        boundary=turn.period.starts_at,
        cap=NO_CAP if carry_over.cap is None else int(carry_over.cap),
        **_fraction(carry_over.share),
    )


def _allocate(turn: Turn) -> None:
    session, period = turn.session, turn.period
    _OPEN_ALLOCATIONS.changed(session, at=turn.cause.at, **turn.people)
    in_range = (col(Member.id) > turn.lo, col(Member.id) <= turn.hi)
    note_allowances(session, period.id, dues(session, turn.policy, *in_range), period.starts_at)
    turn.post("allocations", turn.cause, issued=turn.account(AccountKind.ISSUED), period=period.id)


def _fill_new(turn: Turn) -> None:
    # The part that fills an overdraft is noted: that much less is repaid.
    _NOTE_FILLED.changed(turn.session, period=turn.period.id, **turn.people)
    _fill(turn)


def _repay(turn: Turn) -> None:
    # The amount depends on the borrower's own base alone, so people can be done in any order.
    turn.post("repayments", turn.cause, period=turn.period.id, **_fraction(turn.policy.lending.repay_share))


def _close_loans(turn: Turn) -> None:
    # Lenders' overdrafts take what came back.
    _CLOSE_LOANS.changed(turn.session, at=turn.cause.at, **turn.people)
    _fill(turn)


def _fraction(share: Decimal) -> dict[str, int]:
    # Integers: 0.3 is 3/10, and the database multiplies exactly.
    numerator, denominator = share.as_integer_ratio()
    return {"numerator": numerator, "denominator": denominator}


_STEPS: tuple[Callable[[Turn], None], ...] = (
    _return_loans,
    _fill,
    _expire,
    _allocate,
    _fill_new,
    _repay,
    _close_loans,
)
