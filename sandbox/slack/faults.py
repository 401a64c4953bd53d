"""Faults of Slack: failing calls of the Web API, and failing deliveries to the app."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.faults import Fault, FaultPlan

# An API call. After the first four nothing was done; after the others it was, and the app may not know.
RATE_LIMITED = "rate_limited"
FAILED = "failed"
REFUSED = "refused"
REQUEST_LOST = "request_lost"
REPLY_LOST = "reply_lost"
REPLY_CUT = "reply_cut"
NEVER_ANSWERED = "never_answered"
SLOW = "slow"
CALLS = (RATE_LIMITED, FAILED, REFUSED, REQUEST_LOST, REPLY_LOST, REPLY_CUT, NEVER_ANSWERED)
# A delivery to the app.
DUPLICATED = "duplicated"
DELAYED = "delayed"
ACK_LOST = "ack_lost"
DELIVERIES = (DUPLICATED, DELAYED, ACK_LOST)


@dataclass
class SlackFault(Fault):
    """`where`: an API method, `response_url`, or a kind of delivery. `seconds`: a delay, or Retry-After."""

    seconds: float = 0.0
    status: int = 200
    error: str = ""


class Faults(FaultPlan[SlackFault]):
    """Planned faults, by API method or kind of delivery. See `sandbox.faults` for `after` and `times`."""

    # ---- the app calls Slack ------------------------------------------------------------------------

    def rate_limit(
        self, method: str = "*", *, retry_after: int = 1, after: int = 0, times: int | None = 1
    ) -> None:
        """HTTP 429 with Retry-After; not carried out."""
        self.add(SlackFault(method, RATE_LIMITED, after, times, seconds=retry_after))

    def fail(self, method: str = "*", *, status: int = 500, after: int = 0, times: int | None = 1) -> None:
        """HTTP 5xx; not carried out."""
        self.add(SlackFault(method, FAILED, after, times, status=status))

    def refuse(self, method: str = "*", *, error: str, after: int = 0, times: int | None = 1) -> None:
        """`ok: false` with this error, such as `is_archived`; not carried out."""
        self.add(SlackFault(method, REFUSED, after, times, error=error))

    def lose_request(self, method: str = "*", *, after: int = 0, times: int | None = 1) -> None:
        """The connection breaks before the call is carried out."""
        self.add(SlackFault(method, REQUEST_LOST, after, times))

    def lose_reply(self, method: str = "*", *, after: int = 0, times: int | None = 1) -> None:
        """The connection breaks after the call was carried out."""
        self.add(SlackFault(method, REPLY_LOST, after, times))

    def cut_reply(self, method: str = "*", *, after: int = 0, times: int | None = 1) -> None:
        """The call is carried out, and the connection is reset in the middle of the answer."""
        self.add(SlackFault(method, REPLY_CUT, after, times))

    def never_answer(self, method: str = "*", *, after: int = 0, times: int | None = 1) -> None:
        """The call is carried out and never answered."""
        self.add(SlackFault(method, NEVER_ANSWERED, after, times))

    def slow_down(
        self, method: str = "*", *, seconds: float, after: int = 0, times: int | None = None
    ) -> None:
        """Answers take this much longer."""
        self.add(SlackFault(method, SLOW, after, times, seconds=seconds))

    # ---- Slack delivers to the app ------------------------------------------------------------------

    def duplicate(self, kind: str = "*", *, after: int = 0, times: int | None = 1) -> None:
        """The same command, click (`interactive`) or event arrives twice at once."""
        self.add(SlackFault(kind, DUPLICATED, after, times))

    def delay(self, kind: str = "*", *, seconds: float, after: int = 0, times: int | None = 1) -> None:
        self.add(SlackFault(kind, DELAYED, after, times, seconds=seconds))

    def lose_ack(self, kind: str = "*", *, after: int = 0, times: int | None = 1) -> None:
        """The acknowledgement is lost: people see an error, events are sent again."""
        self.add(SlackFault(kind, ACK_LOST, after, times))

    # ---- what happens now ---------------------------------------------------------------------------

    def for_call(self, method: str) -> dict[str, SlackFault]:
        """The faults of this call, by kind: any slowness, and the first other fault."""
        slow = {fault.how: fault for fault in self.due(method, SLOW)}
        other = next(self.due(method, *CALLS), None)
        return slow | ({other.how: other} if other else {})

    def for_delivery(self, kind: str) -> dict[str, SlackFault]:
        """The faults of this delivery, by kind; several can happen together."""
        return {fault.how: fault for fault in self.due(kind, *DELIVERIES)}
