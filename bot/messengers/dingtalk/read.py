"""What DingTalk pushes, read: a message to the bot, a click on a card. Pure; whatever is missing or odd is empty.

https://open.dingtalk.com/document/orgapp/robot-receive-message
https://open.dingtalk.com/document/development/event-callback-card
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from bot.messengers.dingtalk.render import heard, spoken, with_person
from models.refusal import CallsUsedUp, NotFromHere, Refusal, SeveralPeople, UnknownMention, UnreadableMessage

Json = dict[str, Any]

USED_UP = "20001"
"""errCode of a message whose words are withheld: the organisation has no calls left."""


@dataclass(frozen=True)
class Heard:
    """A message. `user` is the staffId, empty for whom DingTalk does not know as one of ours; `group` a conversation."""

    id: str
    user: str
    corp: str
    own_corp: str
    group: str
    url: str
    expires: datetime
    words: str
    guessed: bool
    mentioned: tuple[str, ...]
    """Whom it mentions besides us, by staffId; empty for somebody without one."""
    error: str

    @classmethod
    def read(cls, data: Json, fallback_id: str) -> Self:
        words, guessed = _words(data)
        return cls(
            id=_text(data, "msgId") or fallback_id,
            user=_text(data, "senderStaffId"),
            corp=_text(data, "senderCorpId"),
            own_corp=_text(data, "chatbotCorpId"),
            group=_text(data, "conversationId") if _text(data, "conversationType") == "2" else "",
            url=_text(data, "sessionWebhook"),
            expires=_moment(data.get("sessionWebhookExpiredTime")),
            words=words,
            guessed=guessed,
            mentioned=_mentioned(data),
            error=_text(data, "errCode"),
        )

    @property
    def objection(self) -> Refusal | None:
        """Why this cannot be asked at all, if so."""
        if self.error == USED_UP:
            return CallsUsedUp()
        if not self.user or (self.own_corp and self.corp != self.own_corp):
            return NotFromHere()
        if len(self.mentioned) > 1:
            return SeveralPeople()
        if self.mentioned == ("",):
            return UnknownMention()
        return UnreadableMessage() if not self.words and not self.readable else None

    @property
    def readable(self) -> bool:
        """Whether an empty sentence was meant: the bot was only called."""
        return not self.guessed and not self.error

    @property
    def sentence(self) -> str:
        """The words with the mention put back; calling the bot without a word asks for the balance."""
        words = with_person(self.words, self.mentioned[0]) if self.mentioned else self.words
        return words or "balance"


@dataclass(frozen=True)
class Click:
    """A press on a card. Only `user` is to be believed: the rest is what the clicker's client sent."""

    track: str
    user: str
    corp: str
    action: str
    value: str
    reason: str

    @classmethod
    def read(cls, data: Json) -> Self:
        params = _params(data.get("content"))
        return cls(
            track=_text(data, "outTrackId"),
            user=_text(data, "userId"),
            corp=_text(data, "corpId"),
            action=_text(params, "action"),
            value=_text(params, "value")[:100],
            reason=heard(_text(params, "local_input")),
        )


def _words(data: Json) -> tuple[str, bool]:
    """The words, and whether a machine guessed them. What has no words is an empty guess."""
    content = data.get("content")
    content = content if isinstance(content, dict) else {}
    match data.get("msgtype"):
        case "text":
            text = data.get("text")
            return heard(_text(text, "content") if isinstance(text, dict) else ""), False
        case "richText":
            pieces = content.get("richText")
            rows = [one for one in pieces if isinstance(one, dict)] if isinstance(pieces, list) else []
            words = heard(" ".join(filter(None, (_text(one, "text") for one in rows))))
            return words, not words
        case "audio":
            return spoken(_text(content, "recognition")), True
    return "", True


def _mentioned(data: Json) -> tuple[str, ...]:
    """atUsers without ourselves; the same person twice is one."""
    ours, rows = data.get("chatbotUserId"), data.get("atUsers")
    if _text(data, "conversationType") != "2" or not isinstance(rows, list):
        return ()
    found = (one for one in rows if isinstance(one, dict) and one.get("dingtalkId") != ours)
    return tuple(dict.fromkeys(_text(one, "staffId") for one in found))


def _params(content: Any) -> Json:
    try:
        read = json.loads(content) if isinstance(content, str) else content
        params = read["cardPrivateData"]["params"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return {}
    return params if isinstance(params, dict) else {}


def _text(data: Json, name: str) -> str:
    value = data.get(name)
    return str(value) if isinstance(value, str | int) else ""


def _moment(milliseconds: Any) -> datetime:
    try:
        return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)
