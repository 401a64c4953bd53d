"""A sentence → what was said: the step from words to a request that is not looked up yet."""

from __future__ import annotations

from datetime import date

from handlers.arguments import Said
from handlers.understanding import understand


def hear(sentence: str, today: date) -> Said:
    """What somebody typed, in either language."""
    heard = understand(sentence, today=today)
    return Said(
        intent=heard.intent, exact=heard.confidence == "exact", handle=heard.person, name=heard.name, amount=heard.amount,
        reason=heard.reason or "", until=heard.until, code=heard.code or "", locale=heard.locale or "",
    )  # fmt: skip
