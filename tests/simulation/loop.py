"""An event loop whose time is simulated: while nothing can run, the clock jumps to the next timer."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import selectors
import time
import warnings
from collections.abc import Coroutine, Iterator, Mapping
from typing import Any, TypeVar

T = TypeVar("T")


class NothingLeft(Exception):
    """Everything waits for something that will never happen."""


class _Jump(selectors.BaseSelector):
    """Waits for no socket: instead of waiting it moves the clock."""

    def __init__(self) -> None:
        self.now = 0.0
        self._files: dict[Any, selectors.SelectorKey] = {}

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise NothingLeft
        self.now += timeout
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._files.setdefault(fileobj, selectors.SelectorKey(fileobj, 0, events, data))

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._files.pop(fileobj)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._files


class SimulatedLoop(asyncio.SelectorEventLoop):
    """Seconds since the start of the simulation. Threads cannot wake it, so transactions run in the loop."""

    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)
        # A year in seconds, as a float, is exact to some nanoseconds.
        self._clock_resolution = 1e-6

    def time(self) -> float:
        return self._jump.now

    def _write_to_self(self) -> None:
        """Nobody waits at the socket."""

    # Generators of a process that was killed are not closed: that would run their `finally`.

    def _asyncgen_firstiter_hook(self, agen: Any) -> None: ...

    def _asyncgen_finalizer_hook(self, agen: Any) -> None: ...


def simulate(doing: Coroutine[Any, Any, T]) -> T:
    """The result, after as much simulated time as it takes."""
    with warnings.catch_warnings(), asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        warnings.simplefilter("ignore", RuntimeWarning)  # what a killed process had not awaited yet
        with _monotonic(runner.get_loop()):
            result = runner.run(doing)
        gc.collect()
        return result


@contextlib.contextmanager
def _monotonic(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    # Deadlines and leases in the program count by it.
    real, time.monotonic = time.monotonic, loop.time
    try:
        yield
    finally:
        time.monotonic = real
