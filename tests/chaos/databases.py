"""Faults of the database: dropped, cut at COMMIT, crashed, promoted, full, behind a pooler."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import aiohttp
from sqlalchemy.engine import make_url

from tests.chaos.cluster import OWNER, Cluster, as_owner, free_port
from tests.chaos.scene import Missing, Stage, fault, require, under_load
from tests.cut_proxy import cut_proxy

CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}' AND application_name = ''"


@fault(
    "database connections dropped in the middle of transactions",
    "probe on a minimal ledger: retried, one effect each",
)
async def dropped(stage: Stage) -> str:
    async with stage.scene() as scene:
        name, drops = str(make_url(scene.url).database), 0

        async def drop() -> None:
            nonlocal drops
            for _ in range(30):
                cut = stage.cluster.sql(CUT.format(name))
                drops += cut.count("t")
                await asyncio.sleep(0.2)

        load = await under_load(scene, drop, rate=20, share=0.5)
        return f"{drops} connections dropped; {await scene.judge(load)}"


@fault("the outcome of a COMMIT is unknown, and the process is killed before it is known",
       'the person read "nothing was moved", and it was; a restart lost the note')  # fmt: skip
async def unknown_commit(stage: Stage) -> str:
    said = []
    for arrives in (True, False):
        async with stage.scene(replicas=0) as scene:
            with cut_proxy(make_url(scene.url)) as proxy:
                scene.replicas.settings["DATABASE_URL"] = proxy.url
                child = await scene.start()
                await scene.command(1, "lend <@U00003> 1")
                await scene.quiet()
                proxy.cut_at_commit(arrives=arrives)
                ack = await scene.command(2, "lend <@U00003> 1 for r1")
                words = ack.message.shown if ack.message else str(ack)
                require("can't tell yet" in words, f"it says: {words}")
                await scene.replicas.kill(child)
                proxy.away = False
                await scene.start()
                verdict = "went through, once" if arrives else "did not go through"
                await scene.until(
                    lambda words=verdict: any(words in one for one in scene.inbox(2)), what="never told"
                )
                said.append(verdict)
                await scene.quiet()
                scene.audit()
    return f"said that it is not known; after kill -9 the next process tells: {said[0]}; {said[1]}"


@fault("a COMMIT freezes: SIGSTOP of the server's process", "not tried")
async def frozen_commit(stage: Stage) -> str:
    async with stage.scene() as scene:
        name = str(make_url(scene.url).database)
        find = f"SELECT pid FROM pg_stat_activity WHERE datname = '{name}' AND application_name = ''"

        async def freeze() -> None:
            for _ in range(3):
                stopped = [int(one) for one in stage.cluster.sql(find).split()]
                for pid in stopped:
                    os.kill(pid, signal.SIGSTOP)
                await asyncio.sleep(4)
                for pid in stopped:
                    os.kill(pid, signal.SIGCONT)
                await asyncio.sleep(1)

        load = await under_load(scene, freeze, rate=20)
        return f"every connection frozen for 4 s, three times; {await scene.judge(load)}"


@fault("the database crashes and restarts", "held")
async def crashed(stage: Stage) -> str:
    async with stage.scene() as scene:

        async def crash() -> None:
            for _ in range(3):
                stage.cluster.stop("immediate")
                await asyncio.sleep(1)
                stage.cluster.start()
                await asyncio.sleep(2)

        load = await under_load(scene, crash)
        return f"three immediate stops; {await scene.judge(load)}"


@fault("the primary is killed and a standby is promoted", "not tried")
async def promoted(_: Stage) -> str:
    primary = Cluster().create()
    own = Stage(primary)
    standby = primary.standby()
    try:
        hosts = f"host=127.0.0.1:{primary.port}&host=127.0.0.1:{standby.port}"
        url = f"postgresql://postgres@/NAME?{hosts}&target_session_attrs=read-write"
        async with own.scene(url=url) as scene:

            async def fail_over() -> None:
                primary.stop("immediate")
                await asyncio.sleep(1)
                standby.promote()
                await asyncio.sleep(3)

            load = await under_load(scene, fail_over)
            scene.look_at(standby.url(str(make_url(scene.url).database)))
            return f"a synchronous standby takes over; {await scene.judge(load)}"
    finally:
        standby.remove()
        primary.remove()


@contextlib.contextmanager
def bouncer(cluster: Cluster) -> Iterator[int]:
    """PgBouncer in transaction mode; its port."""
    if shutil.which("pgbouncer") is None:
        raise Missing("pgbouncer is not installed")
    folder, port = Path(mkdtemp(prefix="quotabot-bouncer-")), free_port()
    (folder / "ini").write_text(
        f"[databases]\n* = host=127.0.0.1 port={cluster.port} user=postgres\n"
        f"[pgbouncer]\nlisten_addr=127.0.0.1\nlisten_port={port}\nauth_type=any\nunix_socket_dir=\n"
        f"pool_mode=transaction\ndefault_pool_size=4\nlogfile={folder / 'log'}\n"
    )
    if as_owner():
        shutil.chown(folder, OWNER, OWNER)
    child = subprocess.Popen(["pgbouncer", "-q", str(folder / "ini")], **as_owner())
    try:
        yield port
    finally:
        child.terminate()
        child.wait()
        shutil.rmtree(folder, ignore_errors=True)


@fault("PgBouncer in transaction mode in between", "named in the manual, without a setting for it")
async def bounced(stage: Stage) -> str:
    with bouncer(stage.cluster) as port:
        url = f"postgresql://postgres@127.0.0.1:{port}/NAME?pgbouncer=true"
        async with stage.scene(replicas=2, url=url) as scene:
            load = await under_load(scene, lambda: asyncio.sleep(8), rate=20, share=0.5)
            return f"two replicas on four server connections; {await scene.judge(load)}"


@contextlib.contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    folder = Path(mkdtemp(prefix="quotabot-disk-"))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        folder.rmdir()
        raise Missing("a small disk cannot be mounted: that needs root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)
        folder.rmdir()


def fill(folder: Path) -> Path:
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"\0" * 4096)
    return ballast


@fault("the disk of a SQLite database is full", "held")
async def full_sqlite(stage: Stage) -> str:
    port = free_port()
    with small_disk(24) as folder:
        async with stage.scene(sqlite=folder, HTTP_PORT=str(port)) as scene:

            async def ready() -> int:
                async with (
                    aiohttp.ClientSession() as http,
                    http.get(f"http://127.0.0.1:{port}/readyz") as found,
                ):
                    return found.status

            async def full() -> None:
                ballast = fill(folder)
                await asyncio.sleep(4)
                require(await ready() == 503, "it says that it is ready")
                balance = await scene.command(5, "")
                shown = balance.message.shown if balance.message else ""
                require("left" in shown, f"reading does not work: {shown}")
                ballast.unlink()
                await asyncio.sleep(4)
                require(await ready() == 200, "it does not come back")

            load = await under_load(scene, full)
            return f"no room for 4 s: not ready, reading works; {await scene.judge(load)}"


@fault("the disk of Postgres is full", "not tried")
async def full_postgres(_: Stage) -> str:
    with small_disk(400) as folder:
        cluster = Cluster(folder).create()
        try:
            async with Stage(cluster).scene() as scene:

                async def full() -> None:
                    ballast = fill(folder)
                    await asyncio.sleep(8)
                    ballast.unlink()
                    with contextlib.suppress(RuntimeError):  # it may have come back by itself
                        cluster.start()
                    await asyncio.sleep(5)

                load = await under_load(scene, full, rate=20)
                return f"no room for 8 s; {await scene.judge(load)}"
        finally:
            cluster.remove()
