"""A mention goes back into the text: DingTalk takes the names out, and some clients leave them in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from handlers.command import Command
from handlers.language.reader import read_command

_ORDER = ("exact", "clear", "unclear")
_NOT_UNDERSTOOD = ("none", "several", "unread")
_NEEDS_PERSON = ("lend", "borrow", "repay", "recall", "forgive", "delegate")


@dataclass(frozen=True)
class Reading:
    """One way to read a text, and what it asks."""

    sentence: str
    command: Command

    @property
    def understood(self) -> bool:
        return self.command.intent not in _NOT_UNDERSTOOD


def read_mentioning(text: str, user: str, today: date) -> Reading:
    """Read a text that mentions `user`. A name in it is theirs or the bot's: the place that is understood best counts."""
    names = list(_TYPED_MENTION.finditer(text))
    in_place = [_read(_with_names(text, names, at, f" <@{user}> "), today) for at in range(len(names))]
    understood = [one for one in in_place if one.understood]
    if understood:
        return min(understood, key=lambda one: _ORDER.index(one.command.confidence))
    return _read(with_mention(_with_names(text, names, -1), user), today)


def read_calling(text: str, today: date) -> Reading:
    """Read a text in a group that mentions the bot alone. A name at one of its ends may be the bot's."""
    kept = _read(text, today)
    at_an_end = [
        name
        for name in _TYPED_MENTION.finditer(text)
        if not text[: name.start()].strip() or not text[name.end() :].strip()
    ]
    for name in at_an_end[:1]:
        bare = _read(f"{text[: name.start()]} {text[name.end() :]}", today)
        lacks_person = bare.command.intent in _NEEDS_PERSON and bare.command.person is None
        if not lacks_person:  # `@zhang lend me 50`: without its name it would ask anybody
            return bare
    return kept


def _with_names(text: str, names: list[re.Match[str]], at: int, mention: str = "") -> str:
    """The text with a mention in place of one name, and a gap in place of the others."""
    for place, name in reversed(list(enumerate(names))):
        text = text[: name.start()] + (mention if place == at else "  ") + text[name.end() :]
    return text


def _read(sentence: str, today: date) -> Reading:
    words = " ".join(sentence.split())
    return Reading(words, read_command(words or "balance", today))


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


# The name ends at DingTalk's own space, or at any space.
_TYPED_MENTION = re.compile(r"(?<![A-Za-z0-9._-])[@＠](?:[^\s@＠][^@＠\n\u2005]{0,29}\u2005|\S+)")
_ENDS_WITH_TO = re.compile(r"(?i)(?:\b(?:to|from)|[给向跟找问])\s*$")
_ASKS_FOR_ME = re.compile(r"(?i)\b(?:lend|give|spot|loan) me\b|[借转匀分给]我")
_GAP = re.compile(r"\S(\s{2,})\S")
_FIRST_VERB = re.compile(
    r"(?i)^(?:请)?(?:lend|repay|recall|forgive|delegate|ask|give|pay back|借给|还给|转给|匀给|分给|免还|委托|收回|归还给?|还|向|跟|找|问)"
    r"(?:\s+(?:to|from)\b)?\s*"
)
_TO = re.compile(r"(?i)\s(?:to|from)\b|给")
