"""What the page of the playground owes whoever opens it."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from sandbox.playground.cast import WHO
from sandbox.playground.server import Playground, playground, run_demo
from tests.running import BOUND
from tests.sandbox.playground.api import entered, posted, shown
from tests.sandbox.playground.browser import START, books_are_right

BOB = WHO["Bob"]


async def test_a_link_opens_a_step_of_the_story() -> None:
    async with playground(start=START) as (made, address), aiohttp.ClientSession() as http:
        assert await posted(http, f"{address}api/story", {"step": 4}) == 200
        told = (await shown(http, address))["story"]
        assert [told[name] for name in ("hit", "helped", "passed", "lent")] == [True, True, True, False]
        assert await posted(http, f"{address}api/press", {"user": "alice", "channel": "", "ts": "1"}) == 400
        assert await posted(http, f"{address}api/pick", {"user": "alice", "messenger": "fax"}) == 400
        await a_refused_message_only_costs_time(made)
        await books_are_right(made)


async def test_every_tab_has_a_scene_of_its_own_beside_a_taken_port_and_cards_know_their_reader() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with (
            playground(port, language="zh", start=START, most=2, kept=0.0) as (made, address),
            aiohttp.ClientSession() as http,
        ):
            assert port < int(address.rsplit(":", 1)[1].strip("/")) <= port + 20
            await two_tabs(made, address, http)


async def two_tabs(made: Playground, address: str, http: aiohttp.ClientSession) -> None:
    first, second = [await entered(http, address) for _ in range(2)]
    assert first == made.first.name != second
    assert await posted(http, f"{address}api/story?scene={second}", {"step": 2}) == 200
    assert (await shown(http, address, second))["story"]["hit"]
    assert not (await shown(http, address, first))["story"]["hit"]
    await a_card_is_pressed_by_its_reader_and_a_lost_click_is_reported(made, address, http, second)
    assert await posted(http, f"{address}api/enter", {}) == 503
    async with http.get(f"{address}api/events?scene={second}") as watching:
        await watching.content.readline()
    async with asyncio.timeout(BOUND):
        while not await is_over(http, f"{address}api/state?scene={second}"):
            pass
    assert len(made.stages.by_name) < made.stages.most, "the next tab has room"


async def is_over(http: aiohttp.ClientSession, address: str) -> bool:
    async with http.get(address) as reply:
        return reply.status == 404


async def a_card_is_pressed_by_its_reader_and_a_lost_click_is_reported(
    made: Playground, address: str, http: aiohttp.ClientSession, name: str
) -> None:
    scene, press = made.stages.by_name[name].scene, f"{address}api/press?scene={name}"
    card = await scene.until(lambda: scene.dingtalk.card_of("alice"))
    said = {"card": card.track_id, "action": "request.open"}
    assert await posted(http, press, said | {"user": "bob"}) == 400
    scene.dingtalk.faults.lose("card")
    for failed in ("lost", ""):
        async with http.post(press, json=said | {"user": "alice"}) as reply:
            assert (await reply.json())["failed"] == failed
    assert card.seen_by("alice")["hint_shown"] == "true"


async def a_refused_message_only_costs_time(made: Playground) -> None:
    scene = made.now
    scene.plan_faults(duplicate=False, limit=True)
    for messenger in ("slack", "dingtalk"):
        await scene.pick(BOB, messenger)
        before = scene.heard(BOB)
        await scene.say(BOB, "loans")
        await scene.until(lambda before=before: scene.heard(BOB) == before + 1)
    posts = [call.status for call in scene.slack.calls if call.method == "chat.postMessage"]
    assert posts[-2:] == [429, 200]
    answers = [call.code for call in scene.dingtalk.calls if call.path == "/robot/sendBySession"]
    assert answers[-2:] == ["90018", ""]


Serve = Callable[[web.Application], Awaitable[str]]


@pytest.fixture
async def served() -> AsyncIterator[Serve]:
    runners: list[web.AppRunner] = []

    async def serve(app: web.Application) -> str:
        runners.append(web.AppRunner(app))
        await runners[-1].setup()
        await web.TCPSite(runners[-1], "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{runners[-1].addresses[0][1]}/"

    yield serve
    for runner in runners:
        await runner.cleanup()


async def test_another_site_cannot_call_the_page(served: Serve) -> None:
    address = await served(Playground(START).application())
    async with aiohttp.ClientSession() as http:
        async with http.get(address, headers={"Host": "evil.example"}) as reply:
            assert reply.status == 403
        async with http.post(f"{address}api/restart", data="{}") as reply:
            assert reply.status == 415
        assert await posted(http, f"{address}api/nothing", {}) == 404


async def test_ctrl_c_ends_the_demo_at_once_and_leaves_nothing(tmp_path: Path) -> None:
    program = (
        "import asyncio; from sandbox.playground.server import run_demo; asyncio.run(run_demo(0, False))"
    )
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": ".", "TMPDIR": str(tmp_path)}
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )  # fmt: skip
    assert running.stdout is not None
    try:
        line = (await asyncio.wait_for(running.stdout.readline(), BOUND)).decode()
        assert re.fullmatch(r"quotabot demo: http://127\.0\.0\.1:\d+/ \(Ctrl-C ends it\)\n", line)
        running.send_signal(signal.SIGINT)
        said, complained = await asyncio.wait_for(running.communicate(), 3)
    finally:
        if running.returncode is None:
            running.kill()
            await running.wait()
    assert (running.returncode, said, complained) == (0, b"", b"")
    assert os.listdir(tmp_path) == []


async def test_the_demo_does_not_start_beside_a_real_bot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-of-the-company")
    with pytest.raises(SystemExit, match="SLACK_BOT_TOKEN"):
        await run_demo(0, False)
