"""Faults that wait for their occasion: what the switches of every stand-in have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass
class Strike:
    """One planned trouble: `where` it strikes (`*`: anywhere), after so many occasions; `times=None`: until it is cleared."""

    where: str
    how: str
    after: int = 0
    times: int | None = 1

    def meets(self, where: str) -> bool:
        """Whether this is a place to strike at."""
        return self.where in {where, "*"}

    def due(self, where: str) -> bool:
        """Count this occasion; is it one to strike?"""
        if not self.meets(where) or self.times == 0:
            return False
        if self.after > 0:
            self.after -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True

    def as_json(self) -> dict[str, Any]:
        """For the playground's list of what is switched on."""
        return {"where": self.where, "how": self.how, "after": self.after, "times": self.times}
