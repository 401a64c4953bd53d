"""What the ledger says is what the gateway enforces: reads spend, writes limits, and converges after any outage.

A round costs the gateway's pages plus the changes. Between rounds the ledger itself says about whom was decided, so a
decision is live within a second and no handler has to remember the gateway. One replica at a time reconciles.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

import structlog
from sqlmodel import Session

from bot.database import Database
from bot.gateways.port import Gateway, GatewayError, GatewayRefused, NoSuchAccount
from bot.messengers.port import MessengerError
from handlers.context import Context
from handlers.gateway import alerts, limits
from handlers.gateway.limits import BookedPage, GatewayTraits, LimitWrite
from models.metering import gateway_account
from models.metering.gateway_state import LEASE, GatewayState, refuse_unmetered, unread_end
from models.metering.reading import KeyUsage, Reading
from models.policy import versions
from models.quota.period import Period
from models.refusal import NoPolicyYet, PeriodClosing

log = structlog.get_logger()

T = TypeVar("T")
STALE = timedelta(minutes=5)
PEEK = 0.5
"""Seconds between looks at what other replicas committed."""
USAGE_EVERY = 300.0
FREE_EVERY = timedelta(hours=1)
BEFORE_TURNING = 20.0
"""Seconds that the opening of a period waits at a time for the gateway to be read."""
PATIENCE = timedelta(minutes=10)
"""How long it waits in all for a gateway that cannot be read."""
AT_ONCE = 50
"""Writes before one looks again what is most urgent."""
AT_A_TIME = 8
"""Writes under way at once: the connector spaces the calls, and what waits for the database waits together.
Fewer where a minute has few calls: a decision waits for what is under way."""
DOWN = 3
"""So many failures and nothing else are the gateway's and not an account's."""
OVERLAP = 3.0
"""Seconds that are looked at again: on Postgres a transaction with an older entry may commit later."""
MOST_ALERTS = 20
"""People in a page for whom the gateway is asked what burnt; the others hear what is known."""
FRESH = timedelta(seconds=2)
"""A reading that is older is made again before its limit is written."""
REFUSED_REST = 300.0


class Reconciler:
    """One loop beside the worker. `enforce` False only reads: nothing is written before an admin says so."""

    def __init__(
        self,
        database: Database,
        gateway: Gateway,
        clock: Callable[[], datetime],
        *,
        enforce: bool,
        every: float = 30.0,
        kind: str = "gateway",
    ) -> None:
        self.database, self.gateway, self.clock = database, gateway, clock
        self.mode, self.every, self.kind = enforce, every, kind
        self.at_a_time = max(1, min(AT_A_TIME, gateway.calls_per_minute // 60))
        self.port = GatewayTraits(gateway.holds, gateway.family == "wallet")
        self.me = f"{socket.gethostname()}:{os.getpid()}:{id(self):x}"
        self.told: Callable[[], None] = lambda: None
        self.last_round: datetime | None = None
        self.lag = 0.0
        self.errors = self.writes = self.rounds = self.pages = 0
        self.edited = self.strangers = 0
        self.pending: dict[str, LimitWrite] = {}
        self.released = False
        self._resting: dict[str, tuple[datetime, int]] = {}
        self._marks: list[tuple[float, int]] = [(0.0, 0)]
        self._unread: dict[datetime, datetime] = {}
        self._leads_until = self._due = 0.0
        self._wait = every
        self._writing = 0
        self._wake = asyncio.Event()

    @property
    def enforce(self) -> bool:
        """Whether limits are written: asked for, and not released since."""
        return self.mode and not self.released

    @property
    def waiting(self) -> int:
        """Limits that are to be written or just are."""
        return len(self.pending) + self._writing

    def wake(self) -> None:
        """Something was committed: see whose limits it changes."""
        self._wake.set()

    def as_of(self) -> datetime | None:
        """When usage was last read, if that is too long ago to be taken for now."""
        old = self.last_round is None or self.clock() - self.last_round > STALE
        return self.last_round if old else None

    # The loop

    async def run(self) -> None:
        """Rounds every `every` seconds, changes at once; an outage is waited out with growing pauses."""
        usage = asyncio.create_task(self._usages(), name="usage")
        try:
            while True:
                await self._rest(await self._turn())
        finally:
            usage.cancel()
            self.database.submit(lambda session: GatewayState.let_go(session, self.me), None)

    async def _turn(self) -> float:
        """One look; returns the seconds till the next."""
        try:
            if not await self.lead():
                return PEEK
            if time.monotonic() >= self._due:
                await self.read()
                self._wait = self._pause()
                self._due = time.monotonic() + self._wait
            await self.changes()
        except (GatewayError, GatewayRefused) as error:
            await self._outage(error)
        except Exception:
            self.errors += 1
            log.exception("a round failed")
            self._due = time.monotonic() + self._wait
            return min(self._wait, 5.0)
        ready = any(not self._rests(one) for one in self.pending)
        return 0.0 if ready else max(0.0, min(PEEK, self._due - time.monotonic()))

    async def _rest(self, seconds: float) -> None:
        try:
            # not wait_for, which loses a cancellation that comes with the wake (Python 3.11)
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return
        finally:
            self._wake.clear()

    def _pause(self) -> float:
        """Seconds between rounds: reading takes at most half of what the gateway allows."""
        return max(self.every, 2 * self.pages * 60 / self.gateway.calls_per_minute)

    async def _outage(self, error: GatewayError | GatewayRefused) -> None:
        self.errors += 1
        self._wait = min(self._wait * 2, 60.0) if self.rounds else self.every
        pause = max(getattr(error, "retry_after", None) or 0.0, self._wait)
        self._due = time.monotonic() + pause
        log.warning("the gateway does not answer", reason=str(error), again_in=round(pause, 1))
        await self.database.write(partial(_keep, problem=str(error)[:500]))

    async def lead(self) -> bool:
        """Be the one replica that reconciles, and renew that before it ends."""
        if time.monotonic() < self._leads_until:
            return True
        leads = await self.database.write(self._ask_to_lead)
        if leads:
            self._leads_until = time.monotonic() + LEASE.total_seconds() / 4
        else:
            self.pending.clear()
        return leads

    def _ask_to_lead(self, session: Session) -> bool:
        leads = GatewayState.lead(session, self.me, self.clock())
        state = GatewayState.of(session)
        session.refresh(state)
        if leads:
            state.kind = self.kind
            state.released_at = state.released_at if self.mode else None
            session.add(state)
        self.last_round, self.released = state.read_at, state.released_at is not None
        return leads

    # A round: everything once

    async def round(self) -> None:
        """Read everybody and write all that differs, but what rests."""
        await self.read()
        await self.write()

    async def read(self) -> None:
        """Read every account by pages, book what was spent, and see what differs. Decisions do not wait for the pages."""
        begun, started, pages = self.clock(), time.monotonic(), 0
        self._marks = [(started, await self.database.write(gateway_account.newest_entry))]
        strangers: list[Reading] = []
        async for page in self.gateway.accounts():
            strangers += (await self._book(page)).strangers
            pages += 1
            if self._wake.is_set():
                self._wake.clear()
                await self.changes()
        self.lag, self.pages = time.monotonic() - started, pages
        self.pending = {one.account: one for one in await self.database.write(self._all_writes)}
        await self.database.write(partial(self._finish, strangers=strangers, begun=begun))
        self.last_round, self.rounds = begun, self.rounds + 1
        self.told()

    async def changes(self) -> None:
        """Those about whom somebody decided since the last look, then what else waits."""
        after = self._marks[0][1]
        writes, newest = await self.database.write(partial(self._writes_since, after=after))
        now = time.monotonic()
        self._marks = [one for one in self._marks if one[0] > now - OVERLAP][-8:] or self._marks[-1:]
        self._marks.append((now, newest))
        self.pending |= {one.account: one for one in writes}
        await self.write(AT_ONCE)

    async def fresh(self, member_id: int) -> None:
        """Read one person's accounts before their own quota leaves them."""
        rows = await self.database.write(lambda session: gateway_account.rows_of(session, member_id))
        found = await asyncio.gather(*(self._account(row.id) for row in rows))
        if there := [one for one in found if one is not None]:
            await self._book(there)

    async def _account(self, account: str) -> Reading | None:
        """One reading; None when the gateway does not know the account any more, which is kept."""
        try:
            return await self.gateway.account(account)
        except NoSuchAccount as gone:
            log.warning("an account is gone", account=account, reason=str(gone))
            await self._voiced("gone", partial(limits.gone, account=account))
            return None

    async def before_turning(self) -> None:
        """Let a period end only after the gateway was read: what is seen later belongs to the next one."""
        until = time.monotonic() + BEFORE_TURNING
        while (end := await self.database.write(lambda one: unread_end(one, self.clock()))) is not None:
            self._unread.setdefault(end, self.clock())
            if self.clock() - self._unread[end] >= PATIENCE:
                return
            if time.monotonic() > until:
                raise MessengerError("the gateway was not read since the period ended", retry_after=10)
            self._due = min(self._due, time.monotonic())
            self._wake.set()
            await asyncio.sleep(PEEK)

    async def _book(self, page: Sequence[Reading]) -> BookedPage:
        """Book a page; whoever crossed a line hears it, with what burnt."""
        taken = await self._voiced("gateway", lambda ctx: limits.take(ctx, page))
        if taken is None:
            return BookedPage()
        for number, member in enumerate(taken.alerts):
            key_usage = await self._burns(member) if number < MOST_ALERTS else []
            key = f"alert:{member}:{self.clock().isoformat()}"
            await self._voiced(key, partial(alerts.alert, member_id=member, key_usage=key_usage))
        if taken.alerts:
            self.told()
        return taken

    async def _burns(self, member_id: int) -> list[KeyUsage]:
        """What somebody burnt since yesterday, by model and key; nothing when the gateway does not say."""
        today = self.clock().date()
        rows = await self.database.write(lambda session: gateway_account.rows_of(session, member_id))
        key_usage: list[KeyUsage] = []
        try:
            for row in rows:
                async for page in self.gateway.usage(today - timedelta(days=1), today, row.id):
                    key_usage += page
        except (GatewayError, GatewayRefused) as error:
            log.info("the gateway does not say what burnt", reason=str(error))
        return key_usage

    # Usage by day and model, beside the loop

    async def _usages(self) -> None:
        """For "by what": the last days again and again, figures only grow; takes at most a quarter of the time."""
        days, free_at = 2, self.clock()
        while True:
            pause, started = 60.0 if self.rounds else 1.0, time.monotonic()
            if self.rounds:
                try:
                    if self.clock() >= free_at:
                        await self.free()
                        free_at = self.clock() + FREE_EVERY
                    await self.usage(self.clock(), days)
                    days, pause = 1, max(USAGE_EVERY, 3 * (time.monotonic() - started))
                except (GatewayError, GatewayRefused, PeriodClosing) as error:
                    log.info("usage was not read", reason=str(error))
                except Exception:
                    log.exception("usage was not read")
            await asyncio.sleep(pause)

    async def usage(self, now: datetime, days: int = 2) -> None:
        """Read usage of today and so many days before."""
        async for key_usage in self.gateway.usage(now.date() - timedelta(days=days), now.date()):
            await self._voiced("usage", partial(limits.note_usage, key_usage=key_usage))

    async def free(self) -> None:
        """See which of the policy's free models are really let through at no cost: only those are named to people."""
        current = await self.database.write(versions.current)
        if current is not None:
            found = await self.gateway.free_models(current[1].free_models)
            await self.database.write(partial(_keep, free=sorted(found)))

    # Writing

    async def write(self, most: int | None = None) -> None:
        """At the gateway's pace, the most urgent first; what fails rests and does not stop the others."""
        ready = sorted(
            (one for one in self.pending.values() if not self._rests(one.account)), key=lambda one: one.order
        )
        unlowered, failed = False, 0
        for group in limits.side_by_side(ready[:most], self.at_a_time):
            if unlowered and group[0].raises and group[0].urgent:
                continue  # what was to be lowered is not yet
            self._writing = len(group)
            try:
                ends = await asyncio.gather(*map(self._write, group))
            finally:
                self._writing = 0
            errors = [one for one in ends if one is not None]
            unlowered |= bool(errors) and not group[0].raises
            failed = failed + len(errors) if len(errors) == len(group) else 0
            if failed >= DOWN:
                raise errors[-1]
            if self._wake.is_set() and most is not None:
                return  # something newer came: the next look sorts it in

    async def _write(self, write: LimitWrite) -> GatewayError | None:
        """One limit, read back; what the gateway failed with, if it did."""
        self.pending.pop(write.account, None)
        try:
            total = await self._begin(write.account)
            if total is None:
                return None
            found = await self.gateway.set_total(write.account, total)
        except NoSuchAccount:
            await self._account(write.account)
            return None
        except GatewayRefused as no:
            await self._failed(write, str(no), REFUSED_REST)
            return None
        except GatewayError as error:
            await self._failed(write, str(error), error.retry_after)
            return error
        self.writes += 1
        self._resting.pop(write.account, None)
        key = f"live:{write.account}:{found.as_of.isoformat()}"
        await self._voiced(key, lambda ctx: limits.written(ctx, found, total, self.port))
        self.told()
        return None

    async def _begin(self, account: str) -> int | None:
        """What is to be written now, kept as meant; None when nothing is any more, or somebody else writes."""
        if not await self.lead():
            return None
        begun = partial(self._begun, account=account)
        total = await self._voiced("begin", partial(begun, oldest=self.clock() - FRESH))
        if total == limits.STALE:
            found = await self._account(account)  # somebody's hand may have been there
            if found is None:
                return None
            await self._book([found])
            total = await self._voiced("begin", partial(begun, oldest=None))
        return total

    def _begun(self, ctx: Context, account: str, oldest: datetime | None) -> int | None:
        state = GatewayState.of(ctx.session)
        self.released = state.released_at is not None
        if state.holder not in (None, self.me):
            self._leads_until = 0.0
            return None
        return limits.begin(ctx, account, self.port, oldest) if self.enforce else None

    async def _failed(self, write: LimitWrite, why: str, rest: float | None) -> None:
        self.errors += 1
        times = self._resting.get(write.account, (None, 0))[1] + 1
        seconds = rest if rest is not None else min(2.0**times, 60.0)
        self._resting[write.account] = (self.clock() + timedelta(seconds=seconds), times)
        self.pending[write.account] = write
        key = f"failed:{write.account}:{self.clock().isoformat()}"
        await self._voiced(key, partial(limits.failed, account=write.account, why=why))
        self.told()

    def _rests(self, account: str) -> bool:
        """Whether an account is left in peace: its last write failed, or may still be on its way."""
        return account in self._resting and self._resting[account][0] > self.clock()

    # In a transaction

    async def _voiced(self, key: str, work: Callable[[Context], T]) -> T | None:
        """Do it in a transaction, under the policy in force; None before there is one."""
        with contextlib.suppress(NoPolicyYet):
            return await self.database.write(lambda session: work(self.ctx(session, key)))
        return None

    def ctx(self, session: Session, key: str) -> Context:
        """Whoever speaks for the gateway. Raises `NoPolicyYet`, also where the policy has no rate."""
        current = versions.current(session)
        if current is None:
            raise NoPolicyYet
        version, policy = current
        refuse_unmetered(policy, enforce=False)
        return Context(
            session=session, now=self.clock(), key=key, version=version, policy=policy, live=self.mode, actor="gateway",
        )  # fmt: skip

    def _all_writes(self, session: Session) -> list[LimitWrite]:
        try:
            ctx = self.ctx(session, f"live:{self.clock().isoformat()}")
            return limits.all_writes(ctx, self.port) if self.enforce else []
        except NoPolicyYet:
            return []

    def _writes_since(self, session: Session, after: int) -> tuple[list[LimitWrite], int]:
        try:
            ctx = self.ctx(session, f"live:{self.clock().isoformat()}")
        except NoPolicyYet:
            return [], after
        state, period, was = GatewayState.of(session), Period.latest(session), self.enforce
        self.released = state.released_at is not None
        if not self.enforce:
            return [], gateway_account.newest_entry(session)
        opened = period is not None and period.state == "open" and state.period_id != period.id
        if opened or not was:  # everybody's limit follows
            self._due = 0.0
        return limits.writes_since(ctx, after, self.port)

    def _finish(self, session: Session, strangers: Sequence[Reading], begun: datetime) -> None:
        state = limits.finish_round(session, strangers, begun, self.lag)
        self.released = state.released_at is not None
        self.edited, self.strangers = len(gateway_account.edited(session)), len(strangers)


def _keep(session: Session, **facts: str | list[str]) -> None:
    state = GatewayState.of(session)
    for name, value in facts.items():
        setattr(state, name, value)
    session.add(state)
