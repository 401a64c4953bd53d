"""The pages for people who pay, at 115,000 people with a month of usage: milliseconds and statements of each.

    python -m benchmarks.pages [--people 115000] [--days 20] [--rounds 5]

Postgres is filled set-based: every person used two models on each working day, 20,000 requests were decided, and a
change of every amount is staged. Then the clock's job counts what is kept, and each page is asked for over HTTP by somebody who is signed in. `cpu`: processor of the
bot, the browser's side included; `live`: the same without kept figures, once.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import psycopg
from pydantic import SecretStr

from benchmarks.measure import Postgres
from benchmarks.period import POLICY, settle
from bot.database import Database
from bot.settings import Settings
from bot.web import server
from bot.web.pages.site import Pages
from models.policy import document, versions
from models.reports import kept
from sandbox.oidc import OpenId

NOW = datetime(2026, 1, 30, 8, tzinfo=UTC)
REQUESTS, TEAMS = 20_000, 500
PAID = (
    POLICY
    + """\
admins: [p0@corp.example]
organisation: {year_budget: 200000000}
teams:
  - {name: team1, owner: p1@corp.example, top_up_budget: 5000}
"""
)
PAGES = {
    "spend": "/pages", "spend, Chinese": "/pages?lang=zh", "requests": "/pages/requests?lang=en", "policy": "/pages/policy",
    "audit trail": "/pages/audit", "audit trail, words": "/pages/audit?words=p77777%40", "audit trail, since": "/pages/audit?since=2026-01-30",
    "audit trail as CSV": "/pages/audit.csv",
}  # fmt: skip
DAYS = "generate_series(timestamptz '2026-01-01 02:00+00', '2026-01-30 02:00+00', interval '1 day') d"
FILL = """\
UPDATE member SET team = 'team' || (id % {teams});

UPDATE period SET starts_at = '2025-12-31 16:00+00';

INSERT INTO usage (member_id, day, model, amount, input_tokens, output_tokens)
SELECT m.id, (d AT TIME ZONE 'Asia/Shanghai')::date, x.model, 20000 + (m.id * 7919) % 50000, 90000, 9000 FROM member m
CROSS JOIN (SELECT d FROM {days} WHERE extract(isodow FROM d) < 6 ORDER BY d LIMIT {number}) d
CROSS JOIN (VALUES ('claude-sonnet'), ('deepseek-v4')) x (model);

INSERT INTO active_agent (day, member_id, agent) SELECT DISTINCT day, member_id, 'key' FROM usage;

INSERT INTO transfer (kind, amount, source_id, target_id, at, actor, cause, reason)
SELECT 'use', u.amount, a.id, t.id, u.day + interval '10 hours', 'gateway', 'b', '' FROM usage u
JOIN account a ON a.member_id = u.member_id AND a.kind = 'allocation'
JOIN account t ON t.member_id = u.member_id AND t.kind = 'used' ORDER BY u.day;

INSERT INTO entry (transfer_id, account_id, member_id, amount, balance_after, at)
SELECT t.id, a.id, a.member_id, -t.amount, 0, t.at FROM transfer t JOIN account a ON a.id = t.source_id WHERE t.kind = 'use';

INSERT INTO entry (transfer_id, account_id, member_id, amount, balance_after, at)
SELECT t.id, a.id, a.member_id, t.amount, 0, t.at FROM transfer t JOIN account a ON a.id = t.target_id WHERE t.kind = 'use';

INSERT INTO request (code, member_id, amount, granted, reason, state, asked_at, decided_by_id, decided_at, answer)
SELECT 'Q' || n, n, 50000000, CASE WHEN n % 5 > 0 THEN 50000000 ELSE 0 END, 'load test',
CASE WHEN n % 5 > 0 THEN 'approved' ELSE 'declined' END, timestamptz '2026-01-12 02:00+00' + n * interval '1 minute' / 2,
n + 1, timestamptz '2026-01-12 02:00+00' + n * interval '1 minute' / 2 + n % 90 * interval '1 minute', ''
FROM generate_series(1, {requests}) n;

INSERT INTO asked (request_id, member_id, for_id, why, asked_at)
SELECT id, decided_by_id, decided_by_id, CASE WHEN id % 3 = 0 THEN 'owner' ELSE 'manager' END, asked_at FROM request;

INSERT INTO decision (request_id, code, outcome, amount, granted, decider_id, at, actor, cause, reason, answer, salt, digest)
SELECT id, code, state, amount, granted, decided_by_id, decided_at, 'member:' || decided_by_id, 'slack:1', reason, '', '', ''
FROM request ORDER BY decided_at;

