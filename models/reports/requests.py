"""Requests of a period: those that wait, and the decisions by team. Never by person. Amounts are stored units."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median

from sqlmodel import Session, and_, col, or_, select

from models.people.member import Member
from models.policy.document import Policy
from models.quota.period import Period
from models.quota.request import BY_POLICY, Request
from models.quota.request_state import OPEN, RequestState


@dataclass
class Requests:
    """A team's requests. `took`: from the request to the decision of a person."""

    team: str
    waiting: int = 0
    waiting_amount: int = 0
    oldest: datetime | None = None
    approved: int = 0
    granted: int = 0
    by_policy: int = 0
    declined: int = 0
    ended: int = 0
    took: list[timedelta] = field(default_factory=list)

    @property
    def median(self) -> timedelta | None:
        return timedelta(seconds=median(one.total_seconds() for one in self.took)) if self.took else None

    def count(self, one: Request) -> None:
        if one.state in OPEN:
            self.waiting += 1
            self.waiting_amount += one.amount
            self.oldest = min(filter(None, (self.oldest, one.asked_at)))
            return
        if one.granted:
            self.approved += 1
            self.granted += one.granted
        elif one.state == RequestState.DECLINED:
            self.declined += 1
        else:
            self.ended += 1
        if one.answer == BY_POLICY:
            self.by_policy += 1
        elif one.decided_at is not None and one.decided_by_id not in (None, one.member_id):
            self.took.append(one.decided_at - one.asked_at)


def requests_of(
    session: Session, policy: Policy, period: Period, shows: Callable[[str], bool]
) -> tuple[list[Requests], Requests]:
    """By team, and all of them together: asked in the period, or still waiting."""
    asked = and_(Request.asked_at >= period.starts_at, Request.asked_at < period.ends_at)
    query = select(Request, Member.team).join(Member, col(Member.id) == Request.member_id)
    teams: dict[str, Requests] = {}
    total = Requests("*")
    for one, team in session.exec(query.where(or_(asked, col(Request.state).in_(OPEN)))).all():
        name = policy.spelt(team)
        if shows(name):
            teams.setdefault(name, Requests(name)).count(one)
            total.count(one)
    return sorted(teams.values(), key=lambda one: one.team), total
