"""The installed app: what its manifest asked for, and what its tokens may therefore do.

https://docs.slack.dev/reference/app-manifest · https://docs.slack.dev/reference/scopes
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from sandbox.slack.arguments import Arguments
from sandbox.slack.objects import Channel, Json, SlackError
from sandbox.slack.state import State

QUOTABOT = (
    "app_mentions:read", "channels:read", "chat:write", "commands", "groups:read", "im:history", "im:read", "im:write",
    "users.profile:read", "users:read", "users:read.email",
)  # fmt: skip
"""The scopes of the bot's own manifest."""

SOCKET, EMAIL = "connections:write", "users:read.email"
OPEN_A_SOCKET = "apps.connections.open"
# Methods that any token may call.
FREE = {
    "api.test",
    "auth.test",
    "chat.getPermalink",
    "views.open",
    "views.publish",
    "views.push",
    "views.update",
}
NEEDED = {
    "bots.info": "users:read", "chat.delete": "chat:write", "chat.postEphemeral": "chat:write", "chat.postMessage": "chat:write",
    "chat.update": "chat:write", "conversations.open": "im:write", "team.info": "team:read",
    "team.profile.get": "users.profile:read", "users.info": "users:read", "users.list": "users:read",
    "users.lookupByEmail": "users:read.email", "users.profile.get": "users.profile:read",
}  # fmt: skip
# Methods whose scope depends on the kind of channel: `im:history`, `channels:read`.
BY_CHANNEL = {"history": "history", "replies": "history", "info": "read", "members": "read"}
LISTED = {"public_channel": "channels", "private_channel": "groups", "im": "im", "mpim": "mpim"}
# An event is delivered only to an app that subscribed to it; Slack refuses a manifest without its scope.
EVENT_SCOPES = {
    "app_home_opened": "", "app_mention": "app_mentions:read", "message.im": "im:history", "message.channels": "channels:history",
    "team_join": "users:read", "user_change": "users:read",
}  # fmt: skip
KNOWN = {"display_information", "features", "oauth_config", "settings", "_metadata"}


class ManifestError(ValueError):
    """Slack does not create an app from this."""


@dataclass(frozen=True)
class Installation:
    """None where the stand-in does not ask: any command, any event, either mode."""

    scopes: frozenset[str] = frozenset(QUOTABOT)
    app_scopes: frozenset[str] = frozenset({SOCKET})
    commands: frozenset[str] | None = None
    events: frozenset[str] | None = None
    socket: bool | None = None
    home: bool = True

    @classmethod
    def of(cls, manifest: Json, app_scopes: Iterable[str] = (SOCKET,)) -> Self:
        """The app that Slack makes of a manifest. Raises `ManifestError`."""
        if unknown := set(manifest) - KNOWN:
            raise ManifestError(f"unknown: {', '.join(sorted(unknown))}")
        features, settings = manifest.get("features", {}), manifest["settings"]
        subscribed, socket = settings.get("event_subscriptions", {}), settings["socket_mode_enabled"]
        scopes, events = set(manifest["oauth_config"]["scopes"]["bot"]), set(subscribed.get("bot_events", ()))
        commands = features.get("slash_commands", ())
        wanted = {EVENT_SCOPES[one] for one in events} | ({"commands"} if commands else set())
        if missing := wanted - scopes - {""}:
            raise ManifestError(f"a scope is missing: {', '.join(sorted(missing))}")
        reached = (subscribed.get("request_url"), *(one.get("url") for one in commands))
        if not socket and not all(str(one).startswith("https://") for one in reached):
            raise ManifestError("without Socket Mode every address is needed")
        return cls(
            frozenset(scopes), frozenset(app_scopes), frozenset(one["command"] for one in commands), frozenset(events), socket,
            bool(features.get("app_home", {}).get("home_tab_enabled")),
        )  # fmt: skip

    def check(self, method: str, state: State, args: Arguments) -> None:
        """Raises `SlackError` missing_scope."""
        granted = self.app_scopes if method == OPEN_A_SOCKET else self.scopes
        needed = _needed(method, state, args)
        if needed and not needed & granted:
            facts = {"needed": ",".join(sorted(needed)), "provided": ",".join(sorted(granted))}
            raise SlackError("missing_scope", facts=facts)
        if method == "views.publish" and not self.home:
            raise SlackError("not_enabled")

    def hears(self, inner: Json) -> bool:
        """Whether this event is delivered to the app."""
        name = "message.im" if inner.get("type") == "message" else str(inner.get("type"))
        return self.events is None or name in self.events

    def knows(self, command: str) -> bool:
        return self.commands is None or command in self.commands


def _needed(method: str, state: State, args: Arguments) -> set[str]:
    """The scopes of which one is enough."""
    if method == OPEN_A_SOCKET:
        return {SOCKET}
    topic, _, act = method.partition(".")
    if topic == "conversations" and act in BY_CHANNEL:
        return {f"{_prefix(state.channel(args.required('channel')))}:{BY_CHANNEL[act]}"}
    if method == "conversations.list":
        kinds = args.text("types", "public_channel").replace(" ", "").split(",")
        return {f"{LISTED.get(one, one)}:read" for one in kinds}
    return {NEEDED[method]} if method in NEEDED else set()


def _prefix(channel: Channel) -> str:
    if channel.is_im:
        return "im"
    return "groups" if channel.is_private else "channels"
