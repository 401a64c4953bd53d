"""Check a whole message or view, and raise the error that Slack gives.

Every fault is worded and placed as Slack does it: `must be less than 3001 characters [json-pointer:/blocks/0/text/text]`.
`must be less than 151` means that 150 are allowed.
"""

from __future__ import annotations

import json
from typing import Any

from sandbox.slack.block_kit.blocks import block_faults
from sandbox.slack.block_kit.place import Place
from sandbox.slack.objects import Json, SlackError, words

TEXT_POSTED = 40_000
TEXT_UPDATED = 4_000
# Undocumented: https://github.com/slackapi/bolt-js/issues/2509
TEXT_OF_ALL_BLOCKS = 13_200
VIEW_BYTES = 250_000


def check_message(text: str, blocks: list[Json], *, text_limit: int = TEXT_POSTED) -> None:
    if len(text) > text_limit:
        raise SlackError("msg_too_long")
    faults = block_faults(blocks, at="/blocks", most=50, surface="message")
    if faults:
        raise SlackError("invalid_blocks", *faults)
    if sum(map(len, words(blocks))) > TEXT_OF_ALL_BLOCKS:
        raise SlackError("msg_blocks_too_long")


def check_view(view: Json) -> None:
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
    """Whether Slack would notify the whole channel. Plain-text objects notify nobody."""
    if isinstance(value, str):
        return any(f"<!{group}" in value for group in ("channel", "here", "everyone"))
    if isinstance(value, list):
        return any(map(pings_everybody, value))
    if isinstance(value, dict) and value.get("type") != "plain_text":
        return any(map(pings_everybody, value.values()))
    return False


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
