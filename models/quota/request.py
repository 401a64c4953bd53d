"""Requests for more quota: their states and every way from one state to the next.

Nothing is ever approved because somebody is missing or because time passed. Amounts are integers in the stored unit.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, String
from sqlmodel import Field, Session, SQLModel, col, select, update

from models.db import id_field, partial_index, ref
from models.ledger.account import Account
from models.ledger.transfer import Cause
from models.messages.outbox import copies
from models.people.member import Member
from models.policy.document import Policy
from models.quota import approvers
from models.quota.approvers import Asked, Candidate
from models.quota.code import Code, new_code
from models.quota.decision import AMENDED, REVOKED, record_decision
from models.quota.grant import end_grant, ending, grant_from_pool
from models.quota.period import Period
from models.quota.request_state import OPEN, TRANSITIONS, UNCONFIRMED, RequestState, granted_state
from models.refusal import (
    AlreadyDecided,
    NotAColleague,
    NothingToRevoke,
    OverCeiling,
    Replaced,
    UnknownCode,
)

BY_EMERGENCY = "emergency"
"""The answer of a request that was granted by the emergency rule."""
BY_POLICY = "policy"
REQUEST = "request:"
"""What the messages about a request are about, followed by its CODE."""


class Request(SQLModel, table=True):
    __table_args__ = (
        CheckConstraint("amount > 0", name="asks_for_something"),
        CheckConstraint("granted >= 0", name="granted"),
        CheckConstraint(f"state IN ({', '.join(map(repr, map(str, RequestState)))})", name="state"),
        CheckConstraint(
            "decided_by_id IS NULL OR decided_by_id <> member_id OR state IN ('cancelled')",
            name="not_by_oneself",
        ),
        partial_index(
            "uq_request_open", "member_id", unique=True, where="state IN ('pending', 'unroutable')"
        ),
        # Every replica asks for them twice a second.
        partial_index("ix_request_unconfirmed", "member_id", where="state IN ('approved', 'apply_failed')"),
    )

    id: int = id_field()
    code: str = Field(unique=True)
    member_id: int = ref("member.id", index=True)
    amount: int = Field(sa_type=BigInteger)
    granted: int = Field(default=0, sa_type=BigInteger)
    smaller: int | None = Field(default=None, sa_type=BigInteger, sa_column_kwargs={"name": "less"})
    """What would last to the end of the period, where that is less than `amount`."""
    reason: str = ""
    until: date | None = None
    state: RequestState = Field(default=RequestState.PENDING, sa_type=String)
    thread: str | None = None
    asked_at: datetime
    decided_by_id: int | None = ref("member.id", nullable=True, index=True)
    decided_for_id: int | None = ref("member.id", nullable=True)
    """In whose place a delegate decided."""
    decided_at: datetime | None = None
    answer: str = ""
    policy: int | None = None

    @property
    def about(self) -> str:
        return f"{REQUEST}{self.code}"

    @property
    def open(self) -> bool:
        return self.state in OPEN

    def smaller_for(self, ceiling: int | None) -> int:
        """The amount of *Approve less* under this approver's ceiling; 0: no such button."""
        if ceiling is not None and ceiling < self.amount:
            return min(ceiling, self.smaller or ceiling)
        return self.smaller or 0

    @classmethod
    def ask(
        cls,
        session: Session,
        member: Member,
        amount: int,
        *,
        reason: str,
        until: date | None,
        thread: str | None,
        smaller: int | None,
        policy: tuple[int, Policy],
        now: datetime,
    ) -> tuple[Request, str | None]:
        """Ask for `amount`, or amend the open request. Returns the request, and its old CODE if it was amended.

        An amended request has a new CODE, and its deadline starts again.
        """
        if Period.hold(session, [member.id])[1]:
            raise NotAColleague(member.name)
        # Held: a decision on the old terms comes before this, or finds the CODE replaced.
        request, code = open_request(session, member.id, hold=True), new_code(session)
        replaced = request.code if request else None
        terms: dict[str, Any] = {
            "code": code,
            "amount": amount,
            "smaller": smaller if smaller and 0 < smaller < amount else None,
            "asked_at": now,
            "policy": policy[0],
        }
        if request is None:
            request = cls(
                member_id=member.id, reason=reason, until=until, thread=thread,
                state=RequestState.UNROUTABLE, **terms,
            )  # fmt: skip
            session.add(request)
            session.flush()
        else:
            request._amend(session, reason, until, thread, terms)
        session.add(Code(code=code, request_id=request.id))
        session.flush()
        request.ask_next(session, policy[1], now)
        return request, replaced

    def _amend(
        self, session: Session, reason: str, until: date | None, thread: str | None, terms: dict[str, Any]
    ) -> None:
        # A reason, day or thread that is not given stays. Everybody is asked anew.
        terms |= {"reason": reason or self.reason, "until": until or self.until}
        terms |= {"thread": thread or self.thread}
        cause = Cause(terms["asked_at"], f"member:{self.member_id}", f"amend:{terms['code']}")
        record_decision(session, self, AMENDED, cause)
        if not self._move(session, RequestState.UNROUTABLE, **terms):
            raise self.already_decided(session)
        approvers.forget_asked(session, self.id)

    def ask_next(self, session: Session, policy: Policy, now: datetime) -> Candidate | None:
        """Ask the next approver of the chain. None when nobody is left to ask."""
        found = approvers.ask_next(session, policy, self.id, self.member_id, self.amount, now)
        if found is not None and not self._move(session, RequestState.PENDING):
            raise self.already_decided(session)
        return found

    def mark_unroutable(self, session: Session) -> bool:
        """False when the request is not pending any more."""
        return self._move(session, RequestState.UNROUTABLE, (RequestState.PENDING,))

    def lasts_with(self, session: Session, smaller: int) -> bool:
        """Note that `smaller` would last to the end of the open period. False when the request is decided."""
        wanted = smaller if 0 < smaller < self.amount else None
        return self._move(session, self.state, (self.state,), smaller=wanted)

    def mark_pending(self, session: Session) -> bool:
        """False when the request is not unroutable any more."""
        return self._move(session, RequestState.PENDING, (RequestState.UNROUTABLE,))

    def standing(self, session: Session, policy: Policy, now: datetime) -> approvers.Standing:
        return approvers.Standing.of(session, policy, self.id, self.member_id, now)

    def require_decider(self, session: Session, decider: Member, policy: Policy, now: datetime) -> Asked:
        """The entry by which `decider` may decide now. Raises `UnknownCode`, `AlreadyDecided`."""
        entry = approvers.eligible(
            session, policy, self.id, self.member_id, self.code, decider, now, undecided=self.open
        )
        if entry is None:
            raise self.already_decided(session)
        return entry

    def approve(
        self,
        session: Session,
        decider: Member,
        amount: int | None,
        *,
        policy: Policy,
        live: bool,
        cause: Cause,
    ) -> None:
        """Grant `amount` (None: what was asked), in the same transaction as the decision.

        `live`: a gateway must confirm before it counts as applied. Raises `UnknownCode`, `OverCeiling`,
        `AlreadyDecided`, `PoolTooSmall`.
        """
        granted = self.amount if amount is None else amount
        period, _ = Period.hold(session, [self.member_id])  # before the request's row, as `ask` does
        entry = self.require_decider(session, decider, policy, cause.at)
        if entry.ceiling is not None and granted > entry.ceiling:
            raise OverCeiling(entry.ceiling)
        self._decide(session, granted_state(live=live), decider, cause, entry.for_id, granted=granted)
        self._grant(session, period, policy, cause)

    def approve_by_policy(self, session: Session, *, policy: Policy, live: bool, cause: Cause) -> None:
        period = Period.current(session)
        self._decide(session, granted_state(live=live), None, cause, granted=self.amount, answer=BY_POLICY)
        self._grant(session, period, policy, cause)

    def decline(
        self, session: Session, decider: Member, reason: str, *, policy: Policy, cause: Cause
    ) -> None:
        entry = self.require_decider(session, decider, policy, cause.at)
        self._decide(session, RequestState.DECLINED, decider, cause, entry.for_id, answer=reason)

    def cancel(self, session: Session, member: Member, cause: Cause) -> None:
        """Raises `UnknownCode` for anybody but the requester."""
        if self.member_id != member.id:
            raise UnknownCode(self.code)
        self._decide(session, RequestState.CANCELLED, member, cause)

    def expire(self, session: Session, cause: Cause) -> bool:
        """False when somebody decided first."""
        return self._end(session, RequestState.EXPIRED, cause)

    def void(self, session: Session, cause: Cause) -> bool:
        """False when somebody decided first."""
        return self._end(session, RequestState.VOID, cause)

    def confirm_applied(self, session: Session) -> bool:
        """False when that is known already: it is told once."""
        return self._move(session, RequestState.APPLIED, UNCONFIRMED)

    def mark_failed(self, session: Session) -> bool:
        """False when that is known already: it is told once."""
        return self._move(session, RequestState.APPLY_FAILED, UNCONFIRMED)

    def revoke(self, session: Session, member: Member, *, policy: Policy, cause: Cause) -> int:
        """Take back the unspent part of the grant, and return how much. Raises `UnknownCode` without authority."""
        if not self.granted or not self.may_revoke(session, member, policy, cause.at):
            raise UnknownCode(self.code)
        Period.hold(session, [self.member_id])
        account = session.exec(select(Account).where(Account.request_id == self.id)).one_or_none()
        if account is None or account.balance == 0:
            raise NothingToRevoke(self.code)
        record_decision(session, self, REVOKED, cause, member.id)
        return end_grant(session, account, cause)

    def may_revoke(self, session: Session, member: Member, policy: Policy, now: datetime) -> bool:
        """Whether the member decided, or was represented by the decider; after a grant by policy, was asked.

        All by today's directory. Where none of them has authority today, the next approver may.
        """
        deciders = {one for one in (self.decided_by_id, self.decided_for_id) if one is not None}
        asked = deciders or approvers.asked_members(session, self.id)
        return approvers.may_revoke(session, policy, self.member_id, asked, member.id, now)

    def already_decided(self, session: Session) -> AlreadyDecided:
        # Read anew: the loser of a race is told the winner.
        session.refresh(self)
        by, behalf = self.deciders(session)
        at = self.decided_at or self.asked_at
        return AlreadyDecided(self.code, self.state, by, at, self.granted, behalf)

    def deciders(self, session: Session) -> tuple[str, str]:
        """The names of the decider and of the member they represented; empty where there is none."""
        ids = (self.decided_by_id, self.decided_for_id)
        by, behalf = (session.get_one(Member, one).name if one else "" for one in ids)
        return by, behalf

    def _end(self, session: Session, state: RequestState, cause: Cause) -> bool:
        try:
            self._decide(session, state, None, cause)
        except AlreadyDecided:
            return False
        return True

    def _decide(
        self, session: Session, state: RequestState, decider: Member | None, cause: Cause, for_id: int | None = None,
        *, granted: int = 0, answer: str = "",
    ) -> None:  # fmt: skip
        code, decided_by = self.code, decider.id if decider else None
        decided_for = for_id if for_id != decided_by else None
        if not self._move(
            session, state, granted=granted, decided_by_id=decided_by, decided_for_id=decided_for,
            decided_at=cause.at, answer=answer,
        ):  # fmt: skip
            raise Replaced(self.code, self.amount) if self.code != code else self.already_decided(session)
        outcome = RequestState.APPROVED if granted else state
        record_decision(session, self, outcome, cause, decided_by, for_id)

    def _move(
        self, session: Session, state: RequestState, before: Collection[RequestState] = OPEN, **values: Any
    ) -> bool:
        """False when the request is not in one of `before` any more."""
        session.flush()
        # One conditional update: of two at once, the first counts.
        allowed = [one for one in before if state in TRANSITIONS[one]]
        moved = (
            update(Request)
            .where(
                col(Request.id) == self.id, col(Request.code) == self.code, col(Request.state).in_(allowed)
            )
            .values(state=state, **values)
            .returning(Request)
            .execution_options(synchronize_session=False, populate_existing=True)
        )
        if session.scalars(moved).one_or_none() is not None:
            return True
        session.refresh(self)
        return False

    def _grant(self, session: Session, period: Period, policy: Policy, cause: Cause) -> None:
        member, ends_at = session.get_one(Member, self.member_id), ending(period, self.until, policy)
        grant_from_pool(
            session, member, self.granted, ends_at, period=period, policy=policy, cause=cause, request_id=self.id
        )  # fmt: skip


def open_request(session: Session, member_id: int, *, hold: bool = False) -> Request | None:
    """With `hold`, nobody can decide it before this transaction ends."""
    query = select(Request).where(Request.member_id == member_id, col(Request.state).in_(OPEN))
    if hold:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.exec(query).one_or_none()


def unconfirmed(session: Session, member_id: int) -> list[Request]:
    query = select(Request).where(Request.member_id == member_id, col(Request.state).in_(UNCONFIRMED))
    return list(session.exec(query).all())


def find(session: Session, code: str, by: Member) -> Request:
    """The request of this CODE. Raises `UnknownCode`.

    An old CODE raises `Replaced` or `AlreadyDecided`, but only for the requester and members who were asked.
    """
    name = session.get(Code, code.strip().upper())
    if name is None:
        raise UnknownCode(code.strip().upper())
    found = session.get_one(Request, name.request_id)
    if found.code != name.code:
        shown_to = {copy.payload["reader"] for copy in copies(session, f"{REQUEST}{name.code}")}
        if by.id not in {found.member_id, *shown_to, *approvers.asked_members(session, found.id)}:
            raise UnknownCode(name.code)
        raise Replaced(found.code, found.amount) if found.open else found.already_decided(session)
    return found
