"""New API: wallets in integer quota units, and One API where it differs. https://docs.newapi.pro/api/

A wallet holds the remainder (`quota`) and counts the use (`used_quota`); their sum is the total. It is
moved by `add_quota` with add and subtract, never with `override`, which wipes use that happens meanwhile
and leaves the old value in Redis. Adding has no idempotency key, so each move is derived from a reading
made just before it, and after a lost answer from another reading; the lost call may still arrive, so the
account then rests for `SETTLE` seconds.
One API adds with `/api/topup`, which may stay in memory for seconds, and cannot subtract: only `PUT` sets
an absolute quota. Use between reading and writing stays in `used_quota`, so the sum rises by it. Such a
sum is no edit by hand, and the next round corrects it. PUT ignores zeros, so an empty wallet is written, and read, as −1. New API before
`add_quota` cannot be driven.
Answers are HTTP 200 with `success`. GATEWAY_KEY is the access token of an admin, or `ID:TOKEN` when that
admin's id is not 1. The route `GET /api/user/token` is never called: it makes a new token each time.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Collection
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any, Final

from bot.gateways.client import MICRO, Calls, Json, Pace, Reply, Tally, shortened
from bot.gateways.new_api_groups import GroupLists
from bot.gateways.port import Access, Family, Finding, GatewayError, GatewayRefused, NoSuchAccount
from models.metering.reading import KeyUsage, Reading

SETTLE: Final = 30.0
# Units per USD, unless an admin has changed them.
SHIPPED: Final = Fraction(500_000)
# In units: the column is a 32-bit integer on some databases.
LARGEST: Final = 2**31 - 1
ONE_API_PAGE: Final = 10
_EMPTY: Final = -1
_CONSUMED, _REFUNDED = 2, 6
_UNIT_SECONDS = 60.0
_DAY = timedelta(days=1)


class NewApi(GroupLists):
    """A New API or One API; the first list shows which."""

    family: Family = "wallet"
    per_key = False

    def __init__(self, access: Access, *, settle: float = SETTLE) -> None:
        super().__init__()
        admin, _, token = access.key.rpartition(":")
        headers = {"Authorization": token, "New-Api-User": admin or "1"}
        # Its default is 180 calls per 180 s and address; 60 at once and 40 a minute stay below that in every window.
        self.calls_per_minute = access.calls_per_minute or 40
        self._calls = Calls(access, headers, Pace(self.calls_per_minute, 60))
        self._clock = access.clock
        self._settle, self._unsettled = timedelta(seconds=settle), dict[str, datetime]()
        # One API: {id: (target, used when it was sent)} of the last lowering.
        self._lowered: dict[str, tuple[int, int]] = {}
        self._moving: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._per_usd: Fraction | None = None
        self._per_usd_until = 0.0
        self._is_one_api: bool | None = None

    # ---- reading --------------------------------------------------------------------------------------------------------

    async def accounts(self) -> AsyncIterator[list[Reading]]:
        # Pages shift when users are created, so every id is yielded once.
        await self._learn_unit()
        seen: set[int] = set()
        async for reply, rows in self._pages("/api/user/", sort_by="id", sort_order="asc"):
            # Deleted users stay in the list, with DeletedAt set.
            fresh = [row for row in rows if row["id"] not in seen and not row.get("DeletedAt")]
            seen.update(row["id"] for row in fresh)
            if fresh:
                yield [self._reading(row, reply.asked) for row in fresh]

    async def account(self, id: str) -> Reading:  # noqa: A002
        await self._learn_unit()
        row, asked = await self._user(id)
        return self._reading(row, asked)

    def holds(self, total: int) -> int:
        # A whole unit: 2 µUSD with the shipped rate, which holds until the first reading.
        return self._micro(self._units(total))

    async def _user(self, id: str) -> tuple[Json, datetime]:  # noqa: A002
        if not id.isdecimal():
            raise NoSuchAccount(f"no user {id}")
        await self._learn_flavour()
        try:
            reply = await self._ask("GET", f"/api/user/{id}")
        except GatewayRefused as refused:
            if "record not found" in refused.reason:
                raise NoSuchAccount(f"no user {id}") from refused
            raise
        if reply.data["data"].get("DeletedAt"):
            raise NoSuchAccount(f"no user {id}")
        return reply.data["data"], reply.asked

    def _reading(self, row: Json, asked: datetime) -> Reading:
        return Reading(
            str(row["id"]),
            spent=self._micro(row["used_quota"]),
            total=self._micro(self._total(row)),
            as_of=asked,
            email=row.get("email") or "",
            name=row.get("display_name") or row["username"],
            owner=row["username"],
            blocked=row.get("status", 1) != 1,
            refunds=True,
            ours=self._is_lowering(row),
            models=(row.get("group") or "default",) if self.lists_asked else None,
        )

    def _is_lowering(self, row: Json) -> bool:
        """Whether the total is the last lowering, raised by use while it was on its way."""
        target, used = self._lowered.get(str(row["id"]), (0, row["used_quota"]))
        return 0 < self._total(row) - target <= int(row["used_quota"]) - used

    def _total(self, row: Json) -> int:
        remaining = 0 if self._is_one_api and row["quota"] == _EMPTY else row["quota"]
        return int(remaining + row["used_quota"])

    # ---- writing --------------------------------------------------------------------------------------------------------

    async def set_total(self, id: str, total: int) -> Reading:  # noqa: A002
        if total < 0:
            raise ValueError(f"a limit cannot be negative: {total}")
        return await self._set(id, total)

    async def release(self, id: str, found: int | None) -> Reading:  # noqa: A002
        """Put back the found total. A wallet always has one; it is negative when it was in debt."""
        return await self._set(id, found or 0)

    async def _set(self, id: str, total: int) -> Reading:  # noqa: A002
        await self._learn_unit()
        async with self._moving[id]:
            return await self._move_to(id, self._units(total))

    async def _move_to(self, id: str, target: int) -> Reading:  # noqa: A002
        row, asked = await self._user(id)
        before = self._total(row)
        if before == target:
            self._unsettled.pop(id, None)
            return self._reading(row, asked)
        wait = self._unsettled.get(id, asked) - self._clock()
        if wait > timedelta():
            raise GatewayError(
                f"an earlier change of user {id} may still arrive", retry_after=wait.total_seconds()
            )
        if target - row["used_quota"] > LARGEST:
            raise GatewayRefused(f"a wallet holds at most {LARGEST} units")
        # Noted before the call: the reading after it may be lost, too.
        self._unsettled[id] = self._clock() + self._settle
        lost = await self._sent(row, target)
        # One API's success only means that the top-up is queued.
        if lost is None and not self._is_one_api:
            del self._unsettled[id]
        return await self._arrived(id, before, target, lost)

    async def _sent(self, row: Json, target: int) -> GatewayError | None:
        """Move the wallet. Returns an error if the outcome is unknown; raises an error if nothing was moved."""
        try:
            await self._move(row, target)
        except GatewayError as error:
            if error.unknown:
                return error
            del self._unsettled[str(row["id"])]
            raise
        except GatewayRefused:
            del self._unsettled[str(row["id"])]
            raise
        return None

    async def _move(self, row: Json, target: int) -> None:
        delta, remaining = target - self._total(row), target - row["used_quota"]
        if not self._is_one_api:
            mode = "add" if delta > 0 else "subtract"
            body = {"id": row["id"], "action": "add_quota", "mode": mode, "value": abs(delta)}
            await self._ask("POST", "/api/user/manage", body)
        elif delta > 0:
            # The remark names this call for people who read the log.
            remark = f"quotabot {uuid.uuid4().hex}"
            body = {"user_id": row["id"], "quota": remaining - row["quota"], "remark": remark}
            await self._ask("POST", "/api/topup", body)
        else:
            # Only these two fields: any other, such as `used_quota`, would be set back to this reading.
            self._lowered[str(row["id"])] = target, row["used_quota"]
            await self._ask("PUT", "/api/user/", {"id": row["id"], "quota": remaining or _EMPTY})

    async def _arrived(self, id: str, before: int, target: int, lost: GatewayError | None) -> Reading:  # noqa: A002
        """The reading after a move. If it does not show the move, the account rests until the outcome is certain."""
        row, asked = await self._user(id)
        after = self._total(row)
        if after == target:
            self._unsettled.pop(id, None)
        elif id in self._unsettled:
            raise lost or GatewayError(f"user {id}: not there yet", retry_after=self._settle.total_seconds())
        elif after == before:
            raise GatewayRefused("it answers success and changes nothing: a version without add_quota?")
        return self._reading(row, asked)

    # ---- usage ----------------------------------------------------------------------------------------------------------

    async def usage(self, since: date, until: date, account: str = "") -> AsyncIterator[list[KeyUsage]]:
        # New rows shift the pages, so the end of the query is fixed and every row counts once by its id.
        await self._learn_unit()
        query: dict[str, str | int] = (
            {"username": (await self._user(account))[0]["username"]} if account else {}
        )
        start, end = _midnight(since), min(_midnight(until + _DAY), self._clock()) - timedelta(seconds=1)
        query |= {"start_timestamp": int(start.timestamp()), "end_timestamp": int(end.timestamp())}
        tally = Tally(self._micro)
        for kind, sign in ((_CONSUMED, 1), (_REFUNDED, -1)):
            seen: set[int] = set()
            async for _, rows in self._pages("/api/log/", type=kind, **query):
                fresh = [row for row in rows if row["id"] not in seen]
                seen.update(row["id"] for row in fresh)
                for row in fresh:
                    self._count(tally, row, sign)
        by_day: dict[date, list[KeyUsage]] = {}
        for used in tally.rows():
            by_day.setdefault(used.day, []).append(used)
        for day in sorted(by_day):
            yield by_day[day]

    def _count(self, tally: Tally, row: Json, sign: int) -> None:
        day = datetime.fromtimestamp(row["created_at"], UTC).date()
        key = str(row["user_id"]), day, row["model_name"], row["token_name"]
        tokens = (row["prompt_tokens"], row["completion_tokens"]) if sign > 0 else (0, 0)
        tally.add(*key, used=sign * row["quota"], tokens=tokens, requests=int(sign > 0))

    # ---- preflight ------------------------------------------------------------------------------------------------------

    async def preflight(self, free_models: Collection[str] = ()) -> list[Finding]:
        """An admin cannot see the tokens of others, and only root sees the options; the findings say so."""
        await self._learn_unit()
        await self._learn_flavour()
        found = [Finding("key_caps_unseen", "/api/token/ {unlimited_quota: true}", ("*",))]
        if self._is_one_api:
            found.append(Finding("lowering_overwrites", "", ("*",)))
        options = await self._options()
        if options is None:
            found.append(Finding("settings_unseen", "", ("*",)))
        elif options.get("LogConsumeEnabled") == "false":
            found.append(Finding("usage_not_logged", "LogConsumeEnabled: true", ("*",)))
        if plans := await self._maybe("/api/subscription/admin/plans"):
            names = tuple(str(one.get("plan", one).get("title", "")) for one in plans)
            found.append(Finding("subscriptions_pay_first", "", names))
        free = await self.free_models(free_models) if free_models else set()
        paid = tuple(name for name in free_models if name not in free)
        fix = "ModelRatio: 0, quota_setting.enable_free_model_pre_consume: false"
        return [*found, *([Finding("model_not_free", fix, paid)] if paid else [])]

    async def free_models(self, names: Collection[str]) -> set[str]:
        # Price 0 is not enough: by default New API looks into the wallet before it serves a free model.
        options = await self._options() or {}
        if options.get("quota_setting.enable_free_model_pre_consume") != "false":
            return set()
        priced = await self._maybe("/api/pricing") or []
        price = {
            row["model_name"]: row["model_price" if row["quota_type"] else "model_ratio"] for row in priced
        }
        return {name for name in names if price.get(name) == 0}

    async def _options(self) -> dict[str, str] | None:
        rows = await self._maybe("/api/option/")
        return None if rows is None else {row["key"]: row["value"] for row in rows}

    async def _maybe(self, path: str) -> list[Json] | None:
        """None where this version lacks the route, or this admin may not see it."""
        try:
            rows: list[Json] = (await self._ask("GET", path)).data["data"]
        except GatewayRefused:
            return None
        return rows

    # ---- units and answers ----------------------------------------------------------------------------------------------

    async def _learn_unit(self) -> None:
        # When an admin changes the units per USD, every number means something else: refuse all calls.
        if time.monotonic() < self._per_usd_until:
            return
        reply = await self._ask("GET", "/api/status")
        found = Fraction(reply.data["data"]["quota_per_unit"])
        if self._per_usd is not None and found != self._per_usd:
            raise GatewayRefused(
                f"quota_per_unit changed from {self._per_usd} to {found}: restart to accept it"
            )
        self._per_usd, self._per_usd_until = found, time.monotonic() + _UNIT_SECONDS

    async def _learn_flavour(self) -> None:
        if self._is_one_api is None:
            self._is_one_api = isinstance(
                (await self._ask("GET", "/api/user/", p=0, page_size=1)).data["data"], list
            )

    def _units(self, total: int) -> int:
        # Rounded down: never more than the ledger gives.
        return int(total * self._rate() // MICRO)

    def _micro(self, units: int) -> int:
        # Rounded up, so that `_units` returns the same units.
        return -(-units * MICRO // self._rate())

    def _rate(self) -> Fraction:
        return SHIPPED if self._per_usd is None else self._per_usd

    async def _pages(self, path: str, **query: str | int) -> AsyncIterator[tuple[Reply, list[Json]]]:
        # New API counts pages from 1 and takes 0 for 1. One API counts from 0, has no total and always 10
        # rows.
        page = 0
        while True:
            reply = await self._ask("GET", path, **query, p=page, page_size=100)
            data = reply.data["data"] or []
            self._is_one_api = isinstance(data, list)
            rows: list[Json] = data if isinstance(data, list) else data["items"] or []
            yield reply, rows
            if isinstance(data, list):
                page, more = page + 1, len(rows) == ONE_API_PAGE
            else:
                page, more = data["page"] + 1, data["page"] * data["page_size"] < data["total"]
            if not more or not rows:
                return

    async def _ask(self, method: str, path: str, body: Any = None, **query: str | int) -> Reply:
        reply = await self._calls.send(method, path, body=body, query=query)
        if not isinstance(reply.data, dict) or not reply.data.get("success"):
            raise GatewayRefused(shortened(str((reply.data or {}).get("message") or "success: false")))
        return reply


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
