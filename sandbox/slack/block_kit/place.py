"""A place in a message or view, and checks for many fields. Faults have Slack's own wording."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Place:
    """A JSON value, its place, and the list of its faults."""

    value: Any
    at: str
    faults: list[str]

    def __getitem__(self, key: str) -> Place:
        inner = self.value.get(key) if isinstance(self.value, dict) else None
        return Place(inner, f"{self.at}/{key}", self.faults)

    def __iter__(self) -> Iterator[Place]:
        inside = self.value if isinstance(self.value, list) else []
        return iter([Place(item, f"{self.at}/{number}", self.faults) for number, item in enumerate(inside)])

    def __bool__(self) -> bool:
        return self.value is not None

    def fault(self, what: str) -> None:
        self.faults.append(f"{what} [json-pointer:{self.at}]")

    def string(self, most: int, least: int = 0, *, required: bool = False) -> None:
        if self.value is None:
            if required:
                self.fault("missing required field")
        elif not isinstance(self.value, str):
            self.fault("must be a string")
        elif len(self.value) > most:
            self.fault(f"must be less than {most + 1} characters")
        elif len(self.value) < least:
            self.fault(f"must be more than {least - 1} characters")

    def text(self, most: int, *kinds: str, required: bool = True) -> None:
        """A text object of one of these kinds (plain text by default), never empty."""
        kinds = kinds or ("plain_text",)
        if self.value is None:
            if required:
                self.fault("missing required field")
        elif not isinstance(self.value, dict) or self.value.get("type") not in kinds:
            self.fault(f"must be a text object of type {' or '.join(kinds)}")
        else:
            self["text"].string(most, 1, required=True)

    def items(self, most: int, least: int = 1) -> None:
        length = len(self.value) if isinstance(self.value, list) else 0
        if length > most:
            self.fault(f"no more than {most} items allowed")
        elif length < least:
            self.fault(f"no fewer than {least} items allowed")
