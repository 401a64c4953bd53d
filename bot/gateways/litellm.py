"""LiteLLM Proxy: caps in USD on users, keys or team members (GATEWAY_ENTITY).
https://docs.litellm.ai/docs/proxy/users

Read in LiteLLM 1.109 and tried against 1.106. Know this before you change anything here:
* A write names the account and its budget, nothing else: `budget_duration` re-arms the window, `user_role`
  applies defaults, an e-mail may create a user, `max_budget: null` means unlimited.
* `/user/update` and `/team/member_update` answer 200 for an unknown user and create one, so only accounts
  that were read are written.
* `/user/update` ignores an empty list of models, so every model is `all-proxy-models` there.
* `spend` in the database lags the enforcing counter by up to 15 s. The reset sets back `spend`, never
  `max_budget`.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from bot.gateways.client import MICRO, Calls, Json, Pace, Reply, Tally, confirmed, dollars, listed
from bot.gateways.litellm_entities import ENTITIES, list_keys, list_pages, own_keys
from bot.gateways.litellm_models import Models
from bot.gateways.port import Access, Family, Finding, GatewayRefused, days
from models.metering.ladder import Offer, Patterns
from models.metering.model_list import Words
from models.metering.reading import KeyUsage, Reading, readable


class LiteLLM:
    """A LiteLLM proxy, asked with its master key or a proxy admin's key."""

    family: Family = "cap"

    def __init__(self, access: Access) -> None:
        if access.entity not in ENTITIES:
            raise GatewayRefused(f"GATEWAY_ENTITY {access.entity}: LiteLLM has {', '.join(ENTITIES)}")
        # LiteLLM does not limit these routes; the pace leaves room for the models' traffic.
        self.calls_per_minute = access.calls_per_minute or 1200
        self._calls = Calls(
            access, {"Authorization": f"Bearer {access.key}"}, Pace(self.calls_per_minute, 60)
        )
        self._entity = ENTITIES[access.entity](self._calls)
        self._kind = access.entity
        self.per_key = access.entity == "key"
        self._known: set[str] = set()

    async def accounts(self) -> AsyncIterator[list[Reading]]:
        seen: set[str] = set()
        async for page in self._entity.pages():
            # A user created between two pages shifts the rows.
            fresh = list({one.id: one for one in page if one.id not in seen}.values())
            seen.update(one.id for one in fresh)
            if fresh:
                yield fresh
        self._known = seen

    async def account(self, id: str) -> Reading:  # noqa: A002
        found = await self._entity.read(id)
        self._known.add(id)
        return found

    async def set_total(self, id: str, total: int) -> Reading:  # noqa: A002
        return await self._set(id, dollars(total), total)

    async def release(self, id: str, found: int | None) -> Reading:  # noqa: A002
        # A member whose budget was the team's default follows that again.
        if await self._entity.inherit(id, found) and (reading := await self.account(id)).total == found:
            return reading
        return await self._set(id, None if found is None else found / MICRO, found)

    async def _set(self, id: str, usd: float | None, total: int | None) -> Reading:  # noqa: A002
        # /user/update creates unknown users, so an account must have been read before.
        if id not in self._known:
            await self.account(id)
        write = functools.partial(self._entity.write, id, usd)
        return await confirmed(write, functools.partial(self.account, id), total)

    async def offer(self, patterns: Patterns) -> Offer | None:
        models = (await Models.read(self._calls)).named_by(patterns)
        return Offer(models, models) if models else None

    async def set_models(self, id: str, words: Words) -> Reading:  # noqa: A002
        if id not in self._known:
            await self.account(id)
        return await listed(
            functools.partial(self._entity.allow, id, words), functools.partial(self.account, id), words
        )

    async def ways_around(self, offers: Collection[Offer]) -> list[Finding]:
        """A call that fails goes on to other models, by the router's settings or by its own `fallbacks`; seen in 1.106."""
        models, after = await Models.read(self._calls), dict[str, str]()
        for offer in offers:
            lets = set(offer.models)
            after |= {one: to for one in offer.models if (to := models.after(one, lets.__contains__))}
        # Only the list of a key is compared with the `fallbacks` that a call names.
        named = () if self._kind == "key" else ("*",)
        found = [
            Finding("listed_model_goes_on", "router_settings: {fallbacks: …}", tuple(after), after),
            Finding("calls_name_fallbacks", "GATEWAY_ENTITY=key", named),
        ]
        if self._kind == "user":
            survey = await _survey(self._calls, members=False)
            covered = [] if survey["unlimited"] else [row for row in survey["keys"] if row.get("team_id")]
            fix = "GATEWAY_ENTITY=key or team_member"
            found.append(Finding("team_keys_any_model", fix, tuple(map(_called, covered))))
        return [one for one in found if one.subjects]

    def holds(self, total: int) -> int:
        # Exact: a float holds every micro-USD up to a billion USD.
        return total

    async def usage(self, since: date, until: date, account: str = "") -> AsyncIterator[list[KeyUsage]]:
        for day in days(since, until):
            if rows := await self._activity(day, account):
                yield rows

    async def _activity(self, day: date, account: str) -> list[KeyUsage]:
        # Pages are cut by rows: the same model and key may continue on the next page.
        tally = Tally()
        narrowed = self._entity.filter(account) if account else {}
        query: dict[str, Any] = {"start_date": day.isoformat(), "end_date": day.isoformat(), **narrowed}
        async for reply in list_pages(self._calls, "/user/daily/activity", size=1000, **query):
            for model, key, used in _by_key(reply):
                about = used["metadata"]
                spender = self._entity.spender(key, about)
                if spender is not None and spender == (account or spender):
                    _count(tally, used["metrics"], spender, day, model, about.get("key_alias") or key[:8])
        return tally.rows()

    async def free_models(self, names: Collection[str]) -> set[str]:
        models = await Models.read(self._calls)
        return {one for one in names if models.costs_nothing(one) and models.paid_after(one) is None}

    async def preflight(self, free_models: Collection[str] = ()) -> list[Finding]:
        """Reads users, keys and teams once, and reports limits that apply besides this entity's budget."""
        survey = await _survey(self._calls, members=self._kind == "team_member")
        found = [check.finding(survey) for check in CHECKS if self._kind in check.entities.split()]
        if free_models:
            found += _prices(await Models.read(self._calls), free_models)
        return [finding for finding in found if finding.subjects]


