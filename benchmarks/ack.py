"""performance.md 1 and 2: the durable acknowledgement of signed slash commands, against bare Bolt.

    python -m benchmarks.ack [--rate 300] [--seconds 5] [--rounds 3] [--people 2000]

Each app is a process of its own; the load is open-loop (a late answer does not slow the next command down).
`hello` is a stock Bolt that answers a constant; `hello-pbr` the same with `process_before_response`. Everybody was seen within
the hour. `cpu_ms` is what the app's process took of a processor for one command: the steadier figure on a busy machine.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import hmac
import os
import random
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import web
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult

from benchmarks.measure import Cell, interleave, quantile, ratio, report

if TYPE_CHECKING:
    from bot.app import App

SECRET = "s" * 32
TEAM, APP = "T1", "A1"
NUMBERS = count()
NOW = datetime(2026, 11, 9, 3, tzinfo=UTC)
# Commands before measuring starts.
WARM = 50


# The apps under test


def bolt(*, before: bool) -> AsyncApp:
    async def authorize(**_: object) -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=None, team_id=TEAM, bot_token="xoxb-1", bot_id="B1", bot_user_id="U0"
        )

    app = AsyncApp(signing_secret=SECRET, authorize=authorize, process_before_response=before)

    @app.command("/quota")
    async def hello(ack: AsyncAck) -> None:
        await ack("hello")

    return app


async def serve_bolt(port: int, *, before: bool) -> None:
    app = bolt(before=before)
    await _serve(app.server(port=port, path="/slack/events", host="127.0.0.1").web_app, port)


@contextlib.asynccontextmanager
async def house(port: int, database_url: str, now: datetime = NOW) -> AsyncIterator[App]:
    """The production adapter and dispatcher, as `quotabot run` builds them, without the vendor's replies."""
    from bot.app import App  # noqa: PLC0415
    from bot.database import Database  # noqa: PLC0415
    from bot.settings import Settings  # noqa: PLC0415
    from sandbox.slack.workspace import Person, Workspace  # noqa: PLC0415

    people = [Person(id="U0ADMIN", name="admin", real_name="Admin", email="admin@corp.example")]
    async with (
        Workspace(people=people, signing_secret=SECRET, team_id=TEAM, app_id=APP) as slack,
        aiohttp.ClientSession() as http,
    ):
        settings = Settings(
            _env_file=None, database_url=database_url, slack_bot_token=slack.bot_token, slack_signing_secret=SECRET,
            slack_api_url=slack.api_url, http_port=port,
        )  # fmt: skip
        app, stop = (
            App(settings, Database(database_url), http, lambda: now),
            asyncio.Event(),
        )
        app.dispatcher._locales = _Everybody()
        running = asyncio.create_task(app.run(stop))
        while not (app.runner and all(one.ready() for one in app.messengers.values())):  # noqa: ASYNC110 - seen from outside
            await asyncio.sleep(0.02)
        while not (once := [task for task in asyncio.all_tasks() if task.get_name() == "prepare"]):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        await asyncio.wait(once)  # work done once per process is no part of a command
        yield app
        stop.set()
        await running


async def serve_ours(port: int, database_url: str, now: datetime) -> None:
    async with house(port, database_url, now):
        print("up", flush=True)
        await asyncio.Event().wait()


class _Everybody(dict[str, str]):
    def __contains__(self, _: object) -> bool:
        return True


async def _serve(app: web.Application, port: int) -> None:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    print("up", flush=True)
    await asyncio.Event().wait()


# The load


def cell(words: list[str], text: str, rate: float, seconds: float, people: int) -> Cell:
    def run() -> dict[str, float]:
        port = 18_200 + random.randint(0, 4_000)
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.ack", "serve", str(port), *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            assert process.stdout is not None
            while process.stdout.readline().strip() != "up":
                if process.poll() is not None:
                    raise RuntimeError("the app did not start")
            found = asyncio.run(load(process.pid, port, text, rate, seconds, people))
            return found | {"rss_mib": rss_mib(process.pid)}
        finally:
            process.kill()
            process.wait()

    return run


