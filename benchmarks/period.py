"""performance.md 7: a period closes and opens for 115,000 people, against plain set-based SQL that posts the same.

    python -m benchmarks.period [--people 115000] [--rounds 3] [--database postgres|sqlite]

Every round somebody spends, then the next month is opened: by us in a process of its own, whose memory is watched, and by
one transaction of plain SQL on a copy of the database. Then `/quota` is asked through the dispatcher, idle and meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlmodel import Session, col, select

from benchmarks.measure import Cell, Found, Postgres, Ratios, interleave, quantile, ratio, report
from bot.database import Database
from bot.dispatch import Dispatcher
from bot.messengers.port import Request
from bot.migrate import migrate
from handlers.command import Command
from models.ledger.account import AccountKind, organisation
from models.ledger.transfer import Cause, post_all
from models.people.member import Address, Member
from models.policy import document, versions
from models.quota.closing import advance, begin_turn, open_first
from models.quota.period import Period
from models.quota.policy_plan import PolicyPlan

NOW = datetime(2026, 1, 12, 2, tzinfo=UTC)
TEAMS, ROLES, KINDS = 40, ("engineer", "designer", "lead"), ("employee",) * 8 + ("contractor", "intern")
POLICY = """\
unit: USD
timezone: Asia/Shanghai
allocations:
  - {match: {employment: contractor}, amount: 0}
  - {match: {employment: intern}, amount: 20}
  - {match: {team: team1, role: engineer}, amount: 500}
  - {match: {team: team1}, amount: 200}
  - {match: {team: team2, role: lead}, amount: 400}
  - {match: {role: lead}, amount: 300}
  - {match: {role: engineer, cost_center: c7}, amount: 250}
  - {match: {role: engineer}, amount: 150}
  - {match: {cost_center: c3}, amount: 90}
  - {match: {}, amount: 100}
