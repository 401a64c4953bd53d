"""/slack/events: size, time and signature of a call are checked before anything is parsed."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from urllib.parse import parse_qs

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp

PATH = "/slack/events"
OLDEST = 5 * 60
"""Seconds after which a signed request is a replay (docs.slack.dev/authentication/verifying-requests-from-slack)."""
PARTS = ("event", "view", "container", "channel", "message", "team")
"""Keys whose value is an object wherever Slack sends them."""


class Endpoint:
    """Hands genuine calls to Bolt. Any other call gets a status and nothing else, and writes nothing to the log."""

    def __init__(self, app: AsyncApp, secret: str) -> None:
        self.app, self.secret = app, secret

    def route(self) -> web.RouteDef:
        return web.post(PATH, self.handle)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return web.Response(status=413)
        stamp, signature = (
            request.headers.get(f"X-Slack-{name}", "") for name in ("Request-Timestamp", "Signature")
        )
        if not genuine(stamp, body, signature, self.secret, time.time()):
            return web.Response(status=401)
        if not sensible(request.content_type, body):
            return web.Response(status=400)
        return await to_aiohttp_response(await self.app.async_dispatch(await to_bolt_request(request)))


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
