"""What a typed amount is worth, before anybody knows the workspace's unit."""

from __future__ import annotations

from contextlib import suppress

from models.ledger.amount import All, Unit, parse, plain
from models.refusal import AmbiguousAmount, BadAmount


def plain_number(amount: str | None) -> str | None:
    """An amount as a plain decimal, where it is one number beyond doubt."""
    read = _reading(amount) if amount else None
    return read[0] if isinstance(read, tuple) else None


def has_one_reading(amount: str | None, intent: str) -> bool:
    """Whether everybody reads the same number, or no amount is given. `all` is no amount to request."""
    if not amount:
        return True
    read = _reading(amount)
    return intent != "request" if isinstance(read, All) else read is not None and read[1]


def _reading(amount: str) -> All | tuple[str, bool] | None:
    """An amount as a plain decimal, in the first unit that it fits, and whether that is sure."""
    for unit in Unit:
        with suppress(BadAmount, AmbiguousAmount):
            read = parse(amount, unit)
            return read if isinstance(read, All) else (plain(read.amount, unit), read.sure)
    return None
