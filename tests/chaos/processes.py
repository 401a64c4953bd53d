"""Faults of processes: killed, stopped, paused, with a wrong clock, without room for logs, half migrated."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
from sqlmodel import select

from bot.lanes import AT_ONCE
from models.ledger.transfer import Transfer
from models.quota.period import Period
from models.quota.request import Request
from models.quota.request_state import RequestState
from tests.chaos.cluster import free_port
from tests.chaos.scene import Missing, Scene, Stage, fault, require, under_load

ROOT = Path(__file__).parents[2]
ASKED = 20


async def requests_of(scene: Scene, number: int = ASKED) -> list[str]:
    """That many people ask the manager for $5; the CODEs."""
    for one in range(1, number + 1):
        for _ in range(20):  # a busy machine is too slow at times, and says so
            ack = await scene.command(one, "request 5 for a test")
            if ack.ok and ack.message and "5.00" in ack.message.shown:
                break
    codes = list(scene.query(select(Request.code)))
    require(len(codes) == number, f"{len(codes)} requests of {number}")
    return codes


def decided_once(scene: Scene, number: int = ASKED) -> None:
    states = scene.query(select(Request.state, Request.granted))
    require(states == [(RequestState.APPLIED, 5_000_000)] * number, f"requests stand at {set(states)}")
    grants = scene.query(select(Transfer.id).where(Transfer.kind == "grant"))
    require(len(grants) == number, f"{len(grants)} grants for {number} requests")


@fault(
    "kill -9 in the middle of approve",
    "probe on a minimal ledger: none lost; its message came up to a minute late",
)
async def kill_in_approve(stage: Stage) -> str:
    async with stage.scene() as scene:
        codes, kills = await requests_of(scene), 0
        pause = [0.0, 0.02, 0.05, 0.1, 0.2]
        for seconds in pause:
            clicks = [
                asyncio.create_task(scene.command(0, f"approve {code}")) for code in codes[kills * 4 :][:8]
            ]
            await asyncio.sleep(seconds)
            await scene.replicas.kill(scene.replicas.running[0])
            await asyncio.gather(*clicks)
            await scene.start()
            kills += 1
        pending = list(scene.query(select(Request.code).where(Request.state == RequestState.PENDING)))
        for code in pending:
            for _ in range(5):  # a busy machine is too slow at times, and says so
                ack = await scene.command(0, f"approve {code}")
                if ack.message and "Done" in ack.message.shown:
                    break
        decided_once(scene)
        await scene.quiet()
        heard = sum(any("approved *$5.00*" in one for one in scene.inbox(n)) for n in range(1, ASKED + 1))
        require(heard == ASKED, f"{heard} of {ASKED} heard of their grant")
        scene.audit()
    return f"{ASKED} approvals, {kills} kills: each decided once, granted once and told"


@fault("a process is paused for longer than its lease", "held; the message came up to a minute late")
async def paused(stage: Stage) -> str:
    async with stage.scene(replicas=2) as scene:

        async def pause() -> None:
            sleeper = scene.replicas.running[0]
            for _ in range(2):
                sleeper.send_signal(signal.SIGSTOP)
                await asyncio.sleep(9)  # the lease of effects is 5 s, that of the leader 8 s
                sleeper.send_signal(signal.SIGCONT)
                await asyncio.sleep(3)

        scene.may_repeat = 2 * AT_ONCE  # those that were on their way when it was paused
        load = await under_load(scene, pause, share=0.5)
        return f"SIGSTOP for 9 s, twice; {await scene.judge(load)}; {scene.again} messages said twice"


@fault("SIGTERM during work", "not tried")
async def terminated(stage: Stage) -> str:
    async with stage.scene() as scene:
        first, took = scene.replicas.running[0], 0.0

        async def terminate() -> None:
            nonlocal took
            began = time.monotonic()
            first.send_signal(signal.SIGTERM)
            code = await asyncio.wait_for(first.wait(), 20)
            took = time.monotonic() - began
            require(code == 0, f"it ended with {code}")
            scene.replicas.running.remove(first)
            await scene.start()

        load = await under_load(scene, terminate, rate=30, share=0.5)
        idle = os.getloadavg()[0] < 2 * (os.cpu_count() or 1)
        require(took < (10 if idle else 30), f"it took {took:.0f} s")
        return f"exit 0 in {took:.1f} s under 30 requests/s; {await scene.judge(load)}"


@fault(
    "the clock of a machine is 40 days ahead, or a day behind",
    "not tried on processes",
)
async def wrong_clock(stage: Stage) -> str:
    if shutil.which("faketime") is None:
        raise Missing("faketime is not installed")
    async with stage.scene() as scene:
        for shift in ("+40d", "-1d"):
            await scene.start("faketime", "-f", shift)
        load = await under_load(scene, lambda: asyncio.sleep(8), share=0.5)
        judged = await scene.judge(load)
        require(len(scene.query(select(Period.id))) == 1, "a period was closed")
        times = scene.query(select(Transfer.at).where(Transfer.kind == "lend"))
        require((max(times) - min(times)).total_seconds() < 300, "transfers carry the time of a wrong clock")
    return f"three replicas whose clocks differ by 41 days: one period, one time; {judged}"


@fault("kill -9 inside a migration", "not tried")
async def kill_in_migration(stage: Stage) -> str:
    stage.cluster.sql("CREATE DATABASE migrated")
    kills = 0
    for tenth in range(3, 40, 4):
        child = await _migrate(stage.cluster.url("migrated"))
        await asyncio.sleep(tenth / 10)
        if child.returncode is None:
            child.kill()
            kills += 1
        await child.wait()
    child = await _migrate(stage.cluster.url("migrated"))
    require(await child.wait() == 0, "migrate does not recover")
    same = stage.cluster.schema("migrated") == stage.cluster.schema("settled")
    require(same, "the schema differs from one that was migrated at once")
    return f"{kills} kills at different moments, then one run: the schema is that of an undisturbed one"


async def _migrate(url: str) -> asyncio.subprocess.Process:
    words = (sys.executable, "-m", "bot", "migrate")
    quiet = {"stdout": asyncio.subprocess.DEVNULL, "stderr": asyncio.subprocess.DEVNULL}
    return await asyncio.create_subprocess_exec(*words, env=os.environ | {"DATABASE_URL": url}, **quiet)  # type: ignore[arg-type]


def _older(folder: Path) -> None:
    """The program as it was before the newest migration, and this benchmark's way to settle a company."""
    newest = max((ROOT / "models/migrations/versions").glob("0*.py")).relative_to(ROOT)
    log = ["git", "-C", str(ROOT), "log", "--diff-filter=A", "--format=%H", "--", str(newest)]
    commits = subprocess.run(log, capture_output=True, text=True, check=False).stdout.split()
    if not commits:
        raise Missing("no history: the version before cannot be had")
    archive = f"git -C {ROOT} archive {commits[-1]}^ | tar -x -C {folder}"
    subprocess.run(["sh", "-c", archive], check=True)
    for name in ("replicas.py", "measure.py"):
        shutil.copy(ROOT / "benchmarks" / name, folder / "benchmarks" / name)