"""


def people(session: Session, first: int, count: int) -> None:
    rows = []
    for number in range(first, first + count):
        email = f"p{number}@corp.example"
        rows.append(
            {"name": f"P{number}", "email": email, "gateway_id": email, "team": f"team{number % TEAMS}", "role": ROLES[number % 3],
             "employment": KINDS[number % 10], "extra": {"cost_center": f"c{number % 11}"}, "joined_at": NOW, "locale": "en", "timezone": "UTC"}
        )  # fmt: skip
    session.execute(Member.__table__.insert(), rows)  # type: ignore[attr-defined]
    ids = session.exec(select(Member.id).where(col(Member.id) > first).order_by(col(Member.id))).all()
    given = [
        {"address": f"slack:U{one}", "messenger": "slack", "member_id": one, "seen_at": NOW} for one in ids
    ]
    session.execute(Address.__table__.insert(), given)  # type: ignore[attr-defined]


def settle(database: Database, count: int) -> None:
    migrate(database.engine)
    for first in range(0, count, 10_000):
        database.transact(lambda session, first=first: people(session, first, min(10_000, count - first)))  # type: ignore[misc]
    version = database.transact(lambda session: versions.record_version(session, POLICY, NOW, "bench"))
    database.transact(lambda session: open_first(session, NOW, version, document.parse(POLICY)) and None)
    while database.transact(lambda session: advance(session, NOW)):
        pass
    database.transact(_open_used)
    if not database.sqlite:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")


def _open_used(session: Session) -> None:
    session.connection().exec_driver_sql(
        "INSERT INTO account (kind, balance, member_id, opened_at) SELECT 'used', 0, id, joined_at FROM member"
    )


def spend(session: Session) -> None:
    # Six of ten people spend half of their quota.
    moves = (
        "SELECT 'use' AS kind, a.balance / 2 AS amount, a.id AS source_id, u.id AS target_id, CAST(NULL AS BIGINT) AS loan_id "
        "FROM account a JOIN account u ON u.member_id = a.member_id AND u.kind = 'used' WHERE a.kind = 'allocation' AND a.id % 10 < 6"
    )
    post_all(session, moves, Cause(NOW, "gateway", "bench", "hunyuan"))


def close(database: Database) -> dict[str, float]:
    end = database.transact(lambda session: Period.current(session).ends_at)
    now, longest, begun = end + timedelta(minutes=5), 0.0, time.perf_counter()
    database.transact(lambda session: begin_turn(session, now))
    more = True
    while more:
        start = time.perf_counter()
        more = database.transact(lambda session: advance(session, now))
        longest = max(longest, time.perf_counter() - start)
    return {"seconds": time.perf_counter() - begun, "longest_piece_ms": longest * 1e3}


def plain(database: Database) -> dict[str, float]:
    # The limit: one transaction that expires the rest and posts the same new allocations.
    def work(session: Session) -> None:
        now = datetime.now(UTC)
        expired, issued = (
            organisation(session, kind, now) for kind in (AccountKind.EXPIRED, AccountKind.ISSUED)
        )
        post_all(session, _EXPIRE, Cause(now, "policy", "plain"), expired=expired)
        post_all(session, _ALLOCATE, Cause(now, "policy", "plain"), issued=issued)

    begun = time.perf_counter()
    database.transact(work)
    return {"seconds": time.perf_counter() - begun}


_EXPIRE = (
    "SELECT 'expire' AS kind, balance AS amount, id AS source_id, CAST(:expired AS BIGINT) AS target_id, CAST(NULL AS BIGINT) AS loan_id "
    "FROM account WHERE kind = 'allocation' AND balance > 0 ORDER BY id"
)
_ALLOCATE = (
    "SELECT 'allocate' AS kind, w.base AS amount, CAST(:issued AS BIGINT) AS source_id, a.id AS target_id, CAST(NULL AS BIGINT) AS loan_id "
    "FROM allowance w JOIN account a ON a.member_id = w.member_id AND a.kind = 'allocation' WHERE w.period_id = 1 ORDER BY a.id"
)


def child(url: str) -> None:
    # A process of its own, so that its memory growth is the closing's alone.
    database = Database(url)
    database.transact(versions.current)  # connection and parsed policy are not part of the growth
    before = _held("VmRSS")
    found = close(database)
    found["memory_mib"] = _held("VmHWM") - before  # ru_maxrss would start with the parent's memory
    database.close()
    print(json.dumps(found))


def _held(what: str) -> float:
    """MiB now (VmRSS), or the most since this process began (VmHWM)."""
    line = next(one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith(what))
    return int(line.split()[1]) / 1024


def in_a_process(url: str) -> dict[str, float]:
    words = [sys.executable, "-m", "benchmarks.period", "--close", url]
    found: dict[str, float] = json.loads(
        subprocess.run(words, check=True, capture_output=True, text=True).stdout
    )
    return found


def planned(database: Database) -> Cell:
    """`policy plan` of a policy that gives every other person ten more."""
    policy = document.parse(POLICY.replace("{match: {}, amount: 100}", "{match: {}, amount: 110}"))

    def cell() -> dict[str, float]:
        begun = time.perf_counter()
        found = database.transact(lambda session: len(PolicyPlan.of(session, policy).changes))
        return {"seconds": time.perf_counter() - begun, "changes": found}

    return cell


async def asked(database: Database, count: int, until: Callable[[], bool], rate: float = 20.0) -> list[float]:
    """Milliseconds of `/quota`. Open loop: the next one is asked on time, even if the last has no answer yet."""
    dispatcher = Dispatcher(database, lambda: NOW)
    times: list[float] = []
    tasks = []

    async def one(number: int) -> None:
        start = time.perf_counter()
        request = Request(
            key=f"{start}:{number}",
            sender=f"slack:U{number * 7919 % count + 1}",
            command=Command("balance", text="balance"),
        )
        await dispatcher.handle(request)
        times.append((time.perf_counter() - start) * 1e3)

    number = 0
    while not until():
        number += 1
        tasks.append(asyncio.create_task(one(number)))
        await asyncio.sleep(1 / rate)
    await asyncio.gather(*tasks)
    return sorted(times)


def latency(database: Database, count: int, seconds: float) -> dict[str, float]:
    """`/quota` p99: idle, then while a period closes in the same process."""
    database.transact(spend)
    gc.freeze()  # as `quotabot run` does once it has started
    stop = time.perf_counter() + seconds
    idle = asyncio.run(asked(database, count, lambda: time.perf_counter() > stop))
    closing = threading.Thread(target=close, args=(database,))
    closing.start()
    busy = asyncio.run(asked(database, count, lambda: not closing.is_alive()))
    closing.join()
    return {
        "idle_p50": statistics.median(idle),
        "idle_p99": quantile(idle, 0.99),
        "busy_p50": statistics.median(busy),
        "busy_p99": quantile(busy, 0.99),
    }


def run(name: str, ours: Database, limit: Database, url: str, words: argparse.Namespace) -> None:
    found = interleave(turning(ours, limit, url, words.people, words.seconds), words.rounds)
    report(f"A period closes and opens for {words.people:,} people on {name}", found, ratios(found))


def turning(ours: Database, limit: Database, url: str, people: int, seconds: float) -> dict[str, Cell]:
    def closed() -> dict[str, float]:
        ours.transact(spend)
        return in_a_process(url)

    def limited() -> dict[str, float]:
        limit.transact(spend)
        return plain(limit)

    return {
        "plain SQL": limited,
        "close + open": closed,
        "policy plan": planned(ours),
        "/quota meanwhile": lambda: latency(ours, people, seconds),
    }


def ratios(found: Found) -> Ratios:
    memory = [row["memory_mib"] for row in found["close + open"]]
    slower = [row["busy_p99"] / row["idle_p99"] for row in found["/quota meanwhile"]]
    return {
        "7 close + open / plain SQL": (ratio(found, "close + open", "plain SQL", "seconds"), "<= 3"),
        "7 client memory, MiB": (memory, "<= 64"),
        "7 /quota p99 while it runs / idle": (slower, "<= 2"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=115_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10, help="of /quota while idle")
    parser.add_argument("--database", choices=("postgres", "sqlite"), default="postgres")
    parser.add_argument(
        "--close",
        metavar="URL",
        help="close one period there and print the figures; used by the benchmark itself",
    )
    words = parser.parse_args()
    if words.close:
        child(words.close)
    elif words.database == "sqlite":
        on_sqlite(words)
    else:
        on_postgres(words)


def on_sqlite(words: argparse.Namespace) -> None:
    folder = Path(tempfile.mkdtemp())
    first = Database(f"sqlite:///{folder}/ours.db")
    settle(first, words.people)
    first.close()
    shutil.copy(folder / "ours.db", folder / "limit.db")
    url = f"sqlite:///{folder}/ours.db"
    ours, limit = Database(url), Database(f"sqlite:///{folder}/limit.db")
    try:
        run("SQLite", ours, limit, url, words)
    finally:
        ours.close()
        limit.close()
        shutil.rmtree(folder, ignore_errors=True)


def on_postgres(words: argparse.Namespace) -> None:
    postgres = Postgres()
    try:
        url = postgres.create("ours")
        first = Database(url)
        settle(first, words.people)
        first.close()
        postgres.sql("CREATE DATABASE plain TEMPLATE ours")
        ours, limit = Database(url), Database(postgres.url("plain"))
        try:
            run("Postgres", ours, limit, url, words)
        finally:
            ours.close()
            limit.close()
    finally:
        postgres.close()


if __name__ == "__main__":
    main()
