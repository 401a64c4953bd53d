"""Random histories of two gateways and one balance, with lag, faults, resets and edits by hand.

    python -m tests.gateway_histories 10000        # seeds 0 to 9999; prints what was seen

What always holds: what can be spent anywhere is at most what the ledger has, and what was burnt since the last readings;
once everything was read and written, each account can spend at most what is available, and all that was burnt is booked.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Collection
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sqlmodel import Session

from bot.database import Database
from bot.gateways.fleet import Fleet
from bot.gateways.named import Named
from bot.gateways.port import Family, Finding, GatewayError
from bot.gateways.reconcile import Reconciler
from bot.migrate import migrate
from handlers.lending import lend, recall, repay
from models.ledger.audit import audit
from models.metering.reading import KeyUsage, Reading
from models.quota.wallet import wallet_of
from models.refusal import Refusal
from tests.actions import gift
from tests.company import NOW, asks, settle_company, who

USD = 1_000_000
PEOPLE = ("alice", "bob", "lee")
STEPS = 14
MEMORY = Path("/dev/shm")


def midnight(day: int) -> datetime:
    """`day` 0 is the one on which the histories begin."""
    return datetime.combine(NOW.date() + timedelta(days=day), datetime.min.time(), UTC)


@dataclass
class Meter:
    """An account: `live` refuses at the cap at once, `shown` is what a reading says. `before`: burnt in ended windows."""

    live: int = 0
    shown: int = 0
    cap: int | None = 0
    window: int = 0
    before: int = 0

    @property
    def burnt(self) -> int:
        return self.before + self.live

    @property
    def spendable(self) -> int:
        return max(0, (self.cap or 0) - self.live)


class Meters:
    """A gateway in memory: caps and counters, spend that is shown late, and calls that fail before or after the work."""

    family: Family = "cap"
    per_key = False
    calls_per_minute = 10**9

    def __init__(self, name: str, history: History) -> None:
        self.name, self.history = name, history
        self.accounts_by_id = {f"{name}@corp.example": Meter() for name in PEOPLE}
        self.faults: list[str] = []

    def _reading(self, id: str) -> Reading:  # noqa: A002
        one = self.accounts_by_id[id]
        return Reading(
            id,
            one.shown,
            one.cap,
            self.history.tick(),
            window=self._window(one),
            email=id,
        )

    def _window(self, one: Meter) -> str:
        """As gateways name theirs: one by the end, the other by the first day."""
        if self.name == "api":
            return midnight(one.window + 1).isoformat()
        return f"daily {midnight(one.window).date()}"

    def _fault(self, when: str) -> None:
        if self.faults and self.faults[0] == when:
            self.faults.pop(0)
            raise GatewayError(f"failed {when}", unknown=when == "after", retry_after=0)

    async def accounts(self) -> AsyncIterator[list[Reading]]:
        self._fault("before")
        yield [self._reading(one) for one in self.accounts_by_id]

    async def account(self, id: str) -> Reading:  # noqa: A002
        return self._reading(id)

    async def set_total(self, id: str, total: int) -> Reading:  # noqa: A002
        self._fault("before")
        self.accounts_by_id[id].cap = total
        self._fault("after")
        return self._reading(id)

    async def release(self, id: str, found: int | None) -> Reading:  # noqa: A002
        self.accounts_by_id[id].cap = found
        return self._reading(id)

    def holds(self, total: int) -> int:
        return total

    async def usage(self, since: date, until: date, account: str = "") -> AsyncIterator[list[KeyUsage]]:
        for nothing in ():
            yield nothing

    async def preflight(self, free_models: Collection[str] = ()) -> list[Finding]:
        return []

    async def free_models(self, names: Collection[str]) -> set[str]:
        return set()


class History:
    """A town with two gateways in memory. `seen`: how often each thing happened."""

    def __init__(self, database: Database, seed: int) -> None:
        self.database, self.random, self.now = database, random.Random(seed), NOW
        self.meters = {name: Meters(name, self) for name in ("api", "seats")}
        self.edited: set[tuple[str, str]] = set()
        self.resets: set[str] = set()
        self.seen = Counter[str]()
        self.reflected = dict.fromkeys(self.meters, 0)
        """Gateway → the spend that its caps know of: what was booked before its last whole round."""
        self.fleet = self._fleet()

    def _fleet(self) -> Fleet:
        return Fleet(
            [
                Reconciler(self.database, Named(name, one), self.tick, enforce=True, kind="memory", name=name)
                for name, one in self.meters.items()
            ]
        )

    def tick(self) -> datetime:
        self.now += timedelta(milliseconds=10)
        return self.now

    async def live(self) -> None:
        """The history: each step something happens, and what always holds is looked at."""
        actions = (self.burn, self.burn, self.burn, self.lend, self.repay, self.gift, self.flush, self.read,
                   self.read, self.write, self.fault, self.reset, self.edit, self.restart)  # fmt: skip
        for _ in range(STEPS):
            action = self.random.choice(actions)
            self.seen[action.__name__] += 1
            await action()
            self.check()
        await self.settle()
        self.check_settled()

    # What happens

    def _anybody(self) -> tuple[str, str, Meter]:
        gateway, name = self.random.choice(list(self.meters)), self.random.choice(PEOPLE)
        return gateway, name, self.meters[gateway].accounts_by_id[f"{name}@corp.example"]

    async def burn(self) -> None:
        _, _, meter = self._anybody()
        amount = min(self.random.randint(1, 90) * USD, meter.spendable)
        meter.live += amount
        self.seen["USD burnt"] += amount // USD

    async def lend(self) -> None:
        lender, borrower = self.random.sample(PEOPLE, 2)
        amount = self.random.randint(1, 80) * USD
        self._do(lender, lambda session, ctx: lend(ctx, who(session, borrower), amount))

    async def repay(self) -> None:
        one, other = self.random.sample(PEOPLE, 2)
        verb = self.random.choice((recall, repay))
        self._do(one, lambda session, ctx: verb(ctx, who(session, other), None))

    def _do(self, name, verb) -> None:  # type: ignore[no-untyped-def]
        with contextlib.suppress(Refusal):
            self.database.transact(
                lambda session: verb(session, asks(session, name, now=self.tick(), key=str(self.now)))
            )
            self.seen["moved"] += 1

    async def gift(self) -> None:
        gift(self.database, self.random.choice(PEOPLE), self.random.randint(1, 50), now=self.tick())

    async def flush(self) -> None:
        for meter in self.random.choice(list(self.meters.values())).accounts_by_id.values():
            meter.shown = meter.live

    async def read(self) -> None:
        await self._round(self.random.choice(self.fleet.loops))

    async def _round(self, loop: Reconciler) -> None:
        booked, errors = sum(self._books()[1].values()), loop.errors
        assert await loop.leader.lead()
        with contextlib.suppress(GatewayError):
            await loop.round()
            if loop.errors == errors and not loop.writer.pending:
                self.reflected[loop.name] = booked

    async def write(self) -> None:
        with contextlib.suppress(GatewayError):
            await self.random.choice(self.fleet.loops).changes()

    async def fault(self) -> None:
        self.random.choice(list(self.meters.values())).faults += self.random.choices(("before", "after"), k=2)

    async def reset(self) -> None:
        """A window ends: the gateway counts anew under the same cap, and knows how much was spent in the last one."""
        _, name, meter = self._anybody()
        meter.shown = meter.live
        await self.settle()
        meter.before, meter.live, meter.shown, meter.window = meter.burnt, 0, 0, meter.window + 1
        soon = timedelta(minutes=self.random.randint(0, 30))
        self.now = max(self.now, midnight(meter.window) + soon)
        self.resets.add(name)

    async def edit(self) -> None:
        gateway, name, meter = self._anybody()
        meter.cap = self.random.randint(0, 400) * USD
        self.edited.add((gateway, name))

    async def restart(self) -> None:
        """A kill: the lease runs out first."""
        self.fleet = self.restarted()

    def restarted(self) -> Fleet:
        self.now += timedelta(seconds=10)
        return self._fleet()

    async def settle(self) -> None:
        """Everything is read and written: the faults are over, and two readings have seen the same."""
        for meters in self.meters.values():
            meters.faults.clear()
            for meter in meters.accounts_by_id.values():
                meter.shown = meter.live
        for _ in range(4):
            self.now += timedelta(minutes=6)
            for loop in self.fleet.loops:
                await self._round(loop)
        self.resets.clear()

    # What always holds

    def check(self) -> None:
        """The sum that can be spent anywhere, as spend at one gateway is taken off the others once it is read."""
        if self.edited or self.resets:
            return
        available, _ = self._books()
        most = sum(
            max(one.accounts_by_id[f"{name}@corp.example"].spendable for one in self.meters.values())
            for name in PEOPLE
        )
        burnt = sum(meter.burnt for one in self.meters.values() for meter in one.accounts_by_id.values())
        unread = burnt - min(self.reflected.values())
        allowed = sum(max(0, one) for one in available.values()) + unread
        assert most <= allowed, f"{most / USD} can be spent, {allowed / USD} are there"

    def check_settled(self) -> None:
        available, booked = self._books()
        for gateway, meters in self.meters.items():
            for name in PEOPLE:
                meter = meters.accounts_by_id[f"{name}@corp.example"]
                if (gateway, name) not in self.edited:
                    assert meter.spendable <= max(0, available[name]), (gateway, name)
        for name in PEOPLE:
            burnt = sum(one.accounts_by_id[f"{name}@corp.example"].burnt for one in self.meters.values())
            assert booked[name] == burnt, (name, booked[name] / USD, burnt / USD)
        self.seen["USD overdrawn"] += sum(-min(0, one) for one in available.values()) // USD
        assert not self.database.transact(lambda session: audit(session).wrong)

    def _books(self) -> tuple[dict[str, int], dict[str, int]]:
        def read(session: Session) -> tuple[dict[str, int], dict[str, int]]:
            found = {name: wallet_of(session, who(session, name).id) for name in PEOPLE}
            return (
                {name: one.available for name, one in found.items()},
                {name: one.used for name, one in found.items()},
            )

        return self.database.transact(read)


@dataclass
class Beginning:
    """A company whose gateways were read and written once, for histories to begin with."""

    file: Path
    meters: dict[str, dict[str, Meter]]
    reflected: dict[str, int]
    now: datetime

    @classmethod
    def of(cls, file: Path) -> Beginning:
        """The company is settled in this database; its gateways are read and written here."""
        database = Database(f"sqlite:///{file}")
        history = History(database, seed=0)
        asyncio.run(history.settle())
        database.close()
        meters = {name: one.accounts_by_id for name, one in history.meters.items()}
        return cls(file, meters, history.reflected, history.now)

    def resume(self, history: History) -> History:
        for name, meters in deepcopy(self.meters).items():
            history.meters[name].accounts_by_id = meters
        history.reflected, history.now = dict(self.reflected), self.now
        history.fleet = history.restarted()
        return history


def settled_file(folder: Path) -> Path:
    """A database with the company in it."""
    file = folder / "settled.db"
    database = Database(f"sqlite:///{file}")
    migrate(database.engine)
    settle_company(database)
    database.close()
    return file


def live(begin: Beginning, seed: int) -> Counter[str]:
    """One history; returns what was seen. Fails with its seed."""
    settled = begin.file
    file = settled.with_name("history.db")
    for tail in ("", "-wal", "-shm"):
        Path(f"{file}{tail}").unlink(missing_ok=True)
    shutil.copy(settled, file)
    database = Database(f"sqlite:///{file}")
    history = begin.resume(History(database, seed))
    try:
        asyncio.run(history.live())
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}") from error
    finally:
        database.close()
    return history.seen


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    seen, started = Counter[str](), time.perf_counter()
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        begin = Beginning.of(settled_file(Path(folder)))
        for seed in range(first, first + count):
            seen += live(begin, seed)
            if (done := seed - first + 1) % 100 == 0:
                print(f"{done} in {time.perf_counter() - started:.0f} s", file=sys.stderr)
    print(f"{count} histories in {time.perf_counter() - started:.0f} s")
    for what, times in sorted(seen.items()):
        print(f"{times:10} {what}")


if __name__ == "__main__":
    main()
