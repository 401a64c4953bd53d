"""Checks of blocks: https://docs.slack.dev/reference/block-kit/blocks

Our own table comes first; slack_sdk's models then look at the blocks that they know.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block

from sandbox.slack.block_kit.elements import check_element
from sandbox.slack.block_kit.place import Place

MARKDOWN_OF_ALL_BLOCKS = 12_000


def block_faults(blocks: Any, *, at: str, most: int, surface: str | None) -> list[str]:
    """Every fault of these blocks on a `message`, `modal` or `home`."""
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
    # slack_sdk's models know more rules than our table, but name no place inside the block.
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


def _section(block: Place) -> None:
    if not block["text"] and not block["fields"]:
        block.fault("must define either `text` or `fields`")
    block["text"].text(3000, "mrkdwn", "plain_text", required=False)
    if block["fields"]:
        block["fields"].items(10)
    for part in block["fields"]:
        part.text(2000, "mrkdwn", "plain_text")
    if block["accessory"]:
        check_element(block["accessory"])


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
        check_element(part)
    ids = Counter(part["action_id"].value for part in block["elements"] if part["action_id"])
    for action_id, times in ids.items():
        if times > 1:
            block["elements"].fault(f"`action_id` must be unique: {action_id}")


def _input(block: Place) -> None:
    block["label"].text(2000)
    block["hint"].text(2000, required=False)
    if block["element"]:
        check_element(block["element"])
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
    # https://docs.slack.dev/reference/block-kit/blocks/data-visualization-block
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
