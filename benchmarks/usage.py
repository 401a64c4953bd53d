"""performance.md 8: pages of usage are booked, against COPY of the same rows.

    python -m benchmarks.usage [--rows 20000] [--people 10000] [--page 1000] [--rounds 3] [--database postgres|sqlite]

A tenth of every page stood on the page before. Every round is another day; its pages are booked, each in a transaction of its
own, and then all of them again. The limit stores the rows under the same key and posts nothing: COPY, on SQLite executemany.
`cpu_ms` is what 1,000 rows took of a processor, ours and the server's: the steadier figure on a busy machine.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import psycopg
from sqlmodel import Session

from benchmarks.measure import Cell, Postgres, interleave, ratio, report
from benchmarks.period import NOW, settle
from bot.database import Database
from models.ledger.transfer import Cause
from models.metering.usage import MemberUsage, book
from models.policy import versions

MODELS = ("hunyuan", "deepseek-v4-flash", "glm-5", "qwen3-max")
LIMIT = (
    "CREATE TABLE page_limit (member_id BIGINT, day DATE, model TEXT, amount BIGINT, input_tokens BIGINT, output_tokens BIGINT, "
    "PRIMARY KEY (member_id, day, model))"
)
Processor = Callable[[], float]
"""Seconds of a processor that were taken so far."""
COLUMNS = "member_id, day, model, amount, input_tokens, output_tokens"


def fresh(words: argparse.Namespace, day: date) -> Iterator[list[MemberUsage]]:
    """Different (person, model) of one day, nine tenths of a page at a time."""
    size, different = words.page * 9 // 10, words.people * len(MODELS)
    chosen = random.sample(range(different), min(words.rows, different))
    for start in range(0, len(chosen), size):
        yield [
            MemberUsage(
                one // len(MODELS) + 1, day, MODELS[one % len(MODELS)], random.randint(1, 5000), 900, 300
            )
            for one in chosen[start : start + size]
        ]


def pages(words: argparse.Namespace, day: date) -> Iterator[list[MemberUsage]]:
    """The same, and a tenth of each page from the page before."""
    before: list[MemberUsage] = []
    for page in fresh(words, day):
        yield page + random.sample(before, min(words.page // 10, len(before)))
        before = page


def first(
    database: Database,
    days: Iterator[date],
    words: argparse.Namespace,
    kept: list[list[MemberUsage]],
    processor: Processor,
) -> dict[str, float]:
    kept[:] = pages(words, next(days))
    return _booked(database, kept, processor)


def again(database: Database, kept: list[list[MemberUsage]], processor: Processor) -> dict[str, float]:
    # A replay books nothing.
    found = _booked(database, kept, processor)
    if found["booked"]:
        raise RuntimeError("a replay booked something")
    return found


def _booked(database: Database, kept: list[list[MemberUsage]], processor: Processor) -> dict[str, float]:
    watch, booked = Watch(processor), 0
    for number, page in enumerate(kept):
        booked += database.transact(partial(_page, page=page, number=number))
    return {**watch.figures(kept), "booked": float(booked)}


class Watch:
    def __init__(self, processor: Processor) -> None:
        self.processor = processor
        self.begun, self.spent = time.perf_counter(), processor()

    def figures(self, pages: list[list[MemberUsage]]) -> dict[str, float]:
        seconds, spent = time.perf_counter() - self.begun, self.processor() - self.spent
        rows = sum(map(len, pages))
        return {"rows_per_second": rows / seconds, "seconds": seconds, "cpu_ms": spent / rows * 1e6}


def _page(session: Session, page: list[MemberUsage], number: int) -> int:
    current = versions.current(session)
    assert current is not None
    cause = Cause(NOW + timedelta(hours=2), "gateway", f"page:{page[0].day}:{number}", policy=current[0])
    return book(session, page, zone=current[1].zone, cause=cause)


def copied(url: str, words: argparse.Namespace, processor: Processor) -> dict[str, float]:
    """COPY into a table with the same key, a page a transaction; no row twice."""
    stored = list(fresh(words, date(2026, 1, 1)))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("TRUNCATE page_limit")
        watch = Watch(processor)
        for page in stored:
            with connection.cursor().copy(f"COPY page_limit ({COLUMNS}) FROM STDIN") as copy:  # type: ignore[arg-type]
                for one in page:
                    copy.write_row(_values(one))
        return watch.figures(stored)


def inserted(path: Path, words: argparse.Namespace) -> dict[str, float]:
    stored = list(fresh(words, date(2026, 1, 1)))
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("DELETE FROM page_limit")
    watch = Watch(time.process_time)
    for page in stored:
        connection.execute("BEGIN IMMEDIATE")
        values = [(one[0], one[1].isoformat(), *one[2:]) for one in map(_values, page)]
        connection.executemany("INSERT INTO page_limit VALUES (?, ?, ?, ?, ?, ?)", values)
        connection.execute("COMMIT")
    found = watch.figures(stored)
    connection.close()
    return found


def _values(one: MemberUsage) -> tuple[int, date, str, int, int, int]:
    return one.member_id, one.day, one.model, one.amount, one.input_tokens, one.output_tokens


def run(
    name: str,
    database: Database,
    limit: Cell,
    words: argparse.Namespace,
    processor: Processor = time.process_time,
) -> None:
    settle(database, words.people)
    days, kept = iter(NOW.date() - timedelta(days=n) for n in range(words.rounds)), list[list[MemberUsage]]()
    cells: dict[str, Cell] = {
        "limit": limit,
        "booked": lambda: first(database, days, words, kept, processor),
        "booked again": lambda: again(database, kept, processor),
    }
    found = interleave(cells, words.rounds)
    rows = {
        "8 rows booked / rows copied": (ratio(found, "booked", "limit", "rows_per_second"), ">= 0.15"),
        "8 seconds of a replay / of the first time": (
            ratio(found, "booked again", "booked", "seconds"),
            "<= 1.2",
        ),
    }
    report(f"usage: {words.rows:,} rows of {words.people:,} people on {name}", found, rows)


def on_postgres(words: argparse.Namespace) -> None:
    postgres = Postgres()
    url = postgres.create("ours")
    postgres.sql(LIMIT, "ours")
    database = Database(url)

    def processor() -> float:
        return time.process_time() + postgres.processor()

    try:
        limit = partial(copied, url, words, processor)
        run("Postgres", database, limit, words, processor)
    finally:
        database.close()
        postgres.close()


def on_sqlite(words: argparse.Namespace) -> None:
    folder = Path(tempfile.mkdtemp())
    database = Database(f"sqlite:///{folder}/ours.db")
    with sqlite3.connect(folder / "limit.db") as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(LIMIT)
    try:
        run("SQLite", database, lambda: inserted(folder / "limit.db", words), words)
    finally:
        database.close()
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--rows", type=int, default=20_000, help="a round; the full size is 200,000 with 115,000 people"
    )
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument(
        "--page", type=int, default=1000, help="rows in a transaction; an import has one page"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--database", choices=("postgres", "sqlite"), default="postgres")
    words = parser.parse_args()
    on_sqlite(words) if words.database == "sqlite" else on_postgres(words)


if __name__ == "__main__":
    main()
