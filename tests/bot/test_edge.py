"""The HTTP edge under attack: slow, many, oversized, reset, and signed bodies of odd shapes."""

from __future__ import annotations

import asyncio
import copy
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

from bot.web.edge import HEAD, MOST
from tests.bot.test_hostile import untroubled
from tests.slack_env import SlackEnv, open_env

SLOW = 1_100
ODD: tuple[Any, ...] = ("odd", 5, [], [5], {"id": 5}, None)


async def opened(env: SlackEnv, said: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", env.app.port)
        writer.write(said)
    except OSError:
        return None
    return reader, writer


@pytest.mark.parametrize("env", ["http-sqlite"], indirect=True)
async def test_1100_slow_connections_do_not_stop_the_bot(
    env: SlackEnv, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    async def attack(number: int) -> None:
        slow = await opened(
            env, (b"G", b"POST /slack/events HTTP/1.1\r\nContent-Length: 9\r\n\r\nx")[number % 2]
        )
        if slow is not None:
            await asyncio.wait_for(slow[0].read(), HEAD + 10)  # until we are hung up on
            slow[1].close()

    attacks = [asyncio.create_task(attack(number)) for number in range(SLOW)]
    await asyncio.sleep(0)
    assert "$100.00" in (await env.command("alice", "balance")).shown
    assert "You lent" in (await env.command("alice", "lend @bob 5")).shown
    await asyncio.gather(*attacks, return_exceptions=True)
    assert MOST < 1_024
    untroubled(caplog, capsys)


@pytest.mark.parametrize("env", ["http-sqlite"], indirect=True)
@pytest.mark.parametrize(
    "said",
    [
        b"GET /healthz HTTP/1.1\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01" * 50 + b"\r\n\r\n",
        b"NONSENSE\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"POST /slack/events HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
    ],
)
async def test_a_broken_head_gets_a_status_and_no_line_in_the_log(
    env: SlackEnv, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], said: bytes
) -> None:
    caplog.set_level(logging.INFO)
    before = len(caplog.records)
    broken = await opened(env, said)
    assert broken is not None
    answer = await asyncio.wait_for(broken[0].read(), HEAD + 3)
    broken[1].close()
    assert answer.split()[1][:1] == b"4", answer
    assert not caplog.records[before:]
    untroubled(caplog, capsys)


def variants(said: Any) -> Iterator[Any]:
    """The payload with each of its values, to a depth of three, replaced by two odd ones, or by one and left out.

    The odd ones take turns: a payload has many places of each kind.
    """

    def paths(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
        names = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
        for name in names if len(path) < 3 else ():
            yield (*path, name)
            yield from paths(value[name], (*path, name))

    odds = (*ODD, "left out")
    for number, (*way, last) in enumerate(paths(said, ())):
        for odd in (odds[number % 7], odds[(number + 3) % 7]):
            changed = copy.deepcopy(said)
            place = changed
            for step in way:
                place = place[step]
            if odd == "left out":
                del place[last]
            else:
                place[last] = odd
            yield changed


@pytest.mark.parametrize("env", ["http-sqlite"], indirect=True)
async def test_signed_bodies_of_odd_shapes_are_answered_below_500(
    env: SlackEnv, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[tuple[str, Any]] = []
    deliver = env.slack._sender.deliver

    async def noted(kind: str, payload: Any) -> Any:
        seen.append((kind, copy.deepcopy(payload)))
        return await deliver(kind, payload)

    env.slack._sender.deliver = noted
    lent = await env.say("alice", "lend @bob 5")
    await env.press("alice", lent, "loan.recall")
    await env.home("alice")
    await env.fill("pia", await env.open("pia", "request"), amount="5", reason="x")
    json_, form = "application/json", "application/x-www-form-urlencoded"
    async with aiohttp.ClientSession() as http:
        for kind, payload in seen:
            if "command" in payload:
                continue
            for odd in variants(payload):
                event = "event" in payload
                body = json.dumps(odd) if event else urlencode({"payload": json.dumps(odd)})
                headers = {"Content-Type": json_ if event else form} | env.slack.signed(body)
                async with http.post(env.slack.http_target, data=body, headers=headers) as reply:
                    assert reply.status < 500, (kind, odd)
        twice = urlencode([("payload", json.dumps(payload))] * 2)
        async with http.post(
            env.slack.http_target, data=twice, headers={"Content-Type": form} | env.slack.signed(twice)
        ) as reply:
            assert reply.status == 400
    untroubled(caplog, capsys)


async def test_metrics_and_readiness_move_to_a_port_of_their_own(
    settled_on: Callable[[str], str],
) -> None:
    async with (
        open_env(settled_on("sqlite"), mode="http", metrics_port=0) as env,
        aiohttp.ClientSession() as http,
    ):
        assert env.app.observing is not None
        own = env.app.observing.addresses[0][1]
        for port, path, status in (
            (env.app.port, "metrics", 404), (env.app.port, "readyz", 404), (env.app.port, "healthz", 200),
            (own, "metrics", 200), (own, "readyz", 200), (own, "slack/events", 404),
        ):  # fmt: skip
            async with http.get(f"http://127.0.0.1:{port}/{path}") as reply:
                assert reply.status == status, path
