"""Shape checks of Slack's bodies: a signed body of another shape gets a status and reaches neither Bolt nor us."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote_to_bytes

OBJECTS = ("user", "view", "container", "channel", "message", "team", "enterprise", "state")
WORDS = ("type", "trigger_id", "response_url", "event_id", "team_id", "enterprise_id", "api_app_id")
OF_EVENT = (
    "type",
    "channel",
    "ts",
    "event_ts",
    "text",
    "thread_ts",
    "bot_id",
    "tab",
    "channel_type",
    "subtype",
)
# Events whose `user` is an id; other events carry the whole person there.
OF_A_PERSON = ("message", "app_mention", "app_home_opened")
NAMED = ("enterprise", "team", "user", "channel")
WITHIN = ("event", "message", "item", "previous_message", "assistant_thread")
ONCE = ("payload", "command", "trigger_id", "user_id", "text", "response_url", "team_id", "channel_id")


def parse(content_type: str, body: bytes) -> dict[str, Any] | None:
    """The body as Bolt takes it; None for a shape on which Bolt fails with a traceback."""
    try:
        text = body.decode()
        return _push(text) if content_type == "application/json" else _form(text)
    except (ValueError, RecursionError):
        return None


def _push(text: str) -> dict[str, Any] | None:
    said = json.loads(text)
    return said if _is_push(said) else None


def _form(text: str) -> dict[str, Any] | None:
    pairs = [_pair(one) for one in text.split("&") if one]
    form = dict(pairs)
    if len(form) < len(pairs) and _repeats(pairs):
        return None
    if "authorizations" in form:  # a list in JSON, and nothing of a command's
        return None
    if "payload" in form:
        said = json.loads(form["payload"])
        return said if _is_interaction(said) else None
    whole = "command" not in form or (form.get("trigger_id") and form.get("user_id"))
    return form if whole else None


def _pair(written: str) -> tuple[str, str]:
    # As parse_qsl, at a quarter of its time: few values of a command are escaped, and `unquote` looks for other letters.
    name, _, value = written.partition("=")
    if "%" in written or "+" in written:
        return _unquoted(name), _unquoted(value)
    return name, value


def _unquoted(written: str) -> str:
    return unquote_to_bytes(written.replace("+", " ")).decode(errors="replace")


def _repeats(pairs: list[tuple[str, str]]) -> bool:
    names = [name for name, _ in pairs]
    return any(names.count(name) > 1 for name in ONCE)


def _has_ids(said: dict[str, Any], depth: int = 3) -> bool:
    """Whether ids stand where Bolt looks for them: an id or an object, also in what lies inside; and no pile of such parts."""
    seen = said.get("authorizations")
    if seen is not None and not (isinstance(seen, list) and all(isinstance(one, dict) for one in seen)):
        return False
    if not all(isinstance(said.get(name), str | dict | None) for name in NAMED):
        return False
    inner = [one for name in WITHIN if isinstance(one := said.get(name), dict)] + (seen or [])
    return not inner or (depth > 0 and all(_has_ids(one, depth - 1) for one in inner))


def _is_push(said: Any) -> bool:
    if not isinstance(said, dict) or not _are_words(said, WORDS) or not _has_ids(said):
        return False
    event = said.get("event", {})
    if not isinstance(event, dict) or not _are_words(event, OF_EVENT):
        return False
    user = event.get("user")
    if event.get("type") in OF_A_PERSON:
        needed = event.get("user" if event["type"] == "app_home_opened" else "channel")
        return isinstance(user, str | None) and bool(needed and said.get("event_id"))
    return isinstance(user, str | dict | None)


def _is_interaction(said: Any) -> bool:
    if not isinstance(said, dict) or not _are_words(said, WORDS) or not _has_ids(said):
        return False
    if not all(isinstance(said.get(name), dict | None) for name in OBJECTS):
        return False
    view, urls = said.get("view"), said.get("response_urls", [])
    if "view" in said and not (view and isinstance(view.get("type"), str)):
        return False
    if not isinstance(urls, list) or len(urls) > 1 or not all(isinstance(one, dict) for one in urls):
        return False  # our forms ask for one at most, and Bolt fails on several
    if said.get("type") == "block_actions":
        return (
            _has_id(said.get("user")) and bool(said.get("trigger_id")) and _are_actions(said.get("actions"))
        )
    return said.get("type") != "view_submission" or (_has_id(said.get("user")) and _is_view(view))


def _are_actions(actions: Any) -> bool:
    return (
        isinstance(actions, list)
        and bool(actions)
        and all(
            isinstance(one, dict) and _are_words(one, ("type", "action_id", "block_id", "value"))
            for one in actions
        )
        and all(one.get("action_id") for one in actions)
    )


def _is_view(view: Any) -> bool:
    if not (
        _has_id(view) and _are_words(view, ("callback_id", "private_metadata")) and view.get("callback_id")
    ):
        return False
    state = view.get("state")
    values = state.get("values") if isinstance(state, dict) else None
    return isinstance(values, dict) and all(
        isinstance(block, dict) and all(isinstance(one, dict) for one in block.values())
        for block in values.values()
    )


def _has_id(thing: Any) -> bool:
    return isinstance(thing, dict) and isinstance(thing.get("id"), str) and bool(thing["id"])


def _are_words(thing: dict[str, Any], names: tuple[str, ...]) -> bool:
    return all(isinstance(thing.get(name), str | None) for name in names)
