"""What Slack refuses in messages and views: counts, lengths and shapes of Block Kit.

Every fault is worded and placed as Slack does it: `must be less than 3001 characters [json-pointer:/blocks/0/text/text]`.
Our own table comes first; slack_sdk's models then look at whatever they know
(https://docs.slack.dev/reference/block-kit). Limits: `must be less than 151` means that 150 are allowed.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block

from sandbox.slack.objects import Json, SlackError, words

TEXT_POSTED = 40_000
TEXT_UPDATED = 4_000
# Undocumented: https://github.com/slackapi/bolt-js/issues/2509
TEXT_OF_ALL_BLOCKS = 13_200
MARKDOWN_OF_ALL_BLOCKS = 12_000
VIEW_BYTES = 250_000


def check_message(text: str, blocks: list[Json], *, text_limit: int = TEXT_POSTED) -> None:
    """Pass, or raise the error Slack gives for this message."""
    if len(text) > text_limit:
        raise SlackError("msg_too_long")
    faults = block_faults(blocks, at="/blocks", most=50, surface="message")
    if faults:
        raise SlackError("invalid_blocks", *faults)
    if sum(map(len, words(blocks))) > TEXT_OF_ALL_BLOCKS:
        raise SlackError("msg_blocks_too_long")


def check_view(view: Json) -> None:
    """Pass, or raise the error Slack gives for this modal or Home tab."""
    if len(json.dumps(view)) > VIEW_BYTES:
        raise SlackError("view_too_large")
    place = Place(view, "/view", [])
    _check_outside_of_blocks(place)
    faults = [
        *place.faults,
        *block_faults(view.get("blocks"), at="/view/blocks", most=100, surface=view.get("type")),
    ]
    if faults:
        raise SlackError("invalid_arguments", *faults)


def pings_everybody(value: Any) -> bool:
    """Would Slack ring the whole channel for this text or these blocks? Plain-text objects ring nobody."""
    if isinstance(value, str):
        return any(f"<!{group}" in value for group in ("channel", "here", "everyone"))
    if isinstance(value, list):
        return any(map(pings_everybody, value))
    if isinstance(value, dict) and value.get("type") != "plain_text":
        return any(map(pings_everybody, value.values()))
    return False


def block_faults(blocks: Any, *, at: str, most: int, surface: str | None) -> list[str]:
    """Everything wrong with these blocks on a `message`, `modal` or `home`."""
    faults: list[str] = []
    place = Place(blocks, at, faults)
    if not isinstance(blocks, list):
        place.fault("must be an array")
        return faults
    place.items(most, 0 if surface == "message" else 1)
    for block in place:
        _check_block(block, surface)
    _check_all_together(place)
    return faults


@dataclass(frozen=True)
class Place:
    """A JSON value, where it stands, and the list its faults go to."""

    value: Any
    at: str
    faults: list[str]

    def __getitem__(self, key: str) -> Place:
        inner = self.value.get(key) if isinstance(self.value, dict) else None
        return Place(inner, f"{self.at}/{key}", self.faults)

    def __iter__(self) -> Iterator[Place]:
        inside = self.value if isinstance(self.value, list) else []
        return iter([Place(item, f"{self.at}/{number}", self.faults) for number, item in enumerate(inside)])

    def __bool__(self) -> bool:
        return self.value is not None

    def fault(self, what: str) -> None:
        self.faults.append(f"{what} [json-pointer:{self.at}]")

    def string(self, most: int, least: int = 0, *, required: bool = False) -> None:
        """A plain JSON string of at most `most` characters."""
        if self.value is None:
            if required:
                self.fault("missing required field")
        elif not isinstance(self.value, str):
            self.fault("must be a string")
        elif len(self.value) > most:
            self.fault(f"must be less than {most + 1} characters")
        elif len(self.value) < least:
            self.fault(f"must be more than {least - 1} characters")

    def text(self, most: int, *kinds: str, required: bool = True) -> None:
        """A text object of one of these kinds (plain text when none is named), never empty."""
        kinds = kinds or ("plain_text",)
        if self.value is None:
            if required:
                self.fault("missing required field")
        elif not isinstance(self.value, dict) or self.value.get("type") not in kinds:
            self.fault(f"must be a text object of type {' or '.join(kinds)}")
        else:
            self["text"].string(most, 1, required=True)

    def items(self, most: int, least: int = 1) -> None:
        """A list of at most `most`."""
        length = len(self.value) if isinstance(self.value, list) else 0
        if length > most:
            self.fault(f"no more than {most} items allowed")
        elif length < least:
            self.fault(f"no fewer than {least} items allowed")


def _check_outside_of_blocks(view: Place) -> None:
    kind = view["type"].value
    if kind == "modal":
        _check_modal(view)
    elif kind != "home":
        view["type"].fault("must be modal or home")
    view["private_metadata"].string(3000)
    view["callback_id"].string(255)
    view["external_id"].string(255)


def _check_modal(view: Place) -> None:
    view["title"].text(24)
    for key in ("submit", "close"):
        view[key].text(24, required=False)
    asks = any(
        block.value.get("type") == "input" for block in view["blocks"] if isinstance(block.value, dict)
    )
    if asks and not view["submit"]:
        view["submit"].fault("`submit` is required when an `input` block is within the blocks array")


def _check_block(block: Place, surface: str | None) -> None:
    kind = block["type"].value
    before = len(block.faults)
    block["block_id"].string(255)
    if kind in _BLOCKS:
        _BLOCKS[kind](block)
        if kind == "alert" and surface != "modal":
            block["type"].fault("unsupported type: alert (modals only)")
    elif kind not in _KNOWN_TO_SDK:
        block["type"].fault(f"unsupported type: {kind}")
    if kind not in _UNKNOWN_TO_SDK and len(block.faults) == before:
        _ask_sdk(block)


# data_visualization and data_table are newer than slack_sdk 3.47: its parser answers None for them.
_UNKNOWN_TO_SDK = {"data_visualization", "data_table"}
_KNOWN_TO_SDK = {
    "auth_provider", "call", "card", "carousel", "container", "context_actions", "file", "plan",
    "task_card", "video",
}  # fmt: skip


def _ask_sdk(block: Place) -> None:
    """A second opinion for blocks our own table passed; it words faults without a place inside the block."""
    try:
        parsed = Block.parse(block.value)
        if parsed is not None:
            parsed.to_dict()
    except (SlackObjectFormationError, TypeError, AttributeError) as error:
        block.fault(f"failed to match all allowed schemas: {error}")


def _check_all_together(blocks: Place) -> None:
    shapes = [block.value for block in blocks if isinstance(block.value, dict)]
    ids = Counter(shape["block_id"] for shape in shapes if shape.get("block_id"))
    for block_id, times in ids.items():
        if times > 1:
            blocks.fault(f"`block_id` must be unique: {block_id}")
    kinds = Counter(shape.get("type") for shape in shapes)
    if kinds["data_visualization"] > 2:
        blocks.fault("no more than 2 data_visualization blocks allowed")
    if kinds["table"] > 1:
        blocks.fault("only_one_table_allowed")
    markdown = sum(len(str(shape.get("text", ""))) for shape in shapes if shape.get("type") == "markdown")
    if markdown > MARKDOWN_OF_ALL_BLOCKS:
        blocks.fault(f"markdown blocks must be less than {MARKDOWN_OF_ALL_BLOCKS + 1} characters together")


# ---- blocks ------------------------------------------------------------------------------------------


def _section(block: Place) -> None:
    if not block["text"] and not block["fields"]:
        block.fault("must define either `text` or `fields`")
    block["text"].text(3000, "mrkdwn", "plain_text", required=False)
    if block["fields"]:
        block["fields"].items(10)
    for part in block["fields"]:
        part.text(2000, "mrkdwn", "plain_text")
    if block["accessory"]:
        _element(block["accessory"])


def _context(block: Place) -> None:
    block["elements"].items(10)
    for part in block["elements"]:
        if part["type"].value == "image":
            _image(part)
        else:
            part.text(3000, "mrkdwn", "plain_text")


def _actions(block: Place) -> None:
    block["elements"].items(25)
    for part in block["elements"]:
        _element(part)
    ids = Counter(part["action_id"].value for part in block["elements"] if part["action_id"])
    for action_id, times in ids.items():
        if times > 1:
            block["elements"].fault(f"`action_id` must be unique: {action_id}")


def _input(block: Place) -> None:
    block["label"].text(2000)
    block["hint"].text(2000, required=False)
    if block["element"]:
        _element(block["element"])
    else:
        block["element"].fault("missing required field")


def _image(block: Place) -> None:
    block["alt_text"].string(2000, required=True)
    block["image_url"].string(3000)
    if not block["image_url"] and not block["slack_file"]:
        block.fault("must define either `image_url` or `slack_file`")


def _rich_text(block: Place) -> None:
    block["elements"].items(100)
    for part in block["elements"]:
        kind = part["type"].value
        if kind not in {"rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote"}:
            part["type"].fault(f"unsupported type: {kind}")


def _table(block: Place) -> None:
    block["rows"].items(100)
    for row in block["rows"]:
        row.items(20)
        for cell in row:
            if cell["type"].value not in {"raw_text", "raw_number", "rich_text"}:
                cell["type"].fault("must be raw_text, raw_number or rich_text")
    if block["column_settings"]:
        block["column_settings"].items(20)


def _data_table(block: Place) -> None:
    block["rows"].items(201, 2)
    for row in block["rows"]:
        row.items(20)


def _data_visualization(block: Place) -> None:
    """https://docs.slack.dev/reference/block-kit/blocks/data-visualization-block"""
    block["title"].string(50, 1, required=True)
    chart = block["chart"]
    kind = chart["type"].value
    if kind == "pie":
        chart["segments"].items(6)
        for segment in chart["segments"]:
            segment["label"].string(20, 1, required=True)
    elif kind in {"bar", "area", "line"}:
        _check_series(chart)
    else:
        chart["type"].fault("must be pie, bar, area or line")


