"""The objects of the stand-in Slack, and their shapes on the wire."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

Json = dict[str, Any]


class SlackError(Exception):
    """Slack answers `ok: false` with this code; `messages` become `response_metadata.messages`."""

    def __init__(
        self,
        code: str,
        *messages: str,
        status: int = 200,
        retry_after: int | None = None,
        facts: Json | None = None,
    ) -> None:
        super().__init__(code, *messages)
        self.facts = facts or {}
        self.code, self.messages, self.status, self.retry_after = code, messages, status, retry_after

    def as_slack(self) -> Json:
        # `errors` repeats the messages without their level, as Slack does.
        body: Json = {"ok": False, "error": self.code} | self.facts
        if self.messages:
            body["errors"] = list(self.messages)
            body["response_metadata"] = {"messages": [f"[ERROR] {message}" for message in self.messages]}
        return body


@dataclass(frozen=True)
class Person:
    """A person; `team_id` only for people of another workspace.

    On Enterprise Grid `enterprise_id` marks colleagues from a sister workspace; without it they come
    through Slack Connect.
    """

    id: str
    name: str
    real_name: str = ""
    email: str = ""
    locale: str = "en-US"
    tz: str = "UTC"
    manager: str = ""
    team_id: str = ""
    enterprise_id: str = ""
    email_unconfirmed: bool = False
    is_admin: bool = False
    is_bot: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    deleted: bool = False

    def as_slack(self, team_id: str, *, with_locale: bool = False) -> Json:
        """The `user` object of users.info, users.list and user_change."""
        zone = datetime.now(UTC).astimezone(ZoneInfo(self.tz))
        offset = zone.utcoffset()
        shape: Json = {
            "id": self.id,
            "team_id": self.team_id or team_id,
            "name": self.name,
            "deleted": self.deleted,
            "real_name": self.real_name or self.name,
            "tz": self.tz,
            "tz_label": zone.tzname(),
            "tz_offset": int(offset.total_seconds()) if offset else 0,
            "profile": self.profile(team_id),
            "is_admin": self.is_admin,
            "is_owner": False,
            "is_primary_owner": False,
            "is_restricted": self.is_restricted,
            "is_ultra_restricted": self.is_ultra_restricted,
            "is_bot": self.is_bot,
            "is_app_user": False,
            "updated": int(zone.timestamp()),
            "is_email_confirmed": bool(self.email) and not self.email_unconfirmed,
        }
        if self.is_stranger:
            shape["is_stranger"] = True
        if self.enterprise_id:
            shape["enterprise_user"] = self.enterprise_user(team_id)
        return shape | ({"locale": self.locale} if with_locale else {})

    def enterprise_user(self, team_id: str) -> Json:
        return {
            "id": self.id,
            "enterprise_id": self.enterprise_id,
            "enterprise_name": "",
            "is_admin": False,
            "is_owner": False,
            "teams": [self.team_id or team_id],
        }

    def profile(self, team_id: str) -> Json:
        shape = {
            "real_name": self.real_name or self.name,
            "display_name": self.name,
            "team": self.team_id or team_id,
        }
        return shape | ({"email": self.email} if self.email else {})


@dataclass
class Channel:
    """A public or private channel, or (with `user`) the direct messages between the bot and one person."""

    id: str
    name: str = ""
    members: list[str] = field(default_factory=list)
    is_private: bool = False
    is_archived: bool = False
    is_ext_shared: bool = False
    user: str = ""

    @property
    def is_im(self) -> bool:
        return bool(self.user)

    def as_slack(self, bot: str) -> Json:
        if self.is_im:
            return {"id": self.id, "created": 0, "is_im": True, "user": self.user, "is_archived": False}
        return {
            "id": self.id,
            "name": self.name,
            "name_normalized": self.name,
            "created": 0,
            "is_channel": not self.is_private,
            "is_group": self.is_private,
            "is_im": False,
            "is_mpim": False,
            "is_private": self.is_private,
            "is_archived": self.is_archived,
            "is_member": bot in self.members,
            "is_shared": self.is_ext_shared,
            "is_ext_shared": self.is_ext_shared,
            "num_members": len(self.members),
        }

    @property
    def label(self) -> str:
        # Interaction payloads carry "directmessage" instead of a person's name.
        return "directmessage" if self.is_im else self.name


@dataclass(eq=False)
class Message:
    """A message. `ephemeral_for`: only that person ever sees it, and no method can change it."""

    channel: str
    ts: str
    user: str
    text: str
    blocks: list[Json] = field(default_factory=list)
    thread_ts: str = ""
    bot_id: str = ""
    metadata: Json = field(default_factory=dict)
    edited: str = ""
    ephemeral_for: str = ""
    deleted: bool = False

    def as_slack(self, team_id: str, *, with_metadata: bool = False) -> Json:
        shape: Json = {
            "type": "message",
            "user": self.user,
            "ts": self.ts,
            "text": self.text,
            "team": team_id,
        }
        if self.bot_id:
            shape["bot_id"] = self.bot_id
        if self.blocks:
            shape["blocks"] = copy.deepcopy(self.blocks)
        if self.thread_ts:
            shape["thread_ts"] = self.thread_ts
        if self.edited:
            shape["edited"] = {"user": self.user, "ts": self.edited}
        if with_metadata and self.metadata:
            shape["metadata"] = self.metadata
        return shape

    @property
    def shown(self) -> str:
        """The words that a reader sees: of the blocks, else the text."""
        return "\n".join(words(self.blocks)) if self.blocks else self.text

    @property
    def actions(self) -> dict[str, Json]:
        return {element["action_id"]: element for element in elements(self.blocks)}

    def copy(self) -> Message:
        """A snapshot, for a later click on this state."""
        return replace(self, blocks=copy.deepcopy(self.blocks), metadata=copy.deepcopy(self.metadata))


@dataclass(eq=False)
class View:
    """A modal or a Home tab. `errors`: the answer to the last submission, by block_id."""

    id: str
    user: str
    given: Json
    hash: str
    root: str = ""
    previous: str = ""
    errors: dict[str, str] = field(default_factory=dict)
    values: Json = field(default_factory=dict)

    @property
    def type(self) -> str:
        return str(self.given.get("type", "modal"))

    @property
    def blocks(self) -> list[Json]:
        blocks: list[Json] = self.given["blocks"]
        return blocks

    @property
    def callback_id(self) -> str:
        return str(self.given.get("callback_id", ""))

    @property
    def title(self) -> str:
        return str((self.given.get("title") or {}).get("text", ""))

    @property
    def shown(self) -> str:
        return "\n".join(words([self.given.get("title") or {}, *self.blocks]))

    @property
    def actions(self) -> dict[str, Json]:
        return {element["action_id"]: element for element in elements(self.blocks)}

    def as_slack(self, team_id: str, app_id: str, bot_id: str) -> Json:
        """The `view` object of views.*, view_submission and block_actions."""
        shape: Json = {
            "id": self.id,
            "team_id": team_id,
            "type": self.type,
            "blocks": copy.deepcopy(self.blocks),
        }
        shape |= {key: self.given.get(key) for key in ("title", "submit", "close")}
        shape |= {
            key: self.given.get(key) or "" for key in ("callback_id", "private_metadata", "external_id")
        }
        shape |= {key: bool(self.given.get(key)) for key in ("clear_on_close", "notify_on_close")}
        return shape | {
            "state": {"values": copy.deepcopy(self.values)},
            "hash": self.hash,
            "root_view_id": self.root or self.id,
            "previous_view_id": self.previous or None,
            "app_id": app_id,
            "app_installed_team_id": team_id,
            "bot_id": bot_id,
        }


@dataclass(frozen=True)
class Notice:
    """Slack's own words to one person, such as `/quota failed with the error "operation_timeout"`."""

    user: str
    channel: str
    text: str


@dataclass(frozen=True)
class Violation:
    """A rule of Slack that the app broke; the playground shows it in red."""

    method: str
    what: str


@dataclass(frozen=True)
class Call:
    """A call of the Web API or of a response_url: `at` in Unix seconds, `error` empty for success."""

    at: float
    method: str
    args: Json
    status: int
    error: str
    seconds: float


@dataclass(frozen=True)
class Delivery:
    """A delivery to the app: `status` is None without an answer, `retry` counts repetitions."""

    at: float
    kind: str
    payload: Json
    status: int | None
    error: str
    seconds: float
    retry: int


def words(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from words(item)
    elif isinstance(value, dict):
        for key in ("title", "text", "label", "fields", "elements", "element", "accessory", "rows", "hint"):
            part = value.get(key)
            if isinstance(part, str):
                yield part
            elif part is not None:
                yield from words(part)


def elements(blocks: list[Json]) -> Iterator[Json]:
    for block in blocks:
        inside = [block.get("accessory"), block.get("element"), *(block.get("elements") or [])]
        for element in inside:
            if isinstance(element, dict) and "action_id" in element:
                yield element | {"block_id": block.get("block_id", "")}
