"""What a policy would change, before it is applied: for each person, for each team, and in its settings. Reads only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import text
from sqlmodel import Session, col, select

from models.people.member import Member
from models.policy import versions
from models.policy.check import Change, TeamTotal, check, plan
from models.policy.document import Policy, fold
from models.policy.versions import PolicyVersion
from models.policy.yaml_tree import PolicyError
from models.quota.allocation import Allowance
from models.quota.period import Period, PeriodState


@dataclass(frozen=True)
class PolicyPlan:
    """`first`: no policy is in force yet. `spent`: by folded team name, last period. `staged` would be dropped."""

    policy: Policy
    first: bool
    people: int
    changes: list[Change]
    teams: list[TeamTotal]
    spent: dict[str, int]
    settings: list[str]
    staged: PolicyVersion | None

    @classmethod
    def of(cls, session: Session, policy: Policy) -> PolicyPlan:
        """Raises `PolicyError` with every reason why this policy cannot be applied."""
        versions.refuse_unit_change(session, policy)
        members = list(session.exec(select(Member).order_by(col(Member.email))).all())
        if problems := check(policy, members):
            raise PolicyError(problems)
        current = versions.current(session)
        before = current[1] if current else None
        changes, teams = plan(before, policy, members, whole_bases(session, before, members))
        return cls(
            policy=policy,
            first=current is None,
            people=sum(one.active for one in members),
            changes=changes,
            teams=teams,
            spent=spent_before(session),
            settings=_changed_settings(before, policy),
            staged=versions.staged(session),
        )

    @property
    def cuts(self) -> int:
        return sum(change.after < change.before for change in self.changes)

    @property
    def empty(self) -> bool:
        return not self.changes and not self.settings


def _changed_settings(before: Policy | None, after: Policy) -> list[str]:
    if before is None:
        return []
    old, new = before.model_dump(by_alias=True), after.model_dump(by_alias=True)
    return [key for key in new if new[key] != old[key]]


def whole_bases(session: Session, before: Policy | None, members: Iterable[Member]) -> dict[int, int]:
    """The whole base of each member. A joiner's is the amount of their rule, not the posted part."""
    period = Period.latest(session)
    if period is None or before is None:
        return {}
    columns = (Allowance.member_id, Allowance.base, Allowance.rule, Allowance.since)
    given = session.exec(select(*columns).where(Allowance.period_id == period.id)).all()
    found, here = {}, {member.id for member in members}
    for member_id, base, rule, since in given:
        if member_id not in here:
            continue
        if since <= period.starts_at:
            found[member_id] = base
        elif rule < len(before.allocations):
            found[member_id] = before.allocations[rule].amount if rule >= 0 else 0
    return found


def spent_before(session: Session) -> dict[str, int]:
    """Spend of each team in the last closed period (stored units), by folded name."""
    current = Period.latest(session)
    last = session.exec(
        select(Period.id)
        .where(Period.state == PeriodState.CLOSED)
        .order_by(col(Period.starts_at).desc())
        .limit(1)
    ).first()
    if current is None or last is None:
        return {}
    spent: dict[str, int] = {}
    for team, amount in session.connection().execute(_SPENT, {"last": last, "now": current.id}):
        spent[fold(team)] = spent.get(fold(team), 0) + int(amount)
    return spent


_SPENT = text(
    "SELECT m.team, SUM(COALESCE(w.used_before, u.balance, 0) - o.used_before) FROM allowance o "
    "JOIN member m ON m.id = o.member_id "
    "LEFT JOIN allowance w ON w.member_id = m.id AND w.period_id = :now "
    "LEFT JOIN account u ON u.member_id = m.id AND u.kind = 'used' WHERE o.period_id = :last GROUP BY m.team"
)
