"""Understanding (being written)."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Understood:
    intent: str
    person: str | None = None
    name: str | None = None
    amount: str | None = None
    reason: str | None = None
    until: str | None = None
    confidence: str = "exact"
    code: str | None = None
    locale: str | None = None


def understand(text, locale="en", *, today=None):
    t = text.strip()
    m = re.match(r"(lend|borrow|repay|recall|forgive)(.*)$", t)
    p = re.search(r"<@(\w+)>", t)
    a = re.search(r"(?<![\w@<])(\d[\d.,k]*)", re.sub(r"<@\w+>", "", t))
    if m:
        return Understood(m[1], p and p[1], None, a and a[1])
    m = re.match(r"(approve|decline|cancel|revoke) (\w+) ?(.*)$", t)
    if m:
        return Understood(
            m[1], code=m[2], amount=(m[3] or None) if m[1] == "approve" else None, reason=m[3] or None
        )
    m = re.match(r"request (\S+) ?(.*)$", t)
    if m:
        return Understood("request", amount=m[1], reason=m[2] or None)
    if t in ("balance", "loans", "history", "team", "help", "yes", "no"):
        return Understood(t)
    m = re.match(r"lang (\w+)", t)
    if m:
        return Understood("lang", locale=m[1])
    return Understood("none", confidence="unclear")
