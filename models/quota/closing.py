"""How one period closes and the next opens: a job of small steps over ranges of people.

Its place (step, cursor) is a row changed in the same transaction as the postings, so it can be killed anywhere and
run again, by one process or by two. No step begins before the one before is complete for everybody.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import func, text
from sqlmodel import Session, col, select

from models.db import is_postgres, stored_time
from models.ledger.account import Account, AccountKind, organisation
from models.ledger.bulk import portion, post_all, smaller
from models.ledger.transfer import Cause, Kind, transfer
from models.people.member import Member
from models.policy import versions
from models.policy.calendar import next_span, span_of
from models.policy.document import Policy
from models.quota.allocation import Allowance, dues, note_allowances, welcome_all
from models.quota.period import CHUNK, Period, PeriodState
from models.quota.pool import fit_pools

CHUNK_ALONE = 1_000
"""People a piece where one writer does everything: whoever asks for their balance meanwhile waits for one piece."""


def open_first(session: Session, now: datetime, version: int, policy: Policy) -> Period:
    """Begin the first period: nothing to close, whole allocations. `advance` does the rest."""
    span = span_of(policy.period, policy.zone, now)
    period = Period(starts_at=span.start, ends_at=span.end, policy=version, step=_STEPS.index(_allocate))
    session.add(period)
    session.flush()
    return period


def begin_turn(session: Session, now: datetime) -> bool:
    """Begin to close the open period when its time is over; True when there is something to advance."""
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
    """One transaction of the job: the period that opens, and the range of people `lo < id <= hi`."""

    session: Session
    period: Period
    policy: Policy
    cause: Cause
    lo: int
    hi: int

    def post(self, moves: str, **words: Any) -> int:
        people: dict[str, Any] = {"lo": self.lo, "hi": self.hi}
        return post_all(self.session, moves, people | words, self.cause)

    def account(self, kind: AccountKind) -> int:
        return organisation(self.session, kind, self.cause.at)


def advance(session: Session, now: datetime) -> bool:
    """Do the next piece of closing and opening; True while there is more. The caller commits after each piece."""
    period = session.exec(
        select(Period).where(Period.state == PeriodState.TURNING).with_for_update()
    ).one_or_none()
    current = versions.current(session)
    if period is None or current is None:
        return False
    version, policy = current
    cause = Cause(max(now, period.starts_at), "policy", f"period:{period.id}", policy=version)
    hi = _end_of_range(session, period.cursor)
    if hi is not None:
        _STEPS[period.step](Turn(session, period, policy, cause, period.cursor, hi))
        period.cursor = hi
    else:
        period.step, period.cursor = period.step + 1, 0
    if period.step == len(_STEPS):
        _expire_pools(session, period, cause)
        fit_pools(session, period, policy, cause)
        period.become(PeriodState.OPEN)
        period.policy = version
    session.add(period)
    session.flush()
    if period.state == PeriodState.OPEN:
        _welcome_latecomers(session, period, cause.at)
    return period.state == PeriodState.TURNING


def _welcome_latecomers(session: Session, period: Period, now: datetime) -> None:
    """Who joined behind the back of the step that allocates."""
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
    """A pool belongs to its period: what is left of an older one expires."""
    expired = organisation(session, AccountKind.EXPIRED, cause.at)
    pools = (
        select(Account).where(Account.kind == AccountKind.POOL, Account.balance > 0).order_by(col(Account.id))
    )
    for pool in session.exec(pools).all():
        if pool.period_id != period.id:
            transfer(session, Kind.EXPIRE, pool.balance, source=pool.id, target=expired, cause=cause)


def _return_loans(turn: Turn) -> None:
    """What was lent and not spent goes back to who lent it."""
    turn.post(
        "SELECT 'return' AS kind, a.balance AS amount, a.id AS source_id, t.id AS target_id, l.id AS loan_id "
        "FROM account a JOIN loan l ON l.account_id = a.id "
        "JOIN account t ON t.member_id = l.lender_id AND t.kind = 'allocation' "
        "WHERE a.kind = 'loan' AND a.balance > 0 AND a.member_id > :lo AND a.member_id <= :hi ORDER BY l.id"
    )


def _fill(turn: Turn) -> None:
    """Own quota goes into the overdraft before anything else happens to it."""
    turn.post(
        f"SELECT 'fill' AS kind, {smaller('a.balance', '-o.balance')} AS amount, a.id AS source_id, o.id AS target_id, "
        "CAST(NULL AS BIGINT) AS loan_id FROM account a JOIN account o ON o.member_id = a.member_id AND o.kind = 'overdraft' "
        "WHERE a.kind = 'allocation' AND a.balance > 0 AND o.balance < 0 AND a.member_id > :lo AND a.member_id <= :hi "
        "ORDER BY a.id"
    )


def _expire(turn: Turn) -> None:
    """The unspent allocation carries over as far as policy says; the rest and the ended top-ups expire."""
    share = Decimal(str(turn.policy.carry_over.share))
    numerator, denominator = share.as_integer_ratio()
    carried = portion("a.balance", str(numerator), str(denominator))
    if turn.policy.carry_over.cap is not None:
        carried = smaller(carried, str(int(turn.policy.carry_over.cap)))
    turn.post(
        f"SELECT 'expire' AS kind, CASE WHEN a.kind = 'allocation' THEN a.balance - {carried} ELSE a.balance END AS amount, "
        "a.id AS source_id, CAST(:expired AS BIGINT) AS target_id, CAST(NULL AS BIGINT) AS loan_id FROM account a "
        "WHERE a.balance > 0 AND a.member_id > :lo AND a.member_id <= :hi "
        "AND (a.kind = 'allocation' OR (a.kind = 'top_up' AND a.ends_at <= :boundary)) ORDER BY a.id",
        expired=turn.account(AccountKind.EXPIRED),
        boundary=stored_time(turn.session, turn.period.starts_at),
    )


def _allocate(turn: Turn) -> None:
    """Everybody who is here gets the base that policy gives."""
    session, period = turn.session, turn.period
    words = {"lo": turn.lo, "hi": turn.hi, "at": stored_time(session, turn.cause.at)}
    session.connection().execute(_OPEN_ALLOCATIONS, words)
    in_range = (col(Member.id) > turn.lo, col(Member.id) <= turn.hi)
    note_allowances(session, period.id, dues(session, turn.policy, *in_range), period.starts_at)
    turn.post(
        "SELECT 'allocate' AS kind, w.base AS amount, CAST(:issued AS BIGINT) AS source_id, a.id AS target_id, CAST(NULL AS BIGINT) AS loan_id "
        "FROM allowance w JOIN account a ON a.member_id = w.member_id AND a.kind = 'allocation' "
        "WHERE w.period_id = :period AND w.member_id > :lo AND w.member_id <= :hi ORDER BY a.id",
        issued=turn.account(AccountKind.ISSUED),
        period=period.id,
    )


def _fill_new(turn: Turn) -> None:
    """An overdraft is filled from the new allocation, and how much is kept: it lowers what is repaid."""
    words = {"lo": turn.lo, "hi": turn.hi, "period": turn.period.id}
    turn.session.connection().execute(_NOTE_FILLED, words)
    _fill(turn)


def _repay(turn: Turn) -> None:
    """Each borrower repays at most min(share × base, base − filled), oldest debt first.

    What one repays depends on their own base alone, never on what others repaid just now, so the order is free.
    """
    numerator, denominator = Decimal(str(turn.policy.lending.repay_share)).as_integer_ratio()
    most = smaller(portion("w.base", str(numerator), str(denominator)), "w.base - w.filled")
    debts = (
        "SELECT l.id, l.borrower_id, l.lender_id, "
        "SUM(CASE t.kind WHEN 'use' THEN t.amount WHEN 'repay' THEN -t.amount ELSE 0 END) - l.forgiven AS owed "
        "FROM loan l JOIN transfer t ON t.loan_id = l.id "
        "WHERE l.closed_at IS NULL AND l.borrower_id > :lo AND l.borrower_id <= :hi "
        "GROUP BY l.id, l.borrower_id, l.lender_id, l.forgiven"
    )
    turn.post(
        "SELECT 'repay' AS kind, CASE WHEN d.most - d.earlier < d.owed THEN d.most - d.earlier ELSE d.owed END AS amount, "
        "s.id AS source_id, g.id AS target_id, d.id AS loan_id FROM ("
        f"SELECT q.id, q.borrower_id, q.lender_id, q.owed, {most} AS most, "
        "SUM(q.owed) OVER (PARTITION BY q.borrower_id ORDER BY q.id) - q.owed AS earlier "
        f"FROM ({debts}) q JOIN allowance w ON w.member_id = q.borrower_id AND w.period_id = :period WHERE q.owed > 0) d "
        "JOIN account s ON s.member_id = d.borrower_id AND s.kind = 'allocation' "
        "JOIN account g ON g.member_id = d.lender_id AND g.kind = 'allocation' "
        "WHERE d.most > d.earlier ORDER BY d.id",
        period=turn.period.id,
    )


def _close_loans(turn: Turn) -> None:
    """A loan of which nothing is unspent and nothing owed is closed; lenders' overdrafts take what came back."""
    words = {"lo": turn.lo, "hi": turn.hi, "at": stored_time(turn.session, turn.cause.at)}
    turn.session.connection().execute(_SETTLED, words)
    _fill(turn)


