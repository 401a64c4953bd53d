"""ChatGPT Enterprise and Codex: a monthly usage limit for each member of a workspace, where it is billed in USD.
https://github.com/openai/openai-cookbook/blob/main/examples/chatgpt/daily_usage_limits/docs/api-contract.md

* GATEWAY_KEY is `WORKSPACE_ID:KEY`, a ChatGPT Admin key with `usage_limit.read`, `usage_limit.write`, `user.read` and, for
  usage by day, `analytics.usage.read`.
* A write is absolute, without a condition, in whole cents. Without `temporary` it stays when the month ends.
* The list of members has no usage, so each member is a call. No limit of calls is stated.
* The answers do not say when a month begins, so a lower figure counts once two readings agree.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote

from bot.gateways.client import MICRO, Calls, Json, Pace, Tally, confirmed, micro
from bot.gateways.port import Access, Family, Finding, GatewayRefused, NoSuchAccount
from models.metering.reading import KeyUsage, Reading

PAGE: Final = 100
MOST_ROWS: Final = 30_000
# In micro-USD.
CENT: Final = 10_000
PRODUCT: Final = "ChatGPT"
"""Usage comes by day and not by model."""


class ChatGPTEnterprise:
    """One workspace. Its members are the accounts, by user id; they are found by e-mail."""

    family: Family = "cap"
    per_key = False

    def __init__(self, access: Access) -> None:
        workspace, _, key = access.key.partition(":")
        if not workspace or not key:
            raise GatewayRefused("GATEWAY_KEY: it is WORKSPACE_ID:KEY for ChatGPT Enterprise")
        self.calls_per_minute = access.calls_per_minute or 120
        headers = {"Authorization": f"Bearer {key}"}
        self._calls = Calls(access, headers, Pace(self.calls_per_minute, 20))
        self._workspace = quote(workspace, "")
        self._manage = f"/manage/workspaces/{self._workspace}"

    async def accounts(self) -> AsyncIterator[list[Reading]]:
        after = ""
        while True:
            query: dict[str, str | int] = {"limit": PAGE} | ({"after": after} if after else {})
            page = (await self._calls.get(f"{self._manage}/users", **query)).data
            if page["data"]:
                yield list(await asyncio.gather(*map(self._monthly, page["data"])))
            if not page["has_more"]:
                return
            after = page["last_id"]

    async def account(self, id: str) -> Reading:  # noqa: A002
        try:
            member = await self._calls.get(f"{self._manage}/users/{quote(id, '')}")
        except GatewayRefused as refused:
            if refused.status == 404:
                raise NoSuchAccount(f"no member {id}", status=404) from refused
            raise
        return await self._monthly(member.data)

    async def _monthly(self, member: Json) -> Reading:
        reply = await self._calls.get(f"{self._limit(member['id'])}/monthly-usage")
        return _reading(member, reply.data, reply.asked)

    def _limit(self, id: str) -> str:  # noqa: A002
        return f"{self._manage}/usage_limits/users/{quote(id, '')}"

    async def set_total(self, id: str, total: int) -> Reading:  # noqa: A002
        if total < 0 or total % CENT:
            raise ValueError(f"a limit is whole cents and never negative: {total} µUSD")
        return await self._set(id, _limited(total), total)

    async def release(self, id: str, found: int | None) -> Reading:  # noqa: A002
        """Without an override the workspace's or the group's limit counts again; where that is another, write what was found."""
        await self._calls.send("PATCH", self._limit(id), body={"override_monthly_usage_limit": None})
        now = await self.account(id)
        if now.total == found:
            return now
        return await self._set(id, {"type": "unlimited"} if found is None else _limited(found), found)

    async def _set(self, id: str, rule: Json, total: int | None) -> Reading:  # noqa: A002
        body = {"override_monthly_usage_limit": rule}
        return await confirmed(
            lambda: self._calls.send("PATCH", self._limit(id), body=body), lambda: self.account(id), total
        )

    def holds(self, total: int) -> int:
        """Down to the cent."""
        return total // CENT * CENT

    async def usage(self, since: date, until: date, account: str = "") -> AsyncIterator[list[KeyUsage]]:
        """By member and day; the route has no filter, and later corrections may change a day."""
        start, end = (int(datetime.combine(day, time(), UTC).timestamp()) for day in (since, until))
        query: dict[str, str | int] = {
            "start_time": start,
            "end_time": end + 24 * 60 * 60,
            "limit": MOST_ROWS,
        }
        tally, more, path = Tally(), True, f"/analytics/workspaces/{self._workspace}/usage"
        while more:
            page = (await self._calls.get(path, **query)).data
            for row in page["data"]:
                if account in ("", row["user_id"]):
                    day = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=row["start_time"])).date()
                    tally.add(
                        row["user_id"],
                        day,
                        PRODUCT,
                        "",
                        used=Decimal(str(row["totals"].get("cost_usd") or 0)),
                    )
            more = page["has_more"]
            query["page"] = page.get("next_page") or ""
        if rows := tally.rows():
            yield rows

    async def preflight(self, free_models: Collection[str] = ()) -> list[Finding]:
        """None of the free models is free, as a limit that is reached refuses them all."""
        await self._calls.get(f"{self._manage}/usage_limits/workspace")
        return [Finding("model_not_free", "", tuple(free_models))] if free_models else []

    async def free_models(self, names: Collection[str]) -> set[str]:
        return set()


def _limited(total: int) -> Json:
    amount = f"{total // MICRO}.{total % MICRO // CENT:02}"
    return {"type": "limited", "limit_amount": {"unit": "usd", "amount": amount}}


def _reading(member: Json, monthly: Json, asked: datetime) -> Reading:
    if monthly["current_month_usage_unit"] != "usd":
        raise GatewayRefused("the workspace is billed in credits; only USD can be driven")
    return Reading(
        member["id"],
        spent=micro(monthly["current_month_usage"]),
        total=_total(monthly["effective_monthly_usage_limit"]),
        as_of=asked,
        email=member.get("email") or "",
    )


def _total(rule: Any) -> int | None:
    return None if rule is None or rule["type"] == "unlimited" else micro(rule["limit_amount"]["amount"])
