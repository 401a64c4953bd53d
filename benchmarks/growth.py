"""performance.md 11: what a company that is a hundred times larger, with ten times the history, costs one person.

    python -m benchmarks.growth [--people 1000 20000] [--entries 50000 500000] [--rounds 3] [--database postgres|sqlite]

Two databases, asked in turn: the balance and the first page of the history through the dispatcher, a page from the middle of all entries, and
a transfer. The history is uses of one unit, written set-based and spread over whoever has quota and three hundred days; `audit` finds nothing.
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
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from benchmarks.measure import Cell, Found, Postgres, Ratios, interleave, quantile, ratio, report
from benchmarks.period import NOW, settle
from bot.database import Database
from bot.dispatch import Dispatcher
from bot.messengers.port import Request
from handlers.language.reader import read_command
from models.ledger.transfer import Cause, Entry, Kind, transfer
from models.quota.history import page

NUMBERS = {
    "postgresql": "SELECT k FROM generate_series(1, {uses}) k",
    "sqlite": "WITH RECURSIVE n (k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n WHERE k < {uses}) SELECT k FROM n",
}
# Over three hundred days, the last use of everybody on NOW's day.
MOMENT = {
    "postgresql": "timestamptz '2026-01-12 02:00+00' - ({uses} - k) * interval '25920000 seconds' / {uses} - a.id % 80000 * interval '1 second'",
    "sqlite": "strftime('%Y-%m-%d %H:%M:%S.000000', '2026-01-12 02:00', "
    "'-' || (({uses} - k) * 25920000 / {uses} + a.id % 80000) || ' seconds')",
}
HOLDERS = (
    "account a JOIN account u ON u.member_id = a.member_id AND u.kind = 'used' "
    "WHERE a.kind = 'allocation' AND a.balance > {uses}"
)
USES = """\
INSERT INTO transfer (id, kind, amount, source_id, target_id, at, actor, cause, reason)
SELECT {first} + row_number() OVER (ORDER BY k, a.id), 'use', 1, a.id, u.id, {moment}, 'gateway', 'b', 'hunyuan'
FROM ({numbers}) n CROSS JOIN {holders}"""
# The number of a use within its account follows from its id: everybody's first, then everybody's second.
ENTRIES = """\
INSERT INTO entry (transfer_id, account_id, member_id, amount, balance_after, at)
SELECT t.id, a.id, a.member_id, {amount}, a.balance + {amount} * ((t.id - {first} - 1) / {people} + 1), t.at
FROM transfer t JOIN account a ON a.id = t.{end} WHERE t.id > {first} ORDER BY t.id"""
MOVED = "UPDATE account SET balance = balance + {amount} * {uses} WHERE id IN (SELECT {end} FROM transfer WHERE id > {first})"
NUMBERED = "SELECT setval(pg_get_serial_sequence('transfer', 'id'), (SELECT MAX(id) FROM transfer))"
INDICES = (
    "SELECT indexname, indexdef FROM pg_indexes WHERE tablename IN ('transfer', 'entry') AND indexname LIKE 'ix_%%' "
    "AND schemaname = current_schema()"
)


def remember(database: Database, entries: int) -> None:
    """Write about so many entries of a valid ledger, spread over whoever has quota and over days."""
    database.transact(partial(_remember, entries=entries, kind=database.engine.dialect.name))
    if not database.sqlite:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")


def _remember(session: Session, entries: int, kind: str) -> None:
    def sql(text: str, **words: object) -> Any:
        # `%` of SQL is a parameter of psycopg.
        written = text.format(**facts, **words)
        return connection.exec_driver_sql(written.replace("%", "%%") if kind == "postgresql" else written)

    connection, facts = session.connection(), dict[str, object]()
    first = sql("SELECT COALESCE(MAX(id), 0) FROM transfer").scalar_one()
    people = sql("SELECT COUNT(*) FROM " + HOLDERS.format(uses=entries // 1000)).scalar_one()
    uses = max(1, entries // 2 // people)
    facts |= {"uses": uses, "people": people, "first": first}
    facts |= {"numbers": NUMBERS[kind].format(uses=uses), "moment": MOMENT[kind].format(uses=uses)}
    indices = []
    if kind == "postgresql":
        sql("SET LOCAL session_replication_role = replica")  # foreign keys are right by the queries
        indices = sql(INDICES.replace("%%", "%")).all()
        for name, _ in indices:
            sql(f"DROP INDEX {name}")
    sql(USES, holders=HOLDERS.format(uses=entries // 1000))
    for end, amount in (("source_id", -1), ("target_id", 1)):
        sql(ENTRIES, end=end, amount=amount)
        sql(MOVED, end=end, amount=amount)
    if kind == "postgresql":
        sql(NUMBERED)
        for _, definition in indices:
            connection.exec_driver_sql(definition)


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
            remember(database, entries)
            cells[name] = partial(cell_of, database, people, words.count)
        found = interleave(cells, words.rounds)
    finally:
        for one in databases:
            one.close()
        if postgres:
            postgres.close()
    sizes = " to ".join(
        f"{people:,} people and {entries:,} entries"
        for people, entries in zip(words.people, words.entries, strict=True)
    )
    report(f"growth from {sizes} on {words.database}", found, ratios(found))


def ratios(found: Found) -> Ratios:
    return {
        f"11 {key.removesuffix(' ms')}, large / small": (ratio(found, "large", "small", key), "<= 1.5")
        for key in found["small"][0]
    }


def cell_of(database: Database, people: int, count: int) -> dict[str, float]:
    return asyncio.run(measure(database, people, count))


if __name__ == "__main__":
    main()
