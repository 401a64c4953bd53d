"""The stand-in is strict about what the app was installed with: manifest, scopes, tokens and mode."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.messengers.slack.manifest import slack_manifest
from sandbox.slack.installation import EMAIL, QUOTABOT, Installation, ManifestError
from sandbox.slack.workspace import Workspace
from tests.slack_app import CHANNELS, PEOPLE

SOCKET = slack_manifest("/quota", socket=True, url="")
HTTP = slack_manifest("/quota", socket=False, url="https://quota.corp.example/slack/events")


def installed(*without: str, **more: Any) -> Installation:
    return Installation(scopes=frozenset(QUOTABOT) - set(without), **more)


def test_the_bots_own_manifests_are_accepted_with_these_scopes() -> None:
    for manifest, socket in ((SOCKET, True), (HTTP, False)):
        made = Installation.of(manifest)
        assert (sorted(made.scopes), made.socket, made.home) == (sorted(QUOTABOT), socket, True)
        assert (made.commands, made.knows("/quota"), made.knows("/llm")) == ({"/quota"}, True, False)


BAD: list[Callable[[Any], Any]] = [
    lambda one: one.update(colour="blue"),
    lambda one: one["oauth_config"]["scopes"]["bot"].remove("app_mentions:read"),
    lambda one: one["oauth_config"]["scopes"]["bot"].remove("commands"),
    lambda one: one["settings"].update(socket_mode_enabled=False),
]


@pytest.mark.parametrize("spoil", BAD)
def test_slack_makes_no_app_of_a_bad_manifest(spoil: Callable[[Any], Any]) -> None:
    spoilt = copy.deepcopy(SOCKET)
    spoil(spoilt)
    with pytest.raises(ManifestError):
        Installation.of(spoilt)


CALLS = [
    ("chat:write", "chat.postMessage", {"channel": "C01", "text": "hello"}),
    ("im:write", "conversations.open", {"users": "U01"}),
    ("channels:read", "conversations.info", {"channel": "C01"}),
    ("users:read", "users.list", {}),
    ("users:read", "bots.info", {}),
    ("users.profile:read", "users.profile.get", {"user": "U01"}),
    (EMAIL, "users.lookupByEmail", {"email": "alice@corp.example"}),
    ("channels:history", "conversations.history", {"channel": "C01"}),
]


@pytest.mark.parametrize(("scope", "method", "words"), CALLS, ids=lambda one: one if "." in str(one) else "")
async def test_a_call_needs_its_scope(scope: str, method: str, words: dict[str, str]) -> None:
    async with Workspace(people=PEOPLE, channels=CHANNELS, installed=installed(scope)) as slack:
        with pytest.raises(SlackApiError) as refused:
            await client(slack).api_call(method, params=words)
        assert (refused.value.response["error"], refused.value.response["needed"]) == ("missing_scope", scope)
        assert scope not in refused.value.response["provided"].split(",")


async def test_without_its_scope_no_email_is_in_any_answer() -> None:
    async with Workspace(people=PEOPLE, installed=installed(EMAIL)) as slack:
        assert "@corp.example" not in str((await client(slack).users_list()).data)


async def test_a_socket_needs_an_app_token_with_its_scope_and_socket_mode() -> None:
    async with Workspace(people=PEOPLE, installed=installed(app_scopes=frozenset())) as slack:
        with pytest.raises(SlackApiError, match="missing_scope"):
            await client(slack).apps_connections_open(app_token=slack.app_token)
        with pytest.raises(SlackApiError, match="not_allowed_token_type"):
            await client(slack).apps_connections_open(app_token=slack.bot_token)
    async with (
        Workspace(people=PEOPLE, installed=Installation.of(HTTP)) as slack,
        aiohttp.ClientSession() as http,
    ):
        opened = await client(slack).apps_connections_open(app_token=slack.app_token)
        async with http.ws_connect(opened["url"]) as socket:
            assert (await socket.receive_json())["reason"] == "link_disabled"


async def test_only_what_the_app_subscribed_to_is_delivered() -> None:
    made = Installation.of(SOCKET)
    async with Workspace(people=PEOPLE, channels=CHANNELS, installed=made) as slack:
        assert (await slack.command("U01", "help", command="/llm")).error == "invalid_command"
        assert (await slack.change("U01", real_name="Alice Wu")).error == "not_subscribed"
        assert (await slack.say("U01", "help")).error == "dispatch_failed"
    assert slack.notices[0].text == "/llm is not a valid command."


def client(slack: Workspace) -> AsyncWebClient:
    return AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
