"""Slack's payloads and answers, parsed: profiles, texts, errors. Pure functions."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from bot.messengers.port import MessengerError, Undeliverable
from bot.messengers.slack.workspace import Workspace
from handlers.command import Command, Quoted
from handlers.language.reader import read_command
from models.messages.receipt import fingerprint_of
from models.people.profile import Profile

# Errors that a retry cannot mend.
OVER = {
    "user_disabled", "user_not_visible", "invalid_user_combination", "channel_not_found", "is_archived", "not_in_channel", "user_not_found", "account_inactive", "cannot_dm_bot",
    "restricted_action", "msg_too_long", "msg_blocks_too_long", "invalid_blocks", "invalid_blocks_format", "no_text",
    "message_not_found", "cant_update_message", "edit_window_closed", "user_not_in_channel", "expired_url", "used_url",
}  # fmt: skip
# Errors that hide for ever whether a message arrived. A message sent twice is better than none.
BLIND = {
    "unknown_method",
    "missing_scope",
    "not_allowed_token_type",
    "channel_not_found",
    "not_in_channel",
    "HTTP 404",
}
# Subtypes that are not addressed to us: edits, deletions, bots, joins, Slack's own notes. Other kinds are
# answered. https://docs.slack.dev/reference/events/message
NOT_FOR_US = frozenset({
    "message_changed", "message_deleted", "message_replied", "bot_message", "bot_add", "bot_remove", "bot_enable", "bot_disable",
    "channel_join", "channel_leave", "channel_topic", "channel_purpose", "channel_name", "channel_archive", "channel_unarchive",
    "channel_posting_permissions", "channel_convert_to_private", "channel_convert_to_public", "group_join", "group_leave", "group_topic",
    "group_purpose", "group_name", "group_archive", "group_unarchive", "pinned_item", "unpinned_item", "reminder_add", "tombstone",
    "ekm_access_denied", "file_comment", "file_mention", "huddle_thread", "sh_room_created", "sh_room_shared", "assistant_app_thread",
})  # fmt: skip
_MARKED = re.compile(r"<((?:[@#!]|mailto:|tel:|https?://)[^<>]*)>")


def read_profile(user: dict[str, Any], ours: Workspace) -> Profile:
    """A person by `users.info` (docs.slack.dev/reference/objects/user-object)."""
    own = user.get("profile") or {}
    if user.get("deleted"):
        status = "gone"
    elif user.get("is_bot") or user.get("id") == "USLACKBOT":
        status = "bot"
    elif not ours.employs(user):
        status = "outsider"
    elif user.get("is_restricted") or user.get("is_ultra_restricted"):
        status = "guest"
    else:
        status = "member"
    name = own.get("real_name") or user.get("real_name") or user.get("name") or ""
    # Anybody can enter any e-mail, so an unconfirmed one does not identify a person.
    email = None if user.get("is_email_confirmed") is False else own.get("email")
    return Profile(status, str(name), email, user.get("locale"), user.get("tz"))


def written(text: str) -> str:
    """A text as its writer saw it: links, e-mails and channels as words, entities as characters. Mentions stay.

    Syntax: docs.slack.dev/messaging/formatting-message-text#retrieving-messages
    """
    words = _MARKED.sub(_as_words, text)
    return words.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()


def is_for_us(event: dict[str, Any]) -> bool:
    # Bots are not answered: two of them would answer each other for ever.
    return bool(event.get("user")) and not event.get("bot_id") and event.get("subtype") not in NOT_FOR_US


def quoted_by(event: dict[str, Any]) -> Quoted | None:
    """The message that begins the thread: in a chat with the bot it is what the bot said, in a channel a card stands below it."""
    channel, thread = str(event.get("channel", "")), str(event.get("thread_ts") or "")
    if not thread or thread == event.get("ts"):
        return None
    own = event.get("channel_type") == "im"
    return Quoted(ref=f"{channel}:{thread}") if own else Quoted(thread=f"slack:{channel}/{thread}")


def command_of(text: str, today: date, bot_id: str | None = None) -> Command:
    """The command in a text; a bare mention of the bot asks for the balance."""
    words = written(text)
    if bot_id is not None:
        words = words.replace(f"<@{bot_id}>", "").strip()
    return read_command(words or "balance", today)


def _as_words(found: re.Match[str]) -> str:
    target, _, label = found[1].partition("|")
    if target.startswith("@"):
        return f"<{target}>"
    if target.startswith(("mailto:", "tel:")):
        return label or target.partition(":")[2]
    if target.startswith("#"):
        return f"#{label or target[1:]}"
    if target.startswith("!"):
        return label or f"@{target[1:]}"
    return target


def hash_of(filled: dict[str, str]) -> str:
    # An unchanged form that is sent again is the same request.
    return fingerprint_of("", [f"{name}={value}" for name, value in sorted(filled.items())])[:12]


def metadata_of(view: dict[str, Any]) -> dict[str, Any]:
    try:
        found = json.loads(view.get("private_metadata") or "{}")
    except json.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def is_ephemeral(body: dict[str, Any]) -> bool:
    return bool((body.get("container") or {}).get("is_ephemeral"))


def meant(status: int, headers: Mapping[str, str], said: Any) -> Exception:
    """The port's error for a failed call, by its reply."""
    code = str(said.get("error", "")) if isinstance(said, dict) else ""
    # docs.slack.dev/apis/web-api/rate-limits: Retry-After is in seconds.
    if status == 429 or code == "ratelimited":
        return MessengerError("ratelimited", retry_after=float(headers.get("Retry-After", 1)))
    if (
        status >= 500
        # A proxy in between may answer with a page of its own, without a code.
        or not code
        or code in ("internal_error", "fatal_error", "service_unavailable", "request_timeout")
    ):
        return MessengerError(code or f"HTTP {status}", unknown=status >= 500 or (status == 200 and not code))
    if code in OVER:
        return Undeliverable(code)
    return MessengerError(code)


def as_json(method: str) -> bool:
    return method.startswith(("chat.", "views.")) or method == "conversations.open"


def flat(words: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value).lower() if isinstance(value, bool) else value for name, value in words.items()}
