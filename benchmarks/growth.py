"""performance.md 11: what a company that is a hundred times larger, with ten times the history, costs one person.

    python -m benchmarks.growth [--people 1000 20000] [--entries 50000 500000] [--rounds 3] [--database postgres|sqlite]

Two databases, asked in turn: the balance and the first page of the history through the dispatcher, a page from the middle of all entries, and
a transfer. The history only lies there: it is written set-based, spread over everybody and three hundred days.
The full size is `--people 1000 115000 --entries 1000000 10000000`.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial

from sqlalchemy import func
from sqlmodel import Session, col, select

from benchmarks.measure import Cell, Postgres, interleave, quantile, ratio, report
from benchmarks.period import NOW, settle
from bot.database import Database
from bot.dispatch import Dispatcher
from bot.messengers.port import Request
from handlers.language.reader import read_command
from models.ledger.transfer import Cause, Entry, Kind, transfer
from models.quota.history import page

NUMBERS = {
    "postgresql": "SELECT i FROM generate_series(1, {count}) i",
    "sqlite": "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) SELECT i FROM n",
}
DAYS_AGO = {
    "postgresql": "timestamptz '2026-01-12 02:00+00' - (i % 300) * interval '1 day' - (i % 86400) * interval '1 second'",
    "sqlite": "strftime('%Y-%m-%d %H:%M:%S.000000', '2026-01-12 02:00', '-' || (i % 300) || ' days', '-' || (i % 86400) || ' seconds')",
}


def remember(database: Database, people: int, entries: int) -> None:
    """Write `entries` that are never read again, spread over people and days."""
    kind = database.engine.dialect.name
    moves = (
        f"SELECT {{first}} + i AS id, a.id AS source, u.id AS target, a.member_id AS member, {DAYS_AGO[kind]} AS at "
        f"FROM ({NUMBERS[kind].format(count=entries // 2)}) x JOIN account a ON a.member_id = (i * 7919) % {people} + 1 "
        "AND a.kind = 'allocation' JOIN account u ON u.member_id = a.member_id AND u.kind = 'used'"
    )
    database.transact(partial(_remember, moves=moves))
    if not database.sqlite:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")


def _remember(session: Session, moves: str) -> None:
    connection = session.connection()
    first = connection.exec_driver_sql("SELECT COALESCE(MAX(id), 0) FROM transfer").scalar_one()
    rows = (
        moves.format(first=first).replace("%", "%%")
        if connection.dialect.name == "postgresql"
        else moves.format(first=first)
    )
    connection.exec_driver_sql(
        "INSERT INTO transfer (id, kind, amount, source_id, target_id, at, actor, cause, reason) "
        f"SELECT id, 'use', 1, source, target, at, 'gateway', 'b', 'hunyuan' FROM ({rows}) m"
    )
    for account, amount in (("source_id", -1), ("target_id", 1)):
        connection.exec_driver_sql(
            "INSERT INTO entry (transfer_id, account_id, member_id, amount, balance_after, at) "
            f"SELECT t.id, t.{account}, a.member_id, {amount}, 0, t.at FROM transfer t JOIN account a ON a.id = t.{account} "
            f"WHERE t.id > {first} ORDER BY t.id"
        )
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(
            "SELECT setval(pg_get_serial_sequence('transfer', 'id'), (SELECT MAX(id) FROM transfer))"
        )


async def measure(database: Database, people: int, count: int) -> dict[str, float]:
    """Median of `count` runs of each operation, in milliseconds."""
    dispatcher = Dispatcher(database, lambda: NOW)
    dispatcher._locales = _Everybody()
    accounts = database.transact(_filled)
    middle = database.query(_newest) // 2
    asked: dict[str, Callable[[], Awaitable[object]]] = {
        "balance": lambda: dispatcher.handle(_request(people, "balance")),
        "first page": lambda: dispatcher.handle(_request(people, "history")),
        "deep page": lambda: database.read(partial(page, member_id=_one(people), before=middle, limit=9)),
        "transfer": lambda: database.write(partial(_moved, two=random.sample(accounts, 2))),
    }
    return {f"{name} ms": await _middle(one, count) for name, one in asked.items()}


def _newest(session: Session) -> int:
    return int(session.exec(select(func.max(col(Entry.id)))).one())


async def _middle(one: Callable[[], Awaitable[object]], count: int) -> float:
    times = []
    for _ in range(count):
        begun = time.perf_counter()
        await one()
        times.append((time.perf_counter() - begun) * 1e3)
    return quantile(sorted(times[count // 10 :]), 0.5)


def _request(people: int, words: str) -> Request:
    return Request(
        key=f"{random.getrandbits(60):x}",
        sender=f"slack:U{_one(people)}",
        command=read_command(words, NOW.date()),
    )


def _one(people: int) -> int:
    return random.randrange(people) + 1


def _filled(session: Session) -> list[int]:
    found = session.connection().exec_driver_sql(
        "SELECT id FROM account WHERE kind = 'allocation' AND balance > 0"
    )
    return [row[0] for row in found]


def _moved(session: Session, two: list[int]) -> object:
    return transfer(session, Kind.LEND, 1, source=two[0], target=two[1], cause=Cause(NOW, "bench", "bench"))


class _Everybody(dict[str, str]):
    def __contains__(self, _: object) -> bool:
        return True


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, nargs=2, default=(1000, 20_000))
    parser.add_argument("--entries", type=int, nargs=2, default=(50_000, 500_000))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--count", type=int, default=300, help="of each, a round")
    parser.add_argument("--database", choices=("postgres", "sqlite"), default="postgres")
    words = parser.parse_args()
    postgres = Postgres() if words.database == "postgres" else None
    cells: dict[str, Cell] = {}
    databases = []
    try:
        for name, people, entries in zip(("small", "large"), words.people, words.entries, strict=True):
            url = postgres.create(name) if postgres else f"sqlite:///{tempfile.mkdtemp()}/{name}.db"
            databases.append(database := Database(url))
            settle(database, people)
            remember(database, people, entries)
            cells[name] = partial(_cell, database, people, words.count)
        found = interleave(cells, words.rounds)
    finally:
        for one in databases:
            one.close()
        if postgres:
            postgres.close()
    keys = found["small"][0]
    rows = {
        f"11 {key.removesuffix(' ms')}, large / small": (ratio(found, "large", "small", key), "<= 1.5")
        for key in keys
    }
    sizes = " to ".join(
        f"{people:,} people and {entries:,} entries"
        for people, entries in zip(words.people, words.entries, strict=True)
    )
    report(f"growth from {sizes} on {words.database}", found, rows)


def _cell(database: Database, people: int, count: int) -> dict[str, float]:
    return asyncio.run(measure(database, people, count))


if __name__ == "__main__":
    main()
