"""performance.md 10: what a round of reconciliation costs in calls, and how long a decision waits behind an opening.

    python -m benchmarks.gateway [--people 5000] [--rounds 3] [--per-minute 3000]

Against the stand-in LiteLLM in a process of its own: the calls are counted there. The limit is the bare pages, read by a loop
that does nothing else, and for the opening three calls a limit (read, write, read back) at the pace of `--per-minute`.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection

import aiohttp
from sqlmodel import Session, select

from benchmarks.measure import ratio, report
from bot.database import Database
from bot.gateways.port import Gateway
from bot.gateways.reconcile import Reconciler
from bot.gateways.registry import open_gateway
from bot.migrate import migrate
from models.ledger.account import AccountKind, organisation
from models.ledger.transfer import Cause
from models.people.member import Member
from models.policy import document, versions
from models.quota.closing import advance, begin_turn, open_first
from models.quota.grant import top_up
from models.quota.period import Period
from sandbox.gateways.litellm import LiteLLM

NOW = datetime(2026, 11, 9, 2, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 1, 1, tzinfo=UTC)
POLICY = "unit: USD\ntimezone: UTC\nallocations:\n  - {match: {}, amount: 100}\n"
FAST = 10**9


def stand_in(people: int, pipe: Connection) -> None:
    """A process of its own: counts the calls, and returns the counts over the pipe."""
    asyncio.run(_serve(people, pipe))


async def _serve(people: int, pipe: Connection) -> None:
    async with LiteLLM(users={_id(number): None for number in range(people)}) as gateway:
        pipe.send((gateway.url, gateway.key))
        loop = asyncio.get_running_loop()
        while (asked := await loop.run_in_executor(None, pipe.recv)) != "stop":
            if asked == "calls":
                pipe.send(dict(gateway.calls))
                gateway.calls.clear()
            elif isinstance(asked, range):
                for user in (gateway.users[_id(number)] for number in asked):
                    user.spend, user.live = user.spend + 1, user.live + 1
                pipe.send(None)
            else:
                pipe.send(gateway.users[_id(asked)].max_budget)


def _id(number: int) -> str:
    return f"p{number:06}@corp.example"


class Bench:
    """One company of `people`, settled, linked and enforced."""

    def __init__(self, people: int, per_minute: int) -> None:
        self.people, self.per_minute = people, per_minute
        self._begun, self._since = NOW, time.monotonic()
        self.database = Database(f"sqlite:///{tempfile.mkdtemp()}/bench.db")
        self.pipe, other = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=stand_in, args=(people, other), daemon=True)

    @property
    def now(self) -> datetime:
        return self._begun + timedelta(seconds=time.monotonic() - self._since)

    def settle(self) -> None:
        migrate(self.database.engine)
        self.database.transact(self._people)
        version = self.database.transact(
            lambda session: versions.record_version(session, POLICY, NOW, "bench")
        )
        self.database.transact(
            lambda session: open_first(session, NOW, version, document.parse(POLICY)) and None
        )
        self._advance()

    def _people(self, session: Session) -> None:
        for number in range(self.people):
            email = _id(number)
            session.add(Member(name=f"P{number}", email=email, gateway_id=email, joined_at=NOW))

    def _advance(self) -> None:
        while self.database.transact(lambda session: advance(session, self.now)):
            pass

    def turn(self) -> None:
        # Everybody who spent gets another limit in December.
        self._begun, self._since = DECEMBER, time.monotonic()
        self.database.transact(lambda session: begin_turn(session, self.now))
        self._advance()

    def grant(self, numbers: range) -> None:
        self.database.transact(lambda session: self._grant(session, numbers))

    def _grant(self, session: Session, numbers: range) -> None:
        issued, ends = organisation(session, AccountKind.ISSUED, self.now), Period.current(session).ends_at
        for number in numbers:
            member = session.exec(select(Member.id).where(Member.email == _id(number))).one()
            cause = Cause(self.now, "admin", f"grant:{number}:{time.monotonic()}")
            top_up(session, member, 10_000_000, source=issued, ends_at=ends, cause=cause)

    def calls(self) -> dict[str, int]:
        self.pipe.send("calls")
        found: dict[str, int] = self.pipe.recv()
        return found

    def limit(self, number: int) -> float | None:
        self.pipe.send(number)
        found: float | None = self.pipe.recv()
        return found

    def burn(self) -> None:
        self.burn_some(range(self.people))

    def burn_some(self, numbers: range) -> None:
        """One USD each."""
        self.pipe.send(numbers)
        self.pipe.recv()

    def gateway(self, http: aiohttp.ClientSession, per_minute: int) -> Gateway:
        return open_gateway(
            "litellm", *self.address, http, calls_per_minute=per_minute, clock=lambda: self.now
        )

    def start(self) -> None:
        self.process.start()
        self.address: tuple[str, str] = self.pipe.recv()

    def stop(self) -> None:
        self.pipe.send("stop")
        self.process.join(10)
        self.database.close()


async def measure(bench: Bench, rounds: int) -> dict[str, list[dict[str, float]]]:
    found: dict[str, list[dict[str, float]]] = {}
    async with aiohttp.ClientSession() as http:
        loop = Reconciler(bench.database, bench.gateway(http, FAST), lambda: bench.now, enforce=True)
        found["first round: link, adopt, enforce"] = [await one(bench, loop)]
        for number in range(rounds):
            found.setdefault("bare pages", []).append(await bare(bench, bench.gateway(http, FAST)))
            found.setdefault("nothing changed", []).append(await one(bench, loop))
            share = bench.people // 100
            bench.grant(range(number * share, (number + 1) * share))
            found.setdefault("1 % changed", []).append(await one(bench, loop))
        found["opening with a decision in the middle"] = [await opening(bench, http)]
    return found


async def one(bench: Bench, loop: Reconciler) -> dict[str, float]:
    """Seconds of a round, and its calls by kind."""
    bench.calls()
    started = time.perf_counter()
    await loop.round()
    seconds, calls = time.perf_counter() - started, bench.calls()
    return {"seconds": seconds, **_counted(calls)}


async def bare(bench: Bench, gateway: Gateway) -> dict[str, float]:
    # The limit: the pages alone.
    bench.calls()
    started = time.perf_counter()
    async for _ in gateway.accounts():
        pass
    return {"seconds": time.perf_counter() - started, **_counted(bench.calls())}


def _counted(calls: dict[str, int]) -> dict[str, float]:
    pages = calls.get("GET /user/list", 0)
    writes = calls.get("POST /user/update", 0)
    return {
        "calls": sum(calls.values()),
        "pages": pages,
        "writes": writes,
        "reads": sum(calls.values()) - pages - writes,
    }


async def opening(bench: Bench, http: aiohttp.ClientSession) -> dict[str, float]:
    # Everybody's limit changes at the gateway's pace; a decision comes when a third is written.
    bench.burn()
    await Reconciler(bench.database, bench.gateway(http, FAST), lambda: bench.now, enforce=True).round()
    bench.turn()
    loop = Reconciler(bench.database, bench.gateway(http, bench.per_minute), lambda: bench.now, enforce=True)
    running, started = asyncio.create_task(loop.run()), time.perf_counter()
    await _until(lambda: loop.writer.writes >= bench.people // 3)
    last = bench.people - 1
    before, decided = bench.limit(last), time.perf_counter()
    await asyncio.to_thread(bench.grant, range(last, bench.people))
    loop.wake()
    await _until(lambda: bench.limit(last) != before)
    live, after = time.perf_counter() - decided, loop.writer.writes
    await _until(lambda: loop.rounds > 0 and not loop.writer.pending and loop.writer.writes >= bench.people)
    seconds = time.perf_counter() - started
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return {
        "limits": bench.people,
        "decision live s": live,
        "limits then waiting": bench.people - after,
        "all live s": seconds,
        "3 calls a limit at that pace s": bench.people * 3 * 60 / bench.per_minute,
    }


async def _until(happened: Callable[[], bool]) -> None:
    while not happened():  # noqa: ASYNC110 - it is another process
        await asyncio.sleep(0.005)


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--people", type=int, default=5000)
    words.add_argument("--rounds", type=int, default=3)
    words.add_argument("--per-minute", type=int, default=3000)
    said = words.parse_args()
    bench = Bench(said.people, said.per_minute)
    bench.start()
    bench.settle()
    try:
        found = asyncio.run(measure(bench, said.rounds))
    finally:
        bench.stop()
    show(found)


def show(found: dict[str, list[dict[str, float]]]) -> None:
    quiet = [
        one["calls"] / bare["calls"]
        for one, bare in zip(found["nothing changed"], found["bare pages"], strict=True)
    ]
    busy = [(one["calls"] - one["pages"]) / one["writes"] for one in found["1 % changed"]]
    (opened,) = found["opening with a decision in the middle"]
    ratios = {
        "10 calls, nothing changed / pages": (quiet, "<= 1"),
        "10 calls beyond pages, a change": (busy, "<= 2"),
        "seconds, nothing changed / bare pages": (ratio(found, "nothing changed", "bare pages", "seconds"), "-"),
        "10 opening, seconds / three calls a limit at that pace": (
            [opened["all live s"] / opened["3 calls a limit at that pace s"]], "<= 1.5"
        ),
        "10 decision in the opening, seconds": ([opened["decision live s"]], "<= 1"),
    }  # fmt: skip
    report("10  reconciliation with the gateway", found, ratios)


if __name__ == "__main__":
    main()
