"""The entities on which LiteLLM can set a budget (users, keys, members of a team), and their lists."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any, Final, Protocol
from urllib.parse import quote

from bot.gateways.client import Calls, Json, Reply, cap, micro
from bot.gateways.port import GatewayRefused, NoSuchAccount
from models.metering.model_list import Words
from models.metering.reading import Reading

# LiteLLM's words for every model: a list of nothing, or one of these.
EVERY_MODEL: Final = frozenset({"*", "all-proxy-models"})
# The team of the keys with which LiteLLM's own pages log in.
DASHBOARD: Final = "litellm-dashboard"


class Entity(Protocol):
    """An entity with a budget. `filter`: the query that narrows the activity to one account."""

    def pages(self) -> AsyncIterator[list[Reading]]: ...

    async def read(self, id: str) -> Reading:  # noqa: A002
        ...

    async def write(self, id: str, usd: float | None) -> None:  # noqa: A002
        ...

    async def allow(self, id: str, models: Words) -> None:  # noqa: A002
        """Set the models that may be used; none: every model."""

    async def inherit(self, id: str, found: int | None) -> bool:  # noqa: A002
        """Take our budget off where a default counts again that is what was found; False where there is none."""

    def spender(self, key: str, about: Json) -> str | None:
        """The account of a key's usage: empty if no user is named, None if the usage does not count here."""

    def filter(self, id: str) -> dict[str, str]:  # noqa: A002
        ...


class Own:
    """Budgets that nothing is behind."""

    async def inherit(self, id: str, found: int | None) -> bool:  # noqa: A002
        return False


class Users(Own):
    """Budgets of internal users. LiteLLM does not apply them to keys of a team, unless it is configured to."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def pages(self) -> AsyncIterator[list[Reading]]:
        # Sorted by id, so that a new user shifts few rows.
        async for reply in list_pages(self._calls, "/user/list", sort_by="user_id", sort_order="asc"):
            yield [_user(row, reply.asked) for row in reply.data["users"]]

    async def read(self, id: str) -> Reading:  # noqa: A002
        # Versions before /v2/user/info have only the list, whose filter also finds ids that contain this
        # id.
        try:
            reply = await self._calls.get("/v2/user/info", user_id=id)
        except GatewayRefused as refused:
            if refused.status != 404:
                raise
            return await self._in_list(id)
        if reply.data["user_id"] != id:
            raise NoSuchAccount(f"no user {id}")
        return _user(reply.data, reply.asked)

    async def _in_list(self, id: str) -> Reading:  # noqa: A002
        async for reply in list_pages(self._calls, "/user/list", user_ids=id, sort_by="user_id"):
            for row in reply.data["users"]:
                if row["user_id"] == id:
                    return _user(row, reply.asked)
        raise NoSuchAccount(f"no user {id}")

    async def write(self, id: str, usd: float | None) -> None:  # noqa: A002
        """https://docs.litellm.ai/docs/proxy/users"""
        await self._calls.send("POST", "/user/update", body={"user_id": id, "max_budget": usd})

    async def allow(self, id: str, models: Words) -> None:  # noqa: A002
        # An empty list would be ignored.
        body = {"user_id": id, "models": list(models) or ["all-proxy-models"]}
        await self._calls.send("POST", "/user/update", body=body)

    def spender(self, key: str, about: Json) -> str | None:
        return about.get("user_id") or ""

    def filter(self, id: str) -> dict[str, str]:  # noqa: A002
        return {"user_id": id}


class Keys(Own):
    """Budgets of virtual keys. An account's id is the hash of the key."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def pages(self) -> AsyncIterator[list[Reading]]:
        # Oldest first, so that new keys come last and shift nothing.
        async for reply in list_keys(self._calls):
            yield [_key(row["token"], row, reply.asked) for row in own_keys(reply)]

    async def read(self, id: str) -> Reading:  # noqa: A002
        reply = await or_unknown(self._calls.get("/key/info", key=id), f"no key {id}")
        return _key(id, reply.data["info"], reply.asked)

    async def write(self, id: str, usd: float | None) -> None:  # noqa: A002
        """https://docs.litellm.ai/docs/proxy/virtual_keys"""
        write = self._calls.send("POST", "/key/update", body={"key": id, "max_budget": usd})
        await or_unknown(write, f"no key {id}")

    async def allow(self, id: str, models: Words) -> None:  # noqa: A002
        write = self._calls.send("POST", "/key/update", body={"key": id, "models": list(models)})
        await or_unknown(write, f"no key {id}")

    def spender(self, key: str, about: Json) -> str | None:
        return key

    def filter(self, id: str) -> dict[str, str]:  # noqa: A002
        return {"api_key": id}


