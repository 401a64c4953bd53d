"""The pages for people who pay, over a scene's books: the production pages behind a stand-in sign-in."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime

import aiohttp
from aiohttp import web
from pydantic import SecretStr

from bot.database import Database
from bot.settings import Settings
from bot.web import server
from bot.web.pages.site import Pages
from sandbox.oidc import OpenId
from sandbox.playground.cast import WHO

# Sam is admin, so sees everything.
VIEWER = WHO["Sam"]


@contextlib.asynccontextmanager
async def open_pages(
    database: Database, http: aiohttp.ClientSession, clock: Callable[[], datetime], looked: Callable[[], None]
) -> AsyncIterator[str]:
    """The address that signs Sam in and shows the pages. `looked` is called when somebody sees them."""
    # The address is needed before the pages are made, so the socket comes first.
    with socket.create_server(("127.0.0.1", 0)) as bound:
        address = f"http://127.0.0.1:{bound.getsockname()[1]}"
        async with OpenId(redirect=f"{address}/pages/callback") as provider:
            provider.person = VIEWER.email
            settings = Settings(
                _env_file=None, public_url=address, oidc_issuer=provider.address, oidc_client_id=OpenId.client_id,
                oidc_client_secret=SecretStr(OpenId.secret),
            )  # fmt: skip
            app = server.application(Pages(settings, database, http, clock).routes())
            app.on_response_prepare.append(_noticing(looked))
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
            try:
                await runner.setup()
                await web.SockSite(runner, bound).start()
                yield f"{address}/pages/sign-in"
            finally:
                await runner.cleanup()


def _noticing(looked: Callable[[], None]) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    async def notice(request: web.Request, answer: web.StreamResponse) -> None:
        if request.path == "/pages" and answer.status == 200:
            looked()

    return notice
