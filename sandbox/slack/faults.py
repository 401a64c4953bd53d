"""What can go wrong with Slack, to be switched on: by method or kind of delivery, from the n-th time, so many times.

Every switch reads `trouble.lose_reply("chat.postMessage", after=2, times=1)`: let two pass, then strike once.
`times=None` goes on until `clear()`; `"*"` strikes whatever comes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sandbox import faults

# How an API call goes wrong. "Before" means that nothing was done; the others were done and the app may not know.
RATE_LIMITED = "rate_limited"
FAILED = "failed"
REFUSED = "refused"
REQUEST_LOST = "request_lost"
REPLY_LOST = "reply_lost"
REPLY_CUT = "reply_cut"
NEVER_ANSWERED = "never_answered"
SLOW = "slow"
# How a delivery to the app goes wrong.
DUPLICATED = "duplicated"
DELAYED = "delayed"
ACK_LOST = "ack_lost"


@dataclass
class Strike(faults.Strike):
    """One planned trouble; `where` is an API method, `response_url`, or a kind of delivery."""

    seconds: float = 0.0
    status: int = 200
    error: str = ""


class Faults:
    """The trouble that waits for its occasion."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._calls: list[Strike] = []
        self._deliveries: list[Strike] = []
        self._changed = changed

    @property
    def planned(self) -> list[Strike]:
        """What is still to come."""
        return [strike for strike in (*self._calls, *self._deliveries) if strike.times != 0]

    def clear(self) -> None:
        """Peace again."""
        self._calls.clear()
        self._deliveries.clear()
        self._changed()

    # ---- the app calls Slack ------------------------------------------------------------------------

    def rate_limit(
        self, method: str = "*", *, retry_after: int = 1, after: int = 0, times: int | None = 1
    ) -> None:
        """HTTP 429 with Retry-After; nothing was done."""
        self._plan_call(Strike(method, RATE_LIMITED, after, times, seconds=retry_after))

    def fail(self, method: str = "*", *, status: int = 500, after: int = 0, times: int | None = 1) -> None:
        """HTTP 5xx; nothing was done."""
        self._plan_call(Strike(method, FAILED, after, times, status=status))

    def refuse(self, method: str = "*", *, error: str, after: int = 0, times: int | None = 1) -> None:
        """`ok: false` with this error, such as `is_archived`; nothing was done."""
        self._plan_call(Strike(method, REFUSED, after, times, error=error))

    def lose_request(self, method: str = "*", *, after: int = 0, times: int | None = 1) -> None:
        """The connection breaks before anything was done."""
        self._plan_call(Strike(method, REQUEST_LOST, after, times))

    def lose_reply(self, method: str = "*", *, after: int = 0, times: int | None = 1) -> None:
        """It is done, and the connection breaks before the app hears of it."""
        self._plan_call(Strike(method, REPLY_LOST, after, times))

    def cut_reply(self, method: str = "*", *, after: int = 0, times: int | None = 1) -> None:
        """It is done, and the connection is reset in the middle of the answer's body."""
        self._plan_call(Strike(method, REPLY_CUT, after, times))

    def never_answer(self, method: str = "*", *, after: int = 0, times: int | None = 1) -> None:
        """It is done, and the app waits for an answer until its own patience ends."""
        self._plan_call(Strike(method, NEVER_ANSWERED, after, times))

    def slow_down(
        self, method: str = "*", *, seconds: float, after: int = 0, times: int | None = None
    ) -> None:
        """Answers take this much longer."""
        self._plan_call(Strike(method, SLOW, after, times, seconds=seconds))

    # ---- Slack delivers to the app ------------------------------------------------------------------

    def duplicate(self, kind: str = "*", *, after: int = 0, times: int | None = 1) -> None:
        """The same command, click (`interactive`) or event arrives twice at once."""
        self._plan_delivery(Strike(kind, DUPLICATED, after, times))

    def delay(self, kind: str = "*", *, seconds: float, after: int = 0, times: int | None = 1) -> None:
        """A delivery arrives this much later."""
        self._plan_delivery(Strike(kind, DELAYED, after, times, seconds=seconds))

    def lose_ack(self, kind: str = "*", *, after: int = 0, times: int | None = 1) -> None:
        """The app acknowledged, and Slack never hears it: people see an error, events are sent again."""
        self._plan_delivery(Strike(kind, ACK_LOST, after, times))

    # ---- taking -------------------------------------------------------------------------------------

    def for_call(self, method: str) -> dict[str, Strike]:
        """What strikes this call, by how: slowness beside the first other trouble that is due."""
        slow = self._due([strike for strike in self._calls if strike.how == SLOW], method)
        other = self._due([strike for strike in self._calls if strike.how != SLOW], method, first=True)
        return slow | other

    def for_delivery(self, kind: str) -> dict[str, Strike]:
        """What strikes this delivery, by how; all of it can come together."""
        return self._due(self._deliveries, kind)

    def _due(self, plan: list[Strike], where: str, *, first: bool = False) -> dict[str, Strike]:
        struck: dict[str, Strike] = {}
        for strike in plan:
            if strike.due(where):
                struck[strike.how] = strike
                if first:
                    break
        if struck:
            self._changed()
        return struck

    def _plan_call(self, strike: Strike) -> None:
        self._calls.append(strike)
        self._changed()

    def _plan_delivery(self, strike: Strike) -> None:
        self._deliveries.append(strike)
        self._changed()
