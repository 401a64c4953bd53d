"""What is known of the gateway as a whole, in one row: who drives it, when it was read, at which rate it is booked."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON
from sqlmodel import Field, Session, SQLModel, col, select, update

from models.ledger.amount import Unit
from models.metering.gateway_account import change_rate
from models.metering.reading import Rate
from models.policy.document import Policy
from models.quota.period import Period, PeriodState
from models.refusal import TokensNotEnforced

LEASE = timedelta(seconds=60)
"""How long a replica that fell silent is waited for: longer than the slowest write to a gateway takes."""


class GatewayState(SQLModel, table=True):
    """One row. `holder`: the replica that reconciles, till `leased_until`. `free`: models seen let through at no cost."""

    id: int = Field(default=1, primary_key=True)
    kind: str = ""
    holder: str | None = None
    leased_until: datetime | None = None
    read_at: datetime | None = None
    took: float = 0.0
    per_usd: str | None = None
    period_id: int | None = None
    free: list[str] | None = Field(default=None, sa_type=JSON)
    strangers: list[Any] = Field(default_factory=list, sa_type=JSON)
    problem: str | None = None
    released_at: datetime | None = None

    @classmethod
    def of(cls, session: Session) -> GatewayState:
        """The row; made when it is not there yet."""
        found = session.get(cls, 1)
        if found is None:
            found = cls()
            session.add(found)
            session.flush()
        return found

    @classmethod
    def lead(cls, session: Session, holder: str, now: datetime) -> bool:
        """Be the one who writes for `LEASE`; False while somebody else is. Asked again it goes on."""
        cls.of(session)
        free = (col(cls.holder) == holder) | col(cls.holder).is_(None) | (col(cls.leased_until) <= now)
        taken = session.execute(
            update(cls).where(col(cls.id) == 1, free).values(holder=holder, leased_until=now + LEASE)
        )
        return bool(taken.rowcount)  # type: ignore[attr-defined]

    @classmethod
    def take_over(cls, session: Session, holder: str, now: datetime) -> None:
        """Be the one who writes, whoever was: they notice before their next write."""
        cls.of(session)
        session.execute(update(cls).where(col(cls.id) == 1).values(holder=holder, leased_until=now + LEASE))

    @classmethod
    def switch_off(cls, session: Session) -> None:
        """There is no gateway any more: the policy alone says which models are free."""
        session.execute(update(cls).where(col(cls.kind) != "").values(kind=""))

    @classmethod
    def let_go(cls, session: Session, holder: str) -> None:
        """Somebody else may."""
        session.execute(update(cls).where(col(cls.holder) == holder).values(holder=None, leased_until=None))


def rate_in_use(session: Session, policy: Policy, period: Period) -> Rate:
    """The rate at which use is booked: another one of the policy's counts from the next opening on. Raises `NoRate`."""
    state, wanted = GatewayState.of(session), str(policy.per_usd)
    Rate.of(policy.unit, policy.per_usd)
    if state.period_id != period.id:
        if state.per_usd not in (None, wanted):
            change_rate(session)
        state.period_id, state.per_usd = period.id, wanted
        session.add(state)
        session.flush()
    return Rate.of(policy.unit, Decimal(state.per_usd or wanted))


def refuse_unmetered(policy: Policy, *, enforce: bool) -> None:
    """Raise `NoRate` or `TokensNotEnforced` where a gateway, which counts money, cannot follow this policy."""
    Rate.of(policy.unit, policy.per_usd)
    if enforce and policy.unit is Unit.TOKENS:
        raise TokensNotEnforced


def rate_now(session: Session, policy: Policy) -> Rate:
    """The rate that was last in use, for showing; the policy's before the first."""
    state = session.get(GatewayState, 1)
    per_usd = state.per_usd if state is not None else None
    return Rate.of(policy.unit, Decimal(per_usd) if per_usd is not None else policy.per_usd)


def unread_end(session: Session, now: datetime) -> datetime | None:
    """The end of a period that is over while the gateway was not read since; None when nothing has to wait for that."""
    period = session.exec(select(Period).where(Period.state == PeriodState.OPEN)).one_or_none()
    if period is None or now < period.ends_at:
        return None
    read_at = GatewayState.of(session).read_at
    return period.ends_at if read_at is None or read_at < period.ends_at else None


def free_models(session: Session, policy: Policy) -> tuple[str, ...]:
    """The policy's free models that may be named to people: where there is a gateway, those it was seen to let through."""
    state = session.get(GatewayState, 1) if policy.free_models else None
    if state is None or not state.kind:
        return policy.free_models
    return tuple(model for model in policy.free_models if model in (state.free or ()))
