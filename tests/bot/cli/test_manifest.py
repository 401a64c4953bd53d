"""`manifest slack`."""

import json

import pytest

from tests.console import Operator


def test_the_manifest_lists_the_events_the_bot_handles(
    fresh: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_COMMAND", "/llm")
    found = json.loads(fresh.says("manifest", "slack", "--mode", "http"))
    (command,) = found["features"]["slash_commands"]
    assert (command["command"], command["should_escape"]) == ("/llm", True)
    assert set(found["settings"]["event_subscriptions"]["bot_events"]) == {
        "app_mention",
        "message.im",
        "app_home_opened",
    }
    assert {"commands", "chat:write", "users:read.email", "app_mentions:read", "im:history"} <= set(
        found["oauth_config"]["scopes"]["bot"]
    )
    assert found["features"]["app_home"]["home_tab_enabled"]
    assert found["settings"]["interactivity"]["is_enabled"]
    assert not found["settings"]["socket_mode_enabled"]
    addresses = (
        command["url"],
        found["settings"]["interactivity"]["request_url"],
        found["settings"]["event_subscriptions"]["request_url"],
    )
    assert all(one.endswith("/slack/events") for one in addresses)


def test_in_socket_mode_the_manifest_has_no_address(fresh: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_APP_TOKEN", "an-app-token")
    said = fresh.says("manifest", "slack")
    assert json.loads(said)["settings"]["socket_mode_enabled"]
    assert "url" not in said
    assert "an-app-token" not in said


def test_the_manifest_keeps_slacks_limits(fresh: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    found = json.loads(fresh.says("manifest", "slack"))
    assert len(found["display_information"]["name"]) <= 35
    assert len(found["display_information"]["description"]) <= 140
    for bad in ("quota", "/", "/two words", "/Quota", f"/{'x' * 32}"):
        monkeypatch.setenv("SLACK_COMMAND", bad)
        assert "no slash command" in fresh.fails("manifest", "slack")


def test_the_mode_is_chosen_or_follows_from_the_tokens(
    fresh: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def socket(*words: str) -> tuple[bool, str]:
        said = fresh.run("manifest", "slack", *words)
        return json.loads(said.stdout)["settings"]["socket_mode_enabled"], said.stderr

    on, said = socket()
    assert on
    assert "no Slack token is set" in said
    assert socket("--mode", "socket") == (True, "")
    assert socket("--url", "https://quota.corp.example/slack/events") == (False, "")
    assert "is an example" in socket("--mode", "http")[1]
    fresh.run("manifest", "slack", "--mode", "socket", "--url", "https://quota.corp.example", code=2)
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1")
    assert not socket()[0]
    monkeypatch.setenv("SLACK_APP_TOKEN", "xapp-1")
    assert socket() == (True, "")
