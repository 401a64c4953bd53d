"""Asked by the gateway's loop, in a transaction: a page is booked, what differs is found, a write is begun and confirmed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import groupby

from sqlmodel import Session, col, select

from handlers.context import Context
from handlers.gateway import alerts
from handlers.words import texts
from models.ledger.amount import Unit
from models.ledger.transfer import Cause
from models.metering import gateway_account
from models.metering.gateway_account import GatewayAccount
from models.metering.gateway_state import GatewayState, rate_in_use
from models.metering.reading import KeyUsage, Rate, Reading
from models.metering.usage import Reading as Used
from models.metering.usage import keep
from models.quota.period import Period
from models.quota.request import Request
from models.quota.request_state import UNCONFIRMED, RequestState
from models.refusal import PeriodClosing

MOST_STRANGERS = 200
"""Unknown spenders that are kept by name."""
STALE = -1
BUSY = timedelta(minutes=5)
"""Whoever spent so lately may have a call in flight."""


@dataclass(frozen=True)
class GatewayTraits:
    """What has to be known of the gateway: what it can hold of an amount (micro-USD), and whether it keeps wallets."""

    holds: Callable[[int], int]
    wallet: bool = False


@dataclass(frozen=True)
class LimitWrite:
    """A limit that ought to change. Decisions first, lowering before raising, then whoever spent last."""

    account: str
    member: int
    total: int
    raises: bool
    urgent: bool
    spent_at: datetime | None = None

    @property
    def order(self) -> tuple[bool, bool, float]:
        return not self.urgent, self.raises, -(self.spent_at.timestamp() if self.spent_at else 0.0)


@dataclass
class BookedPage:
    """What a page brought: spenders that belong to nobody, and whom to alert."""

    strangers: list[Reading] = field(default_factory=list)
    alerts: list[int] = field(default_factory=list)


# Reading


def take(ctx: Context, page: Sequence[Reading]) -> BookedPage:
    """Book a page. While a period turns nothing is booked: it comes again."""
    taken = BookedPage()
    try:
        rate = _rate(ctx)
    except PeriodClosing:
        return taken
    known = gateway_account.rows_to_book(ctx.session, page)
    owners = gateway_account.owners_of(ctx.session, (one for one in page if one.id not in known))
    for reading in page:
        row = known.get(reading.id)
        if row is None and reading.id not in owners:
            taken.strangers.append(reading)
            continue
        if row is None:
            row = known[reading.id] = gateway_account.adopt(ctx.session, reading, owners[reading.id])
        key = f"gateway:{reading.id}:{reading.as_of.isoformat()}"
        cause = Cause(ctx.now, "gateway", key, policy=ctx.version)
        new = gateway_account.absorb(ctx.session, row, reading, rate, cause)
        if new and row.member_id not in taken.alerts and alerts.alerting(ctx, row.member_id):
            taken.alerts.append(row.member_id)
    return taken


def _rate(ctx: Context) -> Rate:
    """The rate in use; or raise `PeriodClosing`."""
    return rate_in_use(ctx.session, ctx.policy, Period.current(ctx.session))


def note_usage(ctx: Context, key_usage: Iterable[KeyUsage]) -> None:
    """Keep usage by person, day and model: figures only grow. Days before an account was taken over are not ours."""
    key_usage = list(key_usage)
    rate = _rate(ctx)
    owners = gateway_account.rows_by_id(ctx.session, (one.account for one in key_usage))
    sums: dict[tuple[int, date, str], list[int]] = {}
    agents: dict[tuple[int, date, str], dict[str, None]] = {}
    for one in key_usage:
        owner = owners.get(one.account)
        if owner is not None and one.day >= owner.adopted_at.astimezone(UTC).date():
            what = (owner.member_id, one.day, one.model)
            agents.setdefault(what, {})[one.key or one.account] = None
            total = sums.setdefault(what, [0, 0, 0])
            for place, value in enumerate((one.amount, one.input_tokens, one.output_tokens)):
                total[place] += value
    read = [
        Used(*what, rate.booked(amount), put, out, tuple(agents[what]))
        for what, (amount, put, out) in sums.items()
    ]
    keep(ctx.session, read, ctx.now)


def finish_round(
    session: Session, strangers: Sequence[Reading], read_at: datetime, took: float
) -> GatewayState:
    """Everybody was read."""
    state = GatewayState.of(session)
    spenders = sorted((one for one in strangers if one.spent), key=lambda one: -one.spent)[:MOST_STRANGERS]
    state.read_at, state.took, state.problem = read_at, took, None
    state.strangers = [list(named(one)) for one in spenders]
    session.add(state)
    return state


def named(one: Reading) -> tuple[str, str, int]:
    """An account of nobody: its id, what the gateway calls it and whose it says it is, what it spent."""
    called = (one.name, one.email or one.owner)
    return one.id, ", ".join(what for what in called if what not in ("", one.id)), one.spent


# Comparing


def all_writes(ctx: Context, port: GatewayTraits) -> list[LimitWrite]:
    """Everything that differs, everybody's."""
    _name_unlinked(ctx)
    there = select(GatewayAccount).where(col(GatewayAccount.gone).is_(False))
    return compare(ctx, list(ctx.session.exec(there).all()), port, set())


def writes_since(ctx: Context, entry_id: int, port: GatewayTraits) -> tuple[list[LimitWrite], int]:
    """What differs for those about whom somebody decided after that entry, and the newest entry."""
    decided, newest = gateway_account.decided_since(ctx.session, entry_id)
    rows = list(ctx.session.exec(select(GatewayAccount).where(GatewayAccount.due)).all())
    urgent = decided | _waiting(ctx.session) | {row.member_id for row in rows}
    return compare(ctx, gateway_account.rows_of_members(ctx.session, urgent), port, urgent), newest


