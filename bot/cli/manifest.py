"""`manifest slack`: the description from which a messenger creates the app."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from bot.cli.errors import Failed
from bot.cli.output import as_json
from bot.settings import Settings

app = typer.Typer(name="manifest", help="What a messenger has to know of the app.", no_args_is_help=True)

EXAMPLE = "https://quotabot.example/slack/events"


class Mode(StrEnum):
    SOCKET = "socket"
    HTTP = "http"


@app.command("slack")
def manifest_slack(
    mode: Annotated[
        Mode | None, typer.Option("--mode", help="How Slack reaches the bot; by the tokens when absent.")
    ] = None,
    url: Annotated[
        str | None, typer.Option("--url", help="Where Slack reaches /slack/events; means --mode http.")
    ] = None,
) -> None:
    """The manifest to create the Slack app from."""
    from bot.messengers.slack.manifest import slack_manifest  # noqa: PLC0415 - slow to load

    settings = Settings.load()
    chosen = mode or (Mode.HTTP if url else _by_tokens(settings))
    if chosen is Mode.SOCKET and url:
        raise typer.BadParameter("in Socket Mode Slack needs no address", param_hint="--url")
    if chosen is Mode.HTTP and not url:
        typer.echo(f"{EXAMPLE} is an example: name yours with --url", err=True)
    try:
        as_json(slack_manifest(settings.slack_command, socket=chosen is Mode.SOCKET, url=url or EXAMPLE))
    except ValueError as error:
        raise Failed(f"SLACK_COMMAND: {error}") from error


def _by_tokens(settings: Settings) -> Mode:
    # Socket Mode needs an app token; a bot token alone means HTTP. Without tokens, Socket Mode is the
    # simpler start.
    if settings.slack_app_token is not None:
        return Mode.SOCKET
    if settings.slack_bot_token is not None:
        return Mode.HTTP
    typer.echo(
        "no Slack token is set: this is the manifest for Socket Mode; --mode http for the other", err=True
    )
    return Mode.SOCKET


@app.callback()
def _group() -> None:
    # Typer turns a group with one command into a command; a callback keeps `manifest slack` two words.
    ...
