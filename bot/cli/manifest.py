"""`manifest slack`: the description from which a messenger creates the app."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli.console import as_json
from bot.cli.errors import Failed
from bot.settings import Settings

app = typer.Typer(name="manifest", help="What a messenger has to know of the app.", no_args_is_help=True)


@app.command("slack")
def manifest_slack(
    url: Annotated[
        str, typer.Option(help="Where Slack reaches /slack/events; only without SLACK_APP_TOKEN.")
    ] = "https://quotabot.example/slack/events",
) -> None:
    """The manifest to create the Slack app from."""
    from bot.messengers.slack.manifest import slack_manifest  # noqa: PLC0415 - slow to load

    settings = Settings.load()
    try:
        as_json(slack_manifest(settings.slack_command, socket=settings.slack_app_token is not None, url=url))
    except ValueError as error:
        raise Failed(f"SLACK_COMMAND: {error}") from error


@app.callback()
def _group() -> None:
    """Typer makes a command of a group that has only one; a callback keeps `manifest slack` two words."""
