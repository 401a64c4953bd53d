"""`quotabot demo`: the playground, added to the operator's commands by an entry point."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from bot.cli.errors import Failed
from bot.settings import Settings

app = typer.Typer()
REAL = ("slack_bot_token", "slack_app_token", "dingtalk_client_secret", "gateway_key")


@app.command()
def demo(
    port: Annotated[
        int, typer.Option(help="Where the page is; 0 takes a free one.", min=0, max=65535)
    ] = 8000,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open a browser.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Also where real tokens are set.")] = False,
) -> None:
    """The playground: everything on this machine, nothing leaves it."""
    from sandbox.playground.server import run_demo  # noqa: PLC0415 - other commands do not need the stand-ins

    settings = Settings.load()
    found = [name.upper() for name in REAL if getattr(settings, name)]
    if found and not force:
        raise Failed(
            f"real credentials are set ({', '.join(found)}); the playground needs none. Say --force to go on."
        )
    asyncio.run(run_demo(port, not no_browser, force))