class Members:
    """Budgets of people within teams; an account's id is `team/user`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def pages(self) -> AsyncIterator[list[Reading]]:
        # The list of teams does not carry the members' spend, so each team is one more call.
        async for reply in list_pages(self._calls, "/v2/team/list"):
            for team in reply.data["teams"]:
                yield await self._team(team["team_id"])

    async def read(self, id: str) -> Reading:  # noqa: A002
        for one in await self._team(id.partition("/")[0]):
            if one.id == id:
                return one
        raise NoSuchAccount(f"no team member {id}")

    async def _team(self, team: str) -> list[Reading]:
        reply = await or_unknown(self._calls.get("/team/info", team_id=team), f"no team {team}")
        people = reply.data["team_info"]["members_with_roles"]
        emails = {one.get("user_id"): one.get("user_email") or "" for one in people}
        rows = sorted(reply.data["team_memberships"], key=lambda row: str(row["user_id"]))
        return [_member(row, emails.get(row["user_id"], ""), reply.asked) for row in rows]

    async def inherit(self, id: str, found: int | None) -> bool:  # noqa: A002
        """Back to the team's default for members, so that later changes of it count; versions before 1.106 cannot."""
        team, _, user = id.partition("/")
        reply = await or_unknown(self._calls.get("/team/info", team_id=team), f"no team {team}")
        default = reply.data["team_info"].get("team_member_budget_table") or {}
        if cap(default.get("max_budget")) != found:
            return False
        try:
            await self._calls.send("POST", f"/team/{quote(team, '')}/member/{quote(user, '')}/reset_budget")
        except GatewayRefused:
            return False
        return True

    async def write(self, id: str, usd: float | None) -> None:  # noqa: A002
        """https://docs.litellm.ai/docs/proxy/team_budgets"""
        await self._update(id, {"max_budget_in_team": usd})

    async def allow(self, id: str, models: Words) -> None:  # noqa: A002
        await self._update(id, {"allowed_models": list(models)})

    async def _update(self, id: str, what: Json) -> None:  # noqa: A002
        team, _, user = id.partition("/")
        write = self._calls.send(
            "POST", "/team/member_update", body={"team_id": team, "user_id": user, **what}
        )
        await or_unknown(write, f"no team member {id}")

    def spender(self, key: str, about: Json) -> str | None:
        """The key's user in the key's team. Keys without a team do not count."""
        team, user = about.get("team_id"), about.get("user_id")
        return None if not team else f"{team}/{user}" if user else ""

    def filter(self, id: str) -> dict[str, str]:  # noqa: A002
        # There is no filter by team: `spender` drops the rows of other teams.
        return {"user_id": id.partition("/")[2]}


ENTITIES: Final[dict[str, Callable[[Calls], Entity]]] = {"user": Users, "key": Keys, "team_member": Members}


def _user(row: Json, asked: datetime) -> Reading:
    hints = {"email": row.get("user_email"), "name": row.get("user_alias"), "owner": row["user_id"]}
    return _reading(row["user_id"], row, row, asked, hints, row.get("models"))


def _key(token: str, row: Json, asked: datetime) -> Reading:
    user = row.get("user") or {}
    hints = {"email": user.get("user_email"), "name": row.get("key_alias"), "owner": row.get("user_id")}
    return _reading(token, row, row, asked, hints, row.get("models"))


def _member(row: Json, email: str, asked: datetime) -> Reading:
    budget = row.get("litellm_budget_table") or {}
    hints = {"email": email, "owner": row["user_id"]}
    name = f"{row['team_id']}/{row['user_id']}"
    return _reading(name, row, budget, asked, hints, budget.get("allowed_models"))


def _reading(
    id: str,  # noqa: A002
    row: Json,
    budget: Json,
    asked: datetime,
    hints: dict[str, Any],
    models: list[str] | None,
) -> Reading:
    named: dict[str, Any] = {name: str(value or "") for name, value in hints.items()}
    window, blocked = str(budget.get("budget_reset_at") or ""), bool(row.get("blocked"))
    total = cap(budget.get("max_budget"))
    words = () if EVERY_MODEL.intersection(models or ()) else tuple(models or ())
    return Reading(
        id, micro(row["spend"]), total, asked, window=window, blocked=blocked, models=words, **named
    )


async def list_pages(
    calls: Calls, path: str, *, size: int = 100, named: str = "page_size", **query: str
) -> AsyncIterator[Reply]:
    """All pages of a list. `named`: the route's name for the page size."""
    page = more = 1
    while page <= more:
        reply = await calls.get(path, **query, page=page, **{named: size})
        yield reply
        more = reply.data.get("metadata", reply.data)["total_pages"]
        page += 1


def list_keys(calls: Calls) -> AsyncIterator[Reply]:
    return list_pages(
        calls,
        "/key/list",
        named="size",
        return_full_object="true",
        expand="user",
        sort_by="created_at",
        sort_order="asc",
    )


def own_keys(reply: Reply) -> list[Json]:
    return [row for row in reply.data["keys"] if row.get("team_id") != DASHBOARD]


async def or_unknown(call: Any, reason: str) -> Reply:
    try:
        reply: Reply = await call
    except GatewayRefused as refused:
        if refused.status == 404:
            raise NoSuchAccount(reason, status=404) from refused
        raise
    return reply
