"""Something to say, free of any messenger: a title, Markdown text, facts, buttons, perhaps a chart or a form."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, Self


@dataclass(frozen=True)
class Button:
    """A request with a face: pressing it asks `[action, value]`. `value` is a CODE or an id, nothing trusted."""

    label: str
    action: str
    value: str = ""
    style: Literal["plain", "primary", "danger"] = "plain"
    typed: str = ""
    """What one types where buttons are not to be had."""


@dataclass(frozen=True)
class Chart:
    """Bars: a title and (label, number, the number as shown)."""

    title: str
    bars: tuple[tuple[str, float, str], ...]


@dataclass(frozen=True)
class Message:
    """`text` is Markdown; what people typed went through `escape`. `preview` is what a lock screen may show."""

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
        """The same, marked as being in this language."""
        return replace(self, locale=locale)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

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
    """One question of a form. `kind`: text, person or date."""

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
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_KEYS = re.compile(r"\b(?:sk|pk|rk|xox[a-z]|xapp|ghp|gho|glpat|AKIA|Bearer)[-_ ]?[A-Za-z0-9_\-]{8,}")
_MENTION = re.compile(r"[@<]\s*!?(?=(?:here|channel|everyone|all|subteam)\b)|[<>]", re.IGNORECASE)
REASON = 300
"""Code points of a reason that are kept."""


def clean(typed: str, most: int = REASON) -> str:
    """What somebody typed, fit to be stored: one line, no controls, no keys, cut by code point."""
    line = " ".join(_CONTROLS.sub("", typed).split())
    line = _KEYS.sub("•••", line)
    return line if len(line) <= most else line[: most - 1] + "…"


def escape(typed: str) -> str:
    """What somebody typed, fit to stand in Markdown: shown literally, pinging nobody."""
    harmless = _MENTION.sub(lambda found: {"<": "‹", ">": "›", "@": "＠"}.get(found.group()[0], ""), typed)
    return _MARKDOWN.sub(r"\\\1", harmless)