SETTLE = "import sys; from bot.database import Database; from benchmarks.replicas import settle; settle(Database(sys.argv[1]))"


@fault("rolling deploy: replicas of two versions, the schema between them", "not tried")
async def rolling(stage: Stage) -> str:
    with TemporaryDirectory() as folder:
        _older(Path(folder))
        stage.cluster.sql("CREATE DATABASE rolling")
        older = {"cwd": folder, "env": os.environ | {"PYTHONPATH": folder}}
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", SETTLE, stage.cluster.url("rolling"), **older
        )
        require(await child.wait() == 0, "the older program cannot settle the company")
        async with stage.scene(replicas=0, name="rolling") as scene:
            scene.chained = False  # the older program seals under load as it did
            older["env"] = scene.replicas.settings | {"PYTHONPATH": folder}
            before = await scene.start(**older)
            early = await scene.replicas.start(stderr=asyncio.subprocess.PIPE)
            _, said = await asyncio.wait_for(early.communicate(), 60)
            scene.replicas.running.remove(early)
            require(
                early.returncode == 1 and b"migrate" in said, f"the new one before the migration: {said!r}"
            )

            async def deploy() -> None:
                migrating = await _migrate(scene.url)
                require(await migrating.wait() == 0, "migrate fails under load")
                await asyncio.sleep(3)  # the older program on the newer schema
                await scene.start()
                before.send_signal(signal.SIGTERM)
                require(await asyncio.wait_for(before.wait(), 20) == 0, "the older one does not end")
                scene.replicas.running.remove(before)

            load = await under_load(scene, deploy, share=0.5)
            return f"the new one waits for the schema, the old one works on it; {await scene.judge(load)}"


@fault("the disk of the logs is full", "not tried")
async def log_disk_full(stage: Stage) -> str:
    async with stage.scene(replicas=0, LOG_LEVEL="DEBUG") as scene:
        with open("/dev/full", "w") as full:  # noqa: ASYNC230
            await scene.start(stderr=full, stdout=full)
            load = await under_load(scene, lambda: asyncio.sleep(4), share=0.5)
        return f"every line of the log fails; {await scene.judge(load)}"


@fault("DNS fails", "not tried")
async def no_dns(stage: Stage) -> str:
    async with stage.scene(replicas=0, LOG_LEVEL="INFO") as scene:
        port, log = free_port(), scene.folder / "log"
        lost = {"SLACK_API_URL": "http://slack.invalid/api/", "HTTP_PORT": str(port)}
        with log.open("w") as out:
            child = await scene.replicas.start(stderr=out, env=scene.replicas.settings | lost)
        await scene.until(lambda: "running" in log.read_text(), what="it does not start")
        await asyncio.sleep(15)
        lines = log.read_text().splitlines()
        require(child.returncode is None, "it ended")
        require(len(lines) < 15, f"{len(lines)} lines of log in 15 s")
        require(any("slack" in one for one in lines), "no line names Slack")
        async with aiohttp.ClientSession() as http:
            for path, status in (("healthz", 200), ("readyz", 503)):
                async with http.get(f"http://127.0.0.1:{port}/{path}") as answer:
                    require(answer.status == status, f"/{path} says {answer.status}")
        child.send_signal(signal.SIGTERM)
        require(await asyncio.wait_for(child.wait(), 10) == 0, "SIGTERM does not end it")
        scene.replicas.running.remove(child)
        gone = scene.replicas.settings | {"DATABASE_URL": "postgresql://nobody@db.invalid/none"}
        run = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", "run", env=gone, stderr=asyncio.subprocess.PIPE
        )
        _, said = await asyncio.wait_for(run.communicate(), 60)
        require(run.returncode == 1 and b"DATABASE_URL" in said, f"without a database: {said[-200:]!r}")
        require(len(said.splitlines()) == 1, f"{len(said.splitlines())} lines where one would do")
    return f"Slack's name does not resolve: up, not ready, {len(lines)} lines in 15 s; the database's: one line, exit 1"
