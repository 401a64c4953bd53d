"""Faults of DingTalk: calls, pushes to the app, and the connection itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.dingtalk.objects import Refusal
from sandbox.faults import Fault, FaultPlan

# A call. BEFORE: nothing was done. AFTER: it was done, and the app may not know.
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
# A push to the app.
REPEATED = "repeated"
LOST = "lost"

# Parts that can freeze: they accept and never answer.
FROZEN = ("open", "connect", "socket")


@dataclass
class DingTalkFault(Fault):
    copies: int = 1
    refusal: Refusal | None = None
    release: asyncio.Event = field(default_factory=asyncio.Event)

    def matches(self, where: str) -> bool:
        return self.where == "*" or self.where in where


class Faults(FaultPlan[DingTalkFault]):
    """Planned faults, by call or kind of push. See `sandbox.faults` for `after` and `times`."""

    def __init__(self, changed: Callable[[], None]) -> None:
        super().__init__(changed)
        self.frozen: set[str] = set()
        self.closing: list[int | None] = []
        self._thawed = asyncio.Event()

    def clear(self) -> None:
        for fault in self._plan:
            fault.release.set()
        self.closing.clear()
        self.thaw()
        super().clear()

    # ---- the app calls DingTalk ----------------------------------------------------------------------

    def throttle(self, where: str = "*", *, after: int = 0, times: int | None = 1) -> None:
        """Too many calls this second (90018); not carried out."""
        self.add(DingTalkFault(where, THROTTLED, after, times))

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
        """A refusal with this code; not carried out."""
        self.add(DingTalkFault(where, REFUSED, after, times, refusal=Refusal(code, message, status=status)))

    def page(self, where: str = "*", *, after: int = 0, times: int | None = 1) -> None:
        """An HTML page instead of JSON; not carried out."""
        self.add(DingTalkFault(where, PAGED, after, times))

    def punish(self, where: str = "*", *, after: int = 0, times: int | None = 1) -> None:
        """The ban of an address: other JSON, five minutes; not carried out."""
        self.add(DingTalkFault(where, PUNISHED, after, times))

    def fail(self, where: str = "*", *, after: int = 0, times: int | None = 1) -> None:
        """HTTP 500 after the call was carried out."""
        self.add(DingTalkFault(where, FAILED, after, times))

    def time_out(self, where: str = "*", *, after: int = 0, times: int | None = 1) -> None:
        """504 (errcode 15 in the classic family) after the call was carried out."""
        self.add(DingTalkFault(where, TIMED_OUT, after, times))

    def lose_reply(self, where: str = "*", *, after: int = 0, times: int | None = 1) -> None:
        """The connection breaks after the call was carried out."""
        self.add(DingTalkFault(where, REPLY_LOST, after, times))

    def hold(self, where: str = "*", *, after: int = 0, times: int | None = 1) -> asyncio.Event:
        """The answer waits for the event, or for `clear()`."""
        return self.add(DingTalkFault(where, HELD, after, times)).release

    # ---- DingTalk pushes to the app ------------------------------------------------------------------

    def repeat(self, kind: str = "*", *, copies: int = 3, after: int = 0, times: int | None = 1) -> None:
        """The same push arrives this many times at once."""
        self.add(DingTalkFault(kind, REPEATED, after, times, copies=copies))

    def lose(self, kind: str = "*", *, after: int = 0, times: int | None = 1) -> None:
        """A push never arrives; `redeliver` may bring it later."""
        self.add(DingTalkFault(kind, LOST, after, times))

    # ---- the connection ------------------------------------------------------------------------------

    def close_at_once(self, code: int | None = 1000, *, times: int = 1) -> None:
        """The next connections close at once. None: without a close frame (the app sees 1006)."""
        self.closing += [code] * times
        self._changed()

    def freeze(self, *what: str) -> None:
        """`open`, `connect` or `socket` (by default all) accept and never answer, until `thaw`."""
        self.frozen |= set(what or FROZEN)
        self._thawed.clear()
        self._changed()

    def thaw(self) -> None:
        # Sockets that were frozen do not get the pushes that they missed.
        self.frozen.clear()
        self._thawed.set()
        self._changed()

    async def pass_by(self, what: str) -> None:
        while what in self.frozen:
            await self._thawed.wait()

    # ---- what happens now ----------------------------------------------------------------------------

    def first(self, where: str, *hows: str) -> DingTalkFault | None:
        return next(self.due(where, *hows), None)
