"""A stand-in New API or One API: wallets in integer units, and writes that are easy to get wrong.

New API: pages from 1 with a total; `/api/user/manage` add_quota; `PUT /api/user/` says success and leaves
the quota alone.
One API: pages from 0, always 10, no total, newest first; `/api/topup` only adds; `PUT` overwrites, ignoring
zeros.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from sandbox.gateways.stand_in import Json, Refusal, StandIn, page, read

ONE_API_PAGE: Final = 10
CONSUMED, MANAGED, REFUNDED = 2, 3, 6


@dataclass
class User:
    """A wallet: `quota` remains, `used_quota` was used. Quota held by a call in flight is in neither."""

    id: int
    username: str
    email: str = ""
    quota: int = 0
    used_quota: int = 0
    display_name: str = ""
    status: int = 1
    role: int = 1
    group: str = "default"
    deleted: bool = False

    def as_json(self) -> Json:
        shown = {name: value for name, value in vars(self).items() if name != "deleted"}
        return shown | {"DeletedAt": "2026-01-01T00:00:00Z" if self.deleted else None}


@dataclass
class Log:
    id: int
    user_id: int
    username: str
    created_at: int
    type: int
    quota: int
    model_name: str = ""
    token_name: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    content: str = field(default="")


class NewApi(StandIn):
    """One installation. `batched`: One API keeps top-ups in memory until `flush()`."""

    def __init__(
        self,
        *,
        one_api: bool = False,
        writes_quota: bool = True,
        batched: bool = False,
        quota_per_unit: float = 500_000,
        clock: Callable[[], float] = time.time,
        port: int = 0,
    ) -> None:
        super().__init__(port=port)
        self.token, self.admin_id = "stand-in-access-token", 7
        self.key = f"{self.admin_id}:{self.token}"
        self.users: dict[int, User] = {}
        self.logs: list[Log] = []
        self.options: dict[str, str] | None = {"LogConsumeEnabled": "true"}
        self.pricing: list[Json] = []
        self.plans: list[Json] = []
        self.channels: list[Json] = []
        self.usable_groups: Json = {"default": "默认分组"}
        self.quota_per_unit = quota_per_unit
        self._one_api, self._writes_quota, self._batched = one_api, writes_quota, batched
        self._clock = clock
        self._ids, self._log_ids = itertools.count(1), itertools.count(1)
        self._waiting: list[tuple[User, int]] = []

    # ---- what an admin, time and people do --------------------------------------------------------------------

    def add_user(self, username: str, **fields: Any) -> User:
        user = User(next(self._ids), username, **fields)
        self.users[user.id] = user
        return user

    def consume(
        self, user: User, units: int, *, model: str = "gpt-5.5", key: str = "laptop", at: int | None = None
    ) -> None:
        """A call that is settled at once."""
        user.quota -= units
        user.used_quota += units
        self._log(user, CONSUMED, units, model_name=model, token_name=key, prompt_tokens=10, at=at)

    def refund(
        self, user: User, units: int, *, model: str = "gpt-5.5", key: str = "laptop", at: int | None = None
    ) -> None:
        # A failed task is paid back by a log entry of its own kind.
        user.quota += units
        user.used_quota -= units
        self._log(user, REFUNDED, units, model_name=model, token_name=key, at=at)

    def hold(self, user: User, units: int) -> None:
        # A call begins: its estimate leaves the remainder before it counts as used.
        user.quota -= units

    def settle(self, user: User, held: int, units: int) -> None:
        # The call ends: only its real cost stays.
        user.quota += held
        self.consume(user, units)

    def add_channel(self, models: str, group: str, *, status: int = 1) -> None:
        self.channels.append(
            {"id": len(self.channels) + 1, "models": models, "group": group, "status": status}
        )

    def lets(self, user: User, model: str) -> bool:
        """Whether a token of this user without a group of its own reaches the model."""
        rows = [row for row in self.channels if user.group in row["group"].split(",") and row["status"] == 1]
        return any(model in row["models"].split(",") for row in rows)

    def edit(self, user: User, quota: int) -> None:
        user.quota = quota

    def flush(self) -> None:
        for user, units in self._waiting:
            user.quota += units
        self._waiting.clear()

    def _log(self, user: User, kind: int, units: int, at: int | None = None, **fields: Any) -> None:
        when = int(self._clock()) if at is None else at
        self.logs.append(Log(next(self._log_ids), user.id, user.username, when, kind, units, **fields))

    # ---- the API ----------------------------------------------------------------------------------------------

    def routes(self) -> Sequence[web.RouteDef]:
        only_new = [
            web.post("/api/user/manage", self._manage),
            web.get("/api/pricing", self._pricing),
            web.get("/api/subscription/admin/plans", self._plans),
        ]
        return [
            web.get("/api/status", self._status),
            web.get("/api/user/", self._list),
            web.get("/api/user/token", self._rotate),
            web.get("/api/user/{id}", self._one),
            web.put("/api/user/", self._put),
            web.get("/api/log/", self._logs),
            web.get("/api/option/", self._options),
            web.get("/api/channel/", self._channels),
            *([web.post("/api/topup", self._topup)] if self._one_api else only_new),
        ]

    def authorize(self, request: web.Request, route: str) -> None:
        # New API's header names the admin to whom the token belongs.
        if route == "GET /api/status":
            return
        if request.headers.get("Authorization") != self.token:
            raise Refusal(200 if self._one_api else 401, _no("无权进行此操作，access token 无效"))
        if not self._one_api and request.headers.get("New-Api-User") != str(self.admin_id):
            raise Refusal(401, _no("无权进行此操作，与登录用户不匹配"))

    async def _status(self, request: web.Request) -> web.Response:
        return _yes({"quota_per_unit": self.quota_per_unit, "display_in_currency": True})

    async def _rotate(self, request: web.Request) -> web.Response:
        self.token = f"rotated-{self.token}"
        return _yes(self.token)

    async def _list(self, request: web.Request) -> web.Response:
        users = sorted(self.users.values(), key=lambda user: user.id)
        if self._one_api or request.query.get("sort_by") != "id":
            users.reverse()
        return self._paged(
            [user.as_json() for user in users if not (self._one_api and user.deleted)], request
        )

    def _paged(self, rows: list[Json], request: web.Request) -> web.Response:
        number = int(request.query.get("p", 0))
        if self._one_api:
            return _yes(page(rows, number + 1, ONE_API_PAGE))
        number, size = max(number, 1), min(int(request.query.get("page_size", 10)), 100)
        return _yes(
            {"page": number, "page_size": size, "total": len(rows), "items": page(rows, number, size)}
        )

    async def _one(self, request: web.Request) -> web.Response:
        return _yes(self._user(int(request.match_info["id"])).as_json())

    def _user(self, id: int) -> User:  # noqa: A002
        if id not in self.users:
            raise Refusal(200, _no("record not found"))
        return self.users[id]

    async def _manage(self, request: web.Request) -> web.Response:
        body = await read(request)
        user, value = self._user(body["id"]), body["value"]
        if body["action"] != "add_quota" or body["mode"] not in {"add", "subtract", "override"}:
            raise Refusal(200, _no("无效的参数"))
        if body["mode"] != "override" and value <= 0:
            raise Refusal(200, _no("额度变更不能为零"))
        if self._writes_quota:
            user.quota = {"add": user.quota + value, "subtract": user.quota - value, "override": value}[
                body["mode"]
            ]
        self._log(user, MANAGED, 0, content=f"管理员{body['mode']}用户额度 {value}")
        return _yes(None)

    async def _topup(self, request: web.Request) -> web.Response:
        body = await read(request)
        user, units = self._user(body["user_id"]), body["quota"]
        if units < 0:
            raise Refusal(200, _no("无效的参数"))
        self._waiting.append((user, units))
        if not self._batched:
            self.flush()
        self._log(user, 1, units, content=body["remark"])
        return _yes(None)

    async def _put(self, request: web.Request) -> web.Response:
        # New API writes names and group only. One API writes every field that is not zero.
        body = await read(request)
        user = self._user(body["id"])
        for name in (
            "username",
            "display_name",
            "group",
            *(("quota", "used_quota", "email") if self._one_api else ()),
        ):
            if body.get(name):
                setattr(user, name, body[name])
        return _yes(None)

    async def _logs(self, request: web.Request) -> web.Response:
        query = request.query
        kind, name = int(query.get("type", 0)), query.get("username", "")
        first, last = int(query.get("start_timestamp", 0)), int(query.get("end_timestamp", 0)) or 2**60
        rows = [
            vars(log)
            for log in reversed(self.logs)
            if kind in {0, log.type} and first <= log.created_at <= last and name in {"", log.username}
        ]
        return self._paged(rows, request)

    async def _options(self, request: web.Request) -> web.Response:
        if self.options is None:
            raise Refusal(200, _no("无权进行此操作，权限不足"))
        return _yes([{"key": key, "value": value} for key, value in self.options.items()])

    async def _pricing(self, request: web.Request) -> web.Response:
        body = {"success": True, "message": "", "data": self.pricing, "usable_group": self.usable_groups}
        return web.json_response(body)

    async def _channels(self, request: web.Request) -> web.Response:
        return self._paged(self.channels, request)

    async def _plans(self, request: web.Request) -> web.Response:
        return _yes(self.plans)


def _yes(data: Any) -> web.Response:
    return web.json_response({"success": True, "message": "", "data": data})


def _no(message: str) -> Json:
    return {"success": False, "message": message}