def _prices(models: Models, names: Collection[str]) -> list[Finding]:
    fix = "model_info: {input_cost_per_token: 0, output_cost_per_token: 0}"
    paid = tuple(one for one in names if not models.costs_nothing(one))
    after = {one: other for one in names if one not in paid and (other := models.paid_after(one))}
    return [
        Finding("model_not_free", fix, paid),
        Finding("free_model_goes_on", "router_settings: {fallbacks: …}", tuple(after), after),
    ]


@dataclass(frozen=True)
class Check:
    """One limit that would apply: for which entities, and for which rows of the survey."""

    code: str
    entities: str
    rows: str
    binds: Callable[[Json], Any]
    fix: str

    def finding(self, survey: dict[str, list[Json]]) -> Finding:
        return Finding(
            self.code, self.fix, tuple(_called(row) for row in survey[self.rows] if self.binds(row))
        )


def _called(row: Json) -> str:
    """A key by its alias, a team by its name; a made-up id of a user gives way to their name or e-mail."""
    if "key_alias" in row:
        return str(row["key_alias"] or row.get("key_name") or readable(row["token"]))
    if "team_alias" in row:
        return str(row["team_alias"] or readable(row["team_id"]))
    short = readable(row["user_id"])
    if "member_of" in row:
        return f"{short} in {row['member_of']}"
    return str(short if short == row["user_id"] else row.get("user_alias") or row.get("user_email") or short)


def _is(field: str) -> Callable[[Json], Any]:
    return lambda row: row.get(field)


def _is_not(field: str) -> Callable[[Json], Any]:
    return lambda row: not row.get(field)


