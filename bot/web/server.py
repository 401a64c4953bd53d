"""/healthz, /readyz, /metrics, and /slack/events: size, time and signature are checked before anything is parsed."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request

if TYPE_CHECKING:
    from bot.messengers.slack.adapter import Slack

log = structlog.get_logger()

LARGEST_BODY = 1024 * 1024
OLDEST = 5 * 60
"""Seconds after which a signed request is a replay (docs.slack.dev/authentication/verifying-requests-from-slack)."""

PARTS = ("event", "view", "container", "channel", "message", "team")
"""What is an object wherever Slack sends it."""


def application(
    checks: dict[str, Callable[[], bool]],
    registry: CollectorRegistry,
    slack: Slack | None,
    secret: str = "",
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
    if slack is not None and secret:
        app.router.add_post("/slack/events", partial(_slack, slack=slack, secret=secret))
    return app


async def _slack(request: web.Request, slack: Slack, secret: str) -> web.Response:
    """Hand a genuine request to Bolt; whoever cannot sign gets a status and nothing else, and writes nothing to the log."""
    try:
        body = await request.read()
    except web.HTTPRequestEntityTooLarge:
        return web.Response(status=413)
    stamp, signature = (
        request.headers.get(f"X-Slack-{name}", "") for name in ("Request-Timestamp", "Signature")
    )
    if not genuine(stamp, body, signature, secret, time.time()):
        return web.Response(status=401)
    if not sensible(request.content_type, body):
        return web.Response(status=400)
    return await to_aiohttp_response(await slack.app.async_dispatch(await to_bolt_request(request)))


def sensible(content_type: str, body: bytes) -> bool:
    """Whether this is a body that Bolt can take apart: on others it stumbles with a traceback."""
    try:
        text = body.decode()
        form = {} if content_type == "application/json" else parse_qs(text, keep_blank_values=True)
        if "payload" not in form and content_type != "application/json":
            return "command" not in form or {"trigger_id", "user_id"} <= set(form)
        said = json.loads(form["payload"][0] if form else text)
        return isinstance(said, dict) and all(isinstance(said.get(name, {}), dict) for name in PARTS)
    except (ValueError, RecursionError):
        return False


def genuine(timestamp: str, body: bytes, signature: str, secret: str, now: float) -> bool:
    """Whether Slack signed this body lately: HMAC-SHA256 over `v0:timestamp:body`."""
    if (
        not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 16)
        or abs(now - int(timestamp)) > OLDEST
    ):
        return False
    expected = hmac.new(secret.encode(), b"v0:%s:%s" % (timestamp.encode(), body), hashlib.sha256).hexdigest()
    return hmac.compare_digest(f"v0={expected}".encode(), signature.encode(errors="replace"))


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
