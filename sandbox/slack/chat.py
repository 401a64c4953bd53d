"""chat.* and answers to a response_url: everything the app writes to people."""

from __future__ import annotations

from sandbox.slack.args import Args, Method
from sandbox.slack.board import RESPONSE_URL_SECONDS, RESPONSE_URL_USES, Board, ResponseUrl
from sandbox.slack.limits import TEXT_UPDATED, check_message, pings_everybody
from sandbox.slack.objects import Channel, Json, Message, SlackError
from sandbox.slack.payloads import echo


def post_message(board: Board, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/chat.postMessage"""
    channel = _writable(board, args.required("channel"))
    text, blocks = _content(board, "chat.postMessage", args)
    thread_ts = args.text("thread_ts")
    message = board.post(
        channel.id, board.bot.id, text, blocks, thread_ts=thread_ts, metadata=args.metadata()
    )
    _echo(board, message)
    shape = message.as_slack(board.team_id, with_metadata=True)
    return {"channel": channel.id, "ts": message.ts, "message": shape}


def post_ephemeral(board: Board, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/chat.postEphemeral"""
    channel = _writable(board, args.required("channel"))
    reader = args.required("user")
    if reader not in channel.members:
        raise SlackError("user_not_in_channel")
    text, blocks = _content(board, "chat.postEphemeral", args)
    message = board.post(
        channel.id, board.bot.id, text, blocks, thread_ts=args.text("thread_ts"), ephemeral_for=reader
    )
    return {"message_ts": message.ts}


def update(board: Board, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/chat.update; blocks that are not given stay."""
    channel = board.channel(args.required("channel"))
    message = board.message(channel.id, args.required("ts"))
    if message.user != board.bot.id:
        raise SlackError("cant_update_message")
    text, blocks = _content(board, "chat.update", args, text_limit=TEXT_UPDATED)
    board.edit(message, text, blocks, args.metadata())
    _echo(board, message, "message_changed")
    shape = message.as_slack(board.team_id, with_metadata=True)
    return {"channel": channel.id, "ts": message.ts, "text": message.text, "message": shape}


def delete(board: Board, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/chat.delete"""
    channel = board.channel(args.required("channel"))
    message = board.message(channel.id, args.required("ts"))
    if message.user != board.bot.id:
        raise SlackError("cant_delete_message")
    board.delete(message)
    _echo(board, message, "message_deleted")
    return {"channel": channel.id, "ts": message.ts}


def get_permalink(board: Board, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/chat.getPermalink"""
    channel = board.channel(args.required("channel"))
    message = board.message(channel.id, args.required("message_ts"))
    place = f"{channel.id}/p{message.ts.replace('.', '')}"
    return {"channel": channel.id, "permalink": f"https://{board.team_domain}.slack.com/archives/{place}"}


CHAT: dict[str, Method] = {
    "chat.delete": delete,
    "chat.getPermalink": get_permalink,
    "chat.postEphemeral": post_ephemeral,
    "chat.postMessage": post_message,
    "chat.update": update,
}


def respond(board: Board, token: str, args: Args) -> None:
    """An answer to a response_url: five times, within thirty minutes."""
    url = board.response_urls.get(token)
    if url is None or board.clock() - url.born > RESPONSE_URL_SECONDS:
        raise SlackError("expired_url", status=404)
    if url.uses >= RESPONSE_URL_USES:
        raise SlackError("used_url", status=404)
    answer(board, url, args)
    url.uses += 1


def answer(board: Board, url: ResponseUrl, args: Args) -> Message | None:
    """Answer an interaction, over its response_url or (a command) inside the acknowledgement."""
    if args.flag("delete_original") and url.message:
        board.delete(url.message)
        return None
    try:
        text, blocks = _content(board, "response_url", args)
    except SlackError as error:
        error.status = 400
        raise
    # A command has no original message: replace_original does nothing
    # (https://github.com/slackapi/bolt-python/issues/1268).
    if args.flag("replace_original") and url.message:
        board.edit(url.message, text, blocks if blocks is not None else [])
        return url.message
    reader = "" if args.text("response_type") == "in_channel" else url.user
    return board.post(
        url.channel, board.bot.id, text, blocks, thread_ts=args.text("thread_ts"), ephemeral_for=reader
    )


def _content(
    board: Board, method: str, args: Args, *, text_limit: int | None = None
) -> tuple[str, list[Json] | None]:
    text, blocks = args.text("text"), args.blocks()
    if not text and not blocks:
        raise SlackError("no_text")
    if not text:
        board.violation(
            method, "blocks without a top-level `text`: notifications and screen readers stay silent"
        )
    if pings_everybody([text, blocks]):
        board.violation(method, "rings the whole channel (<!channel>, <!here> or <!everyone>)")
    if text_limit is None:
        check_message(text, blocks or [])
    else:
        check_message(text, blocks or [], text_limit=text_limit)
    return text, blocks


def _writable(board: Board, name: str) -> Channel:
    channel = board.channel(name)
    if channel.is_archived:
        raise SlackError("is_archived")
    if channel.is_im and board.person(channel.user).deleted:
        raise SlackError("user_disabled")
    if board.bot.id not in channel.members:
        raise SlackError("channel_not_found" if channel.is_private else "not_in_channel")
    return channel


def _echo(board: Board, message: Message, subtype: str = "") -> None:
    if board.channels[message.channel].is_im:
        board.echo(echo(board, message, subtype))
