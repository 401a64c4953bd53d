"""One finding of the doctor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warning", "wrong"]


@dataclass(frozen=True)
class Check:
    """`subject`: what was looked at. `found`: what is so. `mend`: what to do, empty when nothing is to be done."""

    subject: str
    status: Status
    found: str
    mend: str = ""

    @property
    def line(self) -> str:
        """The finding on one line."""
        mend = f" → {self.mend}" if self.mend else ""
        return f"{self.status:<8} {self.subject}: {self.found}{mend}"


def ok(subject: str, found: str) -> Check:
    return Check(subject, "ok", found)


def warning(subject: str, found: str, mend: str) -> Check:
    return Check(subject, "warning", found, mend)


def wrong(subject: str, found: str, mend: str) -> Check:
    return Check(subject, "wrong", found, mend)
