"""/healthz, /readyz, /metrics, and the routes that messengers bring."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

LARGEST_BODY = 1024 * 1024
"""Bytes. `request.read()` raises `HTTPRequestEntityTooLarge` above it."""


def application(
    checks: dict[str, Callable[[], bool]],
    registry: CollectorRegistry,
    routes: Iterable[web.RouteDef] = (),
    facts: Callable[[], dict[str, Any]] | None = None,
) -> web.Application:
    """The endpoints. `checks`: what has to be true to be ready, by name; `facts`: what is shown beside and fails nothing."""
    app = web.Application(client_max_size=LARGEST_BODY)

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"ok": True})

    async def readyz(_: web.Request) -> web.Response:
        found = {name: check() for name, check in checks.items()}
        status = 200 if all(found.values()) else 503
        return web.json_response(found | (facts() if facts else {}), status=status)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)
    app.add_routes(routes)
    return app


async def serve(app: web.Application, host: str, port: int) -> web.AppRunner:
    """Listen; the caller cleans the runner up."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=5)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError:
        await runner.cleanup()
        raise
    return runner
