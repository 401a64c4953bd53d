"""LiteLLM Proxy: caps in USD on users, keys or team members (GATEWAY_ENTITY).
https://docs.litellm.ai/docs/proxy/users

Read in LiteLLM 1.109 and tried against 1.106. What a reader should know before changing anything here:
* A write names the account and its budget, nothing else: `budget_duration` re-arms the window, `user_role`
  applies defaults, an e-mail may create a user, `max_budget: null` means unlimited.
* `/user/update` and `/team/member_update` answer 200 for somebody unknown and create them, so only accounts
  that were read are written.
* `spend` in the database lags the enforcing counter by up to 15 s. The reset sets back `spend`, never
  `max_budget`.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Protocol

from bot.gateways.client import MICRO, Calls, Json, Pace, Reply, Tally, cap, confirmed, dollars, micro
from bot.gateways.port import Access, Family, Finding, GatewayRefused, NoSuchAccount, days
from models.metering.reading import KeyUsage, Reading

DASHBOARD: Final = "litellm-dashboard"
"""The team of the keys that LiteLLM's own pages log in with."""


class LiteLLM:
    """A LiteLLM proxy, asked with its master key or a proxy admin's."""

    family: Family = "cap"

    def __init__(self, access: Access) -> None:
        if access.entity not in ENTITIES:
            raise GatewayRefused(f"GATEWAY_ENTITY {access.entity}: LiteLLM has {', '.join(ENTITIES)}")
        # It has no limit of its own on these routes; this leaves it room for the models' traffic.
        self.calls_per_minute = access.calls_per_minute or 1200
        self._calls = Calls(
            access, {"Authorization": f"Bearer {access.key}"}, Pace(self.calls_per_minute, 60)
        )
        self._entity = ENTITIES[access.entity](self._calls)
        self._kind = access.entity
        self._known: set[str] = set()

    async def accounts(self) -> AsyncIterator[list[Reading]]:
        """By pages of 100; team members by team."""
        seen: set[str] = set()
        async for page in self._entity.pages():
            # A user created meanwhile shifts the pages.
            fresh = list({one.id: one for one in page if one.id not in seen}.values())
            seen.update(one.id for one in fresh)
            if fresh:
                yield fresh
        self._known = seen

    async def account(self, id: str) -> Reading:  # noqa: A002
        """One reading."""
        found = await self._entity.read(id)
        self._known.add(id)
        return found

    async def set_total(self, id: str, total: int) -> Reading:  # noqa: A002
        """Set the budget, read it back."""
        return await self._set(id, dollars(total), total)

    async def release(self, id: str, found: int | None) -> Reading:  # noqa: A002
        """Put back the budget found; null lifts it."""
        return await self._set(id, None if found is None else found / MICRO, found)

    async def _set(self, id: str, usd: float | None, total: int | None) -> Reading:  # noqa: A002
        if id not in self._known:
            await self.account(id)
        write = functools.partial(self._entity.write, id, usd)
        return await confirmed(write, functools.partial(self.account, id), total)

    def holds(self, total: int) -> int:
        """A float holds every micro-USD up to a billion USD."""
        return total

    async def usage(self, since: date, until: date, account: str = "") -> AsyncIterator[list[KeyUsage]]:
        """Day by day from the paged activity, which knows models by the names that people call them by, and keys."""
        for day in days(since, until):
            if rows := await self._activity(day, account):
                yield rows

    async def _activity(self, day: date, account: str) -> list[KeyUsage]:
        # A page cuts rows, not days: the same model and key may go on over the page.
        tally = Tally()
        narrowed = self._entity.filter(account) if account else {}
        query: dict[str, Any] = {"start_date": day.isoformat(), "end_date": day.isoformat(), **narrowed}
        async for reply in _pages(self._calls, "/user/daily/activity", size=1000, **query):
            for model, key, used in _by_key(reply):
                about = used["metadata"]
                spender = self._entity.spender(key, about)
                if spender is not None and spender == (account or spender):
                    _count(tally, used["metrics"], spender, day, model, about.get("key_alias") or key[:8])
        return tally.rows()

    async def free_models(self, names: Collection[str]) -> set[str]:
        """A model is free when every deployment of it has both prices set to 0; an unknown price is not 0."""
        reply = await self._calls.get("/model/info")
        deployed: dict[str, list[Json]] = {}
        for deployment in reply.data["data"]:
            deployed.setdefault(deployment["model_name"], []).append(deployment)
        return {name for name in names if name in deployed and all(map(_free, deployed[name]))}

    async def preflight(self, free_models: Collection[str] = ()) -> list[Finding]:
        """Reads users, keys and teams once and says what would bind besides this entity's budget."""
        survey = await _survey(self._calls)
        found = [check.finding(survey) for check in CHECKS if self._kind in check.entities.split()]
        free = await self.free_models(free_models) if free_models else set()
        paid = tuple(name for name in free_models if name not in free)
        found.append(
            Finding("model_not_free", "model_info: {input_cost_per_token: 0, output_cost_per_token: 0}", paid)
        )
        return [finding for finding in found if finding.subjects]


