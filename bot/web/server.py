"""/healthz, /readyz, /metrics, and the routes of messengers."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from bot.web.edge import Edge

# Above it `request.read()` raises `HTTPRequestEntityTooLarge`.
LARGEST_BODY = 1024 * 1024


def application(routes: Iterable[web.RouteDef] = ()) -> web.Application:
    app = web.Application(client_max_size=LARGEST_BODY)
    app.add_routes([web.get("/healthz", _healthz), *routes])
    return app


def observed(
    look: Callable[[], Awaitable[tuple[bool, dict[str, bool]]]],
    figures: Callable[[], Awaitable[bytes]],
    facts: Callable[[], dict[str, Any]] | None = None,
) -> list[web.RouteDef]:
    """/readyz and /metrics. `look`: verdict and findings; `facts`: figures that never make /readyz fail."""

    async def readyz(_: web.Request) -> web.Response:
        ready, found = await look()
        return web.json_response(found | (facts() if facts else {}), status=200 if ready else 503)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=await figures(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return [web.get("/readyz", readyz), web.get("/metrics", metrics)]


async def _healthz(_: web.Request) -> web.Response:
    return web.json_response({"ok": True})


async def serve(app: web.Application, host: str, port: int, setting: str = "HTTP_PORT") -> web.AppRunner:
    """Listen; the caller cleans the runner up. `setting`: named if the port is taken."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=5)
    await runner.setup()
    try:
        await Edge(runner, host, port).start()
    except OSError as error:
        await runner.cleanup()
        why = (os.strerror(error.errno) if error.errno else str(error)).lower()
        raise OSError(f"{setting}: {host}:{port} cannot be taken ({why})") from error
    return runner
