"""The list of models that an account may use at the gateway: as read, as found, and as written by us.

A list is ours only while the policy limits this member's models. Otherwise it is left as found, and anybody may change it there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

Words = tuple[str, ...]
"""A list in the gateway's own words; empty: every model."""
MOST_MEANT = 8
"""Lists of lost writes that are remembered."""


@dataclass(frozen=True)
class ModelList:
    """`stands`: as read last; `found`: before ours; `written`: ours, once it was read back; `meant`: what we tried to write since.

    `fallback`: ours is the list of the fallback. `edited`: two readings agree that somebody else changed ours.
    """

    stands: Words = ()
    found: Words = ()
    written: Words | None = None
    meant: tuple[Words, ...] = ()
    fallback: bool = False
    edited: bool = False

    @classmethod
    def of(cls, kept: dict[str, Any] | None) -> Self:
        """As kept in a row; nothing is kept of an account that may use every model and always could."""
        if kept is None:
            return cls()
        written = kept.get("written")
        return cls(
            tuple(kept["stands"]), tuple(kept["found"]), None if written is None else tuple(written),
            tuple(tuple(one) for one in kept["meant"]), kept["fallback"], kept["edited"],
        )  # fmt: skip

    @property
    def kept(self) -> dict[str, Any] | None:
        if self == ModelList():
            return None
        return {
            "stands": list(self.stands),
            "found": list(self.found),
            "written": None if self.written is None else list(self.written),
            "meant": [list(one) for one in self.meant],
            "fallback": self.fallback,
            "edited": self.edited,
        }

    @property
    def ours(self) -> bool:
        return self.written is not None or bool(self.meant)

    @property
    def differs(self) -> bool:
        """The list at the gateway is not one that we wrote, nor the one found before our first."""
        known = self.found if self.written is None else self.written
        return self.ours and self.stands not in (known, *self.meant)

    def read(self, words: Words) -> ModelList:
        if not self.ours:
            return ModelList(words, words)
        now = replace(self, stands=words)
        return replace(now, edited=now.differs and words == self.stands)

    def begin(self, words: Words) -> ModelList:
        # The reply may be lost, and the gateway then shows a list that is not `written`.
        others = tuple(one for one in self.meant if one != words)
        return replace(self, meant=(*others[-MOST_MEANT:], words))

    def confirm(self, words: Words, *, ours: bool, fallback: bool) -> ModelList:
        """`words` stands there. A list that is not ours is the one found, and we keep no other."""
        if not ours:
            return ModelList(words, words)
        return ModelList(words, self.found, words, fallback=fallback)

    def restore(self) -> ModelList:
        """Let a list that somebody set by hand be overwritten."""
        return replace(self, meant=(*self.meant, self.stands), edited=False)
