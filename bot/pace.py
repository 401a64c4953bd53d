"""How fast messages go to one lane."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable

# A channel takes about one message a second, and short bursts (docs.slack.dev/apis/web-api/rate-limits).
BURST, EVERY = 3, 1.0


class Pace:
    """A token bucket for each lane: `BURST` messages, one more each `EVERY` seconds; later if the vendor says so."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._free: dict[str, float] = defaultdict(float)
        self._last: dict[str, float] = defaultdict(float)

    def wait(self, lane: str) -> float:
        """Seconds until this lane's next slot; 0 takes the slot. Each waiting caller gets a slot of its own."""
        now = self.clock()
        at = max(self._free[lane], now - (BURST - 1) * EVERY)
        if at <= now:
            self._free[lane] = at + EVERY
            return 0.0
        self._last[lane] = max(at, self._last[lane] + EVERY)
        return self._last[lane] - now

    def hold(self, lane: str, seconds: float) -> None:
        self._free[lane] = max(self._free[lane], self.clock() + seconds)
