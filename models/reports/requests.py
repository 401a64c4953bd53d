"""Requests of a period: those that wait, and the decisions by team. Never by person. Amounts are stored units."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlmodel import Session

from models.policy.document import Policy
from models.quota.period import Period
from models.quota.request import BY_EMERGENCY, BY_POLICY
from models.quota.request_state import OPEN, RequestState
from models.statement import Statement


@dataclass
class PolicyLine:
    """The decisions of one line of the policy. `why`: `policy`, `emergency`, or the role in which a person decided:
    `manager`, `above`, `owner`, `fallback`, `delegate`; empty where an admin decided or that is not known.
    """

    why: str
    granted: int = 0
    declined: int = 0
    took: list[timedelta] = field(default_factory=list)

    @property
    def decided(self) -> int:
        return self.granted + self.declined


LINES = ("policy", "emergency", "manager", "above", "owner", "fallback", "delegate", "")


@dataclass
class Requests:
    """A team's requests. `took`: from the request to the decision of a person; `lines`: by line of the policy."""

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

    lines: dict[str, PolicyLine] = field(default_factory=dict)

    @property
    def median(self) -> timedelta | None:
        return within(self.took, 0.5)

    def by_line(self) -> list[PolicyLine]:
        return [self.lines[why] for why in LINES if why in self.lines]

    def count(self, one: Row) -> None:
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
        self.by_policy += one.answer == BY_POLICY
        if one.decided_at is None or not (one.granted or one.state == RequestState.DECLINED):
            return
        why = one.answer if one.decided_by_id is None and one.answer in _WITHOUT_A_PERSON else one.why
        line, took = self.lines.setdefault(why, PolicyLine(why)), one.decided_at - one.asked_at
        line.granted += bool(one.granted)
        line.declined += not one.granted
        line.took.append(took)
        if one.decided_by_id is not None:
            self.took.append(took)


class Row(NamedTuple):
    team: str
    state: str
    amount: int
    granted: int
    answer: str
    asked_at: datetime
    decided_at: datetime | None
    decided_by_id: int | None
    why: str


_ASKED = Statement(
    "SELECT m.team, r.state, r.amount, r.granted, r.answer, r.asked_at, r.decided_at, r.decided_by_id, COALESCE(a.why, '') "
    "FROM request r JOIN member m ON m.id = r.member_id "
    "LEFT JOIN asked a ON a.request_id = r.id AND a.member_id = r.decided_by_id "
    "WHERE (r.asked_at >= :start AND r.asked_at < :end) OR r.state IN ('pending', 'unroutable')",
    row=Row,
)
_WITHOUT_A_PERSON = (BY_POLICY, BY_EMERGENCY)


def within(took: Sequence[timedelta], share: float) -> timedelta | None:
    """The time within which this share of the decisions came; between two of them in the middle."""
    if not took:
        return None
    ordered = sorted(took)
    place = share * (len(ordered) - 1)
    below, above = ordered[int(place)], ordered[min(int(place) + 1, len(ordered) - 1)]
    return below + (above - below) * (place % 1)


def requests_of(
    session: Session, policy: Policy, period: Period, shows: Callable[[str], bool]
) -> tuple[list[Requests], Requests]:
    """By team, and all of them together: asked in the period, or still waiting."""
    teams: dict[str, Requests] = {}
    total, known = Requests("*"), dict[str, str]()
    for one in _ASKED.all(session, start=period.starts_at, end=period.ends_at):
        name = known.get(one.team)
        if name is None:
            name = known[one.team] = policy.spelt(one.team)
        if shows(name):
            teams.setdefault(name, Requests(name)).count(one)
            total.count(one)
    return sorted(teams.values(), key=lambda one: one.team), total
