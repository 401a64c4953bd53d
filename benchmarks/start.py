"""performance.md 12: from nothing to ready, and the memory of a bot that waits, against bare Bolt.

    python -m benchmarks.start [--rounds 5] [--idle 3]

`quotabot show` of one member is measured beside them. `quotabot run` on a migrated SQLite with Slack over HTTP, ready when `/readyz` says so; Bolt's hello, ready when it answers.
The stand-in Slack runs in this process. `cpu_s` is the processor time of the start, the steadier figure on a busy machine.
Both programs start once before measuring, because an installed program is compiled once.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
from sqlmodel import Session

from benchmarks.ack import SECRET, cpu_seconds, rss_mib
from benchmarks.measure import ratio, report, shown
from bot.database import Database
from bot.migrate import migrate
from models.people.member import Member
from models.policy import versions
from sandbox.slack.workspace import Person, Workspace

OURS, BOLT, SHOW = "quotabot run", "hello, stock Bolt", "quotabot show"


async def started(
    words: list[str], port: int, path: str, env: dict[str, str], idle: float
) -> dict[str, float]:
    """Start a process, wait until it answers, leave it idle for a while, end it."""
    begun = time.perf_counter()
    process = subprocess.Popen(  # noqa: ASYNC220 - nothing else runs meanwhile
        words, env=os.environ | env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        async with aiohttp.ClientSession() as http:
            while not await _answers(http, f"http://127.0.0.1:{port}{path}"):
                if process.poll() is not None:
                    raise RuntimeError(f"{words} ended")
                await asyncio.sleep(0.01)
        seconds, cpu = time.perf_counter() - begun, cpu_seconds(process.pid)
        await asyncio.sleep(idle)
        return {"start_s": seconds, "cpu_s": cpu, "rss_mib": rss_mib(process.pid)}
    finally:
        process.kill()
        process.wait()


def ended(words: list[str], env: dict[str, str]) -> float:
    """Seconds of a processor that a command took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(words, env=os.environ | env, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


async def _answers(http: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with http.get(url) as reply:
            return reply.status in (200, 404, 405)  # Bolt knows only POST
    except aiohttp.ClientError:
        return False


def _a_member(session: Session) -> None:
    now = datetime(2026, 11, 9, tzinfo=UTC)
    session.add(Member(name="P", email="p@corp.example", gateway_id="p", joined_at=now))
    versions.record_version(session, "{unit: USD, allocations: []}", now, "bench")


def free_port() -> int:
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


async def measure(rounds: int, idle: float) -> dict[str, list[dict[str, float]]]:
    url = f"sqlite:///{tempfile.mkdtemp()}/start.db"
    database = Database(url)
    migrate(database.engine)
    database.transact(_a_member)
    database.close()
    found: dict[str, list[dict[str, float]]] = {BOLT: [], OURS: [], SHOW: []}
    compiled = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": tempfile.mkdtemp()}
    people = [Person(id="U0ADMIN", name="admin", real_name="Admin", email="admin@corp.example")]
    async with Workspace(people=people, signing_secret=SECRET) as slack:
        env = compiled | {
            "DATABASE_URL": url, "SLACK_BOT_TOKEN": slack.bot_token, "SLACK_SIGNING_SECRET": SECRET, "SLACK_API_URL": slack.api_url,
        }  # fmt: skip

        async def bolt(idle: float) -> dict[str, float]:
            port = free_port()
            words = [sys.executable, "-m", "benchmarks.ack", "serve", str(port), "hello"]
            return await started(words, port, "/slack/events", compiled, idle)

        async def ours(idle: float) -> dict[str, float]:
            port = free_port()
            words = [sys.executable, "-m", "bot", "run"]
            return await started(words, port, "/readyz", env | {"HTTP_PORT": str(port)}, idle)

        def shows() -> dict[str, float]:
            words = [sys.executable, "-m", "bot", "show", "p@corp.example"]
            return {"cpu_s": ended(words, env)}

        await bolt(0), await ours(0), shows()
        for number in range(rounds):
            found[BOLT].append(await bolt(idle))
            found[OURS].append(await ours(idle))
            found[SHOW].append(shows())
            shown(number, found)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--idle", type=float, default=3, help="seconds before the memory is read")
    words = parser.parse_args()
    os.chdir(Path(__file__).parent.parent)
    found = asyncio.run(measure(words.rounds, words.idle))
    rows = {
        "12 start / bare Bolt": (ratio(found, OURS, BOLT, "start_s"), "<= 2.5"),
        "12 processor till ready / bare Bolt": (ratio(found, OURS, BOLT, "cpu_s"), "-"),
        "12 memory / bare Bolt": (ratio(found, OURS, BOLT, "rss_mib"), "<= 2"),
        "12 `quotabot show`, seconds of a processor": ([one["cpu_s"] for one in found[SHOW]], "<= 0.5"),
    }
    report("cold start and idle memory", found, rows)


if __name__ == "__main__":
    main()
