"""Changes of a stand-in's state, for waiting tests and live pages."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

Json = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True)
class Change:
    """One change: `kind` names it, `data` is ready for JSON."""

    kind: str
    data: Json


class Feed:
    """Passes every change to the readers, and wakes all waiting tasks."""

    def __init__(self) -> None:
        self._moved = asyncio.Event()
        self._readers: set[asyncio.Queue[Change | None]] = set()

    def tell(self, change: Change) -> None:
        # Each change has an event of its own: a waiter sees the next change, never an old one.
        self._moved.set()
        self._moved = asyncio.Event()
        for reader in self._readers:
            reader.put_nowait(change)

    async def next(self) -> None:
        await self._moved.wait()

    @contextmanager
    def read(self) -> Iterator[AsyncIterator[Change]]:
        queue: asyncio.Queue[Change | None] = asyncio.Queue()
        self._readers.add(queue)
        try:
            yield _until_none(queue)
        finally:
            self._readers.discard(queue)

    def close(self) -> None:
        for reader in self._readers:
            reader.put_nowait(None)


async def _until_none(queue: asyncio.Queue[Change | None]) -> AsyncIterator[Change]:
    while (change := await queue.get()) is not None:
        yield change


class ObservedState(ABC):
    """State that sends every change to its feed."""

    def __init__(self) -> None:
        self.feed = Feed()

    def tell(self, kind: str, data: Json) -> None:
        self.feed.tell(Change(kind, data))

    def changes(self) -> AbstractContextManager[AsyncIterator[Change]]:
        """Every change from now on: `with state.changes() as changes: async for change in changes`."""
        return self.feed.read()

    async def wait_for(self, found: Callable[[], T], timeout: float = 30.0) -> T:  # noqa: ASYNC109  (the error shows the state)
        """The first true result of `found`, called again after every change.

        A TimeoutError shows the latest state.
        """
        try:
            async with asyncio.timeout(timeout):
                while not (answer := found()):
                    await self.feed.next()
                return answer
        except TimeoutError:
            raise TimeoutError(f"not within {timeout} s; {self.summary()}") from None

    @abstractmethod
    def summary(self) -> str: ...
