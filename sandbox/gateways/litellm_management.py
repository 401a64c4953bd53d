"""The management routes of a stand-in LiteLLM: users, keys and teams with their budgets."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from aiohttp import web

from sandbox.gateways.litellm_objects import Budget, Key, Team
from sandbox.gateways.litellm_proxy import Proxy, error
from sandbox.gateways.stand_in import Json, Refusal, page, read


class Management(Proxy):
    """Lists come in pages of at most 100; an update creates an unknown user."""

    def management(self) -> list[web.RouteDef]:
        return [
            web.get("/user/list", self._user_list),
            web.get("/v2/user/info", self._user_info),
            web.post("/user/update", self._user_update),
            web.get("/key/list", self._key_list),
            web.get("/key/info", self._key_info),
            web.post("/key/update", self._key_update),
            web.get("/v2/team/list", self._team_list),
            web.get("/team/info", self._team_info),
            web.post("/team/member_update", self._member_update),
            web.post("/team/{team}/member/{user}/reset_budget", self._member_reset),
        ]

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
            raise error(404, f"User not found: {request.query['user_id']}", "internal_server_error")
        return web.json_response(user.as_json())

    async def _user_update(self, request: web.Request) -> web.Response:
        body = await read(request)
        user = self.users.get(body["user_id"]) or self.add_user(body["user_id"])
        if not body.get("models"):
            body.pop("models", None)  # an empty list is taken for the default of the form, and ignored
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
            raise error(404, said, "not_found_error")
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
                "litellm_budget_table": _of_member(one),
            }
            for name, one in team.members.items()
        ]
        default = None if team.default is None else team.default.as_json()
        info = team.as_json() | {"members_with_roles": people, "team_member_budget_table": default}
        return web.json_response({"team_id": team.team_id, "team_info": info, "team_memberships": rows})

    def _email(self, user_id: str) -> str | None:
        return self.users[user_id].user_email if user_id in self.users else None

    async def _member_update(self, request: web.Request) -> web.Response:
        body = await read(request)
        team = self._team(body["team_id"])
        team.inheriting.discard(body["user_id"])  # from now on a row of their own
        member = team.members.setdefault(body["user_id"], Budget())
        sent = {ours: body[name] for name, ours in _MEMBER_FIELDS.items() if name in body}
        _patch(member, sent, self._clock())
        return web.json_response(body)

    async def _member_reset(self, request: web.Request) -> web.Response:
        team, user = self._team(request.match_info["team"]), request.match_info["user"]
        if user not in team.members:
            raise error(404, f"User {user} is not a member of team {team.team_id}.", "not_found_error")
        team.inheriting.add(user)
        team.members[user].max_budget = team.default.max_budget if team.default else None
        team.members[user].models = []
        return web.json_response({"team_id": team.team_id, "user_id": user})

    def _team(self, team_id: str) -> Team:
        if team_id not in self.teams:
            raise error(404, f"Team not found, passed team id: {team_id}.", "auth_error")
        return self.teams[team_id]


_MEMBER_FIELDS = {"max_budget_in_team": "max_budget", "allowed_models": "models"}


def _of_member(budget: Budget) -> Json | None:
    """A row without any limit is taken away."""
    if budget.max_budget is None and not budget.models:
        return None
    row = budget.as_json()
    return row | {"allowed_models": row.pop("models")}


def _listed(user_id: str, ids: list[str]) -> bool:
    # LiteLLM searches one id within ids, ignoring case; several ids are matched exactly.
    return ids[0].lower() in user_id.lower() if len(ids) == 1 else user_id in ids


def _patch(budget: Budget, body: Json, now: datetime) -> None:
    # Present fields are taken, null too. Any `budget_duration`, even an unchanged one, starts a new window.
    if "max_budget" in body:
        budget.max_budget = body["max_budget"]
    if "models" in body:
        budget.models = list(body["models"])
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
