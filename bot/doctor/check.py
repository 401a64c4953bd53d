"""One finding of the doctor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warning", "wrong"]


@dataclass(frozen=True)
class Check:
    """`subject`: the thing checked. `found`: its state. `mend`: what to do, or ""."""

    subject: str
    status: Status
    found: str
    mend: str = ""

    @property
    def line(self) -> str:
        mend = f" → {self.mend}" if self.mend else ""
        return f"{self.status:<8} {self.subject}: {self.found}{mend}"


def ok(subject: str, found: str) -> Check:
    return Check(subject, "ok", found)


def warning(subject: str, found: str, mend: str) -> Check:
    return Check(subject, "warning", found, mend)


def wrong(subject: str, found: str, mend: str) -> Check:
    return Check(subject, "wrong", found, mend)
