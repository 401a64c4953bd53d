"""The state of the gateway as a whole, in one row: the leading replica, the last reading, the rate in use."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON
from sqlmodel import Field, Session, SQLModel, col, func, select, update

from models.db import Loader
from models.ledger.amount import Unit
from models.metering.accounts import change_rate
from models.metering.reading import Rate, Reading
from models.policy.document import Policy
from models.quota.period import Period, PeriodState
from models.refusal import TokensNotEnforced
from models.statement import Statement

LEASE = timedelta(seconds=8)
"""How long a silent replica keeps the lead. It is prolonged while a slow write is under way."""
AHEAD = 2 * LEASE
"""Clocks of two replicas differ by milliseconds; a lease further ahead was stamped by a wrong one."""
BACK = timedelta(minutes=5)
MOST_UNLINKED = 200
"""Accounts without an owner that are kept by name."""


class GatewayState(SQLModel, table=True):
    """`holder`: the replica that reconciles, until `leased_until`. `read_at`, `took`: the last whole reading and
    its seconds. `per_usd`: the rate in use since the opening of `period_id`. `free`: models seen let through at
    no cost.
    `lists`: the lists of models that it offers for the policy (see `ladder`); None where it cannot limit models.
    `strangers`: accounts without an owner that spent, as (id, label, micro-USD). `problem`: why the last reading
    failed.
    `released_at`: an operator put the limits back, so none is written.
    `restored_at`: the ledger was put back from a backup, and limits from the time after it may stand at the gateway.
    """

    id: int = Field(default=1, primary_key=True)
    kind: str = ""
    holder: str | None = None
    leased_until: datetime | None = None
    read_at: datetime | None = None
    took: float = 0.0
    per_usd: str | None = None
    period_id: int | None = None
    free: list[str] | None = Field(default=None, sa_type=JSON)
    lists: list[Any] | None = Field(default=None, sa_type=JSON)
    strangers: list[Any] = Field(default_factory=list, sa_type=JSON)
    problem: str | None = None
    released_at: datetime | None = None
    restored_at: datetime | None = None
    name: str = Field(default="", unique=True)
    enforced: bool = True

    @classmethod
    def of(cls, session: Session, name: str = "") -> GatewayState:
        """The row of a gateway of GATEWAYS_FILE; without a name, of the one gateway. That row keeps the rate for all."""
        found = cls._find(session, name)
        if found is None:
            last = session.exec(select(func.max(cls.id))).one() or 1
            found = cls(id=last + 1 if name else 1, name=name)
            session.add(found)
            session.flush()
        return found

    @classmethod
    def as_read(cls, session: Session, name: str = "") -> GatewayState:
        """For showing: an empty row that is not stored when there is none."""
        return cls._find(session, name) or cls(name=name)

    @classmethod
    def _find(cls, session: Session, name: str) -> GatewayState | None:
        row = _NAMED.first(session, name=name)
        return _STATE.load(session, row) if row else None

    @classmethod
    def driven(cls, session: Session) -> list[GatewayState]:
        """The rows of the gateways that there are."""
        return list(session.exec(select(cls).where(cls.kind != "").order_by(col(cls.id))).all())

    @classmethod
    def last_read(cls, session: Session) -> datetime | None:
        """When the gateway that was read longest ago was read."""
        read = [one.read_at for one in cls.driven(session)]
        return None if None in read else min((one for one in read if one), default=None)

    @classmethod
    def enforces(cls, session: Session, names: Collection[str]) -> bool:
        """Whether all of these gateways enforce, and none was released."""
        return all(
            one.enforced and not one.released for one in (cls.as_read(session, name) for name in names)
        )

    @classmethod
    def lead(cls, session: Session, holder: str, now: datetime, name: str = "") -> bool:
        """Take or prolong the lead for `LEASE`. False while another replica leads."""
        words = {"name": name, "holder": holder, "now": now, "until": now + LEASE, "ahead": now + AHEAD}
        leads = _LEAD.changed(session, **words)
        if not leads and cls._find(session, name) is None:
            cls.of(session, name)
            leads = _LEAD.changed(session, **words)
        return bool(leads)

    @classmethod
    def take_over(cls, session: Session, holder: str, now: datetime, name: str = "") -> None:
        # The other replica finds out before its next write.
        cls.of(session, name)
        session.execute(
            update(cls).where(col(cls.name) == name).values(holder=holder, leased_until=now + LEASE)
        )

    @classmethod
    def keep_only(cls, session: Session, names: Collection[str]) -> None:
        """No other gateway is driven any more. Without any, the policy alone says which models are free."""
        others = (col(cls.kind) != "", col(cls.name).not_in(names))
        session.execute(update(cls).where(*others).values(kind=""))

    @classmethod
    def let_go(cls, session: Session, holder: str) -> None:
        session.execute(update(cls).where(col(cls.holder) == holder).values(holder=None, leased_until=None))

    @classmethod
    def finish_round(
        cls, session: Session, unlinked: Sequence[Reading], read_at: datetime, took: float, name: str = ""
    ) -> GatewayState:
        """A whole round ended."""
        state = cls.of(session, name)
        spenders = sorted((one for one in unlinked if one.spent), key=lambda one: -one.spent)
        state.read_at, state.took, state.problem = read_at, took, None
        state.strangers = [[one.id, one.label, one.spent] for one in spenders[:MOST_UNLINKED]]
        return state

    @classmethod
    def fail(cls, session: Session, why: str, name: str = "") -> None:
        cls.of(session, name).problem = why[:500]

    @classmethod
    def note_free_models(cls, session: Session, models: Collection[str], name: str = "") -> None:
        cls.of(session, name).free = sorted(models)

    @classmethod
    def note_lists(cls, session: Session, lists: list[Any] | None, name: str = "") -> None:
        cls.of(session, name).lists = lists

    @classmethod
    def release(cls, session: Session, at: datetime | None, name: str = "") -> None:
        """From `at` on no limit is written; None: limits are written again."""
        cls.of(session, name).released_at = at

    def begin(self, kind: str, *, enforce: bool) -> None:
        """`enforce`: limits are written. Where they are not, an earlier release is over."""
        self.kind, self.enforced = kind, enforce
        self.released_at = self.released_at if enforce else None

    @classmethod
    def note_restored(cls, session: Session, at: datetime) -> None:
        """The ledger is older than its gateways."""
        for state in cls.driven(session) or [cls.of(session)]:
            state.restored_at = at

    def settle(self) -> None:
        """After a restore: the limits are those of the ledger."""
        self.restored_at = None

    def compare(self, read_at: datetime | None, now: datetime) -> None:
        """Mark a ledger that is older than a reading that is known of. Replicas that read at once differ by less."""
        if read_at is not None and (self.read_at is None or self.read_at < read_at - BACK):
            self.restored_at = now

    @property
    def released(self) -> bool:
        return self.released_at is not None

    def held_by_another(self, holder: str) -> bool:
        return self.holder not in (None, holder)

    def leased(self, now: datetime) -> bool:
        return (
            self.holder is not None
            and self.leased_until is not None
            and now < self.leased_until <= now + AHEAD
        )


_LEAD = Statement(
    "UPDATE gatewaystate SET holder = :holder, leased_until = :until WHERE name = :name "
    "AND (holder = :holder OR holder IS NULL OR leased_until <= :now OR leased_until > :ahead)"
)
_STATE = Loader(GatewayState)
_NAMED: Statement[Any] = Statement(f"SELECT {_STATE.columns('g')} FROM gatewaystate g WHERE g.name = :name")


def rate_in_use(session: Session, policy: Policy) -> Rate:
    """The rate at which spend is booked; a changed one counts from the next opening.

    Raises `NoRate`, and `PeriodClosing` while nothing may be booked.
    """
    period = Period.current(session)
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
    """Raise `NoRate` or `TokensNotEnforced` where a gateway, which counts money, cannot follow the policy."""
    Rate.of(policy.unit, policy.per_usd)
    if enforce and policy.unit is Unit.TOKENS:
        raise TokensNotEnforced


def rate_now(session: Session, policy: Policy) -> Rate:
    """The rate last in use, or the policy's before the first reading. Changes nothing."""
    state = session.get(GatewayState, 1)
    per_usd = state.per_usd if state is not None else None
    return Rate.of(policy.unit, Decimal(per_usd) if per_usd is not None else policy.per_usd)


