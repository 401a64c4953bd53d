"""Spend limits as Anthropic's Admin API has them: Claude Enterprise, and gateways that mirror its routes.

* Amounts are decimal strings in cents, what was spent with up to three decimals; limits are whole cents.
* A limit counts the month's spend, which begins anew with the month (UTC) and reads "0" while nobody knows it.
* The report has one row a member and period; daily and weekly limits bind on their own, beside ours.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from bot.gateways.client import Calls, Json, Pace, confirmed, micro
from bot.gateways.port import Access, Family, Finding, GatewayRefused, NoSuchAccount
from models.metering.reading import Reading

PERIOD: Final = "monthly"
PAGE: Final = 100
# In micro-USD.
CENT: Final = 10_000
LIMITS = "/v1/organizations/spend_limits"


class SpendLimits:
    """One organization. Its members are the accounts, by user id; they are found by e-mail."""

    family: Family = "cap"
    per_key = False
    # Calls a minute.
    pace = 50

    def __init__(self, access: Access) -> None:
        self.calls_per_minute = access.calls_per_minute or self.pace
        headers = {"x-api-key": access.key, "anthropic-version": "2023-06-01"}
        self.calls = Calls(access, headers, Pace(self.calls_per_minute, 10))
        self._clock = access.clock

    async def accounts(self) -> AsyncIterator[list[Reading]]:
        async for rows, asked in self.pages(f"{LIMITS}/effective", limit=PAGE, **{"period[]": PERIOD}):
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
            await self.calls.send("DELETE", f"{LIMITS}/{row['spend_limit_id']}")
            row, asked = await self._row(id)
        now = _reading(row, asked)
        return now if now.total == found else await self._set(id, found)

    async def _set(self, id: str, total: int | None) -> Reading:  # noqa: A002
        scope = {"type": "user", "user_id": id}
        body = {"amount": None if total is None else _cents(total), "scope": scope, "period": PERIOD}
        return await confirmed(
            lambda: self.calls.send("POST", LIMITS, body=body), lambda: self.account(id), total
        )

    def holds(self, total: int) -> int:
        # Limits are whole cents; rounding down never gives more than the ledger.
        return total // CENT * CENT

    async def _row(self, id: str) -> tuple[Json, datetime]:  # noqa: A002
        reply = await self.calls.get(f"{LIMITS}/effective", **{"period[]": PERIOD, "user_ids[]": id})
        for row in reply.data["data"]:
            if _is_somebody(row) and row["actor"]["user_id"] == id:
                return row, reply.asked
        raise NoSuchAccount(f"no member {id}")

    async def pages(self, path: str, **query: str | int) -> AsyncIterator[tuple[list[Json], datetime]]:
        cursor: str | None = ""
        while cursor is not None:
            reply = await self.calls.get(path, **query, **({"page": cursor} if cursor else {}))
            yield reply.data["data"], reply.asked
            cursor = reply.data.get("next_page")

    async def preflight(self, free_models: Collection[str] = ()) -> list[Finding]:
        shorter: dict[str, str] = {}
        for period in ("daily", "weekly"):
            async for rows, _ in self.pages(f"{LIMITS}/effective", limit=PAGE, **{"period[]": period}):
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
