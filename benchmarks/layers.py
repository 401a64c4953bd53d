"""Where the processor's time of a command goes: microseconds by layer, of `/quota`, `help`, a lend, an approval, a usage page.

    python -m benchmarks.layers [--times 200] [--database sqlite|postgres]

`/quota` and `help` go over HTTP (without a socket), a lend and an approval through the dispatcher, a page of 1,000 rows
through the booking. cProfile with the processor's clock of each thread, so waiting does not count; what the standard library
and built-in functions take is their callers'. A profile makes Python look slower beside C: read shares, not times.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import json
import pstats
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import cache, partial
from typing import Any

from sqlmodel import Session, select

from benchmarks import usage
from benchmarks.ack import NOW
from benchmarks.cost import BALANCE, HELP, TEXTS, lines, request
from benchmarks.measure import Postgres
from benchmarks.transfer import PEOPLE, settle
from bot.database import Database
from bot.dispatch import Dispatcher
from bot.messengers.port import Request
from bot.transactions import Writers
from handlers.command import Command
from handlers.language.reader import read_command
from models.quota.code import Code

LEND, APPROVAL, PAGE = "a lend", "an approval", "a usage page"
# The first that stands in a file's path.
LAYERS = {
    "HTTP": ("/aiohttp/", "/bot/web/", "/multidict/", "/yarl/"),
    "Slack and Bolt": ("/slack_bolt/", "/slack_sdk/", "/bot/messengers/"),
    "database": ("/psycopg/", "/sqlalchemy/", "/sqlmodel/", "/bot/database.py", "/bot/transactions.py", "/bot/look.py",
        "/bot/asking.py", "/bot/engines.py", "/models/statement.py", "/models/db.py", "sqlite3", "psycopg"),
    "words": ("/handlers/words/", "/handlers/context.py", "/babel/", "/models/ledger/amount.py", "/models/messages/message.py"),
    "handlers": ("/handlers/", "/bot/"),
    "rules": ("/models/",),
    "loop and threads": ("/asyncio/", "/concurrent/", "/threading.py", "/selectors.py", "_queue", "select.", "_contextvars"),
}  # fmt: skip
Function = tuple[str, int, str]


@contextmanager
def profiled(*, writes: bool = True) -> Iterator[pstats.Stats]:
    """What this thread and those of the database do, by the processor's clock of each."""
    names = ((Database, "_read"), *(((Writers, "_transaction"),) if writes else ()))
    kept = {owner: getattr(owner, name) for owner, name in names}
    here, there = cProfile.Profile(time.thread_time), list[cProfile.Profile]()

    def within(owner: type) -> Callable[..., Any]:
        def call(*words: Any) -> Any:
            there.append(cProfile.Profile(time.thread_time))
            return there[-1].runcall(kept[owner], *words)

        return call

    for owner, name in names:
        setattr(owner, name, within(owner))
    found = pstats.Stats()
    here.enable()
    try:
        yield found
    finally:
        here.disable()
        for owner, name in names:
            setattr(owner, name, kept[owner])
        for one in (here, *there):
            if one.getstats():
                found.add(pstats.Stats(one))


def by_layer(found: pstats.Stats) -> Counter[str]:
    """Seconds. A function without a layer of its own belongs to the layers of its callers, by what it took for each."""
    stats: dict[Function, Any] = found.stats  # type: ignore[attr-defined]

    @cache
    def layers(function: Function, depth: int = 6) -> dict[str, float]:
        where = function[2] if function[0] == "~" else function[0]
        own = next((name for name, parts in LAYERS.items() if any(part in where for part in parts)), None)
        callers = stats[function][4]
        whole = sum(one[2] for one in callers.values())
        if own is not None or not whole or not depth:
            return {own or "other": 1.0}
        shares = Counter[str]()
        for caller, (_, _, own_time, _) in callers.items():
            for name, share in layers(caller, depth - 1).items():
                shares[name] += share * own_time / whole
        return dict(shares)

    seconds = Counter[str]()
    for function, (_, _, own_time, _, _) in stats.items():
        for name, share in layers(function).items():
            seconds[name] += own_time * share
    return seconds


