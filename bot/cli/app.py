"""`quotabot`: every command of the operator. Exit 0 done, 1 refused or failed, 2 wrong usage, 3 `policy plan` found changes."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points
from typing import Annotated

import typer

from bot import logs
from bot.cli import dingtalk, gateway, ledger, people, policy, reporting, speaking, starting
from bot.cli.console import Group
from bot.settings import Settings

_PLAIN = {"help_option_names": ["-h", "--help"]}

app = typer.Typer(
    name="quotabot",
    cls=Group,
    help="LLM quota where people already talk: ask, lend, request, approve, in Slack and DingTalk.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings=_PLAIN,
)
for commands in (
    starting.app,
    ledger.app,
    reporting.app,
    speaking.app,
):  # without a name: they stand at the top
    app.add_typer(commands)
for plugin in entry_points(group="quotabot.commands"):  # the playground stands above this package
    app.add_typer(plugin.load())
for group in (people.app, policy.app, ledger.usage, gateway.app, speaking.manifest, dingtalk.app):
    app.add_typer(group)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415 - reads the installation, seldom

        typer.echo(f"quotabot {version('quotabot')}")
        raise typer.Exit


@app.callback()
def begin(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which one this is.")
    ] = False,
) -> None:
    """Read the settings, so that what is wrong with them is said before anything is done."""
    settings = Settings.load()
    logs.set_up(settings.log_format, settings.log_level)


def main() -> None:
    """The console script."""
    for stream in (sys.stdout, sys.stdin):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")  # names are Chinese where LANG is C
    app()
