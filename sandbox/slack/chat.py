"""chat.* and answers to a response_url: everything that the app writes to people."""

from __future__ import annotations

from sandbox.slack.arguments import Arguments, Method
from sandbox.slack.block_kit.checks import TEXT_UPDATED, check_message, pings_everybody
from sandbox.slack.objects import Channel, Json, Message, SlackError
from sandbox.slack.payloads import echo
from sandbox.slack.state import RESPONSE_URL_SECONDS, RESPONSE_URL_USES, ResponseUrl, State


def post_message(state: State, args: Arguments) -> Json:
    # https://docs.slack.dev/reference/methods/chat.postMessage
    channel = _writable(state, args.required("channel"))
    text, blocks = _content(state, "chat.postMessage", args)
    thread_ts = args.text("thread_ts")
    message = state.post(
        channel.id, state.bot.id, text, blocks, thread_ts=thread_ts, metadata=args.metadata()
    )
    _echo(state, message)
    shape = message.as_slack(state.team_id, with_metadata=True)
    return {"channel": channel.id, "ts": message.ts, "message": shape}


def post_ephemeral(state: State, args: Arguments) -> Json:
    # https://docs.slack.dev/reference/methods/chat.postEphemeral
    channel = _writable(state, args.required("channel"))
    reader = args.required("user")
    if reader not in channel.members:
        raise SlackError("user_not_in_channel")
    text, blocks = _content(state, "chat.postEphemeral", args)
    message = state.post(
        channel.id, state.bot.id, text, blocks, thread_ts=args.text("thread_ts"), ephemeral_for=reader
    )
    return {"message_ts": message.ts}


def update(state: State, args: Arguments) -> Json:
    # https://docs.slack.dev/reference/methods/chat.update; blocks that are not given stay.
    channel = state.channel(args.required("channel"))
    message = state.message(channel.id, args.required("ts"))
    if message.user != state.bot.id:
        raise SlackError("cant_update_message")
    text, blocks = _content(state, "chat.update", args, text_limit=TEXT_UPDATED)
    state.edit(message, text, blocks, args.metadata())
    _echo(state, message, "message_changed")
    shape = message.as_slack(state.team_id, with_metadata=True)
    return {"channel": channel.id, "ts": message.ts, "text": message.text, "message": shape}


def delete(state: State, args: Arguments) -> Json:
    # https://docs.slack.dev/reference/methods/chat.delete
    channel = state.channel(args.required("channel"))
    message = state.message(channel.id, args.required("ts"))
    if message.user != state.bot.id:
        raise SlackError("cant_delete_message")
    state.delete(message)
    _echo(state, message, "message_deleted")
    return {"channel": channel.id, "ts": message.ts}


def get_permalink(state: State, args: Arguments) -> Json:
    # https://docs.slack.dev/reference/methods/chat.getPermalink
    channel = state.channel(args.required("channel"))
    message = state.message(channel.id, args.required("message_ts"))
    place = f"{channel.id}/p{message.ts.replace('.', '')}"
    return {"channel": channel.id, "permalink": f"https://{state.team_domain}.slack.com/archives/{place}"}


CHAT: dict[str, Method] = {
    "chat.delete": delete,
    "chat.getPermalink": get_permalink,
    "chat.postEphemeral": post_ephemeral,
    "chat.postMessage": post_message,
    "chat.update": update,
}


def respond(state: State, token: str, args: Arguments) -> None:
    """An answer to a response_url: at most five, within thirty minutes."""
    url = state.response_urls.get(token)
    if url is None or state.clock() - url.born > RESPONSE_URL_SECONDS:
        raise SlackError("expired_url", status=404)
    if url.uses >= RESPONSE_URL_USES:
        raise SlackError("used_url", status=404)
    answer(state, url, args)
    url.uses += 1


def answer(state: State, url: ResponseUrl, args: Arguments) -> Message | None:
    """Answer an interaction, by its response_url or (a command) inside the acknowledgement."""
    if args.flag("delete_original") and url.message:
        state.delete(url.message)
        return None
    try:
        text, blocks = _content(state, "response_url", args)
    except SlackError as error:
        error.status = 400
        raise
    # A command has no original message: replace_original does nothing
    # (https://github.com/slackapi/bolt-python/issues/1268).
    if args.flag("replace_original") and url.message:
        state.edit(url.message, text, blocks if blocks is not None else [])
        return url.message
    reader = "" if args.text("response_type") == "in_channel" else url.user
    return state.post(
        url.channel, state.bot.id, text, blocks, thread_ts=args.text("thread_ts"), ephemeral_for=reader
    )


def _content(
    state: State, method: str, args: Arguments, *, text_limit: int | None = None
) -> tuple[str, list[Json] | None]:
    text, blocks = args.text("text"), args.blocks()
    if not text and not blocks:
        raise SlackError("no_text")
    if not text:
        state.violation(
            method, "blocks without a top-level `text`: notifications and screen readers stay silent"
        )
    if pings_everybody([text, blocks]):
        state.violation(method, "rings the whole channel (<!channel>, <!here> or <!everyone>)")
    if text_limit is None:
        check_message(text, blocks or [])
    else:
        check_message(text, blocks or [], text_limit=text_limit)
    return text, blocks


def _writable(state: State, name: str) -> Channel:
    channel = state.channel(name)
    if channel.is_archived:
        raise SlackError("is_archived")
    if channel.is_im and state.person(channel.user).deleted:
        raise SlackError("user_disabled")
    if state.bot.id not in channel.members:
        raise SlackError("channel_not_found" if channel.is_private else "not_in_channel")
    return channel


def _echo(state: State, message: Message, subtype: str = "") -> None:
    if state.channels[message.channel].is_im:
        state.echo(echo(state, message, subtype))
