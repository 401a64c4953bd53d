"""Planned faults, shared by all stand-ins. Each stand-in has its own ways to fail.

    faults.lose_reply("chat.postMessage", after=2, times=1)   # let two calls pass, then fail once

`times=None` fails until `clear()`; the place `"*"` means every place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar


@dataclass
class Fault:
    """One planned fault. `where`: a method, route or kind of push. `after`: occasions that still pass."""

    where: str
    how: str
    after: int = 0
    times: int | None = 1

    def matches(self, where: str) -> bool:
        return self.where in {where, "*"}

    def due(self, where: str) -> bool:
        """Count this occasion; True if the fault happens now."""
        if not self.matches(where) or self.times == 0:
            return False
        if self.after > 0:
            self.after -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True

    def as_json(self) -> dict[str, Any]:
        return {"where": self.where, "how": self.how, "after": self.after, "times": self.times}


F = TypeVar("F", bound=Fault)


class FaultPlan(Generic[F]):
    """The faults that are still to come. `changed` is called after every change of the plan."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._plan: list[F] = []
        self._changed = changed

    @property
    def planned(self) -> list[F]:
        return [fault for fault in self._plan if fault.times != 0]

    def clear(self) -> None:
        self._plan.clear()
        self._changed()

    def add(self, fault: F) -> F:
        self._plan.append(fault)
        self._changed()
        return fault

    def due(self, where: str, *hows: str) -> Iterator[F]:
        """The faults of these kinds that happen here now, in the planned order.

        A fault counts this occasion only when the iteration reaches it: `next()` leaves later faults
        untouched.
        """
        for fault in self._plan:
            if fault.how in hows and fault.due(where):
                self._changed()
                yield fault
