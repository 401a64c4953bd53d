"""Budgets at one moment: what a team's pool has granted in the period, and what the organisation has spent of its year."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlmodel import Session, select

from models.ledger.account import Account, AccountKind
from models.ledger.amount import share
from models.policy.document import Policy
from models.quota.period import Period
from models.quota.pool import funded
from models.reports.kept import year_of
from models.reports.spending import foreseen

PACED = timedelta(days=14)
"""So much of a year says where it ends."""


@dataclass(frozen=True)
class Budget:
    """Stored units. `team`: empty for the organisation's year. `runs_out`: when it is spent at this pace, where that is known.

    `key` names it for good; `grounded`: enough time has passed that the forecast means something.
    """

    key: str
    team: str
    spent: int
    whole: int
    forecast: int
    grounded: bool
    runs_out: date | None = None

    @property
    def left(self) -> int:
        return self.whole - self.spent

    @property
    def percent(self) -> int:
        return self.spent * 100 // self.whole

    @property
    def overruns(self) -> bool:
        return self.grounded and self.forecast > self.whole

    def reached(self, levels: tuple[Decimal, ...]) -> list[Decimal]:
        return [one for one in levels if self.spent > 0 and self.spent >= share(self.whole, one)]


def pools(session: Session, policy: Policy, period: Period, now: datetime) -> list[Budget]:
    """Every team with a top-up budget in this period, by name."""
    query = select(Account).where(Account.kind == AccountKind.POOL, Account.period_id == period.id)
    gone, whole = now - period.starts_at, period.ends_at - period.starts_at
    found = []
    for pool in session.exec(query).all():
        budget, team = funded(session, pool.id), policy.team(pool.team or "")
        if team is not None and budget:
            spent = budget - pool.balance
            forecast = foreseen(spent, period, now)
            found.append(Budget(f"pool:{pool.id}", team.name, spent, budget, forecast, gone * 4 >= whole))
    return sorted(found, key=lambda one: one.team)


def organisation(session: Session, policy: Policy, now: datetime) -> Budget | None:
    """The organisation's calendar year; None where the policy has no budget for it."""
    whole = policy.organisation.year_budget
    kept = year_of(session, policy, now)
    if not whole or kept is None:
        return None
    found = kept.year
    key, grounded = f"year:{now.astimezone(policy.zone).year}", found.paced_over >= PACED
    return Budget(key, "", found.spent, whole, found.projected, grounded, found.runs_out)