async def each(some: list[Callable[[], Awaitable[object]]]) -> None:
    for one in some:
        await one()


def moves(database: Database, times: int) -> dict[str, list[Callable[[], Awaitable[object]]]]:
    """Lends between different people, and approvals of requests that everybody sent to one manager before."""
    dispatcher = Dispatcher(database, lambda: NOW)
    dispatcher._locales = dict.fromkeys((f"slack:U{number}" for number in range(PEOPLE)), "en")

    def said(number: int, words: str) -> Callable[[], Awaitable[object]]:
        key = f"slack:{words}:{number}"
        return partial(dispatcher.handle, Request(key, f"slack:U{number}", read_command(words, NOW.date())))

    def approved(code: str) -> Callable[[], Awaitable[object]]:
        press = Command.pressed("request.approve", code)
        return partial(dispatcher.handle, Request(f"slack:{code}", "slack:U0", press))

    asyncio.run(each([said(number, "request 20 for the demo") for number in range(1, times + 21)]))
    codes = database.query(lambda session: session.exec(select(Code.code)).all())
    lends = [said(number, f"lend <@U{PEOPLE - number}> 1") for number in range(1, times + 21)]
    return {LEND: lends, APPROVAL: [approved(code) for code in codes]}


def measure(url: str, times: int) -> dict[str, Counter[str]]:
    """Microseconds of one, by layer."""
    database, found = Database(url), dict[str, tuple[pstats.Stats, int]]()
    settle(database)
    database.transact(_under_one_manager)

    async def commands() -> None:
        async with lines(url) as every:
            for name in (BALANCE, HELP):
                await each([partial(every[name].ask, request(TEXTS[name])) for _ in range(20)])
                asked = [partial(every[name].ask, request(TEXTS[name])) for _ in range(times)]
                with profiled(writes=False) as stats:  # jobs of the start write meanwhile
                    await each(asked)
                found[name] = stats, times

    asyncio.run(commands())
    for name, some in moves(database, times).items():
        asyncio.run(each(some[:20]))
        with profiled() as stats:
            asyncio.run(each(some[20:]))
        found[name] = stats, len(some) - 20
    pages = list(usage.fresh(PEOPLE * len(usage.MODELS), PEOPLE, date(2026, 11, 9)))
    with profiled() as stats:
        for number, page in enumerate(pages):
            database.transact(partial(usage._page, page=page, number=number))
    found[PAGE] = stats, len(pages)
    database.close()
    return {
        name: Counter({layer: took / count * 1e6 for layer, took in by_layer(stats).items()})
        for name, (stats, count) in found.items()
    }


def _under_one_manager(session: Session) -> None:
    session.connection().exec_driver_sql(
        "UPDATE member SET manager_id = (SELECT MIN(id) FROM member) WHERE id > (SELECT MIN(id) FROM member)"
    )


def table(found: dict[str, Counter[str]]) -> str:
    rows = [f"| | {' | '.join(found)} |", "|---" * (len(found) + 1) + "|"]
    for layer in (*LAYERS, "other"):
        shares = (f"{100 * one[layer] / one.total():.0f} %" for one in found.values())
        rows.append(f"| {layer} | {' | '.join(shares)} |")
    rows.append(f"| profiled, µs | {' | '.join(f'{one.total():,.0f}' for one in found.values())} |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--database", choices=("postgres", "sqlite"), default="postgres")
    words = parser.parse_args()
    postgres = Postgres() if words.database == "postgres" else None
    url = postgres.create("ours") if postgres else f"sqlite:///{tempfile.mkdtemp()}/ours.db"
    try:
        found = measure(url, words.times)
    finally:
        if postgres:
            postgres.close()
    print(f"{words.database}, {words.times} of each\n{table(found)}", file=sys.stderr)
    print(json.dumps({name: dict(one) for name, one in found.items()}, indent=1))


if __name__ == "__main__":
    main()
