"""Claude Enterprise: a monthly spend limit for each member. https://platform.claude.com/docs (Admin API, spend limits)

Sixty calls a minute for the whole organization, shared with whoever else asks: 10 at once and 50 a minute stay at 60 in
every minute.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Final

from bot.gateways.client import Json, Tally
from bot.gateways.spend_limits import SpendLimits
from models.metering.reading import KeyUsage

MOST_ROWS: Final = 1_000
_COSTS = "/v1/organizations/analytics/user_cost_report"
_DAY = timedelta(days=1)


class ClaudeEnterprise(SpendLimits):
    """One organization. Its members are the accounts, by user id; they are found by e-mail."""

    async def usage(self, since: date, until: date, account: str = "") -> AsyncIterator[list[KeyUsage]]:
        """Cost by member, day and model. The report has no keys, and lags behind the limits."""
        query: dict[str, str | int] = {
            "starting_at": _instant(since),
            "ending_at": _instant(until + _DAY),
            "bucket_width": "1d",
            "group_by[]": "model",
            "limit": MOST_ROWS,
        }
        tally = Tally()
        async for rows, _ in self.pages(_COSTS, **query, **({"user_ids[]": account} if account else {})):
            for row in rows:
                day = date.fromisoformat(row["starting_at"][:10])
                tally.add(row["actor"]["user_id"], day, row.get("model") or "", "", used=_usd(row))
        if found := tally.rows():
            yield found


def _usd(row: Json) -> Decimal:
    return Decimal(row["amount"]) / 100


def _instant(day: date) -> str:
    return datetime.combine(day, time(), UTC).isoformat().replace("+00:00", "Z")
