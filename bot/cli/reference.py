"""The page on every command: `python -m bot.cli.reference > docs/commands.md`. A test holds the two equal."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any

import typer

from bot.cli.app import app

HEAD = """\
# Commands

Made by `python -m bot.cli.reference > docs/commands.md`.

Exit 0: done; 1: refused or failed, with a line on stderr; 2: wrong usage; 3: `policy plan` found changes. `--json` where data is printed. A command that is dangerous asks on a
terminal and needs `--yes` elsewhere. `quotabot --install-completion` teaches your shell to complete them.
"""


def page() -> str:
    root = typer.main.get_command(app)
    with root.make_context("quotabot", [], resilient_parsing=True) as context:
        return "\n".join([HEAD, *_commands(root, context)])


def _commands(group: Any, context: Any) -> Iterator[str]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        with command.make_context(name, [], parent=context, resilient_parsing=True) as inner:
            if hasattr(command, "list_commands"):
                yield from _commands(command, inner)
            elif not command.hidden:
                yield from _command(command, inner)


def _command(command: Any, context: Any) -> Iterator[str]:
    arguments = [_argument(one, context) for one in command.params if one.param_type_name == "argument"]
    yield f"## `{' '.join([context.command_path.split(' {')[0], *arguments])}`\n"
    yield f"{' '.join((command.help or '').split())}\n"
    records = [one.get_help_record(context) for one in command.params if one.param_type_name == "option"]
    rows = [f"| `{_cell(names)}` | {_cell(said)} |" for names, said in filter(None, records)]
    if rows:
        yield "\n".join(["| option | does |\n|---|---|", *rows, ""])


def _argument(argument: Any, context: Any) -> str:
    """The argument's name in capitals, or its possible values."""
    if argument.metavar:
        return str(argument.metavar)
    choices = re.search(r"<(.*\|.*)>", argument.get_help_record(context)[0])
    return choices[1] if choices else str(argument.name).upper()


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(page())
