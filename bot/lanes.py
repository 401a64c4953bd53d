"""Effects under way: of each lane one after the other, and of all lanes so many at a time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from bot.leases import Leases
from bot.marks import Marks
from models.messages.outbox import Claim, Mark

# Messages under way at the same time.
AT_ONCE = 16

Ended = asyncio.Future[None]
"""When a lane is done with all that was claimed of it; it carries the error of a mark that was not written."""


@dataclass
class _Lane:
    name: str
    ended: Ended
    rows: deque[Claim] = field(default_factory=deque)


class Lanes:
    """A lane goes on when its last mark is committed, and gives up what is left where that fails.

    Runners take lanes in turn, so a message costs neither a task nor a lock of its own.
    """

    def __init__(self, do: Callable[[Claim], Awaitable[Mark | None]], marks: Marks, leases: Leases) -> None:
        self._do, self._marks, self._leases = do, marks, leases
        self._lanes: dict[str, _Lane] = {}
        self._ready: deque[_Lane] = deque()
        self._runners: set[asyncio.Task[None]] = set()

    def add(self, batch: Sequence[Claim]) -> list[Ended]:
        """Of each lane in `batch`, when it is done: behind what was claimed of it before."""
        self._leases.hold(batch)
        ended: dict[Ended, None] = {}
        for one in sorted(batch, key=lambda one: one.id):
            name = one.lane or str(one.id)
            lane = self._lanes.get(name)
            if lane is None:
                lane = self._lanes[name] = _Lane(name, asyncio.get_running_loop().create_future())
                self._ready.append(lane)
            lane.rows.append(one)
            ended[lane.ended] = None
        self._run()
        return list(ended)

    def _run(self) -> None:
        for _ in range(min(len(self._ready), AT_ONCE - len(self._runners))):
            runner = asyncio.create_task(self._runner())
            self._runners.add(runner)
            runner.add_done_callback(self._runners.discard)

    async def _runner(self) -> None:
        while self._ready:
            lane = self._ready.popleft()
            try:
                mark = await self._do(lane.rows[0])
            except BaseException as error:
                self._go_on(lane, error)
                if not isinstance(error, Exception):
                    self._give_up(error)
                    raise
            else:
                if mark is None:
                    self._go_on(lane)
                else:
                    self._marks.add(mark, partial(self._go_on, lane))

    def _give_up(self, error: BaseException) -> None:
        # Cancelled: nobody takes the lanes that are ready, and whoever waits for them must hear of it.
        while self._ready:
            self._go_on(self._ready.popleft(), error)

    def _go_on(self, lane: _Lane, error: BaseException | None = None) -> None:
        self._leases.drop(lane.rows if error else [lane.rows[0]])
        lane.rows.clear() if error else lane.rows.popleft()
        if lane.rows:
            self._ready.append(lane)
            self._run()
            return
        del self._lanes[lane.name]
        if error is None:
            lane.ended.set_result(None)
        else:
            lane.ended.set_exception(error)
