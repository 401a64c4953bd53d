"""performance.md 9: messages that were promised are delivered, against a loop over slack_sdk's client and against bare aiohttp.

    python -m benchmarks.outbox [--messages 1000] [--rounds 3] [--database sqlite|postgres]

The worker and the production Slack adapter, to a stand-in that only says ok, in a process of its own; each message to a channel
of its own, so that nothing is paced. All of them have as many calls under way, and what the start left is out of the garbage
collector's sight, as in the bot. The loops send one message that was rendered before; the worker reads, renders and marks each, and
gives it a key. `poison`: one in a hundred goes to a channel that is not there. `cpu_ms` is what this process took of a processor for
one message, without the server's and the stand-in's: the steadier figure on a busy machine.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import multiprocessing
import tempfile
import time
from datetime import UTC, datetime
from multiprocessing.connection import Connection

import aiohttp
from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient
from sqlmodel import Session

from benchmarks.measure import Postgres, ratio, report, shown
from bot import logs
from bot.database import Database
from bot.dispatch import Dispatcher
from bot.lanes import AT_ONCE
from bot.messengers.slack.adapter import Slack
from bot.messengers.slack.render import render
from bot.migrate import migrate
from bot.settings import Settings
from bot.worker import Worker
from models.messages.message import Message
from models.messages.outbox import Effect

NOW = datetime(2026, 11, 9, 2, tzinfo=UTC)
SAID = Message(
    text="Bob lent you *$20.00*; use it by *30 Nov*. What you do not use goes back by itself.",
    title="Borrowed",
)
POISON = "CGONE"


def stand_in(pipe: Connection) -> None:
    asyncio.run(_serve(pipe))


async def _serve(pipe: Connection) -> None:
    async def post(request: web.Request) -> web.Response:
        channel = json.loads(await request.read())["channel"]
        if channel.startswith(POISON):
            return web.json_response({"ok": False, "error": "channel_not_found"})
        return web.json_response({"ok": True, "channel": channel, "ts": "1.1"})

    app = web.Application()
    app.router.add_post("/api/chat.postMessage", post)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    pipe.send(f"http://127.0.0.1:{runner.addresses[0][1]}/api/")
    await asyncio.Event().wait()


async def bare(http: aiohttp.ClientSession, url: str, count: int) -> dict[str, float]:
    # The limit: as many calls at once as the worker makes, and nothing else.
    text, blocks = render(SAID)
    limit = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> None:
        async with limit:
            said = {"channel": f"C{number}", "text": text, "blocks": blocks}
            async with http.post(
                f"{url}chat.postMessage", json=said, headers={"Authorization": "Bearer x"}
            ) as reply:
                if not (await reply.json())["ok"]:
                    raise RuntimeError("refused")

    began = _clocks()
    await asyncio.gather(*map(one, range(count)))
    return _paced(count, began)


async def sdk(http: aiohttp.ClientSession, url: str, count: int) -> dict[str, float]:
    # What one would write instead: slack_sdk's client in a loop, as many calls at once.
    client, limit = AsyncWebClient(base_url=url, session=http, token="xoxb-1"), asyncio.Semaphore(AT_ONCE)
    text, blocks = render(SAID)

    async def one(number: int) -> None:
        async with limit:
            await client.chat_postMessage(channel=f"C{number}", text=text, blocks=blocks)

    began = _clocks()
    await asyncio.gather(*map(one, range(count)))
    return _paced(count, began)


async def delivered(
    database: Database, worker: Worker, first: int, count: int, poison: int
) -> dict[str, float]:
    database.transact(lambda session: promise(session, first, count, poison))
    parked, began = worker.parked, _clocks()
    await worker.drain()
    if worker.parked - parked != poison:
        raise RuntimeError(f"{worker.parked - parked} parked, {poison} were to be")
    return _paced(count, began)


def _clocks() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _paced(count: int, began: tuple[float, float]) -> dict[str, float]:
    seconds, spent = (now - then for now, then in zip(_clocks(), began, strict=True))
    return {"per_second": count / seconds, "seconds": seconds, "cpu_ms": spent / count * 1e3}


def promise(session: Session, first: int, count: int, poison: int) -> None:
    each = count // poison if poison else count + 1
    rows = []
    for number in range(first, first + count):
        gone = poison and (number - first) % each == 0 and (number - first) // each < poison
        address = f"slack:{POISON if gone else 'C'}{number}"
        payload = {"address": address, "message": SAID.as_json(), "shape": "", "reader": None}
        rows.append(
            {
                "key": f"say{number}",
                "kind": "say",
                "payload": payload,
                "lane": address,
                "due_at": NOW,
                "attempts": 0,
            }
        )
    session.execute(Effect.__table__.insert(), rows)  # type: ignore[attr-defined]


async def measure(database: Database, url: str, count: int, rounds: int) -> dict[str, list[dict[str, float]]]:
    found: dict[str, list[dict[str, float]]] = {
        "bare client": [],
        "slack_sdk": [],
        "delivered": [],
        "with poison": [],
    }
    async with aiohttp.ClientSession() as http:
        settings = Settings(
            _env_file=None, slack_bot_token="xoxb-1", slack_signing_secret="s", slack_api_url=url
        )
        dispatcher = Dispatcher(database, lambda: NOW)
        dispatcher.messengers["slack"] = Slack(settings, dispatcher, http)
        worker = Worker(database, lambda: NOW, dispatcher.messengers, dispatcher.home)
        await delivered(database, worker, 0, 100, 0)
        await bare(http, url, 100)
        await sdk(http, url, 100)
        gc.freeze()
        for number in range(rounds):
            first = (number + 1) * 10**8
            found["bare client"].append(await bare(http, url, count))
            found["slack_sdk"].append(await sdk(http, url, count))
            # Each of the two is first in every other round: the later one finds more rows.
            turns = [("delivered", 0), ("with poison", count // 100)][:: 1 if number % 2 else -1]
            for turn, (name, poison) in enumerate(turns):
                found[name].append(await delivered(database, worker, first + turn * count, count, poison))
            shown(number, found)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=1000, help="a round; the full size is 20,000")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--database", choices=("postgres", "sqlite"), default="postgres")
    words = parser.parse_args()
    logs.set_up("json", "ERROR")
    postgres = Postgres() if words.database == "postgres" else None
    database = Database(postgres.create("ours") if postgres else f"sqlite:///{tempfile.mkdtemp()}/ours.db")
    pipe, other = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=stand_in, args=(other,), daemon=True)
    process.start()
    try:
        migrate(database.engine)
        found = asyncio.run(measure(database, pipe.recv(), words.messages, words.rounds))
    finally:
        process.kill()
        database.close()
        if postgres:
            postgres.close()
    rows = {
        "9 delivered / slack_sdk": (ratio(found, "delivered", "slack_sdk", "per_second"), ">= 0.8"),
        "9 processor for a message, delivered / slack_sdk": (
            ratio(found, "delivered", "slack_sdk", "cpu_ms"),
            "-",
        ),
        "9 delivered / bare client": (ratio(found, "delivered", "bare client", "per_second"), "-"),
        "9 with 1 % poison / without": (ratio(found, "with poison", "delivered", "per_second"), ">= 0.9"),
    }
    report(f"outbox: {words.messages:,} messages on {words.database}", found, rows)


if __name__ == "__main__":
    main()
