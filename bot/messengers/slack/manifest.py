"""Slack's app manifest, made from the table that registers the listeners (docs.slack.dev/reference/app-manifest)."""

from __future__ import annotations

from typing import Any

from bot.messengers.slack.listeners import LISTENERS, SCOPES

NAME, DESCRIPTION = "quotabot", "LLM quota where you already talk: ask, lend, request, approve."
HINT = "lend @bob 50 · request 200 · balance · help"
LONGEST_NAME, LONGEST_DESCRIPTION, LONGEST_COMMAND = 35, 140, 32


def slack_manifest(command: str, *, socket: bool, url: str) -> dict[str, Any]:
    """The app's manifest; with `socket` it needs no public address. Raises `ValueError`."""
    if not command.startswith("/") or not 1 < len(command) <= LONGEST_COMMAND or command != command.lower():
        raise ValueError(
            f"{command!r} is no slash command: / and up to {LONGEST_COMMAND - 1} small letters, no spaces"
        )
    if any(sign.isspace() for sign in command):
        raise ValueError(f"{command!r} is no slash command: it holds a space")
    reach: dict[str, Any] = {} if socket else {"request_url": url}
    typed = {"command": command, "description": "Quota: see, ask, lend, approve", "usage_hint": HINT}
    return {
        "display_information": {"name": NAME, "description": DESCRIPTION},
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": NAME, "always_online": True},
            "slash_commands": [{**typed, "should_escape": True} | ({} if socket else {"url": url})],
        },
        "oauth_config": {"scopes": {"bot": scopes()}},
        "settings": {
            "event_subscriptions": {**reach, "bot_events": [listener.event for listener in LISTENERS]},
            "interactivity": {"is_enabled": True, **reach},
            "org_deploy_enabled": False,
            "socket_mode_enabled": socket,
            "token_rotation_enabled": False,
        },
    }


def scopes() -> list[str]:
    return sorted({*SCOPES, *(scope for listener in LISTENERS for scope in listener.scopes)})
