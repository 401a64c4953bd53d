"""The value of a typed amount, before the workspace's unit is known."""

from __future__ import annotations

from contextlib import suppress

from models.ledger.amount import All, Unit, parse, plain
from models.refusal import AmbiguousAmount, BadAmount


def plain_number(amount: str | None) -> str | None:
    """A plain decimal, if the amount is one number beyond doubt."""
    read = _reading(amount) if amount else None
    return read[0] if isinstance(read, tuple) else None


def has_one_reading(amount: str | None, intent: str) -> bool:
    """Whether everybody reads the same number. True without an amount; `all` is none for a request."""
    if not amount:
        return True
    read = _reading(amount)
    return intent != "request" if isinstance(read, All) else read is not None and read[1]


def is_everything(amount: str) -> bool:
    return isinstance(_reading(amount), All)


def _reading(amount: str) -> All | tuple[str, bool] | None:
    """A plain decimal in the first unit that fits, and whether it is sure."""
    for unit in Unit:
        with suppress(BadAmount, AmbiguousAmount):
            read = parse(amount, unit)
            return read if isinstance(read, All) else (plain(read.amount, unit), read.sure)
    return None
