"""How fast messages go to one lane, and how much of that one sender may take."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable

# A channel takes about one message a second, and short bursts (docs.slack.dev/apis/web-api/rate-limits).
BURST, EVERY = 3, 1.0
# One sender's part of that: the rest stays for others, however much this sender causes.
THEIR_BURST, THEIR_EVERY = 2, 2.0
# More buckets than this are looked through, and the full ones forgotten; then twice as many as are left.
MOST = 10_000


class Pace:
    """A token bucket for each lane, and one for each sender in it; later if the vendor says so."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._free: dict[object, float] = defaultdict(float)
        self._last: dict[object, float] = defaultdict(float)
        self._most = MOST

    def wait(self, lane: str, sender: int | None = None) -> float:
        """Seconds until this lane's next slot; 0 takes the slot. Each waiting caller gets a slot of its own."""
        now = self.clock()
        buckets = [((lane, sender), THEIR_BURST, THEIR_EVERY)] if sender is not None else []
        slots: dict[object, float] = {}
        for name, burst, every in (*buckets, (lane, BURST, EVERY)):
            at = max(self._free[name], now - (burst - 1) * every)
            if at > now:
                self._last[name] = max(at, self._last[name] + every)
                return self._last[name] - now
            slots[name] = at + every
        self._free |= slots
        self._forget(now)
        return 0.0

    def hold(self, lane: str, seconds: float) -> None:
        self._free[lane] = max(self._free[lane], self.clock() + seconds)

    def _forget(self, now: float) -> None:
        if len(self._free) > self._most:
            full = now - BURST * EVERY - THEIR_BURST * THEIR_EVERY
            for times in (self._free, self._last):
                for name in [name for name, at in times.items() if at < full]:
                    del times[name]
            self._most = max(MOST, 2 * len(self._free))