def _makes_keys(row: Json) -> bool:
    return row.get("user_role") == "internal_user"


def _capped(row: Json) -> bool:
    return row.get("max_budget") is not None


_EACH = "user key team_member"
_ON_TEAM_KEYS = "apply_user_budget_to_team_keys"
_VIEWER = "/user/update {user_role: internal_user_viewer}"
_UPPER = "litellm_settings: {upperbound_key_generate_params: {max_budget: 1}}"
CHECKS: Final = (
    Check("window_set", "user", "users", _is("budget_duration"), "/user/update {budget_duration: null}"),
    Check("window_set", "key", "keys", _is("budget_duration"), "/key/update {budget_duration: null}"),
    Check(
        "window_set",
        "team_member",
        "members",
        _is("budget_duration"),
        "/team/member_update {budget_duration: null}, or the team's team_member_budget_duration",
    ),
    Check("team_keys", "user", "unlimited", _is("team_id"), f"general_settings: {{{_ON_TEAM_KEYS}: true}}"),
    Check("personal_keys", "team_member", "keys", _is_not("team_id"), "GATEWAY_ENTITY=user"),
    Check("key_cap", "user team_member", "keys", _capped, "/key/update {max_budget: null}"),
    Check("key_windows", _EACH, "keys", _is("budget_limits"), "/key/update {budget_limits: []}"),
    Check("key_without_owner", "user key", "keys", _is_not("user_id"), "/key/update {user_id: …}"),
    Check("own_keys", "key", "users", _makes_keys, f"{_VIEWER}, or {_UPPER}"),
    Check(
        "own_team_keys",
        "user",
        "movers",
        _makes_keys,
        f"{_VIEWER}, or general_settings: {{{_ON_TEAM_KEYS}: true}}",
    ),
    Check("user_cap", "key", "users", _capped, "/user/update {max_budget: null}"),
    Check("team_cap", _EACH, "teams", _capped, "/team/update {max_budget: null}"),
)


async def _survey(calls: Calls, *, members: bool) -> dict[str, list[Json]]:
    """Users, keys and teams.

    `unlimited`: keys that their user's budget does not cover. `movers`: users with a team that their budget
    does not cover.
    """
    users = [
        row async for page in list_pages(calls, "/user/list", sort_by="user_id") for row in page.data["users"]
    ]
    keys = [row async for page in list_keys(calls) for row in own_keys(page)]
    teams = [row async for page in list_pages(calls, "/v2/team/list") for row in page.data["teams"]]
    try:
        settings = (await calls.get("/config/list", config_type="general_settings")).data
    except GatewayRefused:  # not for this admin, or an old version: the default holds
        settings = []
    inside = [one for team in teams for one in await _members(calls, team)] if members else []
    on = any(row["field_name"] == _ON_TEAM_KEYS and row["field_value"] is True for row in settings)
    movers = [] if on else [row for row in users if row.get("teams")]
    return {
        "users": users,
        "keys": keys,
        "teams": teams,
        "unlimited": [] if on else keys,
        "movers": movers,
        "members": inside,
    }


async def _members(calls: Calls, team: Json) -> list[Json]:
    """The budgets of a team's members, each with the user and the team's name."""
    found = (await calls.get("/team/info", team_id=team["team_id"])).data["team_memberships"]
    name = team.get("team_alias") or team["team_id"]
    return [
        {**(row.get("litellm_budget_table") or {}), "member_of": name, "user_id": row["user_id"]}
        for row in found
    ]


def _by_key(reply: Reply) -> Iterable[tuple[str, str, Json]]:
    for result in reply.data["results"]:
        for model, entry in result["breakdown"]["model_groups"].items():
            for key, used in entry["api_key_breakdown"].items():
                yield model, key, used


def _count(tally: Tally, row: Json, *where: Any) -> None:
    tokens = row["prompt_tokens"], row["completion_tokens"]
    tally.add(*where, used=row["spend"], tokens=tokens, requests=row["successful_requests"])
