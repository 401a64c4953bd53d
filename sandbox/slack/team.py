"""team.*: the workspace and the fields of its profiles."""

from __future__ import annotations

from sandbox.slack.arguments import Arguments, Method
from sandbox.slack.objects import Json
from sandbox.slack.state import State
from sandbox.slack.users import MANAGER_FIELD


def team_profile_get(state: State, args: Arguments) -> Json:
    # https://docs.slack.dev/reference/methods/team.profile.get
    manager = {"id": MANAGER_FIELD, "ordering": 0, "label": "Manager", "hint": "", "type": "user"}
    return {"profile": {"fields": [manager | {"possible_values": None, "options": None, "is_hidden": False}]}}


def team_info(state: State, args: Arguments) -> Json:
    # https://docs.slack.dev/reference/methods/team.info
    name = state.team_domain.capitalize()
    return {"team": {"id": state.team_id, "name": name, "domain": state.team_domain, "email_domain": ""}}


TEAM: dict[str, Method] = {
    "team.info": team_info,
    "team.profile.get": team_profile_get,
}
