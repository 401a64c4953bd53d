"""`quotabot`: every command of the operator. Exit 0 done, 1 refused or failed, 2 wrong usage, 3 `policy plan` found changes."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.metadata import entry_points
from typing import Annotated, Any

import typer

from bot.cli.errors import Group
from bot.loading import loading
from bot.settings import Settings

COMMANDS = (
    "run",
    "doctor",
    "migrate",
    "show",
    "grant",
    "pause",
    "resume",
    "tick",
    "audit",
    "export",
    "backup",
    "restore",
    "report",
    "budget",
    "understand",
)
# They log nothing.
SILENT = ("show",)
# Each is the module of that name in this package.
GROUPS = ("people", "policy", "usage", "gateway", "manifest", "dingtalk")


class Commands(Group):
    """Imports a command's module only when the command is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        self._load_all()
        return super().list_commands(ctx)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name in (*COMMANDS, *GROUPS):
            self._load(_module(cmd_name))
        else:  # a plug-in, or a typing error: the help names similar commands
            self._load_all()
        return super().get_command(ctx, cmd_name)

    def _load_all(self) -> None:
        self.commands.clear()  # the order of the help
        for name in COMMANDS:
            self._load(_module(name))
        for plugin in entry_points(group="quotabot.commands"):  # the playground stands above this package
            self._load(plugin.load())
        for name in GROUPS:
            self._load(_module(name))

    def _load(self, commands: typer.Typer) -> None:
        parent = typer.Typer(rich_markup_mode=None, add_completion=False)
        parent.add_typer(commands)
        self.commands.update(typer.main.get_group(parent).commands)


def _module(name: str) -> typer.Typer:
    with loading():
        found: typer.Typer = import_module(f"bot.cli.{name}").app
    return found


app = typer.Typer(
    name="quotabot",
    cls=Commands,
    help="LLM quota where people already talk: ask, lend, request, approve, in Slack and DingTalk.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415 - reads the installation, seldom

        typer.echo(f"quotabot {version('quotabot')}")
        raise typer.Exit


@app.callback()
def begin(
    ctx: typer.Context,
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which one this is.")
    ] = False,
) -> None:
    """Read the settings first: a wrong one is named before anything is done."""
    settings = Settings.load()
    if ctx.invoked_subcommand not in SILENT:
        with loading():
            from bot import logs  # noqa: PLC0415 - takes a tenth of a second to load

        logs.set_up(settings.log_format, settings.log_level)


def main() -> None:
    """The console script."""
    for stream in (sys.stdout, sys.stdin):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")  # names are Chinese where LANG is C
    app()
