"""Slack's commands, interactions and events in the vendor's shapes.

https://docs.slack.dev/interactivity/implementing-slash-commands,
https://docs.slack.dev/reference/interaction-payloads and https://docs.slack.dev/apis/events-api
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterable
from typing import Any

from sandbox.slack.forms import entered
from sandbox.slack.objects import Channel, Json, Message, Person, View
from sandbox.slack.state import State

# Slack still sends this deprecated field; apps must check the signature instead.
VERIFICATION_TOKEN = "stand-in-verification-token"  # noqa: S105


def command(
    state: State, person: Person, channel: Channel, *, name: str, text: str, response_url: str
) -> Json:
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": person.team_id or state.team_id,
        "team_domain": state.team_domain,
        **enterprise(state, person),
        "channel_id": channel.id,
        "channel_name": channel.label,
        "user_id": person.id,
        "user_name": person.name,
        "command": name,
        "text": text,
        "api_app_id": state.app_id,
        "is_enterprise_install": "false",
        "response_url": response_url,
        "trigger_id": state.trigger(person.id),
    }


def enterprise(state: State, person: Person) -> Json:
    """The Grid in which a person acts: that of the person, or of the workspace."""
    found = person.enterprise_id if person.team_id else state.enterprise_id
    return {"enterprise_id": found, "enterprise_name": ""} if found else {}


def interaction(state: State, kind: str, person: Person, view: View | None = None) -> Json:
    team_id = person.team_id or state.team_id
    return {
        "type": kind,
        "token": VERIFICATION_TOKEN,
        "team": {"id": state.team_id, "domain": state.team_domain},
        "user": {"id": person.id, "username": person.name, "name": person.name, "team_id": team_id},
        "api_app_id": state.app_id,
        "enterprise": {"id": state.enterprise_id, "name": ""} if state.enterprise_id else None,
        "is_enterprise_install": False,
        "trigger_id": state.trigger(person.id, view),
    }


def press_on_message(state: State, person: Person, message: Message, action: Json, response_url: str) -> Json:
    """block_actions from a message; Slack leaves out the message itself if it is ephemeral."""
    channel = state.channel(message.channel)
    container = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": channel.id,
        "is_ephemeral": bool(message.ephemeral_for),
    }
    payload = interaction(state, "block_actions", person) | {
        "container": container | ({"thread_ts": message.thread_ts} if message.thread_ts else {}),
        "channel": {"id": channel.id, "name": channel.label},
        "state": {"values": {}},
        "response_url": response_url,
        "actions": [action],
    }
    return payload if message.ephemeral_for else payload | {"message": message.as_slack(state.team_id)}


def press_on_view(state: State, person: Person, view: View, action: Json) -> Json:
    """block_actions from a modal or the Home tab: no channel, no response_url."""
    return interaction(state, "block_actions", person, view if view.type == "modal" else None) | {
        "container": {"type": "view", "view_id": view.id},
        "view": state.wire(view),
        "actions": [action],
    }


def submission(state: State, person: Person, view: View) -> Json:
    more = {"view": state.wire(view), "response_urls": []}
    return interaction(state, "view_submission", person, view) | more


def closing(state: State, person: Person, view: View, *, is_cleared: bool) -> Json:
    """view_closed, only for views that asked for it."""
    payload = interaction(state, "view_closed", person, view)
    del payload["trigger_id"]
    return payload | {"view": state.wire(view), "is_cleared": is_cleared}


def action(state: State, element: Json, value: Any) -> Json:
    # For a button `value` is whatever the click carries, forged or not.
    shape: Json = {key: element[key] for key in ("action_id", "block_id", "type")} | {"action_ts": state.ts()}
    if element["type"] != "button":
        return entered(element, value) | shape
    shape |= {key: element[key] for key in ("text", "style", "url") if key in element}
    return shape | ({"value": value} if value is not None else {})


def event(state: State, inner: Json, *, is_ext_shared: bool = False) -> Json:
    who = {"enterprise_id": state.enterprise_id or None, "team_id": state.team_id, "user_id": state.bot.id}
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": state.team_id,
        "context_team_id": state.team_id,
        "context_enterprise_id": state.enterprise_id or None,
        "api_app_id": state.app_id,
        "event": inner,
        "type": "event_callback",
        "event_id": f"Ev{secrets.token_hex(5).upper()}",
        "event_time": int(float(inner.get("event_ts", 0))),
        "authorizations": [who | {"is_bot": True, "is_enterprise_install": False}],
        "is_ext_shared_channel": is_ext_shared,
        "event_context": secrets.token_urlsafe(16),
    }


def said(
    state: State, person: Person, message: Message, kind: str, subtype: str = "", files: Iterable[str] = ()
) -> Json:
    """`message` in direct messages, `app_mention` in channels."""
    channel = state.channel(message.channel)
    inner: Json = message.as_slack(person.team_id or state.team_id) | {
        "type": kind,
        "client_msg_id": str(uuid.uuid4()),
        "channel": channel.id,
        "event_ts": message.ts,
    }
    if kind == "message":
        inner["channel_type"] = "im"
    attached = [{"id": f"F{secrets.token_hex(4).upper()}", "name": name, "mode": "hosted"} for name in files]
    if attached:
        inner |= {"files": attached, "upload": False, "display_as_bot": False}
    if subtype or (attached and kind == "message"):
        inner["subtype"] = subtype or "file_share"
    if person.team_id:
        inner |= {"user_team": person.team_id, "source_team": person.team_id}
    return event(state, inner, is_ext_shared=channel.is_ext_shared)


def echo(state: State, message: Message, subtype: str = "") -> Json:
    # The app gets events for its own direct messages, too.
    shape = message.as_slack(state.team_id)
    about: Json = {"channel": message.channel, "channel_type": "im", "event_ts": message.ts}
    if not subtype:
        return event(state, shape | about | {"app_id": state.app_id})
    inner = {"type": "message", "subtype": subtype, "hidden": True, "ts": state.ts()}
    key = "message" if subtype == "message_changed" else "previous_message"
    return event(state, inner | {key: shape} | about)
