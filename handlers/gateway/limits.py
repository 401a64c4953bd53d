"""Asked by the gateway's loop, in a transaction: a page is booked, what differs is found, a write is begun and confirmed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import groupby

from sqlmodel import Session, col, select

from handlers.context import Voice
from handlers.gateway import alerts
from handlers.words import texts
from models.ledger.amount import Unit
from models.ledger.transfer import Cause
from models.metering import gateway_account
from models.metering.gateway_account import GatewayAccount
from models.metering.gateway_state import GatewayState, rate_in_use
from models.metering.reading import Burn, Rate, Reading
from models.metering.usage import Reading as Used
from models.metering.usage import keep
from models.quota.period import Period
from models.quota.request import Request
from models.refusal import PeriodClosing

MOST_STRANGERS = 200
"""Unknown spenders that are kept by name."""
STALE = -1
BUSY = timedelta(minutes=5)
"""Whoever spent so lately may have a call in flight."""


@dataclass(frozen=True)
class Port:
    """What has to be known of the gateway: what it can hold of an amount (micro-USD), and whether it keeps wallets."""

    holds: Callable[[int], int]
    wallet: bool = False


@dataclass(frozen=True)
class Write:
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
class Taken:
    """What a page brought: spenders that belong to nobody, and whom to alert."""

    strangers: list[Reading] = field(default_factory=list)
    alerts: list[int] = field(default_factory=list)


# Reading


def take(voice: Voice, page: Sequence[Reading]) -> Taken:
    """Book a page. While a period turns nothing is booked: it comes again."""
    taken = Taken()
    try:
        rate = _rate(voice)
    except PeriodClosing:
        return taken
    known = gateway_account.rows_to_book(voice.session, page)
    owners = gateway_account.owners_of(voice.session, (one for one in page if one.id not in known))
    for reading in page:
        row = known.get(reading.id)
        if row is None and reading.id not in owners:
            taken.strangers.append(reading)
            continue
        if row is None:
            row = known[reading.id] = gateway_account.adopt(voice.session, reading, owners[reading.id])
        key = f"gateway:{reading.id}:{reading.as_of.isoformat()}"
        cause = Cause(voice.now, "gateway", key, policy=voice.version)
        new = gateway_account.absorb(voice.session, row, reading, rate, cause)
        if new and row.member_id not in taken.alerts and alerts.alerting(voice, row.member_id):
            taken.alerts.append(row.member_id)
    return taken


def _rate(voice: Voice) -> Rate:
    """The rate in use; or raise `PeriodClosing`."""
    return rate_in_use(voice.session, voice.policy, Period.current(voice.session))


def note_usage(voice: Voice, burns: Iterable[Burn]) -> None:
    """Keep usage by person, day and model: figures only grow. Days before an account was taken over are not ours."""
    burns = list(burns)
    rate = _rate(voice)
    owners = gateway_account.rows_by_id(voice.session, (one.account for one in burns))
    sums: dict[tuple[int, date, str], list[int]] = {}
    agents: dict[tuple[int, date, str], dict[str, None]] = {}
    for one in burns:
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
    keep(voice.session, read, voice.now)


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


def all_writes(voice: Voice, port: Port) -> list[Write]:
    """Everything that differs, everybody's."""
    _name_unlinked(voice)
    there = select(GatewayAccount).where(col(GatewayAccount.gone).is_(False))
    return compare(voice, list(voice.session.exec(there).all()), port, set())


def writes_since(voice: Voice, entry_id: int, port: Port) -> tuple[list[Write], int]:
    """What differs for those about whom somebody decided after that entry, and the newest entry."""
    decided, newest = gateway_account.decided_since(voice.session, entry_id)
    rows = list(voice.session.exec(select(GatewayAccount).where(GatewayAccount.due)).all())
    urgent = decided | _waiting(voice.session) | {row.member_id for row in rows}
    return compare(voice, gateway_account.rows_of_members(voice.session, urgent), port, urgent), newest


def compare(voice: Voice, rows: Sequence[GatewayAccount], port: Port, urgent: set[int]) -> list[Write]:
    """What differs from what ought to be; what is right already is live. Edited by hand is left alone and reported."""
    if voice.policy.unit is Unit.TOKENS:
        return []  # a gateway counts money
    try:
        ought = gateway_account.wanted(voice.session, list(rows), _rate(voice))
    except PeriodClosing:
        return []
    waiting, writes = _waiting(voice.session), []
    for row in rows:
        total = port.holds(ought[row.id])
        if row.total == total:
            _confirm(voice, row)
        elif not row.differs or (port.wallet and _dips(row, total)):
            raises = row.total is not None and total > row.total
            first = row.member_id in urgent or row.member_id in waiting
            writes.append(Write(row.id, row.member_id, total, raises, first, row.spent_at))
        elif row.edited and row.member_id in waiting:
            alerts.not_live(voice, row.member_id, texts.CHANGED_BY_HAND)
    _live(voice, waiting & {row.member_id for row in rows}, port)
    return sorted(writes, key=lambda one: one.order)


