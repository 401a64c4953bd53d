"""performance.md 3, 4, 5, 6: a transfer and a whole lend command, against pgbench, pgledger and the standard library.

    python -m benchmarks.transfer [--seconds 3] [--rounds 3] [--pgledger FILE.sql]

pgledger (github.com/pgr0ss/pgledger) is read from a file that you name, its uuid-to-ulid.sql first and pgledger.sql after it;
without it its ratios are left out.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import psycopg
from sqlmodel import Session

from benchmarks.measure import Cell, Found, Postgres, Ratios, interleave, quantile, ratio, report
from bot.database import Database
from bot.dispatch import Dispatcher
from bot.messengers.port import Request
from bot.migrate import migrate
from handlers.language.reader import read_command
from models.ledger.account import AccountKind, open_account, organisation
from models.ledger.transfer import Cause, Kind, post, transfer
from models.people.member import Address, Member
from models.policy import document, versions
from models.quota.closing import advance, open_first

NOW = datetime(2026, 11, 9, 2, tzinfo=UTC)
PEOPLE = 2_000
POLICY = "unit: tokens\ntimezone: UTC\nallocations:\n  - {match: {}, amount: 1000000000}\nlending: {max_open_as_borrower: 1000000}\n"


def settle(database: Database) -> list[int]:
    migrate(database.engine)

    def people(session: Session) -> None:
        for number in range(PEOPLE):
            email = f"p{number}@corp.example"
            member = Member(
                name=f"P{number}", email=email, gateway_id=email, joined_at=NOW, locale="en", timezone="UTC"
            )
            session.add(member)
            session.flush()
            session.add(
                Address(address=f"slack:U{number}", messenger="slack", member_id=member.id, seen_at=NOW)
            )

    database.transact(people)
    version = database.transact(lambda session: versions.record_version(session, POLICY, NOW, "bench"))
    database.transact(lambda session: open_first(session, NOW, version, document.parse(POLICY)) and None)
    while database.transact(lambda session: advance(session, NOW)):
        pass
    if not database.sqlite:  # as autovacuum does within a minute; nothing does so on SQLite
        database.transact(lambda session: session.connection().exec_driver_sql("ANALYZE") and None)
    return database.transact(_allocations)


def _allocations(session: Session) -> list[int]:
    rows = session.connection().exec_driver_sql(
        "SELECT id FROM account WHERE kind = 'allocation' ORDER BY id"
    )
    return [row[0] for row in rows]


def ours(
    database: Database,
    accounts: list[int],
    clients: int,
    seconds: float,
    pick: Callable[[], tuple[int, int]] | None = None,
) -> Cell:
    """A transfer as a lend posts it, in time as a command is, by `clients` threads."""

    def one() -> None:
        source, target = pick() if pick else random.sample(accounts, 2)
        cause = Cause(NOW, "bench", "bench")
        database.submit(
            lambda session: post(session, Kind.LEND, 1, source=source, target=target, cause=cause),
            time.monotonic() + 30,
        ).result()

    return lambda: closed_loop(one, clients, seconds)


def closed_loop(one: Callable[[], object], clients: int, seconds: float) -> dict[str, float]:
    times: list[float] = []
    until = time.perf_counter() + seconds

    def client() -> None:
        while (start := time.perf_counter()) < until:
            one()
            times.append(time.perf_counter() - start)

    began = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(clients) as pool:
        for future in [pool.submit(client) for _ in range(clients)]:
            future.result()
    return _figures(times, *began)


def _figures(times: list[float], begun: float, spent: float) -> dict[str, float]:
    """`cpu_ms`: of this process alone, without the server's."""
    spent, passed = time.process_time() - spent, time.perf_counter() - begun
    times.sort()
    return {
        "per_second": len(times) / passed,
        "p50_ms": quantile(times, 0.5) * 1e3,
        "p99_ms": quantile(times, 0.99) * 1e3,
        "cpu_ms": spent / len(times) * 1e3,
    }


def tasks_on_sqlite(database: Database, accounts: list[int], tasks: int, seconds: float) -> Cell:
    # As in the bot: asyncio tasks await the one writer.
    async def load() -> dict[str, float]:
        times: list[float] = []
        until = time.perf_counter() + seconds

        async def task() -> None:
            while (start := time.perf_counter()) < until:
                await database.write(partial(_between, *random.sample(accounts, 2)))
                times.append(time.perf_counter() - start)

        began = time.perf_counter(), time.process_time()
        await asyncio.gather(*(task() for _ in range(tasks)))
        return _figures(times, *began)

    return lambda: asyncio.run(load())


