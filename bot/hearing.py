"""A sentence → what was said: the step from words to a request that is not looked up yet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from handlers.arguments import Said

_PAGE = re.compile(r"(?i)\s*(?:history|明细)\s+(\d{1,17})\s*$")
_ANSWER = re.compile(r"(?i)\s*(?:(yes|确认)|(no|暂不))\s+([a-z0-9]{3,12})\s*$")


def hear(sentence: str, today: date) -> Said:
    """What somebody typed, in either language. A yes or no with a CODE answers that one; history goes on from a number."""
    if page := _PAGE.match(sentence):
        return Said(intent="history", code=page[1])
    if answer := _ANSWER.match(sentence):
        return Said(intent="yes" if answer[1] else "no", code=answer[3].upper())
    from handlers.language import understanding  # noqa: PLC0415 - a start does not wait for its patterns

    heard = understanding.understand(sentence, today=today)
    return Said(
        intent=heard.intent, exact=heard.confidence == "exact", handle=heard.person, name=heard.name, amount=heard.amount,
        reason=heard.reason or "", until=heard.until, code=heard.code or "", locale=heard.locale or "",
        several=heard.several,
    )  # fmt: skip


def prepare() -> Iterator[object]:
    """Load and compile, piece by piece, what the first sentence of a process would wait for."""
    from handlers.language import understanding  # noqa: PLC0415

    yield understanding
    yield from understanding.prepare()
