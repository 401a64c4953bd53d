"""A stand-in ChatGPT Enterprise workspace: members, their usage of the month, and limits (inherited or their own).

By OpenAI's cookbook, examples/chatgpt/daily_usage_limits (docs/api-contract.md, src/admin-api.mjs).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from aiohttp import web

from sandbox.gateways.stand_in import Json, Refusal, StandIn, read

WORKSPACE = "ws_1"


@dataclass
class Member:
    """`own`: the override, None while the workspace's limit counts. `days`: what was spent by the day's first second."""

    id: str
    email: str
    spent: Decimal = Decimal(0)
    own: Json | None = None
    days: dict[int, str] | None = None


class ChatGPTEnterprise(StandIn):
    """`inherited`: the workspace's rule; None is no limit. `unit`: what the workspace is billed in."""

    key = f"{WORKSPACE}:sk-admin-stand-in"

    def __init__(self, *, inherited: str | None = "100.00", unit: str = "usd", port: int = 0) -> None:
        super().__init__(port=port)
        self.members: dict[str, Member] = {}
        self.inherited, self.unit = inherited, unit

    def add_member(self, email: str) -> Member:
        member = Member(f"user-{len(self.members) + 1:03}", email)
        self.members[member.id] = member
        return member

    def routes(self) -> Sequence[web.RouteDef]:
        manage = f"/manage/workspaces/{WORKSPACE}"
        return [
            web.get(f"{manage}/usage_limits/workspace", self._of_workspace),
            web.get(f"{manage}/usage_limits/users/{{id}}/monthly-usage", self._monthly),
            web.patch(f"{manage}/usage_limits/users/{{id}}", self._patch),
            web.get(f"{manage}/users", self._list),
            web.get(f"{manage}/users/{{id}}", self._one),
            web.get(f"/analytics/workspaces/{WORKSPACE}/usage", self._usage),
        ]

    def authorize(self, request: web.Request, route: str) -> None:
        if request.headers.get("Authorization") != f"Bearer {self.key.partition(':')[2]}":
            raise Refusal(401, {"error": {"message": "invalid admin key"}})

    def _member(self, request: web.Request) -> Member:
        found = self.members.get(request.match_info["id"])
        if found is None:
            raise Refusal(404, {"error": {"message": "not found"}})
        return found

    async def _of_workspace(self, request: web.Request) -> web.Response:
        return web.json_response({"id": WORKSPACE})

    async def _list(self, request: web.Request) -> web.Response:
        limit, after = int(request.query["limit"]), request.query.get("after", "")
        rest = [one for one in self.members.values() if one.id > after]
        rows = [_row(one) for one in rest[:limit]]
        ends = {"first_id": rows[0]["id"] if rows else None, "last_id": rows[-1]["id"] if rows else None}
        return web.json_response({"object": "list", "data": rows, "has_more": len(rest) > limit, **ends})

    async def _one(self, request: web.Request) -> web.Response:
        return web.json_response(_row(self._member(request)))

    async def _monthly(self, request: web.Request) -> web.Response:
        member = self._member(request)
        workspace = None if self.inherited is None else _limited(self.inherited)
        facts = {
            "id": member.id,
            "account_user_id": f"{member.id}__{WORKSPACE}",
            "current_month_usage": float(member.spent),
            "current_month_usage_unit": self.unit,
            "effective_monthly_usage_limit": member.own or workspace,
        }
        return web.json_response(facts)

    async def _patch(self, request: web.Request) -> web.Response:
        member, body = self._member(request), await read(request)
        member.own = body["override_monthly_usage_limit"]
        return web.json_response({"id": member.id})

    async def _usage(self, request: web.Request) -> web.Response:
        """Two rows a page."""
        since, until = int(request.query["start_time"]), int(request.query["end_time"])
        rows = [
            {
                "object": "workspace.usage.result",
                "user_id": one.id,
                "start_time": at,
                "totals": {"cost_usd": used},
            }
            for one in self.members.values()
            for at, used in (one.days or {}).items()
            if since <= at < until
        ]
        start = int(request.query.get("page") or 0)
        more = len(rows) > start + 2
        answer = {"object": "page", "data": rows[start : start + 2], "has_more": more}
        return web.json_response(answer | {"next_page": str(start + 2) if more else None})


def _row(member: Member) -> Json:
    return {"object": "workspace.user", "id": member.id, "email": member.email}


def _limited(amount: str) -> Json:
    return {"type": "limited", "limit_amount": {"unit": "usd", "amount": amount}}
