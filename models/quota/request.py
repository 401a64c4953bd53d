"""Requests to the manager: ask, decide once by somebody entitled, cancel, revoke, escalate, expire.

Nothing is ever approved because somebody is missing or time passed. Amounts are integers in the stored unit.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, text
from sqlmodel import Field, Session, SQLModel, col, select, update

from models.db import id_field, ref
from models.ledger.account import Account, AccountKind, organisation
from models.ledger.transfer import Cause
from models.messages.outbox import copies
from models.people.member import Member, lock_members
from models.policy.calendar import end_of_day
from models.policy.document import Policy
from models.quota.approvers import Asked, Candidate, chain, eligible, faces_asked, has_asked
from models.quota.code import Code, new_code
from models.quota.grant import end_grant, top_up
from models.quota.period import Period
from models.quota.pool import pool_for
from models.refusal import (
    AlreadyDecided,
    InsufficientQuota,
    NotAColleague,
    NothingToRevoke,
    OverCeiling,
    PoolTooSmall,
    Replaced,
    UnknownCode,
)

OPEN = ("pending", "unroutable")
BY_POLICY = "policy"
"""The answer of a request that nobody had to decide."""


class Request(SQLModel, table=True):
    """pending -> approved -> applied; or declined, cancelled, expired, void; unroutable and apply_failed are retried."""

    __table_args__ = (
        CheckConstraint("amount > 0", name="asks_for_something"),
        CheckConstraint("granted >= 0", name="granted"),
        CheckConstraint(
            "state IN ('pending', 'unroutable', 'approved', 'applied', 'apply_failed', 'declined', 'cancelled', 'expired', 'void')",
            name="state",
        ),
        CheckConstraint(
            "decided_by_id IS NULL OR decided_by_id <> member_id OR state IN ('cancelled')",
            name="not_by_oneself",
        ),
        Index(
            "uq_request_open",
            "member_id",
            unique=True,
            sqlite_where=text("state IN ('pending', 'unroutable')"),
            postgresql_where=text("state IN ('pending', 'unroutable')"),
        ),
    )

    id: int = id_field()
    code: str = Field(unique=True)
    member_id: int = ref("member.id", index=True)
    amount: int = Field(sa_type=BigInteger)
    granted: int = Field(default=0, sa_type=BigInteger)
    less: int | None = Field(default=None, sa_type=BigInteger)
    reason: str = ""
    until: date | None = None
    state: str = "pending"
    thread: str | None = None
    asked_at: datetime
    decided_by_id: int | None = ref("member.id", nullable=True)
    decided_at: datetime | None = None
    answer: str = ""
    policy: int | None = None

    @property
    def about(self) -> str:
        return f"request:{self.code}"

    def less_for(self, ceiling: int | None) -> int:
        """What *Approve less* grants: what was worked out at asking, at most this approver's ceiling; 0: no such button."""
        if ceiling is not None and ceiling < self.amount:
            return min(ceiling, self.less or ceiling)
        return self.less or 0


def ask(
    session: Session,
    member: Member,
    amount: int,
    *,
    reason: str,
    until: date | None,
    thread: str | None,
    less: int | None,
    policy: tuple[int, Policy],
    now: datetime,
) -> tuple[Request, str | None]:
    """Ask for `amount`, or amend the open request: a new CODE, the clock restarts. Returns it and the old CODE, if any.

    The first approver who may grant that much is asked; nobody: `unroutable`.
    """
    Period.current(session)
    if lock_members(session, [member.id]):
        raise NotAColleague(member.name)
    found = open_request(session, member.id, hold=True)
    before, code = (found.code if found else None), new_code(session)
    if found is None:
        found = Request(code=code, member_id=member.id, amount=amount, reason=reason, asked_at=now)
    found.code, found.amount, found.asked_at = code, amount, now
    found.reason, found.until, found.thread = (
        reason or found.reason,
        until or found.until,
        thread or found.thread,
    )
    found.less = less if less and 0 < less < amount else None
    found.state, found.policy = "unroutable", policy[0]
    session.add(found)
    session.flush()
    session.add(Code(code=code, request_id=found.id))
    for old in session.exec(select(Asked).where(Asked.request_id == found.id)).all():
        session.delete(old)
    session.flush()
    ask_next(session, found, policy[1], now)
    return found, before