def opening_unread(session: Session) -> bool:
    """Whether nothing was booked yet in the open period. If so, every limit follows the opening."""
    period, state = Period.latest(session), session.get(GatewayState, 1)
    opened = period is not None and period.state == PeriodState.OPEN
    return bool(opened and period and (state is None or state.period_id != period.id))


def unread_end(session: Session, now: datetime, name: str = "") -> datetime | None:
    """The end of a period that is over, while the gateway was not read since; else None."""
    period = session.exec(select(Period).where(Period.state == PeriodState.OPEN)).one_or_none()
    if period is None or now < period.ends_at:
        return None
    read_at = GatewayState.as_read(session, name).read_at
    return period.ends_at if read_at is None or read_at < period.ends_at else None


def free_models(session: Session, policy: Policy) -> tuple[str, ...]:
    """The policy's free models. Where there are gateways, only those that one was seen to let through at no cost."""
    driven = GatewayState.driven(session) if policy.free_models else []
    return free_through(policy, [one.free for one in driven])


def free_through(policy: Policy, gateways: Sequence[Collection[str] | None]) -> tuple[str, ...]:
    """The policy's free models behind gateways that let these through."""
    if not gateways:
        return policy.free_models
    seen = {model for free in gateways for model in free or ()}
    return tuple(model for model in policy.free_models if model in seen)