INSERT INTO authority (at, actor, what, member_id, was, becomes, salt, digest)
SELECT timestamptz '2026-01-12 02:00+00', 'ops', 'join', id, '', email, '', '' FROM member
"""


def fill(database: Database, people: int, days: int) -> None:
    settle(database, people)
    database.transact(
        lambda session: versions.record_version(session, PAID, NOW - timedelta(days=9), "bench")
    )
    later = re.sub(r"amount: (\d+)", lambda found: f"amount: {int(found[1]) + 1}", PAID)
    database.transact(
        lambda session: versions.record_version(session, later, NOW, "bench", NOW.date() + timedelta(days=2))
    )
    words = {"teams": TEAMS, "days": DAYS, "number": days, "requests": min(REQUESTS, people - 1)}
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(
            "SET session_replication_role = replica"
        )  # foreign keys are right by the queries
        for statement in FILL.format(**words).split(";\n\n"):
            connection.exec_driver_sql(statement.replace("%", "%%"))
        connection.exec_driver_sql("VACUUM ANALYZE")
        for table in ("usage", "transfer", "entry"):
            rows = connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()
            print(f"{table}: {rows:,} rows", file=sys.stderr)


def count_what_is_kept(database: Database) -> None:
    policy = document.parse(PAID)
    while True:
        begun, before = time.perf_counter(), time.process_time()
        counted = database.query(lambda session: kept.count_next(session, policy, NOW))
        if counted is None:
            return
        database.transact(lambda session, one=counted: kept.keep(session, one))  # type: ignore[misc]
        wall, cpu = time.perf_counter() - begun, time.process_time() - before
        print(f"counted one report in {wall * 1e3:,.0f} ms, {cpu * 1e3:,.0f} ms of the bot")


@contextmanager
def statements() -> Iterator[list[int]]:
    """The number of statements that psycopg sends."""
    found, sent = [0], psycopg.Cursor.execute

    def execute(self: Any, *words: Any, **more: Any) -> Any:
        found[0] += 1
        return sent(self, *words, **more)

    psycopg.Cursor.execute = execute  # type: ignore[method-assign]
    try:
        yield found
    finally:
        psycopg.Cursor.execute = sent  # type: ignore[method-assign]


async def measure(database: Database, rounds: int) -> None:
    jar = aiohttp.CookieJar(unsafe=True)
    async with (
        OpenId() as provider,
        aiohttp.ClientSession(cookie_jar=jar) as http,
        aiohttp.ClientSession() as ours,
    ):
        settings = Settings(
            _env_file=None, oidc_issuer=provider.address, oidc_client_id=OpenId.client_id,
            oidc_client_secret=SecretStr(OpenId.secret), public_url="http://127.0.0.1:1",
        )  # fmt: skip
        pages = Pages(settings, database, ours, lambda: NOW)
        runner = await server.serve(server.application(pages.routes()), "127.0.0.1", 0)
        address = f"http://127.0.0.1:{runner.addresses[0][1]}"
        provider.redirect = pages.provider.redirect = f"{address}/pages/callback"
        print(f"{'page':<22} {'wall':>9} {'cpu':>9} statements")
        for person in ("p0@corp.example", "p1@corp.example"):
            provider.person = person
            await (await http.get(f"{address}/pages/sign-in")).read()
            own = person != "p0@corp.example"
            for name, path in (
                (("owner's spend", "/pages?lang=en"), ("owner's requests", "/pages/requests"))
                if own
                else PAGES.items()
            ):
                await _show(http, address + path, name, rounds)
        kept.COUNTED_AT_ONCE = sys.maxsize
        provider.person = "p0@corp.example"
        await (await http.get(f"{address}/pages/sign-in?to=/pages/policy")).read()
        await _show(http, address + PAGES["spend"], "spend, live", 1)
        await runner.cleanup()


async def _show(http: aiohttp.ClientSession, url: str, name: str, rounds: int) -> None:
    walls, cpus = [], []
    with statements() as found:
        for _ in range(rounds):
            begun, before = time.perf_counter(), time.process_time()
            async with http.get(url) as answer:
                await answer.read()
            assert answer.status == 200, (name, answer.status)
            walls.append(time.perf_counter() - begun)
            cpus.append(time.process_time() - before)
    wall, cpu = statistics.median(walls) * 1e3, statistics.median(cpus) * 1e3
    print(f"{name:<22} {wall:>6,.0f} ms {cpu:>6,.0f} ms {found[0] / rounds:>10.0f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=115_000)
    parser.add_argument("--days", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    words = parser.parse_args()
    postgres = Postgres()
    database = Database(postgres.create("pages"))
    try:
        fill(database, words.people, words.days)
        count_what_is_kept(database)
        asyncio.run(measure(database, words.rounds))
    finally:
        database.close()
        postgres.close()


if __name__ == "__main__":
    main()
