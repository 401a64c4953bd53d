"""Patterns in loans and grants that an auditor may want to see: names and sums, no verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from models.reports.style import Style
from models.statement import SqlFile, moment

MANY = 3
"""Loans in one direction that make a flow."""

_SQL = SqlFile("models.reports", "patterns.sql")


@dataclass(frozen=True)
class Pattern:
    """`people`: e-mails, in the direction of the flow. `figures`: what was moved, in plain amounts and counts."""

    kind: str
    people: tuple[str, ...]
    since: str
    figures: dict[str, str]


def list_patterns(session: Session, style: Style, most: int = 100) -> list[Pattern]:
    """Rings, ping-pong, one-way flows, and requests split under a ceiling, the newest first."""
    found = []
    for kind, (names, amounts, counts) in _KINDS.items():
        query = text(f"{_SQL.text(kind)} LIMIT :most")
        rows = session.connection().execute(query, {"most": most, "many": MANY}).mappings()
        found += [_pattern(kind, dict(row), style, names, amounts, counts) for row in rows]
    return found


def _pattern(
    kind: str, row: dict[str, Any], style: Style, names: tuple[str, ...], amounts: tuple[str, ...], counts: tuple[str, ...]
) -> Pattern:  # fmt: skip
    write: Callable[[int], str] = style.amount
    figures = {name: write(int(row[name])) for name in amounts} | {name: str(row[name]) for name in counts}
    since = str(style.time(moment(row["since"])))
    return Pattern(kind, tuple(row[name] for name in names), since, figures)


_KINDS: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "ring": (("first", "second", "third"), ("first_lent", "second_lent", "third_lent"), ()),
    "ping_pong": (("first", "second"), ("first_lent", "second_lent"), ()),
    "one_way": (("lender", "borrower"), ("lent", "used", "repaid", "forgiven"), ("loans",)),
    "split": (("asker", "decider"), ("granted", "ceiling"), ("requests",)),
}
"""Each pattern's columns: people, amounts, counts."""
