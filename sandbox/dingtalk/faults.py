"""What can go wrong with DingTalk, to be switched on: by a part of `METHOD /path` or the kind of push, so many times.

Every switch reads `trouble.time_out("batchSend", times=1)`; `times=None` goes on until `clear()`, `"*"` strikes whatever
comes. Kinds of push are message, card and event.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox import faults
from sandbox.dingtalk.objects import Refusal

# How a call goes wrong: BEFORE means that nothing was done; AFTER, that it was and the app may not know.
THROTTLED = "throttled"
REFUSED = "refused"
PAGED = "paged"
PUNISHED = "punished"
FAILED = "failed"
TIMED_OUT = "timed_out"
REPLY_LOST = "reply_lost"
HELD = "held"
BEFORE = (THROTTLED, REFUSED, PAGED, PUNISHED)
AFTER = (FAILED, TIMED_OUT, REPLY_LOST, HELD)
# How a push goes wrong.
REPEATED = "repeated"
LOST = "lost"

FROZEN = ("open", "connect", "socket")
"""What can freeze: it accepts and never answers."""


@dataclass
class Strike(faults.Strike):
    """One planned trouble; `where` is a part of `METHOD /path`, or a kind of push."""

    copies: int = 1
    refusal: Refusal | None = None
    release: asyncio.Event = field(default_factory=asyncio.Event)

    def meets(self, where: str) -> bool:
        return self.where == "*" or self.where in where


class Faults:
    """The trouble that waits for its occasion."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self.frozen: set[str] = set()
        self.closing: list[int | None] = []
        self._plan: list[Strike] = []
        self._changed = changed
        self._thawed = asyncio.Event()

    @property
    def planned(self) -> list[Strike]:
        """What is still to come."""
        return [strike for strike in self._plan if strike.times != 0]

    def clear(self) -> None:
        """Peace again; what was held back is let go."""
        for strike in self._plan:
            strike.release.set()
        self._plan.clear()
        self.closing.clear()
        self.thaw()

    # ---- the app calls DingTalk ----------------------------------------------------------------------

    def throttle(self, where: str = "*", *, after: int = 0, times: int | None = 1) -> None:
        """Too many calls this second (90018); nothing was done."""
        self._add(Strike(where, THROTTLED, after, times))

    def refuse(
        self,
        where: str = "*",
        *,
        code: str,
        message: str = "",
        status: int = 400,
        after: int = 0,
        times: int | None = 1,
    ) -> None:
        """A no with this code; nothing was done."""
        self._add(Strike(where, REFUSED, after, times, refusal=Refusal(code, message, status=status)))

    def page(self, where: str = "*", *, after: int = 0, times: int | None = 1) -> None:
        """An HTML page where JSON was due; nothing was done."""
        self._add(Strike(where, PAGED, after, times))

    def punish(self, where: str = "*", *, after: int = 0, times: int | None = 1) -> None:
        """The block of an address: odd JSON, five minutes; nothing was done."""
        self._add(Strike(where, PUNISHED, after, times))

    def fail(self, where: str = "*", *, after: int = 0, times: int | None = 1) -> None:
        """HTTP 500 after it was done."""
        self._add(Strike(where, FAILED, after, times))

    def time_out(self, where: str = "*", *, after: int = 0, times: int | None = 1) -> None:
        """It is done, and the answer says 504 (errcode 15 in the classic family)."""
        self._add(Strike(where, TIMED_OUT, after, times))

    def lose_reply(self, where: str = "*", *, after: int = 0, times: int | None = 1) -> None:
        """It is done, and the connection breaks before the app hears of it."""
        self._add(Strike(where, REPLY_LOST, after, times))

    def hold(self, where: str = "*", *, after: int = 0, times: int | None = 1) -> asyncio.Event:
        """It is done, and the answer comes late: when the event is set, or at `clear()`."""
        strike = Strike(where, HELD, after, times)
        self._add(strike)
        return strike.release

    # ---- DingTalk pushes to the app ------------------------------------------------------------------

    def repeat(self, kind: str = "*", *, copies: int = 3, after: int = 0, times: int | None = 1) -> None:
        """The same push arrives this many times at once."""
        self._add(Strike(kind, REPEATED, after, times, copies=copies))

    def lose(self, kind: str = "*", *, after: int = 0, times: int | None = 1) -> None:
        """A push never arrives; `redeliver` may bring it later."""
        self._add(Strike(kind, LOST, after, times))

    # ---- the connection ------------------------------------------------------------------------------

    def close_at_once(self, code: int | None = 1000, *, times: int = 1) -> None:
        """The next connections end as soon as they stand; None: without a word (the app sees 1006)."""
        self.closing += [code] * times
        self._changed()

    def freeze(self, *what: str) -> None:
        """`open`, `connect` or `socket` (all of them if none is named) accept and never answer, until `thaw`."""
        self.frozen |= set(what or FROZEN)
        self._thawed.clear()
        self._changed()

    def thaw(self) -> None:
        """What was frozen goes on; sockets frozen before stay silent for what they missed."""
        self.frozen.clear()
        self._thawed.set()
        self._changed()

    async def pass_by(self, what: str) -> None:
        """Wait while this is frozen."""
        while what in self.frozen:
            await self._thawed.wait()

    # ---- taking --------------------------------------------------------------------------------------

    def strike(self, where: str, *hows: str) -> Strike | None:
        """The first trouble of these kinds that is due here."""
        for strike in self._plan:
            if strike.how in hows and strike.due(where):
                self._changed()
                return strike
        return None

    def _add(self, strike: Strike) -> None:
        self._plan.append(strike)
        self._changed()
