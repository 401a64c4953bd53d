"""Frames that are none."""

from __future__ import annotations

import pytest

from bot.messengers.dingtalk.frame import BadFrame, Frame

BAD = [
    "{not json",
    "[]",
    "null",
    '"text"',
    "{}",
    '{"type":"CALLBACK"}',
    '{"type":"CALLBACK","headers":null,"data":"{}"}',
    '{"type":["CALLBACK"],"headers":{"topic":"x"}}',
    '{"type":"CALLBACK","headers":{"topic":"x","time":"soon"},"data":"{}"}',
    '{"type":"NEWS","headers":{"topic":"x"},"data":"{}"}',
    "[" * 100_000,
]


@pytest.mark.parametrize("text", BAD, ids=range(len(BAD)))
def test_reading_a_bad_frame_raises_nothing_else(text: str) -> None:
    with pytest.raises(BadFrame):
        Frame.read(text)
