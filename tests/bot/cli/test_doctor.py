"""`quotabot doctor`: planted faults are named with their cure, and none is invented on a healthy system."""

from __future__ import annotations

import asyncio
import json
import socket
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from sandbox.gateways.litellm import LiteLLM
from sandbox.slack.installation import Installation
from sandbox.slack.workspace import Person, Workspace
from tests.console import PEOPLE, POLICY, Operator

HEALTHY = POLICY.replace(
    "admins:", "requests: {fallback_approvers: [lee@corp.example, carol@corp.example]}\nadmins:"
)


@pytest.fixture
def operator(fresh: Operator, monkeypatch: pytest.MonkeyPatch) -> Operator:
    monkeypatch.setenv("HTTP_PORT", "0")
    return fresh


def found(operator: Operator, code: int = 1) -> list[dict[str, str]]:
    checks: list[dict[str, str]] = json.loads(operator.run("doctor", "--json", code=code).stdout)
    return checks


def settled(operator: Operator, people: str = PEOPLE, policy: str = HEALTHY) -> None:
    operator.settle(policy, people)
    (operator.folder / "quotabot.db").chmod(0o600)


SETTINGS = [
    ({"file": "SLACK_BOTTOKEN=xoxb-1\n"}, "SLACK_BOTTOKEN", "wrong", "SLACK_BOT_TOKEN"),
    ({"file": "GATEWAY_FLAVOUR_OF_DAY=blue\n"}, "GATEWAY_FLAVOUR_OF_DAY", "warning", ".env.example"),
    ({"mode": 0o644, "file": "LOG_LEVEL=ERROR\n"}, ".env", "warning", "chmod 600"),
    ({"SLACK_BOT_TOKEN": "xoxb-…"}, "SLACK_BOT_TOKEN", "wrong", "paste the token"),
    ({"SLACK_BOT_TOKEN": "xapp-1-a", "SLACK_APP_TOKEN": "xoxb-1"}, "SLACK_BOT_TOKEN", "wrong", "swap"),
    ({"SLACK_BOT_TOKEN": "hello"}, "SLACK_BOT_TOKEN", "wrong", "copy it again"),
    ({"SLACK_APP_TOKEN": "xapp-1"}, "SLACK_BOT_TOKEN", "wrong", "Bot User OAuth Token"),
    ({"SLACK_BOT_TOKEN": "xoxb-1"}, "Slack", "wrong", "SLACK_SIGNING_SECRET"),
    ({"DINGTALK_CLIENT_ID": "ding"}, "DINGTALK_CLIENT_SECRET", "wrong", "credentials"),
    ({"DINGTALK_CLIENT_SECRET": "s"}, "DINGTALK_CLIENT_ID", "wrong", "credentials"),
    ({}, "messengers", "wrong", "docs/slack.md"),
    ({"GATEWAY_URL": "http://127.0.0.1:1"}, "GATEWAY_KIND", "wrong", "name the gateway"),
    ({"GATEWAY_KIND": "litellm", "GATEWAY_URL": "gateway:4000", "GATEWAY_KEY": "sk"}, "GATEWAY_URL", "wrong", "https://gateway:4000"),
    ({"GATEWAY_KIND": "litellm", "GATEWAY_URL": "http://127.0.0.1:1", "GATEWAY_KEY": "sk"}, "gateway", "wrong", "GATEWAY_URL"),
    ({"GATEWAY_KIND": "litellm"}, "gateway", "wrong", "GATEWAY_KEY"),
]  # fmt: skip


@pytest.mark.parametrize(("planted", "subject", "status", "cure"), SETTINGS)
def test_a_fault_of_the_settings_is_named_with_its_cure(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, planted: dict[str, Any], subject: str, status: str, cure: str
) -> None:  # fmt: skip
    settled(operator)
    monkeypatch.setenv("SLACK_API_URL", "http://127.0.0.1:1/api/")
    monkeypatch.setenv("DINGTALK_API_URL", "http://127.0.0.1:1")
    for name, value in planted.items():
        if name.isupper():
            monkeypatch.setenv(name, value)
    if "file" in planted:
        path = Path(operator.file(".env", planted["file"]))
        path.chmod(planted.get("mode", 0o600))
    matching = [one for one in found(operator) if one["subject"] == subject and one["status"] == status]
    assert any(cure in one["mend"] for one in matching), matching


BOOKS = [
    (PEOPLE.replace("U02", ""), HEALTHY, "people", "warning", "people sync"),
    (PEOPLE, HEALTHY.replace("admins: [ops@corp.example]", "admins: []"), "admins", "warning", "policy.yaml"),
    (PEOPLE.replace("U06", ""), HEALTHY, "admins", "wrong", "an id on a messenger"),
    (PEOPLE, POLICY, "approvers", "wrong", "fallback_approvers"),
    (PEOPLE, HEALTHY + "admin_channel: {slack: C0OPS}\n", "policy", "wrong", "write your own"),
]


