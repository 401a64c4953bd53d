"""performance.md 2, 7 and 11 at full size, on Postgres: 115,000 people and ten million entries that `audit` finds right.

    python -m benchmarks.size [--people 115000] [--entries 10000000] [--small 1000 1000000] [--rounds 2] [--rate 300] [--seconds 5]

Both databases are filled set-based; the parts are timed and printed. Then bare Bolt and `/quota` take turns over HTTP, small and
large are asked in turn, and a period closes and opens beside plain SQL on a copy. `rss_mib` is what the bot's process holds
after its commands, `memory_mib` what a closing adds to one. About six minutes and five gigabytes on two idle cores.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from sqlmodel import Session

from benchmarks import growth, period
from benchmarks.ack import cell
from benchmarks.measure import Found, Postgres, Ratios, interleave, ratio, report
from bot.database import Database
from bot.worker import slot
from handlers.routes import JOBS
from models.ledger.audit import audit
from models.messages.outbox import Effect

BOLT, QUOTA = "hello, before response", "/quota"


@contextmanager
def timed(what: str) -> Iterator[None]:
    begun = time.perf_counter()
    yield
    print(f"{what}: {time.perf_counter() - begun:,.0f} s", file=sys.stderr, flush=True)


def filled(postgres: Postgres, name: str, people: int, entries: int) -> Database:
    database = Database(postgres.create(name))
    with timed(f"{name}: {people:,} people settled"):
        period.settle(database, people)
    with timed(f"{name}: about {entries:,} entries written, indexed, vacuumed"):
        growth.remember(database, entries)
    with timed(f"{name}: audit"):
        found = database.query(audit)
    print(f"{name}: {found.counts}, wrong: {found.wrong}", file=sys.stderr, flush=True)
    if found.wrong:
        raise SystemExit("the ledger is not right")
    return database


def rested(session: Session) -> None:
    """The clock's work of this moment is done, else a start seals five million transfers while `/quota` is measured."""
    for name, job in JOBS.items():
        key = f"{name}@{slot(period.NOW, job.every):%Y-%m-%dT%H:%MZ}"
        session.add(Effect(key=key, kind="job", due_at=period.NOW, done_at=period.NOW))


def measure(postgres: Postgres, words: argparse.Namespace) -> tuple[Found, Ratios]:
    small = filled(postgres, "small", *words.small)
    large = filled(postgres, "large", words.people, words.entries)
    large.transact(rested)
    url, now = postgres.url("large"), period.NOW.isoformat()
    load = (words.rate, words.seconds, words.people)
    asked = interleave(
        {BOLT: cell(["hello-pbr"], "", *load), QUOTA: cell(["ours", url, now], "", *load)}, words.rounds
    )
    sizes = {"small": (small, words.small[0]), "large": (large, words.people)}
    grown = interleave(
        {name: partial(growth.cell_of, *one, words.count) for name, one in sizes.items()}, words.rounds
    )
    small.close()
    large.close()
    with timed("copied"):
        postgres.sql("CREATE DATABASE plain TEMPLATE large STRATEGY file_copy")
    ours, plain = Database(url), Database(postgres.url("plain"))
    turned = interleave(period.turning(ours, plain, url, words.people, words.seconds), words.rounds)
    ours.close()
    plain.close()
    rows: Ratios = {
        f"2 processor for `{QUOTA}` / before response": (ratio(asked, QUOTA, BOLT, "cpu_ms"), "<= 2.5"),
        f"2 `{QUOTA}` p99 / before response": (ratio(asked, QUOTA, BOLT, "p99_ms"), "<= 2"),
        f"2 memory of the bot after {QUOTA}, MiB": ([one["rss_mib"] for one in asked[QUOTA]], "-"),
    }
    return asked | grown | turned, rows | period.ratios(turned) | growth.ratios(grown)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=115_000)
    parser.add_argument("--entries", type=int, default=10_000_000)
    parser.add_argument("--small", type=int, nargs=2, default=(1000, 1_000_000), help="people and entries")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--rate", type=float, default=300)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--count", type=int, default=150, help="of each operation, a round")
    words = parser.parse_args()
    postgres = Postgres()
    try:
        with timed("all"):
            found, rows = measure(postgres, words)
    finally:
        postgres.close()
    report(f"{words.people:,} people and {words.entries:,} entries on Postgres", found, rows)


if __name__ == "__main__":
    main()
