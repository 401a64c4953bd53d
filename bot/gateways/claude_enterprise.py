"""Claude Enterprise: a monthly spend limit for each member. https://platform.claude.com/docs (Admin API, spend limits)

* Amounts are decimal strings in cents, what was spent with up to three decimals; limits are whole cents.
* A limit counts the month's spend, which begins anew with the month (UTC) and reads "0" while nobody knows it.
* The report has one row a member and period; daily and weekly limits bind on their own, beside ours.
* Sixty calls a minute for the whole organization, shared with whoever else asks.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Final

from bot.gateways.client import Calls, Json, Pace, Tally, confirmed, micro
from bot.gateways.port import Access, Family, Finding, GatewayRefused, NoSuchAccount
from models.metering.reading import KeyUsage, Reading

PERIOD: Final = "monthly"
PAGE: Final = 100
MOST_ROWS: Final = 1_000
# In micro-USD.
CENT: Final = 10_000
_LIMITS = "/v1/organizations/spend_limits"
_COSTS = "/v1/organizations/analytics/user_cost_report"
_DAY = timedelta(days=1)


class ClaudeEnterprise:
    """One organization. Its members are the accounts, by user id; they are found by e-mail."""

    family: Family = "cap"
    per_key = False

    def __init__(self, access: Access) -> None:
        # 10 at once and 50 a minute stay at 60 in every minute.
        self.calls_per_minute = access.calls_per_minute or 50
        headers = {"x-api-key": access.key, "anthropic-version": "2023-06-01"}
        self._calls = Calls(access, headers, Pace(self.calls_per_minute, 10))
        self._clock = access.clock

    async def accounts(self) -> AsyncIterator[list[Reading]]:
        async for rows, asked in self._pages(f"{_LIMITS}/effective", limit=PAGE, **{"period[]": PERIOD}):
            if found := [_reading(row, asked) for row in rows if _is_somebody(row)]:
                yield found

    async def account(self, id: str) -> Reading:  # noqa: A002
        row, asked = await self._row(id)
        return _reading(row, asked)

    async def set_total(self, id: str, total: int) -> Reading:  # noqa: A002
        return await self._set(id, total)

    async def release(self, id: str, found: int | None) -> Reading:  # noqa: A002
        # Without our own limit the inherited one counts again. If that is not the limit that we found,
        # write the found one.
        row, asked = await self._row(id)
        if row["source"]["type"] == "user":
            await self._calls.send("DELETE", f"{_LIMITS}/{row['spend_limit_id']}")
            row, asked = await self._row(id)
        now = _reading(row, asked)
        return now if now.total == found else await self._set(id, found)

    async def _set(self, id: str, total: int | None) -> Reading:  # noqa: A002
        scope = {"type": "user", "user_id": id}
        body = {"amount": None if total is None else _cents(total), "scope": scope, "period": PERIOD}
        return await confirmed(
            lambda: self._calls.send("POST", _LIMITS, body=body), lambda: self.account(id), total
        )

    def holds(self, total: int) -> int:
        # Limits are whole cents; rounding down never gives more than the ledger.
        return total // CENT * CENT

    async def _row(self, id: str) -> tuple[Json, datetime]:  # noqa: A002
        reply = await self._calls.get(f"{_LIMITS}/effective", **{"period[]": PERIOD, "user_ids[]": id})
        for row in reply.data["data"]:
            if _is_somebody(row) and row["actor"]["user_id"] == id:
                return row, reply.asked
        raise NoSuchAccount(f"no member {id}")

    async def _pages(self, path: str, **query: str | int) -> AsyncIterator[tuple[list[Json], datetime]]:
        cursor: str | None = ""
        while cursor is not None:
            reply = await self._calls.get(path, **query, **({"page": cursor} if cursor else {}))
            yield reply.data["data"], reply.asked
            cursor = reply.data.get("next_page")

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
        async for rows, _ in self._pages(_COSTS, **query, **({"user_ids[]": account} if account else {})):
            for row in rows:
                day = date.fromisoformat(row["starting_at"][:10])
                tally.add(row["actor"]["user_id"], day, row.get("model") or "", "", used=_usd(row))
        if found := tally.rows():
            yield found

    async def preflight(self, free_models: Collection[str] = ()) -> list[Finding]:
        shorter: dict[str, str] = {}
        for period in ("daily", "weekly"):
            async for rows, _ in self._pages(f"{_LIMITS}/effective", limit=PAGE, **{"period[]": period}):
                for row in filter(_is_somebody, rows):
                    if row["amount"] is not None:
                        usd = Decimal(row["amount"]) / 100
                        shorter[row["actor"]["email_address"] or row["actor"]["user_id"]] = f"{usd} {period}"
        fix = "DELETE /v1/organizations/spend_limits/{id}"
        found = [
            Finding("shorter_limits", fix, tuple(shorter), shorter),
            Finding("model_not_free", "", tuple(free_models)),
        ]
        return [finding for finding in found if finding.subjects]

    async def free_models(self, names: Collection[str]) -> set[str]:
        # Every model costs, and a reached limit refuses them all.
        return set()


def _is_somebody(row: Json) -> bool:
    return bool(row["actor"]["type"] == "user_actor" and not row["actor"]["deleted"])


def _reading(row: Json, asked: datetime) -> Reading:
    if row["currency"] != "USD":
        raise GatewayRefused(f"the organization is billed in {row['currency']}; only USD can be driven")
    actor, spent = row["actor"], Decimal(row["period_to_date_spend"])
    return Reading(
        actor["user_id"],
        spent=micro(spent / 100),
        total=None if row["amount"] is None else int(row["amount"]) * CENT,
        as_of=asked,
        window=f"{PERIOD} {asked.astimezone(UTC).date().replace(day=1)}",
        email=actor["email_address"] or "",
        name=actor["name"] or "",
        unsure=not spent,
    )


def _cents(total: int) -> str:
    if total < 0 or total % CENT:
        raise ValueError(f"a limit is whole cents and never negative: {total} µUSD")
    return str(total // CENT)


def _usd(row: Json) -> Decimal:
    return Decimal(row["amount"]) / 100


def _instant(day: date) -> str:
    return datetime.combine(day, time(), UTC).isoformat().replace("+00:00", "Z")
