"""Break-glass: a small grant that a member takes without a decision, where the policy allows it. Everybody in the chain is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session, col, select

from models.ledger.amount import share
from models.ledger.transfer import Cause
from models.people.member import Member
from models.policy.document import Policy
from models.policy.sections import Emergency
from models.quota import approvers
from models.quota.allocation import base_of
from models.quota.approvers import Candidate
from models.quota.code import Code, new_code
from models.quota.decision import record_decision
from models.quota.grant import grant_from_pool
from models.quota.period import Period
from models.quota.request import BY_EMERGENCY, Request, open_request
from models.quota.request_state import RequestState, granted_state


class Hindrance(StrEnum):
    """Why there is no emergency grant."""

    OFF = "off"
    NOTHING_ASKED = "nothing_asked"
    EARLY = "early"
    USED = "used"
    TOO_MUCH = "too_much"
    NOBODY = "nobody"


@dataclass(frozen=True)
class Emergencies:
    """What one member may take now. `most`: in stored units, rounded down to what an amount shows."""

    rule: Emergency | None
    asked: Request | None
    most: int = 0
    times: int = 0
    chain: tuple[Candidate, ...] = ()

    @classmethod
    def of(cls, session: Session, member: Member, policy: Policy, now: datetime) -> Emergencies:
        rule, asked = policy.requests.emergency, open_request(session, member.id)
        if rule is None:
            return cls(None, asked)
        period = Period.current(session)
        taken = select(Request.granted).where(
            Request.member_id == member.id,
            Request.answer == BY_EMERGENCY,
            col(Request.decided_by_id).is_(None),
            col(Request.decided_at) >= period.starts_at,
        )
        earlier = session.exec(taken).all()
        step = max(1, policy.unit.scale // 100)
        line = share(base_of(session, member.id, period.id), rule.share)
        most = max(0, line - sum(earlier)) // step * step
        found = tuple(approvers.chain(session, policy, member.id, now))
        return cls(rule, asked, most, rule.per_period - len(earlier), found)

    def opens_at(self) -> datetime | None:
        """From when on, where a request has to wait first; None where it need not, or where there is none."""
        waits = self.rule is not None and self.rule.after is not None and self.asked is not None
        return self.asked.asked_at + self.rule.after if waits else None  # type: ignore[union-attr,operator]

    def hindrance(self, amount: int | None, now: datetime) -> Hindrance | None:
        """None when `amount` (None: as much as there is) may be taken now."""
        if self.rule is None:
            return Hindrance.OFF
        opens = self.opens_at()
        hindrances = (
            (self.times <= 0 or self.most <= 0, Hindrance.USED),
            (self.asked is None and (self.rule.after is not None or amount is None), Hindrance.NOTHING_ASKED),
            (opens is not None and now < opens, Hindrance.EARLY),
            (amount is not None and amount > self.most, Hindrance.TOO_MUCH),
            (not self.chain, Hindrance.NOBODY),
        )
        return next((why for hinders, why in hindrances if hinders), None)

    def amount(self, wanted: int | None) -> int:
        """What is taken: what was typed, else what was asked as far as the limit goes."""
        return wanted or min(self.most, self.asked.amount if self.asked else self.most)


def take(
    session: Session, member: Member, amount: int, reason: str, *, policy: Policy, live: bool, cause: Cause
) -> Request:
    """Grant at once, under a CODE of its own; an open request goes on waiting. Raises `PoolTooSmall`.

    The caller has found no hindrance in the same transaction, with the member locked.
    """
    period, code = Period.current(session), new_code(session)
    granted = Request(
        code=code, member_id=member.id, amount=amount, granted=amount, reason=reason, answer=BY_EMERGENCY,
        state=granted_state(live=live), asked_at=cause.at, decided_at=cause.at, policy=cause.policy,
    )  # fmt: skip
    session.add(granted)
    session.flush()
    session.add(Code(code=code, request_id=granted.id))
    approvers.ask_all(session, policy, granted.id, member.id, cause.at)  # so that each of them may revoke it
    record_decision(session, granted, RequestState.APPROVED, cause)
    grant_from_pool(
        session, member, amount, period.ends_at, period=period, policy=policy, cause=cause, request_id=granted.id
    )  # fmt: skip
    return granted


def lock(session: Session, member: Member) -> None:
    """Of two emergency grants at once the second sees the first."""
    Period.hold(session, [member.id])
