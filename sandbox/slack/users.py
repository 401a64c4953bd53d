"""users.*: people, their e-mail addresses and profiles."""

from __future__ import annotations

from sandbox.slack.arguments import Arguments, Method, page
from sandbox.slack.objects import Json, SlackError
from sandbox.slack.state import State

MANAGER_FIELD = "Xf0MANAGER"


def users_info(state: State, args: Arguments) -> Json:
    # https://docs.slack.dev/reference/methods/users.info
    person = state.person(args.required("user"))
    return {"user": person.as_slack(state.team_id, with_locale=args.flag("include_locale"))}


def users_list(state: State, args: Arguments) -> Json:
    # https://docs.slack.dev/reference/methods/users.list; deactivated people and bots are in it.
    people, more = page(args, list(state.people.values()))
    locale = args.flag("include_locale")
    members = [person.as_slack(state.team_id, with_locale=locale) for person in people]
    return {"members": members, "cache_ts": int(state.clock())} | more


def users_lookup_by_email(state: State, args: Arguments) -> Json:
    # https://docs.slack.dev/reference/methods/users.lookupByEmail; deactivated people are not found.
    email = args.required("email").lower()
    for person in state.people.values():
        if person.email.lower() == email and not person.deleted:
            return {"user": person.as_slack(state.team_id)}
    raise SlackError("users_not_found")


def users_profile_get(state: State, args: Arguments) -> Json:
    # https://docs.slack.dev/reference/methods/users.profile.get; who has no custom field gets an empty
    # list.
    person = state.person(args.text("user", state.bot.id))
    fields = {MANAGER_FIELD: {"value": person.manager, "alt": ""}} if person.manager else []
    return {"profile": person.profile(state.team_id) | {"fields": fields}}


USERS: dict[str, Method] = {
    "users.info": users_info,
    "users.list": users_list,
    "users.lookupByEmail": users_lookup_by_email,
    "users.profile.get": users_profile_get,
}
