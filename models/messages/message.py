"""Messages without a messenger: title, Markdown text, facts, buttons, a chart, a form."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

from models.masking import masked


@dataclass(frozen=True)
class Button:
    """Pressing it asks `[action, value]`. `value` is a CODE or an id; nothing in it is trusted."""

    label: str
    action: str
    value: str = ""
    style: Literal["plain", "primary", "danger"] = "plain"
    typed: str = ""
    """What one types where buttons are not to be had."""


@dataclass(frozen=True)
class Chart:
    """Bars: (label, number, the number as shown)."""

    title: str
    bars: tuple[tuple[str, float, str], ...]


@dataclass(frozen=True)
class Message:
    """`text` is Markdown; typed words in it went through `escape`. `preview`: for a lock screen."""

    text: str
    title: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    buttons: tuple[Button, ...] = ()
    chart: Chart | None = None
    footnote: str = ""
    preview: str = ""
    parts: tuple[Message, ...] = ()
    """Sections below this one, for a page such as App Home."""
    locale: str = ""
    """The language of whoever reads it, for what a messenger adds; names in it say nothing of that."""

    def without_buttons(self) -> Message:
        return replace(self, buttons=())

    def spoken(self, locale: str) -> Message:
        """The same message, marked with its language."""
        if locale == self.locale:
            return self
        # `replace` takes twenty times as long, and every answer is spoken.
        return Message(
            self.text, self.title, self.facts, self.buttons, self.chart, self.footnote, self.preview, self.parts, locale
        )  # fmt: skip

    def as_json(self) -> dict[str, Any]:
        # `asdict` copies every word on the way.
        inner = {
            "buttons": tuple(dict(vars(one)) for one in self.buttons),
            "chart": dict(vars(self.chart)) if self.chart else None,
            "parts": tuple(one.as_json() for one in self.parts),
        }
        return {**vars(self), **inner}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        chart = data.get("chart")
        return cls(
            text=data["text"],
            title=data["title"],
            facts=tuple((name, value) for name, value in data["facts"]),
            buttons=tuple(Button(**button) for button in data["buttons"]),
            chart=Chart(chart["title"], tuple((a, b, c) for a, b, c in chart["bars"])) if chart else None,
            footnote=data["footnote"],
            preview=data["preview"],
            parts=tuple(Message.from_json(part) for part in data["parts"]),
            locale=data.get("locale", ""),
        )


@dataclass(frozen=True)
class Field:
    """One question of a form."""

    name: str
    label: str
    kind: Literal["text", "long", "person", "date"] = "text"
    value: str = ""
    hint: str = ""
    optional: bool = False


@dataclass(frozen=True)
class Form:
    """Questions shown at once; submitting asks `[callback, value, *answers]`."""

    callback: str
    title: str
    submit: str
    cancel: str
    fields: tuple[Field, ...] = field(default=())
    value: str = ""
    typed: str = ""
    """What one types where a form cannot be shown."""


_MARKDOWN = re.compile(r"([\\`*_~\[\]()#>!|])")
_UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)
"""Controls, bidi marks, fillers that show as nothing, lone surrogates, tags. U+FE0F stays: it makes a sign an emoji."""
_MARK = r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_STACKED = re.compile(rf"({_MARK}{{3}}){_MARK}+")
"""More marks on one letter than any language writes: they grow over the lines above."""
_MENTION = re.compile(r"[@<]\s*!?(?=(?:here|channel|everyone|all|subteam)\b)|[<>]", re.IGNORECASE)
REASON = 300
"""Code points of a reason that are kept."""


def clean(typed: str, most: int = REASON) -> str:
    """Typed text, fit to be stored: one line, no control characters, no keys, cut by code point."""
    line = " ".join(visible(typed).split())
    line = masked(line, "•••")
    return line if len(line) <= most else line[: most - 1] + "…"


def visible(typed: str) -> str:
    """`typed` without characters that do not show, or that show over other lines."""
    return _STACKED.sub(r"\1", _UNSEEN.sub("", typed))


def escape(typed: str) -> str:
    """Typed text, fit to stand in Markdown: shown literally, mentioning nobody."""
    harmless = _MENTION.sub(lambda found: {"<": "‹", ">": "›", "@": "＠"}.get(found.group()[0], ""), typed)
    return _MARKDOWN.sub(r"\\\1", harmless)