def open_request(session: Session, member_id: int, *, hold: bool = False) -> Request | None:
    """What somebody has asked for and nobody decided; with `hold` nobody can meanwhile."""
    query = select(Request).where(Request.member_id == member_id, col(Request.state).in_(OPEN))
    return session.exec(query.with_for_update() if hold else query).one_or_none()


def find(session: Session, code: str, by: Member) -> Request:
    """The request of this CODE, or raise `UnknownCode`.

    For an old CODE: `Replaced`, or what became of it, told only to who asked and to who was shown it.
    """
    name = session.get(Code, code.strip().upper())
    if name is None:
        raise UnknownCode(code.strip().upper())
    found = session.get_one(Request, name.request_id)
    if found.code != name.code:
        shown_to = {copy.payload["reader"] for copy in copies(session, f"request:{name.code}")}
        if by.id not in {found.member_id, *shown_to, *faces_asked(session, found.id)}:
            raise UnknownCode(name.code)
        if found.state in OPEN:
            raise Replaced(found.code, found.amount)
        raise decided(session, found)
    return found


def ask_next(session: Session, request: Request, policy: Policy, now: datetime) -> Candidate | None:
    """Ask the next in the chain who was not asked yet, those first whose ceiling suffices; None when nobody is left."""
    asked = has_asked(session, request.id)
    left = [one for one in chain(session, policy, request.member_id, now) if one.member.id not in asked]
    enough = [one for one in left if one.ceiling is None or one.ceiling >= request.amount]
    found = next(iter(enough or left), None)
    if found is not None:
        _ask_faces(session, request, found, now)
        request.state = "pending"
    elif not asked:
        request.state = "unroutable"
    session.add(request)
    session.flush()
    return found


def _ask_faces(session: Session, request: Request, found: Candidate, now: datetime) -> None:
    """One row a person: somebody asked as a stand-in before, whose own turn it is now, is asked in their own right."""
    for who, why in found.faces(request.member_id):
        row = session.get(Asked, (request.id, who.id))
        if row is None:
            row = Asked(
                request_id=request.id, member_id=who.id, for_id=found.member.id, why=why, asked_at=now
            )
        elif who.id != found.member.id:
            continue
        row.for_id, row.why, row.ceiling, row.asked_at = found.member.id, why, found.ceiling, now
        session.add(row)
        session.flush()


def approve(
    session: Session,
    request: Request,
    decider: Member,
    amount: int | None,
    *,
    policy: Policy,
    live: bool,
    cause: Cause,
) -> Request:
    """Grant `amount` (None: what was asked). One conditional update decides; the grant is posted with it.

    `live`: a gateway must confirm before it counts as applied. Raises `UnknownCode`, `OverCeiling`,
    `AlreadyDecided`, `PoolTooSmall`.
    """
    granted = request.amount if amount is None else amount
    period = Period.current(session)
    face = eligible(
        session,
        policy,
        request.id,
        request.member_id,
        request.code,
        decider,
        cause.at,
        open_=request.state in OPEN,
    )
    if face is None:
        raise decided(session, request)
    if face.ceiling is not None and granted > face.ceiling:
        raise OverCeiling(face.ceiling)
    lock_members(session, [request.member_id])
    _decide(session, request, "approved" if live else "applied", decider, cause, granted)
    _grant(session, request, granted, period, policy, cause)
    return request


