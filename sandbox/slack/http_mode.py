"""HTTP mode: signed POST requests to the app's request URL, each acknowledged within three seconds.

https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from dataclasses import replace
from urllib.parse import urlencode

import aiohttp

from sandbox.slack.transport import COMMAND, FAILED, INTERACTION, TIMED_OUT, Ack, Attempt, Timing


class HttpMode:
    def __init__(self, signing_secret: str, timing: Timing) -> None:
        self.url = ""
        self._secret = signing_secret.encode()
        self._timing = timing
        self._session: aiohttp.ClientSession | None = None

    def headers(self, body: str, at: float | None = None) -> dict[str, str]:
        """The timestamp and v0 signature of a body, as of `at` (Unix seconds; default now)."""
        stamp = str(int(time.time() if at is None else at))
        digest = hmac.new(self._secret, f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}

    async def carry(self, attempt: Attempt) -> Ack:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self._timing.patience))
        kind, body = _body(attempt)
        headers = {"Content-Type": kind, "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)"}
        if attempt.retry:
            headers |= {"X-Slack-Retry-Num": str(attempt.retry), "X-Slack-Retry-Reason": attempt.reason}
        started = time.monotonic()
        try:
            async with self._session.post(
                self.url, data=body, headers=headers | self.headers(body)
            ) as answer:
                text = await answer.text()
        except TimeoutError:
            return Ack(None, seconds=time.monotonic() - started, error=TIMED_OUT, reason="http_timeout")
        except aiohttp.ClientError:
            return Ack(None, seconds=time.monotonic() - started, error=FAILED, reason="connection_failed")
        return _read(answer, text, time.monotonic() - started)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


def _body(attempt: Attempt) -> tuple[str, str]:
    form = "application/x-www-form-urlencoded"
    if attempt.kind == COMMAND:
        return form, urlencode(attempt.payload)
    if attempt.kind == INTERACTION:
        return form, urlencode({"payload": json.dumps(attempt.payload)})
    return "application/json", json.dumps(attempt.payload)


def _read(answer: aiohttp.ClientResponse, text: str, seconds: float) -> Ack:
    ack = Ack(answer.status, seconds=seconds, no_retry=answer.headers.get("X-Slack-No-Retry") == "1")
    if not 200 <= answer.status < 300:
        return replace(ack, error=FAILED, reason="http_error")
    if text.startswith("{"):
        return replace(ack, payload=json.loads(text))
    return replace(ack, payload={"text": text} if text else {})
