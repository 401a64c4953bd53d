"""understand and manifest slack."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer

from bot.cli.console import Failed, as_json
from bot.settings import Settings

app = typer.Typer()
manifest = typer.Typer(name="manifest", help="What a messenger has to know of the app.", no_args_is_help=True)


class Locale(StrEnum):
    EN = "en"
    ZH = "zh"


@app.command()
def understand(
    locale: Annotated[Locale, typer.Option(help="Of who speaks; both languages are understood.")] = Locale.EN,
) -> None:
    """One sentence a line on stdin → what was understood, one JSON a line. Needs no database."""
    from handlers.language import understanding  # noqa: PLC0415 - only this command needs its patterns

    today = datetime.now().astimezone().date()
    for line in sys.stdin:
        command = understanding.understand(line.rstrip("\r\n"), locale.value, today=today)
        typer.echo(json.dumps(understanding.printed(command), ensure_ascii=False))


@manifest.command("slack")
def manifest_slack(
    url: Annotated[
        str, typer.Option(help="Where Slack reaches /slack/events; only without SLACK_APP_TOKEN.")
    ] = "https://quotabot.example/slack/events",
) -> None:
    """The manifest to create the Slack app from."""
    from bot.messengers.slack.manifest import slack_manifest  # noqa: PLC0415 - Slack's library takes a second to load

    settings = Settings.load()
    try:
        as_json(slack_manifest(settings.slack_command, socket=settings.slack_app_token is not None, url=url))
    except ValueError as error:
        raise Failed(f"SLACK_COMMAND: {error}") from error


@manifest.callback()
def _manifests() -> None:
    """Keeps `slack` a word of its own while it is the only one."""
