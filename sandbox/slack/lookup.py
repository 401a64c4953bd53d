"""users.*, conversations.* and team.*: what the app asks about people and places."""

from __future__ import annotations

from sandbox.slack.args import Args, Method, page
from sandbox.slack.board import Board
from sandbox.slack.objects import Channel, Json, Message, Person, SlackError

MANAGER_FIELD = "Xf0MANAGER"


# ---- people ------------------------------------------------------------------------------------------


def users_info(board: Board, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/users.info"""
    person = board.person(args.required("user"))
    return {"user": person.as_slack(board.team_id, with_locale=args.flag("include_locale"))}


def users_list(board: Board, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/users.list; deactivated people and bots are in it."""
    people, more = page(args, list(board.people.values()))
    locale = args.flag("include_locale")
    members = [person.as_slack(board.team_id, with_locale=locale) for person in people]
    return {"members": members, "cache_ts": int(board.clock())} | more


def users_lookup_by_email(board: Board, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/users.lookupByEmail; deactivated people are not found."""
    email = args.required("email").lower()
    for person in board.people.values():
        if person.email.lower() == email and not person.deleted:
            return {"user": person.as_slack(board.team_id)}
    raise SlackError("users_not_found")


def users_profile_get(board: Board, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/users.profile.get; who has no custom field gets an empty list."""
    person = board.person(args.text("user", board.bot.id))
    fields = {MANAGER_FIELD: {"value": person.manager, "alt": ""}} if person.manager else []
    return {"profile": person.profile(board.team_id) | {"fields": fields}}


def team_profile_get(board: Board, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/team.profile.get"""
    manager = {"id": MANAGER_FIELD, "ordering": 0, "label": "Manager", "hint": "", "type": "user"}
    return {"profile": {"fields": [manager | {"possible_values": None, "options": None, "is_hidden": False}]}}


def team_info(board: Board, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/team.info"""
    name = board.team_domain.capitalize()
    return {"team": {"id": board.team_id, "name": name, "domain": board.team_domain, "email_domain": ""}}


# ---- places ------------------------------------------------------------------------------------------


def conversations_open(board: Board, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/conversations.open, for one person"""
    person = board.person(args.required("users"))
    _check_reachable(board, person)
    was_open = f"D{person.id[1:]}" in board.channels
    channel = board.dm(person.id)
    shape = channel.as_slack(board.bot.id) if args.flag("return_im") else {"id": channel.id}
    return {"channel": shape} | ({"no_op": True, "already_open": True} if was_open else {})


def conversations_info(board: Board, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/conversations.info"""
    return {"channel": _visible(board, args).as_slack(board.bot.id)}


def conversations_members(board: Board, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/conversations.members"""
    members, more = page(args, _visible(board, args).members)
    return {"members": list(members)} | more


def conversations_history(board: Board, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/conversations.history, newest first, without thread replies"""
    channel = _joined(board, args)
    rows = [one for one in _standing(board, channel) if one.thread_ts in {"", one.ts} and _between(one, args)]
    return _messages(board, args, rows[::-1])


def conversations_replies(board: Board, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/conversations.replies, the parent first"""
    channel, ts = _joined(board, args), args.required("ts")
    rows = [one for one in _standing(board, channel) if ts in {one.ts, one.thread_ts} and _between(one, args)]
    if not rows:
        raise SlackError("thread_not_found")
    return _messages(board, args, rows)


def conversations_list(board: Board, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/conversations.list"""
    kinds = set(args.text("types", "public_channel").replace(" ", "").split(","))
    rows = [
        channel
        for channel in board.channels.values()
        if _kind(channel) in kinds
        and not (channel.is_archived and args.flag("exclude_archived"))
        and not (channel.is_private and board.bot.id not in channel.members)
    ]
    channels, more = page(args, rows)
    return {"channels": [channel.as_slack(board.bot.id) for channel in channels]} | more


LOOKUP: dict[str, Method] = {
    "conversations.history": conversations_history,
    "conversations.info": conversations_info,
    "conversations.list": conversations_list,
    "conversations.members": conversations_members,
    "conversations.open": conversations_open,
    "conversations.replies": conversations_replies,
    "team.info": team_info,
    "team.profile.get": team_profile_get,
    "users.info": users_info,
    "users.list": users_list,
    "users.lookupByEmail": users_lookup_by_email,
    "users.profile.get": users_profile_get,
}


def _check_reachable(board: Board, person: Person) -> None:
    if person.deleted:
        raise SlackError("user_disabled")
    if person.is_bot:
        raise SlackError("cannot_dm_bot")
    if person.is_stranger or person.team_id not in {"", board.team_id}:
        raise SlackError("invalid_user_combination")


def _visible(board: Board, args: Args) -> Channel:
    channel = board.channel(args.required("channel"))
    if channel.is_private and board.bot.id not in channel.members:
        raise SlackError("channel_not_found")
    return channel


def _joined(board: Board, args: Args) -> Channel:
    channel = _visible(board, args)
    if board.bot.id not in channel.members:
        raise SlackError("not_in_channel")
    return channel


def _kind(channel: Channel) -> str:
    if channel.is_im:
        return "im"
    return "private_channel" if channel.is_private else "public_channel"


def _standing(board: Board, channel: Channel) -> list[Message]:
    return [
        one for one in board.messages if one.channel == channel.id and not (one.deleted or one.ephemeral_for)
    ]


def _between(message: Message, args: Args) -> bool:
    oldest, latest = args.text("oldest", "0"), args.text("latest") or "inf"
    if args.flag("inclusive"):
        return float(oldest) <= float(message.ts) <= float(latest)
    return float(oldest) < float(message.ts) < float(latest)


def _messages(board: Board, args: Args, rows: list[Message]) -> Json:
    if not args.text("limit"):
        args = Args(args.given | {"limit": 100})
    found, more = page(args, rows)
    metadata = args.flag("include_all_metadata")
    shapes = [one.as_slack(board.team_id, with_metadata=metadata) for one in found]
    return {"messages": shapes, "has_more": bool(more["response_metadata"]["next_cursor"])} | more
