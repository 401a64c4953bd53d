"""OpenRouter: caps in USD on API keys, asked with a management key. https://openrouter.ai/docs/api-reference

* A key's `limit` counts `usage` since `limit_reset` began anew at 00:00 UTC, or for ever; BYOK only with
  `include_byok_in_limit`.
* The list shows the default workspace, newest first, 100 at a time.
* Usage comes from the analytics query (today included). It answers with names instead of keys, at most
  10,000 rows, 64 calls a minute. Where it is missing: `/activity`, per key and completed UTC day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

from bot.gateways.client import Calls, Json, Pace, Tally, cap, confirmed, dollars, listed, micro
from bot.gateways.port import Access, Family, Finding, GatewayError, GatewayRefused, NoSuchAccount, days
from models.metering.ladder import Offer, Patterns, matches
from models.metering.model_list import Words
from models.metering.reading import KeyUsage, Reading

PAGE: Final = 100
MOST_ROWS: Final = 10_000
_METRICS = ("credits_usage", "byok_usage", "request_count", "tokens_prompt", "tokens_completion")
_DAY = timedelta(days=1)


class OpenRouter:
    """One OpenRouter account. Its API keys are the accounts, by hash."""

    family: Family = "cap"
    per_key = True

    def __init__(self, access: Access) -> None:
        self.calls_per_minute = access.calls_per_minute or 240
        headers = {"Authorization": f"Bearer {access.key}"}
        self._calls = Calls(access, headers, Pace(self.calls_per_minute, 20))
        self._analytics = Pace(access.calls_per_minute or 50, 10)
        self._clock = access.clock
        self._has_analytics = True
        self._emails: dict[str, str] | None = None
        self._rails: dict[str, str] | None = None

    async def accounts(self) -> AsyncIterator[list[Reading]]:
        emails = await self._members()
        await self._read_rails()
        async for page, asked in self._keys():
            yield [self._reading(row, asked, emails) for row in page]

    async def account(self, id: str) -> Reading:  # noqa: A002
        try:
            reply = await self._calls.get(f"/keys/{id}")
        except GatewayRefused as refused:
            if refused.status == 404:
                raise NoSuchAccount(f"no key {id}", status=404) from refused
            raise
        await self._read_rails()
        return self._reading(reply.data["data"], reply.asked, self._emails or {})

    def _reading(self, row: Json, asked: datetime, emails: dict[str, str]) -> Reading:
        found = _reading(row, asked, emails)
        if self._rails is None:
            return found
        rail = self._rails.get(row["hash"])
        return replace(found, models=(rail,) if rail else ())

    # ---- models: a key's guardrail, of which it has one at most ---------------------------------------------------------

    async def offer(self, patterns: Patterns) -> Offer | None:
        """The guardrail with the most models and no budget, of those that let no others through."""
        self._rails = self._rails or {}
        found = list[Offer]()
        for rail in await self._maybe("/guardrails"):
            models = frozenset(rail.get("allowed_models") or ())
            if models and rail.get("limit_usd") is None and matches(models, patterns) == models:
                found.append(Offer((rail["id"],), tuple(sorted(models))))
        return min(found, key=lambda one: (-len(one.models), one.words), default=None)

    async def set_models(self, id: str, words: Words) -> Reading:  # noqa: A002
        self._rails = self._rails or {}
        await self._read_rails()
        rail, body = words[0] if words else self._rails.get(id), {"key_hashes": [id]}
        path = f"/guardrails/{rail}/assignments/keys" + ("" if words else "/remove")

        async def write() -> None:
            if rail:
                await self._calls.send("POST", path, body=body)

        return await listed(write, lambda: self.account(id), words)

    async def ways_around(self, offers: Collection[Offer]) -> list[Finding]:
        return []

    async def _read_rails(self) -> None:
        """{key: guardrail}, once lists were asked for: most accounts have none."""
        if self._rails is not None:
            rows = await self._maybe("/guardrails/assignments/keys")
            self._rails = {row["key_hash"]: row["guardrail_id"] for row in rows}

    async def set_total(self, id: str, total: int) -> Reading:  # noqa: A002
        return await self._set(id, {"limit": dollars(total)}, total)

    async def release(self, id: str, found: int | None) -> Reading:  # noqa: A002
        return await self._set(id, {"limit": None if found is None else dollars(found)}, found)

    async def _set(self, id: str, body: Json, total: int | None) -> Reading:  # noqa: A002
        return await confirmed(
            lambda: self._calls.send("PATCH", f"/keys/{id}", body=body), lambda: self.account(id), total
        )

    def holds(self, total: int) -> int:
        # Exact: a float holds every micro-USD up to a billion USD.
        return total

    async def _keys(self) -> AsyncIterator[tuple[list[Json], datetime]]:
        seen: set[str] = set()
        offset = 0
        while True:
            reply = await self._calls.get(
                "/keys", offset=offset, include_disabled="true", include_expired="true"
            )
            rows: list[Json] = reply.data["data"]
            # Newest keys come first, so a new key shifts the pages.
            fresh = [row for row in rows if row["hash"] not in seen]
            seen.update(row["hash"] for row in fresh)
            if fresh:
                yield fresh, reply.asked
            if len(rows) < PAGE:
                return
            offset += len(rows)

    async def _members(self) -> dict[str, str]:
        """{id: e-mail} of the organization's members, read once; empty for a personal account."""
        if self._emails is None:
            self._emails = {row["id"]: row["email"] for row in await self._maybe("/organization/members")}
        return self._emails

    async def _all(self, path: str) -> AsyncIterator[Json]:
        offset, total = 0, 1
        while offset < total:
            data = (await self._calls.get(path, offset=offset, limit=PAGE)).data
            for row in data["data"]:
                yield row
            offset, total = offset + len(data["data"]), data["total_count"] if data["data"] else 0

    # ---- usage ----------------------------------------------------------------------------------------------------------

    async def usage(self, since: date, until: date, account: str = "") -> AsyncIterator[list[KeyUsage]]:
        """Usage of keys that were ever used; one query for a page of keys where analytics can tell them apart."""
        async for page, _ in self._keys():
            used = [row for row in page if account in ("", row["hash"]) and _all_used(row)]
            if not used:
                continue
            tally = Tally()
            if self._has_analytics:
                await self._query(tally, used, since, until)
            if not self._has_analytics:
                tally = Tally()
                await self._activity(tally, used, since, until)
            if rows := tally.rows():
                yield rows

    async def _query(self, tally: Tally, keys: Sequence[Json], since: date, until: date) -> None:
        # Analytics names keys by label, and cuts off after 10,000 rows: halve the keys, then the days,
        # until the answer is complete.
        rows = await self._ask_analytics(keys, since, until)
        if not self._has_analytics:
            return
        named = _by_name(keys)
        if rows is not None and all(row["api_key_id"] in named for row in rows):
            for row in rows:
                _count(tally, named[row["api_key_id"]], row)
        elif rows is not None and len(keys) == 1:
            for row in rows:
                _count(tally, keys[0], row)
        elif len(keys) > 1:
            await self._query(tally, keys[: len(keys) // 2], since, until)
            await self._query(tally, keys[len(keys) // 2 :], since, until)
        elif since < until:
            for day in days(since, until):
                await self._query(tally, keys, day, day)
        else:
            raise GatewayError(f"more than {MOST_ROWS} rows for one key and day")

    async def _ask_analytics(self, keys: Sequence[Json], since: date, until: date) -> list[Json] | None:
        """The rows; None if they are incomplete, or if this account has no analytics."""
        body = {
            "metrics": _METRICS,
            "dimensions": ["api_key_id", "model"],
            "filters": [{"field": "api_key_id", "operator": "in", "value": [row["hash"] for row in keys]}],
            "granularity": "day",
            "time_range": {"start": _instant(since), "end": _instant(until + _DAY)},
            "limit": MOST_ROWS,
        }
        try:
            reply = await self._calls.send("POST", "/analytics/query", body=body, pace=self._analytics)
        except GatewayRefused as refused:
            if refused.status not in {403, 404}:
                raise
            self._has_analytics = False
            return None
        data = reply.data["data"]
        rows: list[Json] | None = None if data["metadata"]["truncated"] else data["data"]
        return rows

    async def _activity(self, tally: Tally, keys: Sequence[Json], since: date, until: date) -> None:
        # /activity has the last 30 completed UTC days only.
        yesterday = self._clock().date() - _DAY
        for day in days(max(since, yesterday - 29 * _DAY), min(until, yesterday)):
            for key in keys:
                reply = await self._calls.get("/activity", date=day.isoformat(), api_key_hash=key["hash"])
                for row in reply.data["data"]:
                    used = row["usage"] + (row["byok_usage_inference"] if key["include_byok_in_limit"] else 0)
                    tokens = row["prompt_tokens"], row["completion_tokens"]
                    tally.add(
                        key["hash"],
                        day,
                        row["model"],
                        key["name"],
                        used=used,
                        tokens=tokens,
                        requests=row["requests"],
                    )

    # ---- preflight ------------------------------------------------------------------------------------------------------

    async def preflight(self, free_models: Collection[str] = ()) -> list[Finding]:
        """Windows on keys, guardrails with a budget, workspaces that the list does not show."""
        keys = [row async for page, _ in self._keys() for row in page]
        windows = tuple(row["hash"] for row in keys if row["limit_reset"])
        ending = tuple(row["hash"] for row in keys if row.get("expires_at"))
        rails = {row["name"]: row.get("limit_usd") for row in await self._maybe("/guardrails")}
        budgets = {name: str(usd) for name, usd in rails.items() if usd is not None}
        spaces = tuple(row["name"] for row in (await self._maybe("/workspaces"))[1:])
        found = [
            Finding("window_set", "PATCH /keys/{hash} {limit_reset: null}", windows),
            Finding("key_expires", "PATCH /keys/{hash} {expires_at: null}", ending),
            Finding(
                "guardrails",
                "PATCH /guardrails/{id} {limit_usd: null, reset_interval: null}",
                tuple(budgets),
                budgets,
            ),
            Finding("other_workspaces", "", spaces),
            Finding("model_not_free", "", tuple(free_models)),
        ]
        return [finding for finding in found if finding.subjects]

    async def free_models(self, names: Collection[str]) -> set[str]:
        # A key at its limit is refused whatever the model costs, `:free` ones included.
        return set()

    async def _maybe(self, path: str) -> list[Json]:
        """Rows that only organizations have."""
        try:
            return [row async for row in self._all(path)]
        except GatewayRefused:
            return []


def _reading(row: Json, asked: datetime, emails: dict[str, str]) -> Reading:
    period = row["limit_reset"]
    creator = row.get("creator_user_id") or ""
    hints = [text for text in (row.get("external_user"), row["name"]) if text and "@" in text]
    return Reading(
        row["hash"],
        spent=micro(_counted(row, f"_{period}" if period else "")),
        total=cap(row["limit"]),
        as_of=asked,
        window=_window(period, asked),
        email=hints[0] if hints else "",
        name=row["name"],
        owner=emails.get(creator, creator),
        blocked=row["disabled"],
    )


def _counted(row: Json, period: str) -> Decimal:
    byok = row[f"byok_usage{period}"] if row["include_byok_in_limit"] else 0
    return Decimal(row[f"usage{period}"] + byok)


def _window(period: str | None, asked: datetime) -> str:
    # Windows begin at 00:00 UTC, weeks on Monday. OpenRouter does not report the window, so it follows from
    # the time of asking.
    day = asked.astimezone(UTC).date()
    first = {"daily": day, "weekly": day - day.weekday() * _DAY, "monthly": day.replace(day=1)}
    return f"{period} {first[period]}" if period in first else ""


def _all_used(row: Json) -> bool:
    return bool(row["usage"] or row["byok_usage"])


def _by_name(keys: Sequence[Json]) -> dict[str, Json]:
    """Keys by the name or label under which analytics reports them, if it is unique."""
    times = Counter(row[field] for row in keys for field in ("name", "label"))
    return {row[field]: row for row in keys for field in ("name", "label") if times[row[field]] == 1}


def _count(tally: Tally, key: Json, row: Json) -> None:
    # Counts come as strings, costs as numbers; the day has one of two names.
    day = date.fromisoformat(str(row.get("date__day") or row["created_at__day"])[:10])
    used = _number(row["credits_usage"]) + (_number(row["byok_usage"]) if key["include_byok_in_limit"] else 0)
    tokens = int(_number(row["tokens_prompt"])), int(_number(row["tokens_completion"]))
    requests = int(_number(row["request_count"]))
    tally.add(key["hash"], day, row["model"], key["name"], used=used, tokens=tokens, requests=requests)


def _number(value: Any) -> Decimal:
    return Decimal(str(value or 0))


def _instant(day: date) -> str:
    return datetime.combine(day, time(), UTC).isoformat().replace("+00:00", "Z")
