"""A stand-in Claude Enterprise: members, their spend of the month, and limits (inherited or their own).

Money is strings in cents, spend with up to three decimals; spend reads "0" for members in `unavailable`.
Lists have an opaque cursor, and one row a member and period.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from aiohttp import web

from sandbox.gateways.stand_in import Json, Refusal, StandIn, read

PERIODS = ("daily", "weekly", "monthly")


@dataclass
class Limit:
    """A member's own limit for one period, in cents; None is explicitly unlimited."""

    id: str
    amount: str | None


@dataclass
class Member:
    """A member with a seat. `spent`: this month's cents."""

    id: str
    email: str
    spent: Decimal = Decimal(0)
    own: dict[str, Limit] = field(default_factory=dict)
    deleted: bool = False


class ClaudeEnterprise(StandIn):
    """One organization. `inherited`: the monthly limit of its seat tier in cents; None is unlimited."""

    key = "sk-ant-admin-stand-in"

    def __init__(
        self,
        *,
        inherited: str | None = "100000",
        currency: str = "USD",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        port: int = 0,
    ) -> None:
        super().__init__(port=port)
        self.members: dict[str, Member] = {}
        self.unavailable: set[str] = set()
        self.inherited, self._currency, self._clock = inherited, currency, clock
        self._ids = itertools.count(1)
        self._used: dict[tuple[str, date, str], Decimal] = defaultdict(Decimal)

    # ---- what people and time do ------------------------------------------------------------------------------

    def add_member(self, email: str, **fields: Any) -> Member:
        member = Member(f"user_{next(self._ids):04}", email, **fields)
        self.members[member.id] = member
        return member

    def burn(self, member: Member, cents: str | int, *, model: str = "claude-opus-5") -> None:
        # Spend is not stopped by a limit here: tests need both sides of it.
        member.spent += Decimal(cents)
        self._used[member.id, self._clock().date(), model] += Decimal(cents)

    def amount(self, member: Member, period: str = "monthly") -> str | None:
        """The limit that applies."""
        own = member.own.get(period)
        return own.amount if own else self.inherited if period == "monthly" else None

    def edit(self, member: Member, amount: str | None, *, period: str = "monthly") -> Limit:
        known = member.own.get(period)
        limit = member.own[period] = Limit(known.id if known else f"spl_{next(self._ids):04}", amount)
        return limit

    def reset(self) -> None:
        for member in self.members.values():
            member.spent = Decimal(0)

    # ---- the API ----------------------------------------------------------------------------------------------

    def routes(self) -> Sequence[web.RouteDef]:
        limits = "/v1/organizations/spend_limits"
        return [
            web.get(f"{limits}/effective", self._effective),
            web.post(limits, self._set),
            web.delete(f"{limits}/{{id}}", self._delete),
            web.get("/v1/organizations/analytics/user_cost_report", self._costs),
        ]

    def authorize(self, request: web.Request, route: str) -> None:
        # Every call names the API version beside its key.
        if request.headers.get("x-api-key") != self.key:
            raise _refused(401, "authentication_error", "invalid x-api-key")
        if "anthropic-version" not in request.headers:
            raise _refused(400, "invalid_request_error", "anthropic-version: header is required")

    async def _effective(self, request: web.Request) -> web.Response:
        size, wanted = int(request.query.get("limit", 20)), request.query.getall("user_ids[]", [])
        periods = request.query.getall("period[]", list(PERIODS))
        members = [one for one in self.members.values() if not wanted or one.id in wanted]
        start = int(request.query.get("page", "page_0").removeprefix("page_"))
        rows = [
            self._summary(one, period)
            for one in members[start : start + size]
            for period in periods
            if period == "monthly" or period in one.own
        ]
        more = f"page_{start + size}" if start + size < len(members) else None
        return web.json_response({"data": rows, "next_page": more})

    def _summary(self, member: Member, period: str) -> Json:
        own = member.own.get(period)
        scope = {"type": "user", "user_id": member.id}
        return {
            "actor": {
                "type": "user_actor",
                "user_id": member.id,
                "name": None if member.deleted else member.email.partition("@")[0],
                "email_address": None if member.deleted else member.email,
                "deleted": member.deleted,
            },
            "amount": self.amount(member, period),
            "currency": self._currency,
            "period": period,
            "period_to_date_spend": "0" if member.id in self.unavailable else f"{member.spent.normalize():f}",
            "scope": scope,
            "source": scope if own else {"type": "seat_tier", "seat_tier": "premium"},
            "spend_limit_id": own.id if own else "spl_tier",
        }

    async def _set(self, request: web.Request) -> web.Response:
        body = await read(request)
        amount, scope = body["amount"], body["scope"]
        if scope["type"] != "user" or scope["user_id"] not in self.members:
            raise _refused(400, "invalid_request_error", "scope: only members of this organization")
        if amount is not None and not (isinstance(amount, str) and amount.isdecimal()):
            raise _refused(400, "invalid_request_error", "amount: a non-negative integer decimal string")
        limit = self.edit(self.members[scope["user_id"]], amount, period=body["period"])
        return web.json_response({"type": "spend_limit", "id": limit.id, "amount": amount, "scope": scope})

    async def _delete(self, request: web.Request) -> web.Response:
        gone = request.match_info["id"]
        for member in self.members.values():
            for period, limit in list(member.own.items()):
                if limit.id == gone:
                    del member.own[period]
                    return web.json_response({"type": "spend_limit_deleted", "id": gone})
        raise _refused(404, "not_found_error", "no such spend limit")

    async def _costs(self, request: web.Request) -> web.Response:
        first, end = (
            datetime.fromisoformat(request.query[side]).date() for side in ("starting_at", "ending_at")
        )
        wanted, size = request.query.getall("user_ids[]", []), int(request.query.get("limit", 20))
        rows = [
            {
                "actor": {"type": "user_actor", "user_id": member, "email_address": None, "name": None},
                "amount": f"{cents.normalize():f}",
                "currency": "USD",
                "model": model,
                "starting_at": f"{day}T00:00:00Z",
                "ending_at": f"{day + timedelta(days=1)}T00:00:00Z",
            }
            for (member, day, model), cents in self._used.items()
            if first <= day < end and (not wanted or member in wanted)
        ]
        start = int(request.query.get("page", "page_0").removeprefix("page_"))
        more = f"page_{start + size}" if start + size < len(rows) else None
        return web.json_response(
            {"data": rows[start : start + size], "next_page": more, "has_more": more is not None}
        )


def _refused(status: int, kind: str, message: str) -> Refusal:
    return Refusal(status, {"type": "error", "error": {"type": kind, "message": message}})
