"""The loop that keeps the gateway's limits equal to the ledger: read spend, write limits, converge after any outage.

A round costs the pages of the gateway plus the changes. Between rounds the newest ledger entries name the
members with a decision, so a decision is live within a second and no handler has to remember the gateway.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from bot.database import Database
from bot.gateways.leader import Leader
from bot.gateways.ledger import GatewayLedger
from bot.gateways.offers import OfferReader
from bot.gateways.port import Gateway, GatewayError, GatewayRefused
from bot.gateways.reader import SpendReader
from bot.gateways.usage import UsageReader
from bot.gateways.writer import LimitWriter
from bot.messengers.port import MessengerError
from bot.transactions import OutcomeUnknown
from handlers.gateway import limits, trouble
from models.metering.accounts import edited_accounts
from models.metering.adoption import end_round
from models.metering.gateway_state import GatewayState, opening_unread, unread_end
from models.metering.limits import LimitWrite, glance, newest_entry
from models.metering.reading import Reading
from models.refusal import NoPolicyYet

log = structlog.get_logger()

# An older reading is shown with its age.
STALE = timedelta(minutes=5)
# Seconds between looks at commits of other replicas.
PEEK = 0.5
# Seconds between comparisons for grants that wait without a new decision: for an account, an admin, or the gateway.
AGAIN = 5.0
# Seconds that one attempt to open a period waits for a reading of the gateway.
BEFORE_TURNING = 20.0
# How long the opening waits in all for a gateway that cannot be read.
PATIENCE = timedelta(minutes=10)
# Writes before the loop looks again for the most urgent ones.
AT_ONCE = 50
# Seconds that are read twice: on Postgres a transaction with an older entry may commit later.
OVERLAP = 3.0
# Longest pause between rounds while the gateway is down.
LONGEST_PAUSE = 60.0


class Reconciler:
    """One loop beside the worker. Without `enforce` it only reads. `told`: called after messages were promised."""

    def __init__(
        self,
        database: Database,
        gateway: Gateway,
        clock: Callable[[], datetime],
        *,
        enforce: bool,
        every: float = 30.0,
        kind: str = "gateway",
        name: str = "",
        live: bool | None = None,
        told: Callable[[], None] = lambda: None,
    ) -> None:
        self.database, self.gateway, self.clock, self.every = database, gateway, clock, every
        self.name = name
        self.listeners = [told]
        self.ledger = GatewayLedger(database, clock, enforce=enforce if live is None else live)
        self.leader = Leader(database, clock, kind=kind, enforce=enforce, name=name)
        self.reader = SpendReader(gateway, self.ledger, self._tell, name)
        self.writer = LimitWriter(gateway, self.ledger, self.leader, self.reader, self._tell)
        self.writer.traits = replace(self.writer.traits, name=name)
        self.offers = OfferReader(gateway, self.ledger, name)
        self.usage = UsageReader(gateway, self.ledger, lambda: self.rounds > 0, name)
        self.rounds = self.edited = self.unlinked = 0
        self.took = 0.0
        self._failures = self._pages = 0
        self._marks: list[tuple[float, int]] = [(0.0, 0)]
        self._unread: dict[datetime, datetime] = {}
        self._wait, self._due = every, 0.0
        self._again = 0.0
        self._wake = asyncio.Event()

    @property
    def errors(self) -> int:
        return self._failures + self.writer.errors

    def wake(self) -> None:
        """Look at the newest ledger entries now."""
        self._wake.set()

    def as_of(self) -> datetime | None:
        """The time of the last reading, if it is stale."""
        last = self.leader.read_at
        return last if last is None or self.clock() - last > STALE else None

    def _tell(self) -> None:
        for listener in self.listeners:
            listener()

    # The loop

    async def run(self) -> None:
        """A round every `every` seconds, decisions at once. During an outage the pauses grow."""
        usage = asyncio.create_task(self.usage.run(), name="usage")
        beat = asyncio.create_task(self.leader.beat(), name="lead")
        try:
            while True:
                await self._rest(await self.turn())
        finally:
            usage.cancel(), beat.cancel()
            self.database.submit(self.leader.let_go, None)

    async def turn(self) -> float:
        """One look; returns the seconds until the next."""
        self._wake.clear()  # it answers every call until now
        try:
            leads = await self._look()
        except Exception as error:
            self._failures += 1
            if isinstance(error, DBAPIError | OutcomeUnknown):
                log.warning("a round met no database", reason=str(error).partition("\n")[0][:200])
            else:
                log.exception("a round failed")
            self._due = time.monotonic() + self._wait
            return min(self._wait, 5.0)
        if not leads:
            return PEEK
        return 0.0 if self.writer.ready else max(0.0, min(PEEK, self._due - time.monotonic()))

    async def _look(self) -> bool:
        """False where another replica leads."""
        try:
            if not await self.leader.lead():
                self.writer.pending.clear()
                return False
            if time.monotonic() >= self._due:
                await self.read()
                self._wait = self._pause()
                self._due = time.monotonic() + self._wait
            await self.changes()
        except (GatewayError, GatewayRefused) as error:
            await self._outage(error)
        return True

    async def _rest(self, seconds: float) -> None:
        try:
            # wait_for loses a cancellation that comes together with the wake (Python 3.11).
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return

    def _pause(self) -> float:
        # Reading may take half of the gateway's rate limit; writes need the rest.
        return max(self.every, 2 * self._pages * 60 / self.gateway.calls_per_minute)

    async def _outage(self, error: GatewayError | GatewayRefused) -> None:
        self._failures += 1
        self._wait = min(self._wait * 2, LONGEST_PAUSE) if self.rounds else self.every
        pause = max(getattr(error, "retry_after", None) or 0.0, self._wait)
        self._due = time.monotonic() + pause
        log.warning("the gateway does not answer", reason=str(error), again_in=round(pause, 1))
        await self.database.write(partial(GatewayState.fail, why=str(error), name=self.name))

    # A round

    async def round(self) -> None:
        """Read every account and write every limit that differs, except resting ones."""
        await self.read()
        await self.writer.write()

    async def read(self) -> None:
        """Read and book every account, page by page, and find the limits that differ."""
        await self.offers.read()
        begun, started, pages = self.clock(), time.monotonic(), 0
        self._marks = [(started, await self.database.read(newest_entry))]
        unlinked, later, seen = list[Reading](), list[Reading](), set[str]()
        async for page in self.gateway.accounts():
            booked = await self.reader.book(page)
            unlinked, later, seen = (
                unlinked + booked.unlinked,
                later + booked.later,
                seen | {one.id for one in page},
            )
            pages += 1
            # A large gateway takes minutes to read; decisions are written between the pages.
            if self._wake.is_set():
                self._wake.clear()
                await self.changes()
        if later:
            await self.reader.book(later, seen)
        self.took, self._pages = time.monotonic() - started, pages
        await self.reader.look_for(
            await self.database.write(partial(end_round, seen=seen, gateway=self.name))
        )
        self.writer.replace(await self.database.write(self._all_writes))
        await self.database.write(partial(self._finish, unlinked=unlinked, begun=begun))
        self.rounds += 1
        self._tell()

    async def changes(self) -> None:
        """Write the limits of members with a decision since the last look, then other pending limits."""
        after = self._marks[0][1]
        quiet = await self.database.read(partial(self._quiet_since, after=after))
        writes, newest = (
            ([], quiet)
            if quiet is not None
            else await self.database.write(partial(self._writes_since, after=after))
        )
        self.writer.add(writes)
        now = time.monotonic()
        # The next look starts at the oldest mark within OVERLAP, not at the newest.
        self._marks = [one for one in self._marks if one[0] > now - OVERLAP][-8:] or self._marks[-1:]
        self._marks.append((now, newest))
        await self.writer.write(AT_ONCE, interrupted=self._wake.is_set)

    async def before_turning(self) -> None:
        # Spend that is read after the end would belong to the next period, so the end waits for a reading.
        until = time.monotonic() + BEFORE_TURNING
        while (
            end := await self.database.read(lambda one: unread_end(one, self.clock(), self.name))
        ) is not None:
            self._unread.setdefault(end, self.clock())
            if self.clock() - self._unread[end] >= PATIENCE:
                return
            if time.monotonic() > until:
                raise MessengerError("the gateway was not read since the period ended", retry_after=10)
            self._due = min(self._due, time.monotonic())
            self._wake.set()
            await asyncio.sleep(PEEK)

    # In a transaction

    def _all_writes(self, session: Session) -> list[LimitWrite]:
        try:
            ctx = self.ledger.context(session, f"live:{self.clock().isoformat()}")
            return limits.all_writes(ctx, self.writer.traits) if self.leader.enforce else []
        except NoPolicyYet:
            return []

    def _quiet_since(self, session: Session, after: int) -> int | None:
        """The newest entry if no limit has to be compared (the look then needs no write lock), else None."""
        found = glance(session, self.name, after)
        enforce = self.leader.enforce
        waits = found.waits and time.monotonic() >= self._again
        if self.leader.outdated(released=found.released) or (
            enforce and (found.unread or found.due or waits)
        ):
            return None
        return found.newest

    def _writes_since(self, session: Session, after: int) -> tuple[list[LimitWrite], int]:
        try:
            ctx = self.ledger.context(session, f"live:{self.clock().isoformat()}")
        except NoPolicyYet:
            return [], after
        before = self.leader.enforce
        self.leader.note(GatewayState.of(session, self.name))
        if not self.leader.enforce:
            return [], newest_entry(session)
        if not before or opening_unread(session):  # read soon, so that every limit follows
            self._due = 0.0
        self._again = time.monotonic() + AGAIN
        return limits.writes_since(ctx, after, self.writer.traits)

    def _finish(self, session: Session, unlinked: Sequence[Reading], begun: datetime) -> None:
        self.leader.note(GatewayState.finish_round(session, unlinked, begun, self.took, self.name))
        self.edited, self.unlinked = len(edited_accounts(session, self.name)), len(unlinked)
        if self.leader.enforce:
            with contextlib.suppress(NoPolicyYet):
                ctx = self.ledger.context(session, f"news:{begun.isoformat()}")
                trouble.tell_news(ctx, self.name)
                if not self.writer.traits.per_key:
                    trouble.tell_shared(ctx, self.name)
