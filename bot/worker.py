"""The worker: due effects under a lease, and the clock's jobs once a slot. Any number of replicas can run."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from bot.database import Database
from bot.lanes import Ended, Lanes
from bot.leases import Leases
from bot.logs import Outage
from bot.marks import Marks
from bot.messengers.port import Approvals, Home, Messenger, MessengerError, Undeliverable
from bot.metrics import Metrics
from bot.pace import Pace
from bot.pieces import Pieces
from bot.transactions import OutcomeUnknown
from handlers.routes import JOBS
from models.messages import outbox
from models.messages.approval import Approval
from models.messages.message import Message
from models.messages.outbox import AT_A_TIME, Claim, Effect, Mark, promise
from models.quota.closing import overdue

log = structlog.get_logger()

# Seconds between looks without a wake-up.
IDLE = 1.0
# Seconds that the next batch waits for this one; a hanging call then delays its own lane only.
SLOW = 0.5

Page = Callable[[str], Awaitable[Message]]


class Worker:
    """A loop: insert due slots, claim due effects, carry them out outside any transaction, mark them."""

    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime],
        messengers: dict[str, Messenger],
        page: Page,
        *,
        live: bool = False,
        before_turning: Callable[[], Awaitable[None]] | None = None,
        slow: float = SLOW,
        idle: float = IDLE,
        metrics: Metrics | None = None,
        effects_kept: timedelta = timedelta(days=30),
        decide: Callable[[Claim], Awaitable[None]] | None = None,
    ) -> None:
        self.effects_kept, self.decide = effects_kept, decide
        self.metrics = metrics or Metrics()
        self.database, self.clock, self.messengers, self.page = database, clock, messengers, page
        self.before_turning, self.slow, self.idle = before_turning, slow, idle
        self.pace, self.leases = Pace(), Leases(database, clock)
        self._pieces = Pieces(database, live, effects_kept)
        self.parked = self.done = self._overdue = 0
        self._outage = Outage("the database")
        self._wake = asyncio.Event()
        self._lanes = Lanes(self._do, Marks(database, clock, live), self.leases)
        self._slow: set[Ended] = set()
        self._slots: dict[str, datetime] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def wake(self) -> None:
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled; effects under way are finished and marked first."""
        try:
            while True:
                try:
                    await self.schedule()
                    busy = await self._whole_round()
                    self._outage.ends()
                except (DBAPIError, OutcomeUnknown) as error:
                    self._outage.begins(error)
                    busy = False
                except Exception:
                    log.exception("the worker stumbled")
                    busy = False
                if not busy:
                    await self._rest()
        finally:
            if self._slow:
                await asyncio.wait(self._slow)

    async def _whole_round(self) -> bool:
        # Shielded: a cancelled round would leave sent messages unmarked, and they would be sent again.
        doing = asyncio.ensure_future(self.round(self.slow))
        try:
            return await asyncio.shield(doing)
        except asyncio.CancelledError:
            await doing
            raise

    async def _rest(self) -> None:
        try:
            # wait_for loses a cancellation that comes together with the wake (Python 3.11).
            async with asyncio.timeout(self.idle):
                await self._wake.wait()
        except TimeoutError:
            return
        finally:
            self._wake.clear()

    async def round(self, within: float | None = None) -> bool:
        """Do one batch; False if nothing was left to do.

        Effects that take longer than `within` go on beside the next batches. So does a full batch, of which more is due,
        and behind another one when the first of it is done: no call waits for a claim.
        """
        now = self.clock()
        held = list(self.leases.held)
        batch = await self.database.write(lambda session: outbox.claim(session, now, held=held))
        lanes = self._lanes.add(batch)
        if len(batch) == AT_A_TIME:
            waited = lanes[:1] if held else []
        else:
            waited = lanes if within is not None else [*self._slow, *lanes]
        done: set[Ended] = (await asyncio.wait(waited, timeout=within))[0] if waited else set()
        self._go_on({*lanes} - done)
        if failures := [error for lane in done if (error := lane.exception())]:
            raise failures[0]
        return bool(batch or waited)

    def _go_on(self, lanes: set[Ended]) -> None:
        self._slow |= lanes
        for lane in lanes:
            lane.add_done_callback(self._caught_up)

    def _caught_up(self, lane: Ended) -> None:
        self._slow.discard(lane)
        error = lane.exception()
        if isinstance(error, DBAPIError | OutcomeUnknown):
            self._outage.begins(error)
        elif isinstance(error, Exception):
            log.error("the worker stumbled", error=str(error))

    async def drain(self, most: int = 1000) -> None:
        """Do everything that is due now, for the command line and for tests."""
        for _ in range(most):
            if not await self.round():
                return

    # The clock

    async def schedule(self) -> None:
        # The key of a slot is unique, so one replica promises it and the others do nothing.
        now = self.clock()
        due = {
            name: slot(now, job.every)
            for name, job in JOBS.items()
            if self._slots.get(name) != slot(now, job.every)
        }
        if due:
            await self.database.write(lambda session: self._promise_slots(session, due))
            self._slots |= due

    def _promise_slots(self, session: Session, due: dict[str, datetime]) -> None:
        for name, at in due.items():
            promise(
                session,
                Effect(
                    key=f"{name}@{at:%Y-%m-%dT%H:%MZ}",
                    kind="job",
                    payload={"job": name},
                    lane=f"job:{name}",
                    due_at=at,
                ),
            )

    async def tick(self, now: datetime) -> None:
        """All due work of the clock as if it were `now`, once."""
        for name, job in JOBS.items():
            await self._pieces.run(job, now, f"tick:{name}@{now.isoformat()}")

    async def _job(self, name: str, effect: Claim) -> None:
        """One slot of a job. While the clock is more than one period ahead most of them wait for an operator."""
        # What an attempt has done shows in the books. Under its key nothing that was due since could be promised.
        job, key = JOBS[name], f"{effect.key}~{effect.attempts}" if effect.attempts > 1 else effect.key
        if name == "turn":
            await self._before_turning()
        await self._pieces.run(job, self.clock(), key, waits=not job.always)

    async def _before_turning(self) -> None:
        over = len(await self.database.read(lambda one: overdue(one, self.clock())))
        if over and over != self._overdue:
            log.warning("the clock is far ahead: `quotabot tick --yes`, or put it right", periods=over)
        self._overdue = over
        if self.before_turning is not None and not over:
            await self.before_turning()

    # One effect

    async def _do(self, effect: Claim) -> Mark | None:
        """Carry out an effect, and return its new state: temporary failures are retried, permanent ones parked."""
        if self.leases.lapsed(effect):
            return None
        if effect.kind == "say" and (wait := self.pace.wait(effect.lane, effect.payload.get("sender"))):
            return outbox.release(effect, self.clock() + timedelta(seconds=wait))
        try:
            ref = await self._call(effect)
        except MessengerError as error:
            return self._later(effect, error)
        except Undeliverable as error:
            self.parked += 1
            self.metrics.effect(effect.kind, "parked")
            log.warning("parked", key=effect.key, kind=effect.kind, reason=str(error))
            return outbox.park(effect, self.clock(), str(error))
        except Exception as error:
            if isinstance(error, DBAPIError | OutcomeUnknown):
                self._outage.begins(error)
            else:
                log.exception("an effect failed", key=effect.key, kind=effect.kind)
            return self._later(effect, MessengerError(f"{type(error).__name__}: {error}"))
        self.done += 1
        now = self.clock()
        self.metrics.effect(effect.kind, "done", (now - effect.due_at).total_seconds())
        return outbox.done(effect, now, ref)

    async def _call(self, effect: Claim) -> str | None:
        what = effect.payload
        match effect.kind:
            case "job":
                await self._job(what["job"], effect)
            case "say":
                return await self._say(effect, what["address"], Message.from_json(what["message"]))
            case "replace":
                await self._replace(effect)
            case "review":
                await self._approvals(what["messenger"]).review_approval(what["ref"], what["code"])
            case "answer":
                await self._messenger(what["messenger"]).answer(
                    what["by"], Message.from_json(what["message"])
                )
            case "decide" if self.decide is not None:
                await self.decide(effect)
            case "home":
                await self._publish(what["address"])
            case _:
                raise Undeliverable(f"nobody knows how to do {effect.kind}")
        return None

    async def _say(self, effect: Claim, address: str, message: Message) -> str:
        approval, unsure = Approval.of(effect), effect.unsure
        if approval is not None:
            return await self._approvals(address).start_approval(approval, message, unsure=unsure)
        return await self._messenger(address).send(address, message, effect.key, unsure=unsure)

    async def _replace(self, effect: Claim) -> None:
        # The new state needs the ref of the first message, so it waits while that one is under way.
        original = await self.database.read(lambda session: session.get(Effect, effect.payload["of"]))
        if original is None or original.parked_at is not None:
            return
        if original.ref is None:
            raise MessengerError("the original is not there yet")
        address, message = original.payload["address"], Message.from_json(effect.payload["message"])
        approval = Approval.of(original)
        if approval is not None:
            await self._approvals(address).end_approval(approval, original.ref, message)
        else:
            await self._messenger(address).replace(address, original.ref, message)

    async def _publish(self, address: str) -> None:
        messenger = self._messenger(address)
        if isinstance(messenger, Home):
            await messenger.home(address, await self.page(address))

    def _messenger(self, address: str) -> Messenger:
        found = self.messengers.get(address.split(":", 1)[0])
        if found is None:
            raise MessengerError(f"{address.split(':', 1)[0]} is not connected", retry_after=30)
        return found

    def _approvals(self, address: str) -> Approvals:
        found = self._messenger(address)
        if not isinstance(found, Approvals):
            raise Undeliverable(f"{found.name} has no approvals of its own")
        return found

    def _later(self, effect: Claim, error: MessengerError) -> Mark:
        after = timedelta(seconds=error.retry_after) if error.retry_after is not None else None
        self.metrics.effect(effect.kind, "again")
        if error.retry_after is not None:
            self.pace.hold(effect.lane, error.retry_after)
        # Once unknown, always unknown: a failed look at what arrived says nothing about the first attempt.
        reason = f"{outbox.UNKNOWN if error.unknown or effect.unsure else ''}{error}"
        return outbox.again(effect, self.clock(), reason, after)


def slot(now: datetime, every: timedelta) -> datetime:
    seconds = int(every.total_seconds())
    return datetime.fromtimestamp(int(now.timestamp()) // seconds * seconds, UTC)