async def load(pid: int, port: int, text: str, rate: float, seconds: float, people: int) -> dict[str, float]:
    url, times, bad = f"http://127.0.0.1:{port}/slack/events", [], 0

    async def one(http: aiohttp.ClientSession, due: float) -> None:
        nonlocal bad
        body, headers = signed(text, people)
        async with http.post(url, data=body, headers=headers) as reply:
            # An envelope of another app gets an empty 200.
            bad += reply.status != 200 or not await reply.read()
        times.append(time.perf_counter() - due)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=256)) as http:
        for _ in range(WARM):
            await one(http, time.perf_counter())
        times.clear()
        begun, tasks, before = time.perf_counter(), [], cpu_seconds(pid)
        for number in range(int(rate * seconds)):
            due = begun + number / rate
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            tasks.append(asyncio.create_task(one(http, due)))
        await asyncio.gather(*tasks)
        spent = (cpu_seconds(pid) - before) / len(tasks)
    times.sort()
    p50, p99 = (quantile(times, share) * 1e3 for share in (0.5, 0.99))
    return {"p50_ms": p50, "p99_ms": p99, "cpu_ms": spent * 1e3, "bad": float(bad)}


def signed(text: str, people: int) -> tuple[str, dict[str, str]]:
    facts = {
        "token": "x", "team_id": TEAM, "team_domain": "d", "channel_id": "C1", "channel_name": "g", "command": "/quota", "text": text,
        "user_id": f"U{random.randrange(people)}", "user_name": "u", "api_app_id": APP, "is_enterprise_install": "false",
        "response_url": "http://127.0.0.1:9/r", "trigger_id": f"{next(NUMBERS)}.{random.getrandbits(60):x}",
    }  # fmt: skip
    body, at = urllib.parse.urlencode(facts), str(int(time.time()))
    mac = hmac.new(SECRET.encode(), f"v0:{at}:{body}".encode(), hashlib.sha256).hexdigest()
    return body, {
        "content-type": "application/x-www-form-urlencoded",
        "x-slack-request-timestamp": at,
        "x-slack-signature": f"v0={mac}",
    }


def cpu_seconds(pid: int) -> float:
    """Processor time of a process, user and kernel."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mib(pid: int) -> float:
    line = next(
        line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS")
    )
    return int(line.split()[1]) / 1024


def main() -> None:
    if sys.argv[1:2] == ["serve"]:
        port, kind, *more = int(sys.argv[2]), *sys.argv[3:]
        now = datetime.fromisoformat(more[1]) if more[1:] else NOW
        asyncio.run(
            serve_ours(port, more[0], now) if kind == "ours" else serve_bolt(port, before=kind == "hello-pbr")
        )
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rate", type=float, default=300)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    words = parser.parse_args()
    measure(words.rate, words.seconds, words.rounds)


def measure(rate: float, seconds: float, rounds: int) -> None:
    from benchmarks.measure import Postgres  # noqa: PLC0415
    from benchmarks.transfer import PEOPLE, settle  # noqa: PLC0415
    from bot.database import Database  # noqa: PLC0415

    postgres = Postgres()
    urls = {"Postgres": postgres.create("ours"), "SQLite": f"sqlite:///{tempfile.mkdtemp()}/ours.db"}
    for url in urls.values():
        database = Database(url)
        settle(database)
        database.close()
    cells = {
        "hello, stock Bolt": cell(["hello"], "", rate, seconds, PEOPLE),
        "hello, before response": cell(["hello-pbr"], "", rate, seconds, PEOPLE),
        **{f"/quota, {name}": cell(["ours", url], "", rate, seconds, PEOPLE) for name, url in urls.items()},
        **{
            f"/quota help, {name}": cell(["ours", url], "help", rate, seconds, PEOPLE)
            for name, url in urls.items()
        },
    }
    try:
        found = interleave(cells, rounds)
    finally:
        postgres.close()
    rows = {}
    for name in urls:
        rows[f"1 ack of `help` p99, {name} / stock Bolt"] = (
            ratio(found, f"/quota help, {name}", "hello, stock Bolt", "p99_ms"),
            "<= 0.5",
        )
        rows[f"1 ack of `help` p99, {name} / before response"] = (
            ratio(found, f"/quota help, {name}", "hello, before response", "p99_ms"),
            "<= 2",
        )
        rows[f"2 `/quota` p99, {name} / before response"] = (
            ratio(found, f"/quota, {name}", "hello, before response", "p99_ms"),
            "<= 2",
        )
        for command in ("/quota", "/quota help"):
            number, stage = (2, "<= 2.5") if command == "/quota" else (1, "-")
            rows[f"{number} processor for `{command}`, {name} / before response"] = (
                ratio(found, f"{command}, {name}", "hello, before response", "cpu_ms"),
                stage,
            )
    report(f"acknowledgement at {rate:.0f} signed commands a second", found, rows)


if __name__ == "__main__":
    main()