# ---- the three entities --------------------------------------------------------------------------------


class Entity(Protocol):
    """What a budget is set on."""

    def pages(self) -> AsyncIterator[list[Reading]]:
        """All of them."""

    async def read(self, id: str) -> Reading:  # noqa: A002
        """This one."""

    async def write(self, id: str, usd: float | None) -> None:  # noqa: A002
        """Set its budget."""

    def spender(self, key: str, about: Json) -> str | None:
        """Which account a key's usage belongs to: empty when nobody is named, None when it is not counted here."""

    def filter(self, id: str) -> dict[str, str]:  # noqa: A002
        """What narrows the activity to it."""


class Users:
    """Budgets of internal users. They do not count on keys that belong to a team, unless LiteLLM is told so."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def pages(self) -> AsyncIterator[list[Reading]]:
        """Sorted by id, so that somebody new shifts little."""
        async for reply in _pages(self._calls, "/user/list", sort_by="user_id", sort_order="asc"):
            yield [_user(row, reply.asked) for row in reply.data["users"]]

    async def read(self, id: str) -> Reading:  # noqa: A002
        """The light route; before there was one, the list, where a single id finds everybody whose id contains it."""
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
        async for reply in _pages(self._calls, "/user/list", user_ids=id, sort_by="user_id"):
            for row in reply.data["users"]:
                if row["user_id"] == id:
                    return _user(row, reply.asked)
        raise NoSuchAccount(f"no user {id}")

    async def write(self, id: str, usd: float | None) -> None:  # noqa: A002
        """https://docs.litellm.ai/docs/proxy/users"""
        await self._calls.send("POST", "/user/update", body={"user_id": id, "max_budget": usd})

    def spender(self, key: str, about: Json) -> str | None:
        """The key's user."""
        return about.get("user_id") or ""

    def filter(self, id: str) -> dict[str, str]:  # noqa: A002
        """By user."""
        return {"user_id": id}


class Keys:
    """Budgets of virtual keys; an account's id is the key's hash."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def pages(self) -> AsyncIterator[list[Reading]]:
        """Oldest first: new keys come last."""
        async for reply in _keys(self._calls):
            yield [_key(row["token"], row, reply.asked) for row in _own_keys(reply)]

    async def read(self, id: str) -> Reading:  # noqa: A002
        """By hash."""
        reply = await _or_unknown(self._calls.get("/key/info", key=id), f"no key {id}")
        return _key(id, reply.data["info"], reply.asked)

    async def write(self, id: str, usd: float | None) -> None:  # noqa: A002
        """https://docs.litellm.ai/docs/proxy/virtual_keys"""
        write = self._calls.send("POST", "/key/update", body={"key": id, "max_budget": usd})
        await _or_unknown(write, f"no key {id}")

    def spender(self, key: str, about: Json) -> str | None:
        """The key itself."""
        return key

    def filter(self, id: str) -> dict[str, str]:  # noqa: A002
        """By key."""
        return {"api_key": id}


