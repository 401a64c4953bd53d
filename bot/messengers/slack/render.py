"""Messages and forms as Slack shows them, within Block Kit's limits (docs.slack.dev/reference/block-kit): pure functions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from models.messages.message import Button, Chart, Field, Form, Message

Block = dict[str, Any]

SECTION, HEADER, LABEL, FIELD, VALUE = 3000, 150, 75, 2000, 2000
MESSAGE_BLOCKS, VIEW_BLOCKS, ALL_TEXT, VIEW_TEXT = 50, 100, 12_000, 200_000
_STYLED = re.compile(r"\\(.)|\*\*(.+?)\*\*|(`[^`]*`)|([&<>])", re.DOTALL)
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_as_json = json.JSONEncoder(ensure_ascii=False).encode


def render(
    message: Message, most: int = MESSAGE_BLOCKS, room: int = ALL_TEXT, *, charts: bool = False
) -> tuple[str, list[Block]]:
    """Notification text and blocks; the end is cut if it does not fit.

    `charts`: use Slack's own chart block, which only messages take, and not every workspace.
    """
    blocks = list(_blocks(message, charts=charts))
    # Beside the number of blocks, Slack limits their total size (`msg_blocks_too_long`).
    if len(blocks) > most or len(_as_json(blocks)) > room:
        blocks = list(_fit(blocks, most, room))
    return _notification(message), blocks


def ephemeral(message: Message) -> str:
    """The answer to a command as JSON, which is written once."""
    blocks = list(_blocks(message, charts=False))
    written = _as_json(blocks)
    if len(blocks) > MESSAGE_BLOCKS or len(written) > ALL_TEXT:
        written = _as_json(list(_fit(blocks, MESSAGE_BLOCKS, ALL_TEXT)))
    more = f', "blocks": {written}' if blocks else ""
    return f'{{"response_type": "ephemeral", "text": {_as_json(_notification(message))}{more}}}'


def _notification(message: Message) -> str:
    return plain(message.preview or message.title or message.text)[:SECTION] or "quotabot"


@lru_cache(maxsize=1000)  # help, footnotes
def mrkdwn(text: str) -> str:
    """Our Markdown as Slack's. Everything that people typed is literal and mentions nobody."""
    return "\n".join(
        "> " + _inline(line[2:]) if line.startswith("> ") else _inline(line) for line in text.split("\n")
    )


@lru_cache(maxsize=1000)  # labels and titles are always the same
def plain(text: str) -> str:
    words = _STYLED.sub(
        lambda found: found[1] or found[2] or (found[3] or "").strip("`") or found[4] or "", text
    )
    return re.sub(r"\\(.)", r"\1", words)


@lru_cache(maxsize=1000)  # names of facts
def _inline(text: str) -> str:
    def shown(found: re.Match[str]) -> str:
        escaped, bold, code, special = found.groups()
        if bold is not None:
            return f"*{_inline(bold)}*"
        return (escaped or code or special or "").translate(_ENTITIES)

    return _STYLED.sub(shown, text)


def _blocks(message: Message, *, charts: bool) -> Iterator[Block]:
    if message.title:
        yield {
            "type": "header",
            "text": {"type": "plain_text", "text": cut(plain(message.title), HEADER), "emoji": True},
        }
    for piece in _pieces(mrkdwn(message.text)):
        yield {"type": "section", "text": {"type": "mrkdwn", "text": piece}}
    for start in range(0, len(message.facts), 10):
        fields = [_fact(name, value) for name, value in message.facts[start : start + 10]]
        yield {"type": "section", "fields": fields}
    if message.chart:
        yield (_own_chart(message.chart) if charts else None) or _chart(message.chart)
    if message.buttons:
        yield {"type": "actions", "elements": [_button(one) for one in message.buttons[:25]]}
    if message.footnote:
        yield {
            "type": "context",
            "elements": [{"type": "mrkdwn", "text": cut(mrkdwn(message.footnote), FIELD)}],
        }
    for part in message.parts:
        yield {"type": "divider"}
        yield from _blocks(part, charts=False)


def _fact(name: str, value: str) -> Block:
    return {"type": "mrkdwn", "text": cut(f"*{_inline(name)}*\n{_inline(value)}", FIELD)}


