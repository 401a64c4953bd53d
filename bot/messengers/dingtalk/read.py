"""DingTalk's pushes, parsed: a message to the bot, a click on a card. Missing or odd values become empty.

https://open.dingtalk.com/document/orgapp/robot-receive-message
https://open.dingtalk.com/document/development/event-callback-card
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, Self

from bot.messengers.dingtalk.mentions import read_calling, read_mentioning
from handlers.command import Command, Quoted
from handlers.language.reader import only_code, read_command
from models.refusal import CallsUsedUp, NotFromHere, Refusal, SeveralPeople, UnknownMention, UnreadableMessage

Json = dict[str, Any]

# errCode of a message whose text DingTalk withholds: the organisation has no calls left.
USED_UP = "20001"


@dataclass(frozen=True)
class ChatMessage:
    """A message to the bot.

    `user`: the sender's staffId, empty for a person outside the organisation. `group`: the conversation, if
    it is a group. `mentioned`: staffIds of the people mentioned beside the bot; empty strings for people
    without one. `guessed`: the text comes from speech recognition.
    """

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
    quoted: Quoted | None
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
            quoted=_quoted(data),
            error=_text(data, "errCode"),
        )

    @property
    def objection(self) -> Refusal | None:
        """The reason why this message cannot be a command, or None."""
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
        return not self.guessed and not self.error

    def command(self, today: date) -> Command:
        """The text with its mention put back, read; a bare mention of the bot asks for the balance."""
        if self.mentioned:
            found = read_mentioning(self.words, self.mentioned[0], today).command
        elif self.group:
            found = read_calling(self.words, today).command
        else:
            found = read_command(self.words or "balance", today)
        return replace(found, confidence="clear") if self.guessed and found.exact else found


@dataclass(frozen=True)
class Click:
    """A press on a card. Only `user` is trusted: the client sent the rest."""

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
            reason=clean_words(_text(params, "local_input")),
        )


def _words(data: Json) -> tuple[str, bool]:
    # A picture or a file has no text; recognised speech is a guess.
    content = data.get("content")
    content = content if isinstance(content, dict) else {}
    match data.get("msgtype"):
        case "text":
            text = data.get("text")
            return clean_words(_text(text, "content") if isinstance(text, dict) else ""), False
        case "richText":
            pieces = content.get("richText")
            rows = [one for one in pieces if isinstance(one, dict)] if isinstance(pieces, list) else []
            words = clean_words(" ".join(filter(None, (_text(one, "text") for one in rows))))
            return words, not words
        case "audio":
            return recognised_words(_text(content, "recognition")), True
    return "", True


def _mentioned(data: Json) -> tuple[str, ...]:
    ours, rows = data.get("chatbotUserId"), data.get("atUsers")
    if _text(data, "conversationType") != "2" or not isinstance(rows, list):
        return ()
    found = (one for one in rows if isinstance(one, dict) and one.get("dingtalkId") != ours)
    return tuple(dict.fromkeys(_text(one, "staffId") for one in found))


def _quoted(data: Json) -> Quoted | None:
    """The message that this one replies to: by DingTalk's name of it, or by a CODE in its words.

    `originalProcessQueryKey` is the carrierId of a card and the processQueryKey of other messages of the bot.
    """
    holders = [one for one in (data.get("text"), data.get("content")) if isinstance(one, dict)]
    replied: Json = next(
        (one["repliedMsg"] for one in holders if isinstance(one.get("repliedMsg"), dict)), {}
    )
    ref = _text(data, "originalProcessQueryKey") or _text(data, "originalMsgId") or _text(replied, "msgId")
    words = " ".join(_seen(replied.get("content"), depth=12))
    return Quoted(ref=ref, code=only_code(words[:4000])) if ref or words else None


def _seen(content: Any, depth: int) -> Iterator[str]:
    """The visible words of a quoted message: text, rich text, or a card's tree of elements."""
    rows = content if isinstance(content, list) else [content]
    for row in rows if depth else ():
        if isinstance(row, dict):
            yield from (words for name in _VISIBLE if isinstance(words := row.get(name), str))
            for part in row.values():
                if isinstance(part, dict | list):
                    yield from _seen(part, depth - 1)


_VISIBLE = ("text", "content", "value", "title", "body", "markdown")


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


# Words


def clean_words(text: str) -> str:
    """Normalize spaces. `<@` is removed, so nobody can type a mention of another person."""
    return _SPACES.sub(" ", text).replace("<@", "@").strip()


def recognised_words(text: str) -> str:
    # Speech recognition ends every sentence with a full stop.
    return clean_words(text).rstrip(_SPEECH_END)


_SPACES = re.compile(r"[\u00a0\u3000\u2005]")
_SPEECH_END = "。．.!！?？ "