class Members:
    """Budgets of people within teams; an account's id is `team/user`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def pages(self) -> AsyncIterator[list[Reading]]:
        """One page a team: the list of teams does not carry what members spent."""
        async for reply in _pages(self._calls, "/v2/team/list"):
            for team in reply.data["teams"]:
                yield await self._team(team["team_id"])

    async def read(self, id: str) -> Reading:  # noqa: A002
        """Its team, and it therein."""
        for one in await self._team(id.partition("/")[0]):
            if one.id == id:
                return one
        raise NoSuchAccount(f"no team member {id}")

    async def _team(self, team: str) -> list[Reading]:
        reply = await _or_unknown(self._calls.get("/team/info", team_id=team), f"no team {team}")
        people = reply.data["team_info"]["members_with_roles"]
        emails = {one.get("user_id"): one.get("user_email") or "" for one in people}
        rows = sorted(reply.data["team_memberships"], key=lambda row: str(row["user_id"]))
        return [_member(row, emails.get(row["user_id"], ""), reply.asked) for row in rows]

    async def write(self, id: str, usd: float | None) -> None:  # noqa: A002
        """https://docs.litellm.ai/docs/proxy/team_budgets"""
        team, _, user = id.partition("/")
        body = {"team_id": team, "user_id": user, "max_budget_in_team": usd}
        write = self._calls.send("POST", "/team/member_update", body=body)
        await _or_unknown(write, f"no team member {id}")

    def spender(self, key: str, about: Json) -> str | None:
        """The key's user in the key's team; keys without a team are not theirs."""
        team, user = about.get("team_id"), about.get("user_id")
        return None if not team else f"{team}/{user}" if user else ""

    def filter(self, id: str) -> dict[str, str]:  # noqa: A002
        """By user; other teams' rows are left out by `spender`."""
        return {"user_id": id.partition("/")[2]}


ENTITIES: Final[dict[str, Callable[[Calls], Entity]]] = {"user": Users, "key": Keys, "team_member": Members}


def _user(row: Json, asked: datetime) -> Reading:
    hints = {"email": row.get("user_email"), "name": row.get("user_alias"), "owner": row["user_id"]}
    return _reading(row["user_id"], row, row, asked, hints)


def _key(token: str, row: Json, asked: datetime) -> Reading:
    user = row.get("user") or {}
    hints = {"email": user.get("user_email"), "name": row.get("key_alias"), "owner": row.get("user_id")}
    return _reading(token, row, row, asked, hints)


def _member(row: Json, email: str, asked: datetime) -> Reading:
    budget = row.get("litellm_budget_table") or {}
    hints = {"email": email, "owner": row["user_id"]}
    return _reading(f"{row['team_id']}/{row['user_id']}", row, budget, asked, hints)


def _reading(id: str, row: Json, budget: Json, asked: datetime, hints: dict[str, Any]) -> Reading:  # noqa: A002
    named: dict[str, Any] = {name: str(value or "") for name, value in hints.items()}
    window, blocked = str(budget.get("budget_reset_at") or ""), bool(row.get("blocked"))
    total = cap(budget.get("max_budget"))
    return Reading(id, micro(row["spend"]), total, asked, window=window, blocked=blocked, **named)


# ---- preflight ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Check:
    """One thing that binds: for which entities it matters, and which rows of the survey it concerns."""

    code: str
    entities: str
    rows: str
    binds: Callable[[Json], Any]
    fix: str

    def finding(self, survey: dict[str, list[Json]]) -> Finding:
        """As it stands."""
        return Finding(
            self.code, self.fix, tuple(_called(row) for row in survey[self.rows] if self.binds(row))
        )


def _called(row: Json) -> str:
    return str(row.get("key_alias") or row.get("token") or row.get("team_id") or row["user_id"])


def _is(field: str) -> Callable[[Json], Any]:
    return lambda row: row.get(field)


def _is_not(field: str) -> Callable[[Json], Any]:
    return lambda row: not row.get(field)


def _capped(row: Json) -> bool:
    return row.get("max_budget") is not None