def auto_approve(
    session: Session,
    request: Request,
    most: int,
    per_period: int,
    *,
    policy: Policy,
    live: bool,
    cause: Cause,
) -> bool:
    """Grant by policy what is small and seldom: at most `most`, at most `per_period` times a period; else False."""
    period = Period.current(session)
    query = select(Request.id).where(
        Request.member_id == request.member_id,
        Request.answer == BY_POLICY,
        col(Request.decided_by_id).is_(None),
        col(Request.decided_at) >= period.starts_at,
    )
    pool = pool_for(session, session.get_one(Member, request.member_id), policy, period.id)
    short = pool is not None and pool.balance < request.amount
    if request.amount > most or short or len(session.exec(query).all()) >= per_period:
        return False
    _decide(session, request, "approved" if live else "applied", None, cause, request.amount, BY_POLICY)
    _grant(session, request, request.amount, period, policy, cause)
    return True


def decline(
    session: Session, request: Request, decider: Member, reason: str, *, policy: Policy, cause: Cause
) -> Request:
    face = eligible(
        session,
        policy,
        request.id,
        request.member_id,
        request.code,
        decider,
        cause.at,
        open_=request.state in OPEN,
    )
    if face is None:
        raise decided(session, request)
    _decide(session, request, "declined", decider, cause, 0, reason)
    return request


def cancel(session: Session, request: Request, member: Member, cause: Cause) -> Request:
    """Take it back: the requester's right alone."""
    if request.member_id != member.id:
        raise UnknownCode(request.code)
    _decide(session, request, "cancelled", member, cause, 0)
    return request


def end(session: Session, request: Request, state: str, cause: Cause) -> bool:
    """Let the clock or a leaving end it (`expired`, `void`); False when somebody was first."""
    try:
        _decide(session, request, state, None, cause, 0)
    except AlreadyDecided:
        return False
    return True


def revoke(session: Session, request: Request, decider: Member, *, cause: Cause) -> int:
    """Take back what is unspent of a grant one decided, or was told of when the policy did; returns how much."""
    if not request.granted or not _may_revoke(session, request, decider):
        raise UnknownCode(request.code)
    Period.current(session)
    lock_members(session, [request.member_id])
    account = session.exec(select(Account).where(Account.request_id == request.id)).one_or_none()
    if account is None or account.balance == 0:
        raise NothingToRevoke(request.code)
    return end_grant(session, account, cause)


def _may_revoke(session: Session, request: Request, decider: Member) -> bool:
    if request.decided_by_id is not None or request.answer != BY_POLICY:
        return request.decided_by_id == decider.id
    return decider.id != request.member_id and decider.id in faces_asked(session, request.id)


def decided(session: Session, request: Request) -> AlreadyDecided:
    """The facts of what became of it, freshly read: whoever lost a race sees who won."""
    session.refresh(request)
    who = session.get(Member, request.decided_by_id) if request.decided_by_id else None
    return AlreadyDecided(
        request.code,
        request.state,
        who.name if who else "",
        request.decided_at or request.asked_at,
        request.granted,
    )


def _decide(
    session: Session,
    request: Request,
    state: str,
    who: Member | None,
    cause: Cause,
    granted: int,
    answer: str = "",
) -> None:
    """The one conditional update: whoever finds it open wins."""
    session.flush()
    result = session.execute(
        update(Request)
        .where(col(Request.id) == request.id, col(Request.code) == request.code, col(Request.state).in_(OPEN))
        .values(
            state=state,
            granted=granted,
            decided_by_id=who.id if who else None,
            decided_at=cause.at,
            answer=answer,
        )
        .execution_options(synchronize_session=False)
    )
    code = request.code
    session.refresh(request)
    if not result.rowcount:  # type: ignore[attr-defined]
        raise Replaced(request.code, request.amount) if request.code != code else decided(session, request)


def _grant(
    session: Session, request: Request, amount: int, period: Period, policy: Policy, cause: Cause
) -> None:
    member = session.get_one(Member, request.member_id)
    pool = pool_for(session, member, policy, period.id)
    source = pool.id if pool else organisation(session, AccountKind.ISSUED, cause.at)
    ends_at = period.ends_at if request.until is None else end_of_day(request.until, policy.zone)
    try:
        top_up(session, member.id, amount, source=source, ends_at=ends_at, cause=cause, request_id=request.id)
    except InsufficientQuota as no:
        assert pool is not None
        raise PoolTooSmall(pool.team or "", no.available) from no