def _dips(row: GatewayAccount, total: int) -> bool:
    """A call in flight is no reason to let somebody wait for what was decided."""
    dip = row.written is not None and row.total is not None and row.total < row.written
    return dip and total != row.written and not row.edited


def _live(voice: Voice, members: set[int], port: Port) -> None:
    """What was granted is live where all accounts of somebody stand as they ought, also by what was decided just now."""
    rows = gateway_account.rows_of_members(voice.session, members)
    try:
        ought = gateway_account.wanted(voice.session, rows, _rate(voice))
    except PeriodClosing:
        return
    wrong = {row.member_id for row in rows if row.total != port.holds(ought[row.id])}
    for member in {row.member_id for row in rows} - wrong:
        alerts.live(voice, member)


def _confirm(voice: Voice, row: GatewayAccount) -> None:
    """It stands there: whoever wrote it, it is right."""
    held = row.held if _is_busy(row, voice.now) else 0
    if row.due or row.meant or row.held != held or row.error or row.written != row.total:
        row.written, row.meant, row.held, row.due, row.error = row.total, [], held, False, None
        voice.session.add(row)


def _waiting(session: Session) -> set[int]:
    """Whose grant waits to be live."""
    query = select(Request.member_id).where(col(Request.state).in_(("approved", "apply_failed")))
    return set(session.exec(query).all())


def _name_unlinked(voice: Voice) -> None:
    """A grant to somebody without an account there cannot be live: say so rather than let it wait in silence."""
    unlinked = select(Request.member_id).where(
        Request.state == "approved", col(Request.member_id).not_in(gateway_account.linked())
    )
    for member in voice.session.exec(unlinked).all():
        alerts.not_live(voice, member, texts.NO_ACCOUNT)


def side_by_side(writes: Sequence[Write], most: int) -> Iterator[list[Write]]:
    """Those that may be written at once: lowering never beside raising, nothing urgent behind what is not."""
    for _, alike in groupby(writes, key=lambda one: (one.urgent, one.raises)):
        group = list(alike)
        for start in range(0, len(group), most):
            yield group[start : start + most]


# Writing


def begin(voice: Voice, account: str, port: Port, oldest: datetime | None) -> int | None:
    """Note what is going to be written, judged once more; None when there is nothing to write any more.

    `STALE` when the account was read before `oldest`: it has to be read again first.
    """
    # held, so that nobody books between reading what is booked and reading what is left
    row = voice.session.get(GatewayAccount, account, with_for_update=True)
    if row is not None and oldest is not None and row.as_of < oldest:
        return STALE
    if row is None or row.gone or not (found := compare(voice, [row], port, set())):
        return None
    total = found[0].total
    row.meant = [*(one for one in row.meant[-8:] if one != total), total]
    voice.session.add(row)
    return total


def _is_busy(row: GatewayAccount, now: datetime) -> bool:
    return row.spent_at is not None and now - row.spent_at < BUSY


def written(voice: Voice, reading: Reading, total: int, port: Port) -> None:
    """Read back: that is what counts as live. What calls in flight held back comes on top when they end, and is taken off."""
    row = voice.session.get_one(GatewayAccount, reading.id)
    if row.written is not None and row.total is not None:
        row.held = max(0, row.held + row.written - row.total)
    for member in take(voice, [reading]).alerts:
        alerts.alert(voice, member)
    row.total, row.written, row.meant, row.error, row.due = reading.total, total, [], None, False
    voice.session.add(row)
    _live(voice, {row.member_id}, port)


def failed(voice: Voice, account: str, why: str) -> None:
    """The gateway did not take it; it is tried again."""
    row = voice.session.get(GatewayAccount, account)
    if row is not None:
        row.error = why[:500]
        voice.session.add(row)
        alerts.not_live(voice, row.member_id, texts.GATEWAY_SAID, why=why[:200])


def gone(voice: Voice, account: str) -> None:
    """The gateway does not know it any more: it is asked for nothing, and nothing waits for it."""
    row = voice.session.get(GatewayAccount, account)
    if row is not None:
        row.gone, row.due, row.error, row.meant = True, False, None, []
        voice.session.add(row)