def _between(source: int, target: int, session: Session) -> None:
    return post(session, Kind.LEND, 1, source=source, target=target, cause=Cause(NOW, "bench", "bench"))


def lends(database: Database, clients: int, seconds: float) -> Cell:
    """The whole command through the dispatcher: receipt, rules, loan, transfer, outbox."""
    numbers = iter(range(10**9))

    async def load() -> dict[str, float]:
        clock = [NOW]
        dispatcher = Dispatcher(database, lambda: clock[0])
        times: list[float] = []
        until = time.perf_counter() + seconds

        async def task() -> None:
            while (start := time.perf_counter()) < until:
                number = next(numbers)
                lender, borrower = (
                    random.sample(range(PEOPLE // 2), 1)[0],
                    PEOPLE // 2 + random.randrange(PEOPLE // 2),
                )
                clock[0] = NOW + timedelta(
                    seconds=number * 0.3
                )  # within what one person may cause in an hour
                command = read_command(f"lend <@U{borrower}> {number % 900 + 1000}", NOW.date())
                found = await dispatcher.handle(
                    Request(key=f"{start}:{number}", sender=f"slack:U{lender}", command=command)
                )
                if found.refused:
                    raise RuntimeError(str(found))
                times.append(time.perf_counter() - start)

        began = time.perf_counter(), time.process_time()
        await asyncio.gather(*(task() for _ in range(clients)))
        return _figures(times, *began)

    return lambda: asyncio.run(load())


def stdlib_loop(seconds: float) -> Cell:
    # The limit on SQLite: one client of the standard library, the same four statements, synchronous=FULL.
    folder = tempfile.mkdtemp()
    database = Database(f"sqlite:///{folder}/limit.db")
    accounts = settle(database)
    database.close()

    def cell() -> dict[str, float]:
        connection = sqlite3.connect(f"{folder}/limit.db", isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")
        begun, count = time.perf_counter(), 0
        while time.perf_counter() < begun + seconds:
            _plain_transfer(connection, *random.sample(accounts, 2))
            count += 1
        connection.close()
        return {"per_second": count / (time.perf_counter() - begun)}

    return cell


def _plain_transfer(connection: sqlite3.Connection, source: int, target: int) -> None:
    at = "2026-11-09 02:00:00.000000"
    connection.execute("BEGIN IMMEDIATE")
    taken = connection.execute(
        "UPDATE account SET balance = balance - 1 WHERE id = ? AND balance >= 1 RETURNING balance, member_id",
        (source,),
    ).fetchone()
    put = connection.execute(
        "UPDATE account SET balance = balance + 1 WHERE id = ? RETURNING balance, member_id", (target,)
    ).fetchone()
    number = connection.execute(
        "INSERT INTO transfer (kind, amount, source_id, target_id, at, actor, cause, reason) VALUES ('lend', 1, ?, ?, ?, 'b', 'b', '') RETURNING id",
        (source, target, at),
    ).fetchone()[0]
    connection.execute(
        "INSERT INTO entry (transfer_id, account_id, member_id, amount, balance_after, at) VALUES (?, ?, ?, -1, ?, ?), (?, ?, ?, 1, ?, ?)",
        (number, source, taken[1], taken[0], at, number, target, put[1], put[0], at),
    )
    connection.execute("COMMIT")


def pgledger(postgres: Postgres, path: Path, clients: int, seconds: float) -> Cell:
    # The peer: its own function, one call a transfer, from Python threads.
    url = postgres.create("peer")
    postgres.file(path, "peer")
    with psycopg.connect(url, autocommit=True) as connection:
        ids = [
            connection.execute("SELECT id FROM pgledger_create_account(%s, 'USD')", (f"a{n}",)).fetchone()[0]
            for n in range(1000)
        ]  # type: ignore[index]
    pool = [psycopg.connect(url, autocommit=True) for _ in range(clients)]
    free = list(pool)

    def one() -> None:
        connection = free.pop()
        source, target = random.sample(ids, 2)
        connection.execute("SELECT * FROM pgledger_create_transfer(%s, %s, 1)", (source, target)).fetchall()
        free.append(connection)

    return lambda: closed_loop(one, clients, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pgledger", type=Path)
    words = parser.parse_args()
    postgres, folder = Postgres(), Path(tempfile.mkdtemp())
    try:
        run(postgres, folder, words.seconds, words.rounds, words.pgledger)
    finally:
        postgres.close()
        shutil.rmtree(folder, ignore_errors=True)


def run(postgres: Postgres, folder: Path, seconds: float, rounds: int, peer: Path | None) -> None:
    pg, lite = Database(postgres.create("ours")), Database(f"sqlite:///{folder}/ours.db")
    cells = on_postgres(postgres, pg, seconds) | on_sqlite(lite, seconds)
    if peer is not None:
        cells["pgledger transfer, 8"] = pgledger(postgres, peer, 8, seconds)
    found = interleave(cells, rounds)
    report("transfer", found, ratios(found) | (peer_ratios(found) if peer else {}))
    pg.close()
    lite.close()


def on_postgres(postgres: Postgres, database: Database, seconds: float) -> dict[str, Cell]:
    accounts = settle(database)
    pool = database.transact(_full_pool)
    script = (
        f"\\set a random({accounts[0]}, {accounts[-1] - 1})\n\\set b :a + 1\n"
        "SELECT * FROM ledger_post('lend', 1, :a, :b, NULL, now(), 'b', 'b', '', NULL);\n"
    )
    hot_script = script.replace(":a, :b, NULL", f"{pool}, :b, NULL")

    def from_pool() -> tuple[int, int]:
        return pool, random.choice(accounts)

    return {
        "pgbench function, 8": lambda: {"per_second": postgres.pgbench(script, "ours", 8, seconds)},
        "transfer, Postgres, 8": ours(database, accounts, 8, seconds),
        "lend command, Postgres, 8": lends(database, 8, seconds),
        "pgbench hot, 32": lambda: {"per_second": postgres.pgbench(hot_script, "ours", 32, seconds)},
        "hot pool, Postgres, 1": ours(database, accounts, 1, seconds, from_pool),
        "hot pool, Postgres, 32": ours(database, accounts, 32, seconds, from_pool),
    }


def on_sqlite(database: Database, seconds: float) -> dict[str, Cell]:
    accounts = settle(database)
    return {
        "standard library, SQLite, 1": stdlib_loop(seconds),
        "transfer, SQLite, 8 tasks": tasks_on_sqlite(database, accounts, 8, seconds),
        "lend command, SQLite, 8 tasks": lends(database, 8, seconds),
    }


def ratios(found: Found) -> Ratios:
    transfers = found["transfer, SQLite, 8 tasks"]
    return {
        "3 transfer / pgbench with one function call": (
            ratio(found, "transfer, Postgres, 8", "pgbench function, 8", "per_second"),
            ">= 0.5",
        ),
        "5 SQLite transfer / standard library": (
            ratio(found, "transfer, SQLite, 8 tasks", "standard library, SQLite, 1", "per_second"),
            ">= 0.6",
        ),
        "4 lend command, Postgres, ms of a processor": (
            [row["cpu_ms"] for row in found["lend command, Postgres, 8"]],
            "<= 3",
        ),
        "4 lend command, SQLite, ms of a processor": (
            [row["cpu_ms"] for row in found["lend command, SQLite, 8 tasks"]],
            "<= 3",
        ),
        "5 SQLite p99 / p50": ([row["p99_ms"] / row["p50_ms"] for row in transfers], "<= 10"),
        "6 hot pool 32 clients / 1 client": (
            ratio(found, "hot pool, Postgres, 32", "hot pool, Postgres, 1", "per_second"),
            ">= 0.8",
        ),
        "6 hot pool / pgbench hot function, 32": (
            ratio(found, "hot pool, Postgres, 32", "pgbench hot, 32", "per_second"),
            ">= 1.5",
        ),
    }


def peer_ratios(found: Found) -> Ratios:
    return {
        "3 transfer / pgledger": (
            ratio(found, "transfer, Postgres, 8", "pgledger transfer, 8", "per_second"),
            ">= 2",
        ),
        "4 lend command / pgledger transfer": (
            ratio(found, "lend command, Postgres, 8", "pgledger transfer, 8", "per_second"),
            ">= 1",
        ),
    }


def _full_pool(session: Session) -> int:
    """An account that never gets empty, and from which every transfer of a hot cell goes out."""
    pool = open_account(session, AccountKind.ALLOCATION, NOW, member_id=_one_more(session))
    issued = organisation(session, AccountKind.ISSUED, NOW)
    transfer(session, Kind.ALLOCATE, 10**12, source=issued, target=pool, cause=Cause(NOW, "b", "b"))
    return pool


def _one_more(session: Session) -> int:
    member = Member(name="pool", email="pool@corp.example", gateway_id="pool", joined_at=NOW)
    session.add(member)
    session.flush()
    return member.id


if __name__ == "__main__":
    main()