def _check_series(chart: Place) -> None:
    axis = chart["axis_config"]
    axis["categories"].items(20)
    for category in axis["categories"]:
        category.string(20, 1)
    axis["x_label"].string(50)
    axis["y_label"].string(50)
    chart["series"].items(6)
    for series in chart["series"]:
        series["name"].string(20, 1, required=True)
        series["data"].items(20)
        labels = [point["label"].value for point in series["data"]]
        if labels != axis["categories"].value:
            series["data"].fault("labels must match `axis_config.categories`")
    names = [series["name"].value for series in chart["series"]]
    if len(set(names)) < len(names):
        chart["series"].fault("series names must be unique")


_BLOCKS: dict[str, Callable[[Place], None]] = {
    "actions": _actions,
    "alert": lambda block: block["text"].text(200, "mrkdwn", "plain_text"),
    "context": _context,
    "data_table": _data_table,
    "data_visualization": _data_visualization,
    "divider": lambda block: None,
    "header": lambda block: block["text"].text(150),
    "image": _image,
    "input": _input,
    "markdown": lambda block: block["text"].string(MARKDOWN_OF_ALL_BLOCKS, 1, required=True),
    "rich_text": _rich_text,
    "section": _section,
    "table": _table,
}


# ---- elements ----------------------------------------------------------------------------------------