@pytest.mark.parametrize(("people", "policy", "subject", "status", "cure"), BOOKS)
def test_a_fault_of_people_or_policy_is_named_with_its_cure(
    operator: Operator, people: str, policy: str, subject: str, status: str, cure: str
) -> None:
    settled(operator, people, policy)
    matching = [one for one in found(operator) if one["subject"] == subject and one["status"] == status]
    assert any(cure in one["mend"] for one in matching), matching


def test_an_empty_database_and_an_open_file_are_named(operator: Operator) -> None:
    (database,) = [one for one in found(operator) if one["subject"] == "database"]
    assert (database["status"], database["found"]) == ("warning", "is empty")
    assert "people import" in database["mend"]
    operator.run("migrate")
    (operator.folder / "quotabot.db").chmod(0o644)
    wrong = {one["subject"]: one["mend"] for one in found(operator) if one["status"] != "ok"}
    assert "chmod 600" in wrong["quotabot.db"]
    assert "people import" in wrong["people"]
    assert "policy apply" in wrong["policy"]


def test_a_taken_port_is_named(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    settled(operator)
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        monkeypatch.setenv("HTTP_PORT", str(holder.getsockname()[1]))
        (port,) = [one for one in found(operator) if one["subject"] == "HTTP_PORT"]
    assert port["status"] == "warning"


async def test_a_healthy_system_has_no_finding(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    await asyncio.to_thread(settled, operator)
    await asyncio.to_thread(operator.run, "backup", str(operator.folder / "copy.db"))
    people = [Person("U01", "alice", email="alice@corp.example")]
    async with Workspace(people=people) as slack, LiteLLM() as gateway:
        for name, value in {
            "SLACK_API_URL": slack.api_url, "SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token,
            "GATEWAY_KIND": "litellm", "GATEWAY_URL": gateway.url, "GATEWAY_KEY": gateway.key, "GATEWAY_MODE": "enforce",
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)
        said = await asyncio.to_thread(operator.says, "doctor")
    assert {line.split()[0] for line in said.splitlines()} == {"ok"}
    assert "opens a socket" in said


async def test_a_socket_mode_that_is_off_is_named(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asyncio.to_thread(settled, operator)
    async with Workspace(people=[], installed=Installation(socket=False)) as slack:
        for name, value in {
            "SLACK_API_URL": slack.api_url, "SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token,
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)
        (socket,) = [
            one for one in await asyncio.to_thread(found, operator) if one["subject"] == "Slack socket"
        ]
    assert (socket["status"], socket["mend"]) == ("wrong", "api.slack.com/apps → Socket Mode → enable it")


async def test_a_revoked_token_and_missing_scopes_are_named(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asyncio.to_thread(settled, operator)

    async def answer(request: web.Request) -> web.Response:
        revoked = "revoked" in request.headers["Authorization"]
        body = (
            {"ok": False, "error": "invalid_auth"}
            if revoked
            else {"ok": True, "user": "quotabot", "team": "Acme"}
        )
        return web.json_response(body, headers={"x-oauth-scopes": "commands,chat:write"})

    app = web.Application()
    app.router.add_post("/api/auth.test", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    monkeypatch.setenv("SLACK_API_URL", f"http://127.0.0.1:{runner.addresses[0][1]}/api/")
    monkeypatch.setenv("SLACK_SIGNING_SECRET", "s")
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1")
    (scopes,) = [one for one in await asyncio.to_thread(found, operator) if one["subject"] == "Slack scopes"]
    assert "users:read.email" in scopes["found"]
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-revoked")
    (token,) = [
        one for one in await asyncio.to_thread(found, operator) if one["subject"] == "SLACK_BOT_TOKEN"
    ]
    assert (token["status"], "invalid_auth" in token["found"]) == ("wrong", True)
    await runner.cleanup()


def test_a_backup_that_is_missing_or_old_is_named(operator: Operator) -> None:
    settled(operator)
    assert ("backup", "warning") in {(one["subject"], one["status"]) for one in found(operator)}
    operator.run("backup", str(operator.folder / "copy.db"))
    assert ("backup", "ok") in {(one["subject"], one["status"]) for one in found(operator)}
    with closing(sqlite3.connect(operator.folder / "quotabot.db")) as connection, connection:
        connection.execute("UPDATE backup SET at = '2020-01-01 00:00:00.000000'")
    assert "2020-01-01" in next(one["found"] for one in found(operator) if one["subject"] == "backup")