def _button(button: Button) -> Block:
    element: Block = {
        "type": "button",
        "action_id": button.action,
        "text": {"type": "plain_text", "text": cut(plain(button.label), LABEL), "emoji": True},
    }
    if button.value:
        element["value"] = button.value[:VALUE]
    if button.style != "plain":
        element["style"] = button.style
    return element


BARS, BAR_LABEL, CHART_TITLE = 20, 20, 50


def _own_chart(chart: Chart) -> Block | None:
    """None if the bars do not fit https://docs.slack.dev/reference/block-kit/blocks/data-visualization-block."""
    labels = [cut(plain(label), BAR_LABEL) for label, _, _ in chart.bars]
    if not 0 < len(labels) <= BARS or len(set(labels)) < len(labels) or not all(labels):
        return None
    points = [
        {"label": label, "value": value} for label, (_, value, _) in zip(labels, chart.bars, strict=True)
    ]
    title = plain(chart.title)
    return {
        "type": "data_visualization",
        "title": cut(title, CHART_TITLE),
        "chart": {
            "type": "bar",
            "series": [{"name": cut(title, BAR_LABEL), "data": points}],
            "axis_config": {"categories": labels},
        },
    }


def _chart(chart: Chart) -> Block:
    # Bars out of characters look the same on every client, old or new.
    most = max((value for _, value, _ in chart.bars), default=0) or 1
    lines = (
        f"`{'█' * max(1, round(12 * value / most)):<12}` {_inline(label)} · {_inline(shown)}"
        for label, value, shown in chart.bars
    )
    return {
        "type": "section",
        "text": {"type": "mrkdwn", "text": cut(f"*{_inline(chart.title)}*\n" + "\n".join(lines), SECTION)},
    }


def _pieces(text: str) -> Iterator[str]:
    # Break at line ends only, so that no line is split between two sections.
    piece = ""
    for line in text.split("\n"):
        if piece and len(piece) + len(line) + 1 > SECTION:
            yield piece
            piece = ""
        piece = f"{piece}\n{cut(line, SECTION)}" if piece else cut(line, SECTION)
    if piece.strip():
        yield piece


def _fit(blocks: list[Block], most: int, room: int) -> Iterator[Block]:
    for block in blocks[:most]:
        room -= len(_as_json(block))
        if room < 0:
            return
        yield block


def cut(text: str, most: int) -> str:
    """At most `most` characters, never half an entity."""
    if len(text) <= most:
        return text
    short = text[: most - 1]
    amp = short.rfind("&")
    return (short[:amp] if amp > max(-1, most - 8) and ";" not in short[amp:] else short) + "…"


# Forms


def modal(form: Form, metadata: dict[str, Any]) -> Block:
    """A form as a modal view; `metadata` comes back with the answers."""
    return {
        "type": "modal",
        "callback_id": form.callback,
        "title": {"type": "plain_text", "text": cut(form.title, 24)},
        "submit": {"type": "plain_text", "text": cut(form.submit, 24)},
        "close": {"type": "plain_text", "text": cut(form.cancel, 24)},
        "private_metadata": json.dumps(metadata | {"value": form.value}, ensure_ascii=False)[:3000],
        "blocks": [_input(field) for field in form.fields],
    }


def _input(field: Field) -> Block:
    element: Block = {"action_id": "value"}
    if field.kind == "person":
        element |= {"type": "users_select"}
    elif field.kind == "date":
        element |= {"type": "datepicker"}
    else:
        element |= {
            "type": "plain_text_input",
            "multiline": field.kind == "long",
            "max_length": 300 if field.kind == "long" else 80,
        }
        if field.value:
            element["initial_value"] = field.value
    label = {"type": "plain_text", "text": cut(plain(field.label), 2000)}
    hint = {"hint": {"type": "plain_text", "text": cut(plain(field.hint), 2000)}} if field.hint else {}
    return {
        "type": "input",
        "block_id": field.name,
        "label": label,
        "element": element,
        "optional": field.optional,
        **hint,
    }


def answers(view: dict[str, Any]) -> dict[str, str]:
    values = view.get("state", {}).get("values", {})
    found = {name: block.get("value", {}) for name, block in values.items() if isinstance(block, dict)}
    return {
        name: str(one.get("value") or one.get("selected_user") or one.get("selected_date") or "")
        for name, one in found.items()
        if isinstance(one, dict)
    }


def home(message: Message) -> Block:
    return {"type": "home", "blocks": render(message, VIEW_BLOCKS, VIEW_TEXT)[1]}
