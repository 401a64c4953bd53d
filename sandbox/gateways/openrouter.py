"""A stand-in OpenRouter: API keys with a limit, their windows, and usage by analytics or by completed day.

Lists are newest first, 100 at a time, and show the default workspace. Analytics answers with a key's name,
counts as strings, and at most `limit` rows, saying so; `/activity` knows completed UTC days only.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from aiohttp import web

from sandbox.gateways.stand_in import Json, Refusal, StandIn, read

PAGE: Final = 100


@dataclass
class Key:
    """An API key. Its daily, weekly and monthly counters reset by themselves."""

    hash: str
    name: str
    limit: float | None = None
    limit_reset: str | None = None
    disabled: bool = False
    include_byok_in_limit: bool = False
    creator_user_id: str | None = None
    external_user: str | None = None
    workspace_id: str = "default"
    expires_at: str | None = None
    usage: float = 0.0
    usage_daily: float = 0.0
    usage_weekly: float = 0.0
    usage_monthly: float = 0.0
    byok_usage: float = 0.0
    byok_usage_daily: float = 0.0
    byok_usage_weekly: float = 0.0
    byok_usage_monthly: float = 0.0

    @property
    def counted(self) -> float:
        """The spend that the limit counts."""
        period = f"_{self.limit_reset}" if self.limit_reset else ""
        own: float = getattr(self, f"usage{period}")
        byok: float = getattr(self, f"byok_usage{period}")
        return own + byok if self.include_byok_in_limit else own

    def as_json(self) -> Json:
        left = None if self.limit is None else max(self.limit - self.counted, 0.0)
        return vars(self) | {"label": f"sk-or-v1-{self.hash[:6]}", "limit_remaining": left}


class OpenRouter(StandIn):
    """One account, with or without an organization."""

    key = "sk-or-v1-stand-in-management"

    def __init__(
        self,
        *,
        analytics: bool = True,
        most_rows: int = 10_000,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        port: int = 0,
    ) -> None:
        super().__init__(port=port)
        self.keys: dict[str, Key] = {}
        self.members: dict[str, str] | None = None
        self.guardrails: list[Json] = []
        self.assigned: dict[str, str] = {}
        self.workspaces: list[Json] = [{"id": "default", "name": "Default"}]
        self._analytics, self._most_rows, self._clock = analytics, most_rows, clock
        self._used: dict[tuple[str, date, str], list[float]] = defaultdict(lambda: [0.0, 0.0, 0])

    # ---- what people and time do ------------------------------------------------------------------------------

    def add_key(self, name: str, **fields: Any) -> Key:
        # Newest first, as in the list.
        key = Key(hash=hashlib.sha256(str(len(self.keys)).encode()).hexdigest(), name=name, **fields)
        self.keys[key.hash] = key
        return key

    def spend(self, key: Key, usd: float, *, model: str = "qwen/qwen3-max", byok: float = 0.0) -> None:
        """Call a model, or raise the 403 of a key at its limit."""
        if key.limit is not None and key.counted >= key.limit:
            raise Refusal(403, {"error": {"code": 403, "message": "Key limit exceeded (total limit)."}})
        for period in ("", "_daily", "_weekly", "_monthly"):
            setattr(key, f"usage{period}", getattr(key, f"usage{period}") + usd)
            setattr(key, f"byok_usage{period}", getattr(key, f"byok_usage{period}") + byok)
        row = self._used[key.hash, self._clock().date(), model]
        row[0], row[1], row[2] = row[0] + usd, row[1] + byok, row[2] + 1

    def reset(self, period: str) -> None:
        # Windows begin at 00:00 UTC.
        for key in self.keys.values():
            setattr(key, f"usage_{period}", 0.0)
            setattr(key, f"byok_usage_{period}", 0.0)

    def edit(self, key: Key, limit: float | None) -> None:
        key.limit = limit

    # ---- the API ----------------------------------------------------------------------------------------------

    def routes(self) -> Sequence[web.RouteDef]:
        return [
            web.get("/keys", self._list),
            web.get("/keys/{hash}", self._one),
            web.patch("/keys/{hash}", self._patch),
            web.get("/organization/members", self._people),
            web.get("/guardrails", self._rails),
            web.get("/guardrails/assignments/keys", self._assignments),
            web.post("/guardrails/{id}/assignments/keys", self._assign),
            web.post("/guardrails/{id}/assignments/keys/remove", self._unassign),
            web.get("/workspaces", self._spaces),
            web.post("/analytics/query", self._query),
            web.get("/activity", self._activity),
        ]

    def authorize(self, request: web.Request, route: str) -> None:
        if request.headers.get("Authorization") != f"Bearer {self.key}":
            raise Refusal(401, {"error": {"code": 401, "message": "Missing Authentication header"}})

    async def _list(self, request: web.Request) -> web.Response:
        offset, disabled = (
            int(request.query.get("offset", 0)),
            request.query.get("include_disabled") == "true",
        )
        keys = [key for key in reversed(self.keys.values()) if disabled or not key.disabled]
        shown = [key.as_json() for key in keys if key.workspace_id == "default"]
        return web.json_response({"data": shown[offset : offset + PAGE]})

    async def _one(self, request: web.Request) -> web.Response:
        return web.json_response({"data": self._key(request).as_json()})

    async def _patch(self, request: web.Request) -> web.Response:
        key, body = self._key(request), await read(request)
        for name in ("name", "disabled", "limit", "limit_reset", "include_byok_in_limit"):
            if name in body:
                setattr(key, name, body[name])
        return web.json_response({"data": key.as_json()})

    def _key(self, request: web.Request) -> Key:
        if request.match_info["hash"] not in self.keys:
            raise Refusal(404, {"error": {"code": 404, "message": "API key not found"}})
        return self.keys[request.match_info["hash"]]

    async def _people(self, request: web.Request) -> web.Response:
        if self.members is None:
            raise Refusal(403, {"error": {"code": 403, "message": "Organization account required"}})
        return _some([{"id": name, "email": email} for name, email in self.members.items()], request)

    async def _rails(self, request: web.Request) -> web.Response:
        return _some(self.guardrails, request)

    async def _assignments(self, request: web.Request) -> web.Response:
        rows = [{"key_hash": key, "guardrail_id": rail} for key, rail in self.assigned.items()]
        return _some(rows, request)

    async def _assign(self, request: web.Request) -> web.Response:
        # A key holds one guardrail at most; assigning replaces it.
        rail, keys = request.match_info["id"], (await read(request))["key_hashes"]
        if rail not in {one.get("id") for one in self.guardrails}:
            raise Refusal(404, {"error": {"code": 404, "message": "Guardrail not found"}})
        self.assigned |= dict.fromkeys(keys, rail)
        return web.json_response({"assigned_count": len(keys)})

    async def _unassign(self, request: web.Request) -> web.Response:
        keys = [
            one
            for one in (await read(request))["key_hashes"]
            if self.assigned.get(one) == request.match_info["id"]
        ]
        for key in keys:
            del self.assigned[key]
        return web.json_response({"unassigned_count": len(keys)})

    async def _spaces(self, request: web.Request) -> web.Response:
        return _some(self.workspaces, request)

    # ---- usage ------------------------------------------------------------------------------------------------

    async def _query(self, request: web.Request) -> web.Response:
        if not self._analytics:
            raise Refusal(404, {"error": {"code": 404, "message": "Not Found"}})
        body = await read(request)
        if len(body["dimensions"]) > 2:
            raise Refusal(400, {"error": {"code": 400, "message": "at most 2 dimensions"}})
        wanted = next(one["value"] for one in body["filters"] if one["field"] == "api_key_id")
        first, end = (datetime.fromisoformat(body["time_range"][side]).date() for side in ("start", "end"))
        rows = [
            {
                "date__day": day.isoformat(),
                "api_key_id": self.keys[key].name,
                "model": model,
                "credits_usage": usd,
                "byok_usage": byok,
                "request_count": str(count),
                "tokens_prompt": str(100 * count),
                "tokens_completion": str(50 * count),
            }
            for (key, day, model), (usd, byok, count) in self._used.items()
            if key in wanted and first <= day < end
        ]
        most = min(body["limit"], self._most_rows)
        metadata = {"row_count": len(rows[:most]), "truncated": len(rows) > most, "query_time_ms": 1}
        return web.json_response({"data": {"data": rows[:most], "metadata": metadata}})

    async def _activity(self, request: web.Request) -> web.Response:
        asked = date.fromisoformat(request.query["date"])
        if asked >= self._clock().date():
            raise Refusal(
                400, {"error": {"code": 400, "message": "Date must be within the last 30 completed days"}}
            )
        rows = [
            {
                "date": day.isoformat(),
                "model": model,
                "usage": usd,
                "byok_usage_inference": byok,
                "requests": count,
                "prompt_tokens": 100 * count,
                "completion_tokens": 50 * count,
            }
            for (key, day, model), (usd, byok, count) in self._used.items()
            if key == request.query["api_key_hash"] and day == asked
        ]
        return web.json_response({"data": rows})


def _some(rows: list[Json], request: web.Request) -> web.Response:
    offset, limit = int(request.query.get("offset", 0)), int(request.query.get("limit", 50))
    return web.json_response({"data": rows[offset : offset + limit], "total_count": len(rows)})
