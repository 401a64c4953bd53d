"""Our workspace, and whether people and envelopes belong to it.

https://docs.slack.dev/enterprise/ · https://docs.slack.dev/apis/slack-connect/ ·
https://docs.slack.dev/apis/events-api/
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Workspace:
    """Our ids, all empty before the start.

    `enterprise_id` stays empty outside Enterprise Grid, `app_id` where Slack does not say.
    """

    team_id: str = ""
    enterprise_id: str = ""
    app_id: str = ""

    def employs(self, user: Json) -> bool:
        """Whether a `users.info` record belongs to our workspace, or to any workspace of our enterprise."""
        enterprise = _inner(user, "enterprise_user").get("enterprise_id")
        if self.enterprise_id and enterprise == self.enterprise_id:
            return True
        return not user.get("is_stranger") and (not self.team_id or team_of(user) == self.team_id)

    def is_app(self, body: Json) -> bool:
        return not self.app_id or body.get("api_app_id") in (None, "", self.app_id)

    def sent(self, body: Json, teams: Collection[str] = ()) -> bool:
        """Whether an envelope comes from our workspace, our enterprise, or a workspace in `teams` (those of the sender's record)."""
        enterprises = set(_enterprises(body))
        if enterprises and self.enterprise_id:
            return self.enterprise_id in enterprises
        named = set(_teams(body))
        return not (self.team_id and named) or bool(named & {self.team_id, *teams})


def team_of(user: Json) -> str:
    return str(user.get("team_id") or _inner(user, "profile").get("team") or "")


def teams_of(user: Json) -> frozenset[str]:
    """Every workspace that a `users.info` record names."""
    teams = _inner(user, "enterprise_user").get("teams")
    return frozenset(filter(None, (team_of(user), *(teams if isinstance(teams, list) else ()))))


def sender_team(body: Json) -> str:
    """The sender's workspace by the payload: a hint, never proof."""
    event, user = _inner(body, "event"), _inner(body, "user")
    return str(
        event.get("user_team") or user.get("team_id") or ("command" in body and body.get("team_id")) or ""
    )


def outsiders_may_read(body: Json) -> bool:
    return bool(body.get("is_ext_shared_channel"))


def _teams(body: Json) -> Iterator[str]:
    # In a shared channel the outer `team_id` may be the other organisation's; the authorization is ours.
    if outsiders_may_read(body):
        given = [one.get("team_id") for one in _authorizations(body)] or [body.get("context_team_id")]
    elif "view" in body and (installed := _inner(body, "view").get("app_installed_team_id")):
        given = [installed]
    else:
        given = [_inner(body, "team").get("id") or body.get("team_id")]
    yield from (str(one) for one in given if one)


def _enterprises(body: Json) -> Iterator[str]:
    if outsiders_may_read(body):
        given = [one.get("enterprise_id") for one in _authorizations(body)]
    else:
        given = [_inner(body, "enterprise").get("id") or body.get("enterprise_id")]
    yield from (str(one) for one in given if one)


def _authorizations(body: Json) -> list[Json]:
    rows = body.get("authorizations")
    return [one for one in rows if isinstance(one, dict)] if isinstance(rows, list) else []


def _inner(body: Json, name: str) -> Json:
    value = body.get(name)
    return value if isinstance(value, dict) else {}
