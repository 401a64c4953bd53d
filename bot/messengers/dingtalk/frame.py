"""A push of DingTalk's Stream connection, and its acknowledgement.

Protocol: https://open-dingtalk.github.io/developerpedia/docs/learn/stream/protocol
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from dingtalk_stream import AckMessage, CallbackMessage, EventMessage, SystemMessage

_SHAPES = {shape.TYPE: shape for shape in (SystemMessage, EventMessage, CallbackMessage)}
# Errors from reading JSON of an unexpected shape.
UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, RecursionError)


class BadFrame(ValueError):  # noqa: N818 - what arrived, not what went wrong here
    """Not a valid frame. `message_id` is set when only the data are invalid."""

    def __init__(self, reason: str, message_id: str = "") -> None:
        super().__init__(reason)
        self.message_id = message_id


@dataclass(frozen=True)
class Frame:
    """One push, as the SDK parses it. `message_id` names the push; a redelivery carries the same one.

    `data` is the payload: `dingtalk_stream.ChatbotMessage.from_dict` reads a message, a card's payload is
    read as it stands. `event_id`, `event_type` and `corp_id` are set on events.
    """

    kind: str
    topic: str
    message_id: str
    data: dict[str, Any]
    event_id: str = ""
    event_type: str = ""
    corp_id: str = ""

    @classmethod
    def read(cls, text: str) -> Frame:
        """Parse a frame; raise `BadFrame` for any other text."""
        message_id = ""
        try:
            raw = json.loads(text)
            message_id = str(raw["headers"].get("messageId") or "")
            message = _SHAPES[raw["type"]].from_dict(raw)
        except UNREADABLE as error:
            raise BadFrame(type(error).__name__, message_id) from error
        if not isinstance(message.data, dict):
            raise BadFrame("its data are no object", message_id)
        headers = message.headers
        return cls(
            kind=message.type,
            topic=str(headers.topic or ""),
            message_id=message_id,
            data=message.data,
            event_id=str(headers.event_id or ""),
            event_type=str(headers.event_type or ""),
            corp_id=str(headers.event_corp_id or ""),
        )


def ack_data(frame: Frame, answer: dict[str, Any] | None, *, failed: bool = False) -> dict[str, Any]:
    # An event's acknowledgement must say SUCCESS, or LATER to be pushed again.
    if frame.kind != EventMessage.TYPE:
        return answer or {"response": None}
    usual = {"status": "LATER", "message": "failed"} if failed else {"status": "SUCCESS", "message": "OK"}
    return usual | (answer or {})


def ack(message_id: str, code: int, data: dict[str, Any]) -> str:
    message = AckMessage()
    message.code, message.data = code, data
    message.message = "OK" if code == AckMessage.STATUS_OK else "error"
    message.headers.message_id, message.headers.content_type = message_id, "application/json"
    return json.dumps(message.to_dict())
