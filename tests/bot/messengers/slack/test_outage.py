"""Slack's Web API is away, and commands still arrive: each is done and answered by us, or not acknowledged."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from structlog.testing import capture_logs

from bot.app import connected, open_app
from bot.messengers.port import MessengerError
from bot.messengers.slack import api
from bot.messengers.slack.api import SlackApi, until_answered
from bot.messengers.slack.bolt import open_bolt
from bot.messengers.slack.connection import Socket
from bot.messengers.slack.settings import SlackSettings
from bot.settings import Settings
from sandbox.slack.installation import Installation
from sandbox.slack.workspace import Workspace
from tests.slack_env import SlackEnv, cast, settled_copy, slack_id

OF_A_LIBRARY = ("install", "administrator")


def away(env: SlackEnv, how: str) -> None:
    if how == "revoked":
        env.slack.faults.refuse("*", error="token_revoked", times=None)
    elif how == "failing":
        env.slack.faults.fail("*", status=503, times=None)
    else:
        env.slack.faults.lose_request("*", times=None)


@pytest.mark.parametrize("env", ["socket-sqlite", "http-sqlite"], indirect=True)
@pytest.mark.parametrize("how", ["revoked", "failing", "cut"])
async def test_the_first_commands_of_an_outage_are_answered_in_our_words(env: SlackEnv, how: str) -> None:
    away(env, how)
    answer = await env.command("alice", "balance")
    assert "$100.00" in answer.shown
    refused = await env.command("alice", "lend @bob 5")  # nobody can tell who Bob is now
    assert not any(word in refused.shown for word in OF_A_LIBRARY)
    assert env.left("alice") == 100


async def test_what_is_acknowledged_in_an_outage_is_done_once_and_told_afterwards(env: SlackEnv) -> None:
    await env.command("alice", "lend @bob 1")  # who both are is known for an hour
    await env.settled()
    away(env, "revoked")
    for _ in range(7):
        answer = await env.command("eve", "balance")
        assert "$100.00" in answer.shown
    assert "$2.00" in (await env.command("alice", "lend @bob 2")).shown
    env.slack.faults.clear()
    await env.hear("bob", "$2.00")
    assert env.left("alice") == 97
    env.audit()


async def test_before_slack_said_who_we_are_nothing_is_acknowledged(
    settled_template: Path, tmp_path: Path
) -> None:
    async with Workspace(people=cast()) as slack:
        slack.faults.fail("auth.test", times=None)
        settings = Settings(
            _env_file=None, database_url=settled_copy(settled_template, tmp_path), http_port=0,
            slack_bot_token=slack.bot_token, slack_api_url=slack.api_url, slack_signing_secret=slack.signing_secret,
        )  # fmt: skip
        async with open_app(settings) as app, aiohttp.ClientSession() as http:
            stop, waiting = asyncio.Event(), asyncio.create_task(connected(app.messengers))
            running = asyncio.create_task(app.run(stop))
            while app.runner is None or not app.runner.addresses:
                assert not running.done()
                await asyncio.sleep(0.01)
            command = {
                "command": "/quota",
                "text": "balance",
                "trigger_id": "1.2",
                "user_id": slack_id("alice"),
            }
            body = urlencode(command)
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            url = f"http://127.0.0.1:{app.port}/slack/events"
            async with http.post(url, data=body, headers=form | slack.signed(body)) as reply:
                assert (reply.status, await reply.text()) == (503, "")
            assert not waiting.done()  # the reader of sentences is not loaded yet
            waiting.cancel(), stop.set()
            await running


async def test_a_token_that_slack_refuses_is_named_once_and_is_no_silence() -> None:
    answers: list[object] = [{"error": "invalid_auth"}, TimeoutError("slow"), {"ok": True}]

    async def call() -> object:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, dict) and "error" in answer:
            raise SlackApiError("no", answer)
        return answer

    with capture_logs() as lines:
        assert await until_answered(call, "slack does not answer", "SLACK_BOT_TOKEN", 0.01) == {"ok": True}
    assert [line["event"] for line in lines] == [
        "Slack refuses SLACK_BOT_TOKEN: invalid_auth",
        "slack does not answer",
    ]


@pytest.mark.parametrize(
    ("installed", "said"),
    [
        (Installation(app_scopes=frozenset()), "Slack refuses SLACK_APP_TOKEN: missing_scope"),
        (Installation(socket=False), "Socket Mode is off for this Slack app"),
    ],
)
async def test_a_socket_that_slack_does_not_open_is_named_with_its_cure(
    installed: Installation, said: str
) -> None:
    async with Workspace(people=cast(), installed=installed) as slack, aiohttp.ClientSession() as http:
        web = AsyncWebClient(base_url=slack.api_url, session=http)
        app = open_bolt(SlackSettings(_env_file=None), http, lambda: ("", ""))
        socket = Socket(app, slack.app_token, web_client=web)
        with capture_logs() as lines:
            opening = asyncio.create_task(socket.connect_async())
            while not any(line["event"] == said and line["mend"] for line in lines):  # noqa: ASYNC110 - a line of the log
                await asyncio.sleep(0.01)
        opening.cancel()
        await socket.client.close()


async def test_a_call_that_slack_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "TIMEOUT", 0.1)
    async with Workspace(people=cast()) as slack, aiohttp.ClientSession() as http:
        slack.faults.never_answer("chat.postMessage")
        calls = SlackApi(slack.bot_token, slack.api_url, http)
        with pytest.raises(MessengerError) as no:
            await asyncio.wait_for(calls.call("chat.postMessage", channel=slack_id("alice"), text="x"), 20)
        assert no.value.unknown


@pytest.mark.parametrize(
    ("status", "body", "retry_after", "unknown"),
    [
        (200, "<html>", None, True),
        (502, "<html>", None, True),
        (404, "", None, False),
        (429, "slow", 7, False),
    ],
)
async def test_a_page_of_a_proxy_is_a_failure_of_its_status(
    status: int, body: str, retry_after: float | None, unknown: bool
) -> None:
    async def page(_: web.Request) -> web.Response:
        return web.Response(status=status, text=body, headers={"Retry-After": "7"})

    proxy = web.Application()
    proxy.router.add_post("/api/chat.postMessage", page)
    async with TestServer(proxy) as server, aiohttp.ClientSession() as http:
        with pytest.raises(MessengerError) as no:
            await SlackApi("xoxb-1", str(server.make_url("/api/")), http).call("chat.postMessage", text="x")
    assert (no.value.retry_after, no.value.unknown) == (retry_after, unknown)
