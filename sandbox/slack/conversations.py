"""conversations.*: channels, direct messages, their members and their history."""

from __future__ import annotations

from sandbox.slack.arguments import Arguments, Method, page
from sandbox.slack.objects import Channel, Json, Message, Person, SlackError
from sandbox.slack.state import State


def conversations_open(state: State, args: Arguments) -> Json:
    # https://docs.slack.dev/reference/methods/conversations.open, for one person
    person = state.person(args.required("users"))
    _check_reachable(state, person)
    was_open = f"D{person.id[1:]}" in state.channels
    channel = state.dm(person.id)
    shape = channel.as_slack(state.bot.id) if args.flag("return_im") else {"id": channel.id}
    return {"channel": shape} | ({"no_op": True, "already_open": True} if was_open else {})


def conversations_info(state: State, args: Arguments) -> Json:
    # https://docs.slack.dev/reference/methods/conversations.info
    return {"channel": _visible(state, args).as_slack(state.bot.id)}


def conversations_members(state: State, args: Arguments) -> Json:
    # https://docs.slack.dev/reference/methods/conversations.members
    members, more = page(args, _visible(state, args).members)
    return {"members": list(members)} | more


def conversations_history(state: State, args: Arguments) -> Json:
    # https://docs.slack.dev/reference/methods/conversations.history, newest first, without thread replies
    channel = _joined(state, args)
    rows = [one for one in _standing(state, channel) if one.thread_ts in {"", one.ts} and _between(one, args)]
    return _messages(state, args, rows[::-1])


def conversations_replies(state: State, args: Arguments) -> Json:
    # https://docs.slack.dev/reference/methods/conversations.replies, the parent first
    channel, ts = _joined(state, args), args.required("ts")
    rows = [one for one in _standing(state, channel) if ts in {one.ts, one.thread_ts} and _between(one, args)]
    if not rows:
        raise SlackError("thread_not_found")
    return _messages(state, args, rows)


def conversations_list(state: State, args: Arguments) -> Json:
    # https://docs.slack.dev/reference/methods/conversations.list
    kinds = set(args.text("types", "public_channel").replace(" ", "").split(","))
    rows = [
        channel
        for channel in state.channels.values()
        if _kind(channel) in kinds
        and not (channel.is_archived and args.flag("exclude_archived"))
        and not (channel.is_private and state.bot.id not in channel.members)
    ]
    channels, more = page(args, rows)
    return {"channels": [channel.as_slack(state.bot.id) for channel in channels]} | more


CONVERSATIONS: dict[str, Method] = {
    "conversations.history": conversations_history,
    "conversations.info": conversations_info,
    "conversations.list": conversations_list,
    "conversations.members": conversations_members,
    "conversations.open": conversations_open,
    "conversations.replies": conversations_replies,
}


def _check_reachable(state: State, person: Person) -> None:
    if person.deleted:
        raise SlackError("user_disabled")
    if person.is_bot:
        raise SlackError("cannot_dm_bot")
    sister = bool(state.enterprise_id) and person.enterprise_id == state.enterprise_id
    if not sister and (person.is_stranger or person.team_id not in {"", state.team_id}):
        raise SlackError("invalid_user_combination")


def _visible(state: State, args: Arguments) -> Channel:
    channel = state.channel(args.required("channel"))
    if channel.is_private and state.bot.id not in channel.members:
        raise SlackError("channel_not_found")
    return channel


def _joined(state: State, args: Arguments) -> Channel:
    channel = _visible(state, args)
    if state.bot.id not in channel.members:
        raise SlackError("not_in_channel")
    return channel


def _kind(channel: Channel) -> str:
    if channel.is_im:
        return "im"
    return "private_channel" if channel.is_private else "public_channel"


def _standing(state: State, channel: Channel) -> list[Message]:
    return [
        one for one in state.messages if one.channel == channel.id and not (one.deleted or one.ephemeral_for)
    ]


def _between(message: Message, args: Arguments) -> bool:
    oldest, latest = args.text("oldest", "0"), args.text("latest") or "inf"
    if args.flag("inclusive"):
        return float(oldest) <= float(message.ts) <= float(latest)
    return float(oldest) < float(message.ts) < float(latest)


def _messages(state: State, args: Arguments, rows: list[Message]) -> Json:
    if not args.text("limit"):
        args = Arguments(args.given | {"limit": 100})
    found, more = page(args, rows)
    metadata = args.flag("include_all_metadata")
    shapes = [one.as_slack(state.team_id, with_metadata=metadata) for one in found]
    return {"messages": shapes, "has_more": bool(more["response_metadata"]["next_cursor"])} | more
