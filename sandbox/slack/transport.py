"""One delivery to the app and its acknowledgement, whichever mode carries it."""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.slack.objects import Json, Message

COMMAND, INTERACTION, EVENT = "slash_commands", "interactive", "events_api"
TIMED_OUT, FAILED = "operation_timeout", "dispatch_failed"


@dataclass(frozen=True)
class Ack:
    """The acknowledgement of a delivery: `status` is None without one; `seconds` until it came."""

    status: int | None
    payload: Json = field(default_factory=dict)
    seconds: float = 0.0
    error: str = ""
    reason: str = ""
    no_retry: bool = False
    message: Message | None = None

    @property
    def ok(self) -> bool:
        return not self.error


@dataclass(frozen=True)
class Attempt:
    """One delivery, perhaps the `retry`-th repetition because of `reason`."""

    kind: str
    payload: Json
    retry: int = 0
    reason: str = ""


@dataclass(frozen=True)
class Timing:
    """Slack's patience in seconds, and the pauses before an unacknowledged event is sent again."""

    patience: float = 3.0
    event_retries: tuple[float, ...] = (0.0, 60.0, 300.0)