def compare(
    ctx: Context, rows: Sequence[GatewayAccount], port: GatewayTraits, urgent: set[int]
) -> list[LimitWrite]:
    """What differs from what ought to be; what is right already is live. Edited by hand is left alone and reported."""
    if ctx.policy.unit is Unit.TOKENS:
        return []  # a gateway counts money
    try:
        ought = gateway_account.wanted(ctx.session, list(rows), _rate(ctx))
    except PeriodClosing:
        return []
    waiting, writes = _waiting(ctx.session), []
    for row in rows:
        total = port.holds(ought[row.id])
        if row.total == total:
            _confirm(ctx, row)
        elif not row.differs or (port.wallet and _dips(row, total)):
            raises = row.total is not None and total > row.total
            first = row.member_id in urgent or row.member_id in waiting
            writes.append(LimitWrite(row.id, row.member_id, total, raises, first, row.spent_at))
        elif row.edited and row.member_id in waiting:
            alerts.not_live(ctx, row.member_id, texts.CHANGED_BY_HAND)
    _live(ctx, waiting & {row.member_id for row in rows}, port)
    return sorted(writes, key=lambda one: one.order)


def _dips(row: GatewayAccount, total: int) -> bool:
    """A call in flight is no reason to let somebody wait for what was decided."""
    dip = row.written is not None and row.total is not None and row.total < row.written
    return dip and total != row.written and not row.edited


def _live(ctx: Context, members: set[int], port: GatewayTraits) -> None:
    """What was granted is live where all accounts of somebody stand as they ought, also by what was decided just now."""
    rows = gateway_account.rows_of_members(ctx.session, members)
    try:
        ought = gateway_account.wanted(ctx.session, rows, _rate(ctx))
    except PeriodClosing:
        return
    wrong = {row.member_id for row in rows if row.total != port.holds(ought[row.id])}
    for member in {row.member_id for row in rows} - wrong:
        alerts.live(ctx, member)


def _confirm(ctx: Context, row: GatewayAccount) -> None:
    """It stands there: whoever wrote it, it is right."""
    held = row.held if _is_busy(row, ctx.now) else 0
    if row.due or row.meant or row.held != held or row.error or row.written != row.total:
        row.written, row.meant, row.held, row.due, row.error = row.total, [], held, False, None
        ctx.session.add(row)


def _waiting(session: Session) -> set[int]:
    """Whose grant waits to be live."""
    query = select(Request.member_id).where(col(Request.state).in_(UNCONFIRMED))
    return set(session.exec(query).all())


def _name_unlinked(ctx: Context) -> None:
    """A grant to somebody without an account there cannot be live: say so rather than let it wait in silence."""
    unlinked = select(Request.member_id).where(
        Request.state == RequestState.APPROVED, col(Request.member_id).not_in(gateway_account.linked())
    )
    for member in ctx.session.exec(unlinked).all():
        alerts.not_live(ctx, member, texts.NO_ACCOUNT)


def side_by_side(writes: Sequence[LimitWrite], most: int) -> Iterator[list[LimitWrite]]:
    """Those that may be written at once: lowering never beside raising, nothing urgent behind what is not."""
    for _, alike in groupby(writes, key=lambda one: (one.urgent, one.raises)):
        group = list(alike)
        for start in range(0, len(group), most):
            yield group[start : start + most]


# Writing


def begin(ctx: Context, account: str, port: GatewayTraits, oldest: datetime | None) -> int | None:
    """Note what is going to be written, judged once more; None when there is nothing to write any more.

    `STALE` when the account was read before `oldest`: it has to be read again first.
    """
    # held, so that nobody books between reading what is booked and reading what is left
    row = ctx.session.get(GatewayAccount, account, with_for_update=True)
    if row is not None and oldest is not None and row.as_of < oldest:
        return STALE
    if row is None or row.gone or not (found := compare(ctx, [row], port, set())):
        return None
    total = found[0].total
    row.meant = [*(one for one in row.meant[-8:] if one != total), total]
    ctx.session.add(row)
    return total


def _is_busy(row: GatewayAccount, now: datetime) -> bool:
    return row.spent_at is not None and now - row.spent_at < BUSY


def written(ctx: Context, reading: Reading, total: int, port: GatewayTraits) -> None:
    """Read back: that is what counts as live. What calls in flight held back comes on top when they end, and is taken off."""
    row = ctx.session.get_one(GatewayAccount, reading.id)
    if row.written is not None and row.total is not None:
        row.held = max(0, row.held + row.written - row.total)
    for member in take(ctx, [reading]).alerts:
        alerts.alert(ctx, member)
    row.total, row.written, row.meant, row.error, row.due = reading.total, total, [], None, False
    ctx.session.add(row)
    _live(ctx, {row.member_id}, port)


def failed(ctx: Context, account: str, why: str) -> None:
    """The gateway did not take it; it is tried again."""
    row = ctx.session.get(GatewayAccount, account)
    if row is not None:
        row.error = why[:500]
        ctx.session.add(row)
        alerts.not_live(ctx, row.member_id, texts.GATEWAY_SAID, why=why[:200])


def gone(ctx: Context, account: str) -> None:
    """The gateway does not know it any more: it is asked for nothing, and nothing waits for it."""
    row = ctx.session.get(GatewayAccount, account)
    if row is not None:
        row.gone, row.due, row.error, row.meant = True, False, None, []
        ctx.session.add(row)
