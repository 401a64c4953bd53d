"""The sections of policy.yaml and their defaults. Amounts are in stored units."""

from __future__ import annotations

from datetime import time, timedelta
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict

from models.policy.fields import (
    Amount,
    Cell,
    Channel,
    Count,
    Email,
    Flag,
    Holidays,
    Hours,
    Rate,
    Share,
    Text,
    Wait,
    Weekday,
)


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AllocationRule(Section):
    """`models`: patterns such as `deepseek-*`; None: every model."""

    match: dict[str, Cell]
    amount: Amount
    reason: Text = ""
    models: tuple[Text, ...] | None = None


class Fallback(Section):
    """The models that go on when own quota is used up, up to `amount` a period."""

    models: tuple[Text, ...]
    amount: Amount


class Team(Section):
    name: Text
    parent: Text | None = None
    owner: Email | None = None
    top_up_budget: Amount | None = None


class Organisation(Section):
    """`year_budget`: spend of all in a calendar year of the policy's zone. It is shown and limits nobody."""

    year_budget: Amount | None = None


class Gateway(Section):
    per_usd: Rate | None = None


class CarryOver(Section):
    share: Share = Decimal(0)
    cap: Amount | None = None


class Lending(Section):
    enabled: Flag = True
    least: Amount | None = None
    keep_share: Share = Decimal("0.2")
    max_open_as_borrower: Count = 3
    max_borrowed_share: Share = Decimal(1)
    repay_share: Share = Decimal("0.5")


class Ceilings(Section):
    """The most that may be approved; None: no ceiling."""

    manager: Amount | None = None
    owner: Amount | None = None


class AutoApprove(Section):
    share: Share = Decimal(0)
    per_period: Count = 0


class Emergency(Section):
    """`after`: for how long a request must have waited; None: there need not be one."""

    share: Share = Decimal("0.1")
    per_period: Count = 1
    after: Wait | None = timedelta(hours=1)


class Requests(Section):
    channel: Channel = "card"
    approve_up_to: Ceilings | None = None
    auto_approve: AutoApprove = AutoApprove()
    remind_after: Wait = timedelta(hours=4)
    escalate_after: Wait = timedelta(hours=24)
    expire_after: Wait = timedelta(hours=72)
    fallback_approvers: tuple[Email, ...] = ()
    emergency: Emergency | None = None


class QuietTime(Section):
    hours: Hours = (time(20), time(8))
    days: tuple[Weekday, ...] = (5, 6)
    holidays: Holidays = ()


class Surge(Section):
    share: Share = Decimal("0.25")
    amount: Amount | None = None
    within: Wait = timedelta(hours=1)
    tell: tuple[Literal["person", "manager", "owner", "admins"], ...] = ("person",)
    then_pause_after: Wait | None = None


class Alerts(Section):
    at: tuple[Share, ...] = (Decimal("0.8"), Decimal("0.95"), Decimal(1))
    surge: Surge | None = Surge()
    budget: tuple[Share, ...] = (Decimal("0.5"), Decimal("0.8"), Decimal("0.95"))
    weekly: Flag = False