_EACH = "user key team_member"
_ON_TEAM_KEYS = "apply_user_budget_to_team_keys"
CHECKS: Final = (
    Check("window_set", "user", "users", _is("budget_duration"), "/user/update {budget_duration: null}"),
    Check("window_set", "key", "keys", _is("budget_duration"), "/key/update {budget_duration: null}"),
    Check("team_keys", "user", "unlimited", _is("team_id"), f"general_settings: {{{_ON_TEAM_KEYS}: true}}"),
    Check("personal_keys", "team_member", "keys", _is_not("team_id"), "GATEWAY_ENTITY=user"),
    Check("key_cap", "user team_member", "keys", _capped, "/key/update {max_budget: null}"),
    Check("key_windows", _EACH, "keys", _is("budget_limits"), "/key/update {budget_limits: []}"),
    Check("key_without_owner", "user key", "keys", _is_not("user_id"), "/key/update {user_id: …}"),
    Check("user_cap", "key", "users", _capped, "/user/update {max_budget: null}"),
    Check("team_cap", _EACH, "teams", _capped, "/team/update {max_budget: null}"),
)


async def _survey(calls: Calls) -> dict[str, list[Json]]:
    """Users, keys and teams; `unlimited`: keys on which their user's budget does not count."""
    users = [
        row async for page in _pages(calls, "/user/list", sort_by="user_id") for row in page.data["users"]
    ]
    keys = [row async for page in _keys(calls) for row in _own_keys(page)]
    teams = [row async for page in _pages(calls, "/v2/team/list") for row in page.data["teams"]]
    try:
        settings = (await calls.get("/config/list", config_type="general_settings")).data
    except GatewayRefused:  # not for this admin, or too old: then the default holds
        settings = []
    on = any(row["field_name"] == _ON_TEAM_KEYS and row["field_value"] is True for row in settings)
    return {"users": users, "keys": keys, "teams": teams, "unlimited": [] if on else keys}


# ---- its answers --------------------------------------------------------------------------------


async def _pages(
    calls: Calls, path: str, *, size: int = 100, named: str = "page_size", **query: str
) -> AsyncIterator[Reply]:
    """Pages from 1 on, as long as the gateway says that there are more. `named`: how this route calls the size."""
    page = more = 1
    while page <= more:
        reply = await calls.get(path, **query, page=page, **{named: size})
        yield reply
        more = reply.data.get("metadata", reply.data)["total_pages"]
        page += 1


def _keys(calls: Calls) -> AsyncIterator[Reply]:
    return _pages(
        calls,
        "/key/list",
        named="size",
        return_full_object="true",
        expand="user",
        sort_by="created_at",
        sort_order="asc",
    )


def _own_keys(reply: Reply) -> list[Json]:
    return [row for row in reply.data["keys"] if row.get("team_id") != DASHBOARD]


def _by_key(reply: Reply) -> Iterable[tuple[str, str, Json]]:
    for result in reply.data["results"]:
        for model, entry in result["breakdown"]["model_groups"].items():
            for key, used in entry["api_key_breakdown"].items():
                yield model, key, used


def _count(tally: Tally, row: Json, *where: Any) -> None:
    tokens = row["prompt_tokens"], row["completion_tokens"]
    tally.add(*where, used=row["spend"], tokens=tokens, requests=row["successful_requests"])


def _free(deployment: Json) -> bool:
    return all(_price(deployment, side) == 0 for side in ("input_cost_per_token", "output_cost_per_token"))


def _price(deployment: Json, side: str) -> Any:
    """Set by the admin; a 0 that LiteLLM filled in for a model it does not know counts as unknown there, too."""
    params, info = deployment.get("litellm_params") or {}, deployment.get("model_info") or {}
    return params.get(side, info.get(side) if side in (info.get("pricing_overrides") or ()) else None)


async def _or_unknown(call: Any, reason: str) -> Reply:
    try:
        reply: Reply = await call
    except GatewayRefused as refused:
        if refused.status == 404:
            raise NoSuchAccount(reason, status=404) from refused
        raise
    return reply
