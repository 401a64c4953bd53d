"""What one signed slash command costs within the process, from the bytes of its HTTP request to the bytes of the answer.

    python -m benchmarks.cost [--commands 300] [--rounds 5] [--database sqlite|postgres] [--profile calls|time]

Bare Bolt with `process_before_response` and ours take turns, one command after the other, without a socket and without a
load beside them: what is left is the work itself. `cpu_ms` is processor time, kernel included; `calls` are calls of Python
and C functions, which no machine blurs. `--profile` prints the functions that cost most.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import cProfile
import pstats
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web
from sqlalchemy import Engine, event

from benchmarks.ack import bolt, house, signed
from benchmarks.measure import Postgres, ratio, report, shown
from benchmarks.transfer import PEOPLE, settle
from bot.database import Database
from bot.web.edge import Edge, Guarded

BOLT, BALANCE, HELP = "hello, before response", "/quota", "/quota help"
PROFILED, MOST, ORDERS = 100, 70, ("calls", "own", "whole")
TEXTS = {BOLT: "", BALANCE: "", HELP: "help"}


class Wire(asyncio.Transport):
    """A connection that keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.answered: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._written = b""

    def write(self, data: Any) -> None:
        self._written += data
        head, blank, body = self._written.partition(b"\r\n\r\n")
        length = int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0] or 0)
        if blank and len(body) >= length and not self.answered.done():
            self._written = b""
            self.answered.set_result(head + b"\n" + body)

    def writelines(self, data: Any) -> None:
        self.write(b"".join(data))

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        pass

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default


class Line:
    """Commands over one connection, one after the other."""

    def __init__(self, connection: asyncio.Protocol) -> None:
        self.connection, self.wire = connection, Wire()
        connection.connection_made(self.wire)

    async def ask(self, request: bytes) -> bytes:
        self.wire.answered = asyncio.get_running_loop().create_future()
        self.connection.data_received(request)
        said = await self.wire.answered
        if b" 200 OK" not in said[:40]:
            raise RuntimeError(said.decode())
        return said


def request(text: str) -> bytes:
    body, headers = signed(text, PEOPLE)
    lines = [f"{name}: {value}" for name, value in headers.items()]
    head = ["POST /slack/events HTTP/1.1", "Host: quotabot", f"Content-Length: {len(body)}", *lines]
    return ("\r\n".join(head) + "\r\n\r\n" + body).encode()


@contextlib.asynccontextmanager
async def lines(url: str) -> AsyncIterator[dict[str, Line]]:
    """A connection to bare Bolt, and one to our own edge."""
    loop, app = asyncio.get_running_loop(), bolt(before=True)
    runner = web.AppRunner(app.server(path="/slack/events").web_app, access_log=None)
    await runner.setup()
    assert runner.server is not None
    async with house(0, url) as ours:
        assert ours.runner is not None
        assert ours.runner.server is not None
        edge = Edge(ours.runner, "127.0.0.1", 0)
        line = Line(Guarded(edge, ours.runner.server, loop=loop, access_log=None))
        yield {BOLT: Line(runner.server()), BALANCE: line, HELP: line}
    await runner.cleanup()


async def spent(line: Line, text: str, commands: int) -> dict[str, float]:
    requests = [request(text) for _ in range(commands)]
    begun = time.process_time()
    for one in requests:
        await line.ask(one)
    return {"cpu_ms": (time.process_time() - begun) / commands * 1e3}


async def counted(line: Line, text: str) -> tuple[pstats.Stats, int]:
    """The profile of `PROFILED` commands, in the loop and in the threads of the database, and their statements."""
    here, there, statements = cProfile.Profile(), cProfile.Profile(), 0
    requests, read = [request(text) for _ in range(PROFILED)], Database._read

    def profiled(*words: Any) -> Any:
        return there.runcall(read, *words)

    def count(*_: object) -> None:
        nonlocal statements
        statements += 1

    Database._read = profiled  # type: ignore[method-assign]
    event.listen(Engine, "before_cursor_execute", count)
    try:
        here.enable()
        for one in requests:
            await line.ask(one)
        here.disable()
    finally:
        event.remove(Engine, "before_cursor_execute", count)
        Database._read = read  # type: ignore[method-assign]
    found = pstats.Stats(here)
    return (found.add(there) if there.getstats() else found), statements


async def measure(url: str, words: argparse.Namespace) -> dict[str, list[dict[str, float]]]:
    found: dict[str, list[dict[str, float]]] = {name: [] for name in TEXTS}
    async with lines(url) as every:
        for name, text in TEXTS.items():
            await spent(every[name], text, words.commands // 3)
        exact = {name: await counted(every[name], text) for name, text in TEXTS.items()}
        for number in range(words.rounds):
            for name, text in TEXTS.items():
                profile, statements = exact[name]
                calls: int = profile.total_calls  # type: ignore[attr-defined]
                figures = {"calls": calls / PROFILED, "statements": statements / PROFILED}
                found[name].append(await spent(every[name], text, words.commands) | figures)
            shown(number, found)
    if words.profile:
        for name, (profile, _) in exact.items():
            print(f"{name}\n{_table(profile, words.profile)}", file=sys.stderr)
    return found


def _table(profile: pstats.Stats, order: str) -> str:
    """Calls, own and whole microseconds a command of the functions that cost most."""
    place = ORDERS.index(order)
    rows = [
        (found[1] / PROFILED, found[2] / PROFILED * 1e6, found[3] / PROFILED * 1e6, where)
        for where, found in profile.stats.items()  # type: ignore[attr-defined]
    ]
    rows.sort(key=lambda row: -row[place])
    return "\n".join(
        f"{calls:8.1f} {own:8.1f} {whole:8.1f}  {'/'.join(file.rsplit('/', 2)[-2:])}:{number} {name}"
        for calls, own, whole, (file, number, name) in rows[:MOST]
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--commands", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--database", choices=("postgres", "sqlite"), default="sqlite")
    parser.add_argument("--profile", choices=ORDERS)
    words = parser.parse_args()
    postgres = Postgres() if words.database == "postgres" else None
    url = postgres.create("ours") if postgres else f"sqlite:///{tempfile.mkdtemp()}/ours.db"
    try:
        database = Database(url)
        settle(database)
        database.close()
        found = asyncio.run(measure(url, words))
    finally:
        if postgres:
            postgres.close()
    rows = {
        f"2 processor of `{name}` / bare Bolt": (ratio(found, name, BOLT, "cpu_ms"), "-")
        for name in (BALANCE, HELP)
    }
    report(f"one command within the process, {words.database}", found, rows)


if __name__ == "__main__":
    main()
