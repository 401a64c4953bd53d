"""DingTalk's pushes, parsed: a message to the bot, a click on a card. Missing or odd values become empty.

https://open.dingtalk.com/document/orgapp/robot-receive-message
https://open.dingtalk.com/document/development/event-callback-card
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Self

from handlers.command import Command
from handlers.language.reader import read_command
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

    @property
    def sentence(self) -> str:
        """The text with its mention put back; a bare mention of the bot asks for the balance."""
        words = with_mention(self.words, self.mentioned[0]) if self.mentioned else self.words
        return words or "balance"

    def command(self, today: date) -> Command:
        return read_command(self.sentence, today, guessed=self.guessed)


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


def with_mention(text: str, user: str) -> str:
    """Put back the one mention that DingTalk removes from the text: into the gap, else where a person is expected."""
    text = _TYPED_MENTION.sub("  ", text, count=1)
    start, end = _place_of_mention(text)
    return " ".join(f"{text[:start]} <@{user}> {text[end:]}".split())


def _place_of_mention(text: str) -> tuple[int, int]:
    if _ENDS_WITH_TO.search(text):  # lend 50 to
        return len(text), len(text)
    if _ASKS_FOR_ME.search(text):  # @bob lend me 50
        return 0, 0
    if (gap := _GAP.search(text)) is not None:  # lend  50
        return gap.span(1)
    verb = _FIRST_VERB.search(text) or _TO.search(text)  # lend 50; borrow 10 from because of the demo
    return (verb.end(), verb.end()) if verb else (len(text), len(text))


_SPACES = re.compile(r"[\u00a0\u3000\u2005]")
_SPEECH_END = "。．.!！?？ "
# Some clients leave the typed name in the text.
_TYPED_MENTION = re.compile(r"(?<![A-Za-z0-9._-])[@＠]\S+")
_ENDS_WITH_TO = re.compile(r"(?i)(?:\b(?:to|from)|[给向跟找问])\s*$")
_ASKS_FOR_ME = re.compile(r"(?i)\b(?:lend|give|spot|loan) me\b|[借转匀分给]我")
_GAP = re.compile(r"\S(\s{2,})\S")
_FIRST_VERB = re.compile(
    r"(?i)^(?:请)?(?:lend|repay|recall|forgive|delegate|ask|give|pay back|借给|还给|转给|匀给|分给|免还|委托|收回|归还给?|还|向|跟|找|问)"
    r"(?:\s+(?:to|from)\b)?\s*"
)
_TO = re.compile(r"(?i)\s(?:to|from)\b|给")
