"""What the ledger says is what the gateway enforces: reads spend, writes limits, and converges after any outage.

A round costs the gateway's pages plus the changes. Between rounds the ledger itself says whose balances changed, so a
decision is live within a second and no handler has to remember the gateway.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial

import structlog
from sqlmodel import Session, col, select

from bot.database import Database
from bot.gateways import Account, Gateway, GatewayError, GatewayRefused, UsageRow
from handlers import metering
from handlers.context import Voice
from models import gateway as accounts
from models import policy as rules
from models.gateway import GatewayAccount, Rate, Reading
from models.ledger import Cause
from models.member import Member
from models.period import Period
from models.refusal import NoPolicyYet, PeriodClosing
from models.request import Request
from models.usage import Reading as Used
from models.usage import note

log = structlog.get_logger()

STALE = timedelta(minutes=5)
USAGE_EVERY = 300.0
AT_ONCE = 50
"""Writes before one looks again whether something more urgent has come."""


@dataclass(frozen=True)
class Write:
    """A limit that ought to change, in micro-USD. Decisions first, then lowering before raising."""

    account: str
    member: int
    total: int
    raises: bool
    waited_for: bool

    @property
    def order(self) -> tuple[bool, bool]:
        return (not self.waited_for and self.raises, self.raises)


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
    ) -> None:
        self.database, self.gateway, self.clock, self.enforce, self.every = (
            database,
            gateway,
            clock,
            enforce,
            every,
        )
        self.told: Callable[[], None] = lambda: None
        self.last_round: datetime | None = None
        self.lag = 0.0
        self.errors = self.writes = self.rounds = 0
        self.unknown: set[str] = set()
        self._wake = asyncio.Event()
        self._after = 0
        self._next_usage = 0.0

    def wake(self) -> None:
        """Something was committed: see whose limits it changes."""
        self._wake.set()

    def as_of(self) -> datetime | None:
        """When usage was last read, if that is too long ago to be taken for now."""
        old = self.last_round is None or self.clock() - self.last_round > STALE
        return self.last_round if old else None

    async def run(self) -> None:
        """Rounds every `every` seconds, changes at once; an outage is waited out with growing pauses."""
        wait, due = self.every, 0.0
        while True:
            try:
                if time.monotonic() >= due:
                    await self.round()
                    wait, due = self.every, time.monotonic() + self.every
                else:
                    await self.changes()
            except (GatewayError, GatewayRefused) as error:
                self.errors += 1
                wait = min(wait * 2, 60.0)
                due = time.monotonic() + max(getattr(error, "retry_after", None) or 0.0, wait)
                log.warning(
                    "the gateway does not answer",
                    reason=str(error),
                    again_in=round(due - time.monotonic(), 1),
                )
            except Exception:
                self.errors += 1
                log.exception("a round failed")
                due = time.monotonic() + wait
            await self._rest(max(0.05, due - time.monotonic()))

    async def _rest(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._wake.wait(), seconds)
        except TimeoutError:
            return
        finally:
            self._wake.clear()

    # A round: everything once

    async def round(self) -> None:
        """Read every account by pages, book what was spent, write what differs, and keep usage by day and model."""
        begun = self.clock()
        self._after = await self.database.run(lambda session: accounts.touched_since(session, self._after)[1])
        strangers: set[str] = set()
        async for page in self.gateway.accounts():
            strangers |= await self.database.run(partial(self._take, page=page))
        self.unknown, self.last_round, self.rounds = strangers, begun, self.rounds + 1
        await self._write(await self.database.run(self._all_writes))
        if time.monotonic() >= self._next_usage:
            self._next_usage = time.monotonic() + USAGE_EVERY
            await self.usage(begun)
        self.lag = (self.clock() - begun).total_seconds()
        self.told()

    async def changes(self) -> None:
        """Only those whose balances changed since the last look."""
        members, newest = await self.database.run(
            lambda session: accounts.touched_since(session, self._after)
        )
        writes = await self.database.run(lambda session: self._writes(session, members))
        await self._write(writes)
        self._after = newest
        if members:
            self.told()

    async def fresh(self, member_id: int) -> None:
        """Read one person's accounts before their own quota leaves them."""
        ids = await self.database.run(
            lambda session: [row.id for row in accounts.rows_of(session, member_id)]
        )
        for number in ids:
            found = await self.gateway.account(number)
            await self.database.run(partial(self._take, page=[found]))

    async def usage(self, now: datetime) -> None:
        """By day and model, for "by what": the last days are read again, figures only grow."""
        until = now.date()
        async for rows in self.gateway.usage(until - timedelta(days=2), until):
            await self.database.run(partial(self._note, rows=rows))

    # In a transaction

    def _voice(self, session: Session, key: str) -> Voice:
        current = rules.current(session)
        if current is None:
            raise NoPolicyYet
        return Voice(
            session=session,
            now=self.clock(),
            key=key,
            version=current[0],
            policy=current[1],
            live=self.enforce,
            actor="gateway",
        )

    def _take(self, session: Session, page: Iterable[Account]) -> set[str]:
        """Book a page; returns spenders that belong to nobody. While a period turns nothing is booked: it comes again."""
        try:
            voice = self._voice(session, "gateway")
            Period.current(session)
        except (NoPolicyYet, PeriodClosing):
            return set()
        rate, strangers, page = Rate.of(voice.policy.unit, voice.policy.per_usd), set(), list(page)
        known = self._known(session, {account.id for account in page})
        for account in page:
            reading = Reading(
                account.id,
                account.spent,
                account.total,
                account.window,
                account.as_of,
                account.email,
                account.owner,
            )
            row = known.get(account.id)
            if row is None:
                owner = accounts.owner_of(session, reading)
                if owner is None:
                    strangers |= {account.id}
                    continue
                row = accounts.adopt(session, reading, owner)
            key = f"gateway:{account.id}:{account.as_of.isoformat()}"
            cause = Cause(voice.now, "gateway", key, policy=voice.version)
            if accounts.absorb(session, row, reading, rate, cause):
                voice.key = key
                metering.alert(voice, row.member_id)
        return strangers

    def _note(self, session: Session, rows: Iterable[UsageRow]) -> None:
        voice, rows = self._voice(session, "usage"), list(rows)
        rate = Rate.of(voice.policy.unit, voice.policy.per_usd)
        owners = self._known(session, {row.account for row in rows})
        sums: dict[tuple[int, date, str], list[int]] = {}
        for row in rows:
            if row.account in owners:
                total = sums.setdefault((owners[row.account].member_id, row.day, row.model), [0, 0, 0])
                for place, value in enumerate((row.amount, row.input_tokens, row.output_tokens)):
                    total[place] += value
        for (member, day, model), (amount, put, out) in sums.items():
            note(session, Used(member, day, model, rate.booked(amount), put, out))

    def _known(self, session: Session, ids: set[str]) -> dict[str, GatewayAccount]:
        rows = session.exec(select(GatewayAccount).where(col(GatewayAccount.id).in_(ids))).all()
        return {row.id: row for row in rows}

    def _all_writes(self, session: Session) -> list[Write]:
        if self.enforce:
            self._name_unlinked(session)
        return self._compare(session, list(session.exec(select(GatewayAccount)).all()))

    def _name_unlinked(self, session: Session) -> None:
        """A grant to somebody without an account there cannot be live: say so rather than let it wait in silence."""
        linked = select(GatewayAccount.member_id)
        unlinked = select(Request.member_id).where(
            Request.state == "approved", col(Request.member_id).not_in(linked)
        )
        for member in session.exec(unlinked).all():
            voice = self._voice(session, f"unlinked:{member}:{self.clock().isoformat()}")
            metering.not_live(voice, member, "no account is linked")

    def _writes(self, session: Session, members: list[int]) -> list[Write]:
        """Those of the changed, and those whose grant still waits to be live."""
        waiting = select(Request.member_id).where(col(Request.state).in_(("approved", "apply_failed")))
        paused = select(Member.id).where(col(Member.paused_at) > self.clock() - timedelta(minutes=1))
        every = {*members, *session.exec(waiting).all(), *session.exec(paused).all()}
        rows = (
            session.exec(select(GatewayAccount).where(col(GatewayAccount.member_id).in_(every))).all()
            if every
            else []
        )
        return self._compare(session, list(rows))

    def _compare(self, session: Session, rows: list[GatewayAccount]) -> list[Write]:
        """What differs from what ought to be; what is right already is live. Edited by hand is left alone and reported."""
        if not self.enforce:
            return []
        try:
            voice = self._voice(session, f"live:{self.clock().isoformat()}")
        except NoPolicyYet:
            return []
        rate, writes = Rate.of(voice.policy.unit, voice.policy.per_usd), []
        ought = accounts.wanted(session, rows, rate)
        waiting = set(
            session.exec(
                select(Request.member_id).where(col(Request.state).in_(("approved", "apply_failed")))
            ).all()
        )
        for row in rows:
            total = self.gateway.holds(ought[row.id])
            if row.total == total and not row.differs:
                if row.written is None:
                    row.written = total
                if row.member_id in waiting:
                    metering.live(voice, row.member_id)
            elif not row.differs:
                raises = row.total is not None and total > row.total
                writes.append(Write(row.id, row.member_id, total, raises, row.member_id in waiting))
        return sorted(writes, key=lambda one: one.order)

    # Outside any transaction

    async def _write(self, writes: list[Write]) -> None:
        """One after the other at the gateway's pace; a refused one is noted and does not stop the rest."""
        for number, write in enumerate(writes):
            try:
                found = await self.gateway.set_total(write.account, write.total)
            except GatewayRefused as no:
                self.errors += 1
                await self.database.run(partial(self._failed, write=write, why=str(no)))
                continue
            except GatewayError as error:
                await self.database.run(partial(self._failed, write=write, why=str(error)))
                raise
            self.writes += 1
            await self.database.run(partial(self._written, write=write, found=found))
            self.told()
            if number % AT_ONCE == AT_ONCE - 1 and self._wake.is_set():
                return  # something newer came: the next look sorts it in, decisions first

    def _written(self, session: Session, write: Write, found: Account) -> None:
        """Read back: that is what counts as live."""
        row = session.get_one(GatewayAccount, write.account)
        self._take(session, [found])
        row.written, row.total, row.error = found.total, found.total, None
        session.add(row)
        if found.total == write.total:
            metering.live(
                self._voice(session, f"live:{write.account}:{found.as_of.isoformat()}"), row.member_id
            )

    def _failed(self, session: Session, write: Write, why: str) -> None:
        row = session.get_one(GatewayAccount, write.account)
        row.error = why[:500]
        session.add(row)
        metering.not_live(
            self._voice(session, f"failed:{write.account}:{self.clock().isoformat()}"), row.member_id, why
        )
