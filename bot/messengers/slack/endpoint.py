"""/slack/events: size, time and signature are checked before anything is parsed."""

from __future__ import annotations

import asyncio
import hmac
import time
from functools import lru_cache

from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.messengers.slack.shape import parse

PATH = "/slack/events"
# Seconds after which a signed request is a replay
# (docs.slack.dev/authentication/verifying-requests-from-slack).
OLDEST = 5 * 60
# Seconds for the body; Slack waits three seconds for an answer.
BODY = 3.0


class Endpoint:
    """Passes genuine calls to Bolt. Other calls get a status and write nothing to the log."""

    def __init__(self, app: AsyncApp, secret: str) -> None:
        self.app, self.secret = app, secret

    def route(self) -> web.RouteDef:
        return web.post(PATH, self.handle)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        try:
            if request.content.is_eof():  # the whole body came with the head
                body = await request.read()
            else:
                async with asyncio.timeout(BODY):
                    body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return web.Response(status=413)
        except (TimeoutError, web.RequestPayloadError) as error:
            return _closing(408 if isinstance(error, TimeoutError) else 400)
        stamp, signature = (
            request.headers.get(f"X-Slack-{name}", "") for name in ("Request-Timestamp", "Signature")
        )
        if not genuine(stamp, body, signature, self.secret, time.time()):
            return web.Response(status=401)
        said = parse(request.content_type, body)
        if said is None:
            return web.Response(status=400)
        try:
            # As from a socket: Bolt would parse the text again, and it loses a command that contains "payload".
            asked = AsyncBoltRequest(body=said, mode="socket_mode")
        except (TypeError, KeyError, AttributeError, ValueError):  # it looks for ids all over the body
            return web.Response(status=400)
        answer = await self.app.async_dispatch(asked)
        return web.Response(status=answer.status, body=answer.body.encode(), headers=answer.first_headers())


def _closing(status: int) -> web.Response:
    answer = web.Response(status=status)
    answer.force_close()
    return answer


def genuine(timestamp: str, body: bytes, signature: str, secret: str, now: float) -> bool:
    """Whether Slack signed this body lately: HMAC-SHA256 over `v0:timestamp:body`."""
    if (
        not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 16)
        or abs(now - int(timestamp)) > OLDEST
    ):
        return False
    expected = _keyed(secret).copy()
    expected.update(b"v0:%s:%s" % (timestamp.encode(), body))
    return hmac.compare_digest(f"v0={expected.hexdigest()}".encode(), signature.encode(errors="replace"))


@lru_cache(maxsize=1)  # OpenSSL looks the algorithm up for each new one
def _keyed(secret: str) -> hmac.HMAC:
    return hmac.new(secret.encode(), digestmod="sha256")