def _element(element: Place) -> None:
    kind = element["type"].value
    element["action_id"].string(255)
    if element["confirm"]:
        _confirm(element["confirm"])
    if kind in _ELEMENTS:
        _ELEMENTS[kind](element)
    elif kind not in _PLAIN_ELEMENTS:
        element["type"].fault(f"unsupported type: {kind}")
    element["placeholder"].text(150, required=False)


_PLAIN_ELEMENTS = {
    "channels_select", "conversations_select", "datepicker", "datetimepicker", "email_text_input", "external_select",
    "feedback_buttons", "file_input", "icon_button", "image", "multi_channels_select", "multi_conversations_select",
    "multi_external_select", "multi_users_select", "number_input", "rich_text_input", "timepicker", "url_text_input",
    "users_select", "workflow_button",
}  # fmt: skip


def _button(element: Place) -> None:
    element["text"].text(75)
    element["value"].string(2000)
    element["url"].string(3000)
    if element["style"] and element["style"].value not in {"primary", "danger"}:
        element["style"].fault("must be primary or danger")


def _confirm(confirm: Place) -> None:
    confirm["title"].text(100)
    confirm["text"].text(300, "plain_text", "mrkdwn")
    confirm["confirm"].text(30)
    confirm["deny"].text(30)


def _options(most: int) -> Callable[[Place], None]:
    def check(element: Place) -> None:
        groups = [group["options"] for group in element["option_groups"]] or [element["options"]]
        for options in groups:
            options.items(most)
            for option in options:
                option["text"].text(75, "plain_text", "mrkdwn")
                option["value"].string(150, 1, required=True)

    return check


def _plain_text_input(element: Place) -> None:
    element["initial_value"].string(3000)
    longest = element["max_length"].value
    if longest is not None and not 1 <= int(longest) <= 3000:
        element["max_length"].fault("must be between 1 and 3000")


_ELEMENTS: dict[str, Callable[[Place], None]] = {
    "button": _button,
    "checkboxes": _options(10),
    "multi_static_select": _options(100),
    "overflow": _options(5),
    "plain_text_input": _plain_text_input,
    "radio_buttons": _options(10),
    "static_select": _options(100),
}