_STEPS: tuple[Callable[[Turn], None], ...] = (
    _return_loans,
    _fill,
    _expire,
    _allocate,
    _fill_new,
    _repay,
    _close_loans,
)

_OPEN_ALLOCATIONS = text(
    "INSERT INTO account (kind, balance, member_id, opened_at) SELECT 'allocation', 0, m.id, :at FROM member m "
    "WHERE m.id > :lo AND m.id <= :hi AND m.left_at IS NULL "
    "AND NOT EXISTS (SELECT 1 FROM account a WHERE a.member_id = m.id AND a.kind = 'allocation') ORDER BY m.id"
)
_NOTE_FILLED = text(
    "UPDATE allowance SET filled = CASE WHEN base < -o.balance THEN base ELSE -o.balance END FROM account o "
    "WHERE o.member_id = allowance.member_id AND o.kind = 'overdraft' AND o.balance < 0 "
    "AND allowance.period_id = :period AND allowance.member_id > :lo AND allowance.member_id <= :hi"
)
_SETTLED = text(
    "UPDATE loan SET closed_at = :at WHERE closed_at IS NULL AND borrower_id > :lo AND borrower_id <= :hi "
    "AND forgiven = (SELECT COALESCE(SUM(CASE t.kind WHEN 'use' THEN t.amount WHEN 'repay' THEN -t.amount ELSE 0 END), 0) "
    "FROM transfer t WHERE t.loan_id = loan.id) "
    "AND (SELECT a.balance FROM account a WHERE a.id = loan.account_id) = 0"
)
