"""A stand-in LiteLLM proxy: users, keys and teams with budgets, and models that really refuse when a budget is
reached.

Field names, statuses and oddities as LiteLLM 1.106 to 1.109 have them: a single id in `/user/list` finds everybody
whose id contains it, `/user/update` creates somebody unknown, what was spent shows only after a flush while
the enforcing counter knows at once, a user's budget does not count on team keys, and over budget is HTTP
422 (`over_budget_status`: their setting `budget_exceeded_status_code`; 429 and 400 in older versions).
"""

from __future__ import annotations

import asyncio
import re
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from aiohttp import web

from sandbox.gateways.litellm_objects import Budget, Key, Team, User
from sandbox.gateways.stand_in import Json, Refusal, StandIn, page, read

PRICES: Final = {"claude-opus-5": (5e-06, 25e-06), "gpt-5.5-mini": (2.5e-07, 2e-06), "hunyuan": (0.0, 0.0)}
"""USD a token, in and out. A model at 0 and 0 is let through at any budget."""


Spent = tuple[date, str, str, str]  # day, user, key, model


class LiteLLM(StandIn):
    """One proxy. `flush_seconds`: how long after a call its spend shows; None: when `flush()` is called."""

    key = "sk-master-stand-in"

    def __init__(
        self,
        *,
        users: Mapping[str, str | None] | None = None,
        prices: Mapping[str, tuple[float, float]] = PRICES,
        flush_seconds: float | None = None,
        over_budget_status: int = 422,
        activity_rows: int = 1000,
        light_reads: bool = True,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        port: int = 0,
    ) -> None:
        super().__init__(port=port)
        self.users = {name: User(user_id=name, user_email=email) for name, email in (users or {}).items()}
        self.keys: dict[str, Key] = {}
        self.teams: dict[str, Team] = {}
        self.prices = dict(prices)
        self.settings: Json = {"apply_user_budget_to_team_keys": None}
        self._flush_seconds, self._status, self._clock = flush_seconds, over_budget_status, clock
        self._rows, self._light = activity_rows, light_reads
        self._pending: list[tuple[Spent, Json, list[Budget]]] = []
        self._daily: dict[Spent, Json] = {}

    # ---- what an admin and time do ----------------------------------------------------------------------------

    def add_user(self, user_id: str, email: str | None = None, **fields: Any) -> User:
        """Somebody joins."""
        self.users[user_id] = User(user_id=user_id, user_email=email, **fields)
        return self.users[user_id]

    def add_key(self, user_id: str | None, *, team_id: str | None = None, **fields: Any) -> Key:
        """A new key, which is the only moment its secret is known."""
        key = Key(secret=f"sk-{uuid.uuid4().hex}", user_id=user_id, team_id=team_id, **fields)
        self.keys[key.token] = key
        return key

    def add_team(self, team_id: str, members: Iterable[str] = (), **fields: Any) -> Team:
        """A team with members whose budgets are not limited yet."""
        self.teams[team_id] = Team(team_id=team_id, members={name: Budget() for name in members}, **fields)
        return self.teams[team_id]

    def edit(self, user_id: str, limit: float | None) -> None:
        """Somebody changes a limit by hand."""
        self.users[user_id].max_budget = limit

    def reset(self, user_id: str) -> None:
        """The job that runs when a window ends: the spend goes back, the budget stays, the next end is set."""
        user = self.users[user_id]
        last = datetime.fromisoformat(user.budget_reset_at or self._clock().isoformat())
        user.spend, user.live = 0.0, user.live - user.spend
        user.budget_reset_at = (last + timedelta(days=30)).isoformat()

    def burn(self, user_id: str, usd: float, *, model: str = "claude-opus-5", key: Key | None = None) -> None:
        """Spend without a call; shown after the next flush, like a call's."""
        own = next((key for key in self.keys.values() if key.user_id == user_id), None)
        self._bill(key or own or self.add_key(user_id), model, usd, (0, 0))

    def flush(self) -> None:
        """What was spent reaches the database, ten seconds late in life."""
        for spent, metrics, budgets in self._pending:
            for budget in budgets:
                budget.spend += metrics["spend"]
            row = self._daily.setdefault(spent, dict.fromkeys(metrics, 0))
            for name, value in metrics.items():
                row[name] += value
        self._pending.clear()

    # ---- models -----------------------------------------------------------------------------------------------

    async def _chat(self, request: web.Request) -> web.Response:
        key, body = self._caller(request), await read(request)
        if body.get("model") not in self.prices:
            raise _error(
                400, f"Invalid model name passed in model={body.get('model')}", "invalid_request_error"
            )
        price = self.prices[body["model"]]
        if any(price):
            self._check_budgets(key)
        text = str(body["messages"][-1]["content"])
        found = re.search(r"in=(\d+) out=(\d+)", text)
        tokens = (int(found[1]), int(found[2])) if found else (1000, 500)
        self._bill(key, body["model"], tokens[0] * price[0] + tokens[1] * price[1], tokens)
        usage = {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)}
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        answer = {"id": f"chatcmpl-{uuid.uuid4().hex}", "object": "chat.completion", "model": body["model"]}
        return web.json_response(answer | {"choices": [choice], "usage": usage})

    def _caller(self, request: web.Request) -> Key:
        secret = request.headers.get("Authorization", "").removeprefix("Bearer ")
        key = next((key for key in self.keys.values() if key.secret == secret), None)
        if key is None:
            raise _error(
                401, "Authentication Error, Invalid proxy server token passed.", "token_not_found_in_db"
            )
        if key.blocked:
            raise _error(401, "Key is blocked. Update via `/key/unblock` if you're an admin.", "auth_error")
        return key

    def _check_budgets(self, key: Key) -> None:
        for name, budget in self._budgets(key).items():
            if not budget.reached:
                continue
            said = f"Budget has been exceeded! {name} Current cost: {budget.live}, Max budget: {budget.max_budget}"
            if isinstance(budget, User):
                said = f"ExceededBudget: {name} over budget. Spend={budget.live}, Budget={budget.max_budget}"
            raise _error(self._status, said, "budget_exceeded")

    def _budgets(self, key: Key) -> dict[str, Budget]:
        """Those that bind this key's calls."""
        found: dict[str, Budget] = {f"Key={key.key_alias}": key}
        user, team = self.users.get(key.user_id or ""), self.teams.get(key.team_id or "")
        if team is not None:
            found[f"Team={team.team_id}"] = team
            if key.user_id in team.members:
                found[f"TeamMember={key.user_id}:{team.team_id}"] = team.members[key.user_id]
        if user is not None and (team is None or self.settings["apply_user_budget_to_team_keys"]):
            found[f"User={user.user_id}"] = user
        return found

    def _bill(self, key: Key, model: str, usd: float, tokens: tuple[int, int]) -> None:
        budgets = [*self._budgets(key).values()]
        user = self.users.get(key.user_id or "")
        if user is not None and user not in budgets:
            budgets.append(user)
        for budget in budgets:
            budget.live += usd
        metrics = {
            "spend": usd,
            "prompt_tokens": tokens[0],
            "completion_tokens": tokens[1],
            "successful_requests": 1,
        }
        self._pending.append(((self._clock().date(), key.user_id or "", key.token, model), metrics, budgets))
        if self._flush_seconds is not None:
            asyncio.get_running_loop().call_later(self._flush_seconds, self.flush)

    # ---- the management API -----------------------------------------------------------------------------------

    def routes(self) -> Sequence[web.RouteDef]:
        """What the connector and people call."""
        return [
            web.post("/v1/chat/completions", self._chat),
            web.get("/user/list", self._user_list),
            web.get("/v2/user/info", self._user_info),
            web.post("/user/update", self._user_update),
            web.get("/key/list", self._key_list),
            web.get("/key/info", self._key_info),
            web.post("/key/update", self._key_update),
            web.get("/v2/team/list", self._team_list),
            web.get("/team/info", self._team_info),
            web.post("/team/member_update", self._member_update),
            web.get("/user/daily/activity", self._activity),
            web.get("/model/info", self._model_info),
            web.get("/config/list", self._config),
        ]

    def authorize(self, request: web.Request, route: str) -> None:
        """The master key for all but models."""
        if request.path.startswith("/v1/") or request.headers.get("Authorization") == f"Bearer {self.key}":
            return
        raise _error(401, "Authentication Error, Invalid proxy server token passed.", "token_not_found_in_db")

    async def _user_list(self, request: web.Request) -> web.Response:
        ids = [part.strip() for part in request.query.get("user_ids", "").split(",") if part.strip()]
        users = [user for user in self.users.values() if not ids or _listed(user.user_id, ids)]
        if request.query.get("sort_by") == "user_id":
            users.sort(key=lambda user: user.user_id)
        else:
            users.reverse()  # by created_at, newest first
        return _paged("users", [user.as_json() for user in users], request, "page_size")

    async def _user_info(self, request: web.Request) -> web.Response:
        if not self._light:
            raise Refusal(404, {"detail": "Not Found"})
        user = self.users.get(request.query["user_id"])
        if user is None:
            raise _error(404, f"User not found: {request.query['user_id']}", "internal_server_error")
        return web.json_response(user.as_json())

    async def _user_update(self, request: web.Request) -> web.Response:
        body = await read(request)
        user = self.users.get(body["user_id"]) or self.add_user(body["user_id"])
        _patch(user, body, self._clock())
        return web.json_response({"user_id": user.user_id, "data": user.as_json()})

    async def _key_list(self, request: web.Request) -> web.Response:
        rows = [key.as_json() | {"token": key.token, "user": self._owner(key)} for key in self.keys.values()]
        return _paged("keys", rows, request, "size")

    def _owner(self, key: Key) -> Json | None:
        user = self.users.get(key.user_id or "")
        return None if user is None else user.as_json()

    async def _key_info(self, request: web.Request) -> web.Response:
        key = self._key(request.query["key"], "Key not found in database")
        return web.json_response({"key": key.token, "info": key.as_json()})

    async def _key_update(self, request: web.Request) -> web.Response:
        body = await read(request)
        key = self._key(body["key"], "Key not found.")
        _patch(key, body, self._clock())
        return web.json_response({"key": key.token, "token": key.token, **key.as_json()})

    def _key(self, token: str, said: str) -> Key:
        if token not in self.keys:
            raise _error(404, said, "not_found_error")
        return self.keys[token]

    async def _team_list(self, request: web.Request) -> web.Response:
        return _paged("teams", [team.as_json() for team in self.teams.values()], request, "page_size")

    async def _team_info(self, request: web.Request) -> web.Response:
        team = self._team(request.query["team_id"])
        people = [{"user_id": name, "user_email": self._email(name), "role": "user"} for name in team.members]
        rows = [
            {
                "user_id": name,
                "team_id": team.team_id,
                "spend": one.spend,
                "litellm_budget_table": None if one.max_budget is None else one.as_json(),
            }
            for name, one in team.members.items()
        ]
        info = team.as_json() | {"members_with_roles": people}
        return web.json_response({"team_id": team.team_id, "team_info": info, "team_memberships": rows})

    def _email(self, user_id: str) -> str | None:
        return self.users[user_id].user_email if user_id in self.users else None

    async def _member_update(self, request: web.Request) -> web.Response:
        body = await read(request)
        member = self._team(body["team_id"]).members.setdefault(body["user_id"], Budget())
        _patch(member, body | {"max_budget": body["max_budget_in_team"]}, self._clock())
        return web.json_response(body)

    def _team(self, team_id: str) -> Team:
        if team_id not in self.teams:
            raise _error(404, f"Team not found, passed team id: {team_id}.", "auth_error")
        return self.teams[team_id]

    # ---- usage and settings -----------------------------------------------------------------------------------

    def _used(self, request: web.Request) -> list[tuple[Spent, Json]]:
        query = request.query
        first, last = date.fromisoformat(query["start_date"]), date.fromisoformat(query["end_date"])
        rows = [(spent, row) for spent, row in sorted(self._daily.items()) if first <= spent[0] <= last]
        wanted = query.get("user_id", ""), query.get("api_key", "")
        return [
            (at, row)
            for at, row in rows
            if all(want in ("", has) for want, has in zip(wanted, at[1:3], strict=True))
        ]

    async def _activity(self, request: web.Request) -> web.Response:
        rows, number = self._used(request), int(request.query["page"])
        size = min(int(request.query["page_size"]), self._rows)
        days: dict[date, dict[str, dict[str, Json]]] = defaultdict(lambda: defaultdict(dict))
        for (day, user, token, model), row in page(rows, number, size):
            days[day][model][token] = {"metrics": row, "metadata": self._about(token, user)}
        results = [
            {
                "date": day.isoformat(),
                "breakdown": {
                    "models": {f"vendor/{m}": {"api_key_breakdown": k} for m, k in models.items()},
                    "model_groups": {m: {"api_key_breakdown": k} for m, k in models.items()},
                },
            }
            for day, models in days.items()
        ]
        total = -(-len(rows) // size)
        metadata = {"page": number, "total_pages": total, "has_more": number < total}
        return web.json_response({"results": results, "metadata": metadata})

    def _about(self, token: str, user: str) -> Json:
        key = self.keys.get(token)
        if key is None:  # deleted: whose it was is still known
            return {"key_alias": None, "team_id": None, "user_id": user or None, "key_exists": False}
        return {
            "key_alias": key.key_alias,
            "team_id": key.team_id,
            "user_id": key.user_id,
            "key_exists": True,
        }

    async def _model_info(self, request: web.Request) -> web.Response:
        def row(name: str, price: tuple[float, float]) -> Json:
            costs = {"input_cost_per_token": price[0], "output_cost_per_token": price[1]}
            return {"model_name": name, "litellm_params": {"model": name, **costs}, "model_info": costs}

        return web.json_response({"data": [row(*item) for item in self.prices.items()]})

    async def _config(self, request: web.Request) -> web.Response:
        return web.json_response(
            [{"field_name": name, "field_value": value} for name, value in self.settings.items()]
        )


def _error(status: int, message: str, kind: str) -> Refusal:
    return Refusal(status, {"error": {"message": message, "type": kind, "param": None, "code": str(status)}})


def _listed(user_id: str, ids: list[str]) -> bool:
    """One id is looked for within ids, case aside; several are exact."""
    return ids[0].lower() in user_id.lower() if len(ids) == 1 else user_id in ids


def _patch(budget: Budget, body: Json, now: datetime) -> None:
    """What is present is taken, null as well; a `budget_duration`, even an unchanged one, begins a window anew."""
    if "max_budget" in body:
        budget.max_budget = body["max_budget"]
    if "budget_duration" in body:
        budget.budget_duration = body["budget_duration"]
        budget.budget_reset_at = (now + timedelta(days=30)).isoformat() if body["budget_duration"] else None


def _paged(name: str, rows: Sequence[Json], request: web.Request, size_field: str) -> web.Response:
    number, size = int(request.query.get("page", 1)), int(request.query.get(size_field, 25))
    if not 1 <= size <= 100:
        loc = {
            "type": "less_than_equal",
            "loc": ["query", size_field],
            "msg": "Input should be less than or equal to 100",
        }
        raise Refusal(422, {"detail": [loc]})
    total = -(-len(rows) // size)
    return web.json_response(
        {name: page(rows, number, size), "total": len(rows), "page": number, "total_pages": total}
    )
