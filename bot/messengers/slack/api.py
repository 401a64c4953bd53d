"""Slack's Web API on one shared session.

A rate limit or an outage raises `MessengerError`, a refusal `Undeliverable`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from yarl import URL

from bot.messengers.port import MessengerError, Undeliverable
from bot.messengers.slack.read import BLIND, as_json, flat, meant

log = structlog.get_logger()

# Seconds for one call.
TIMEOUT = 10

T = TypeVar("T")


class SlackApi:
    def __init__(self, token: str, url: str, http: aiohttp.ClientSession) -> None:
        self.http = http
        self._url = URL(url)
        self.web = AsyncWebClient(token=token, base_url=url, session=http, timeout=TIMEOUT)
        self._timeout = aiohttp.ClientTimeout(total=TIMEOUT)
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json;charset=utf-8",
            "User-Agent": self.web.headers["User-Agent"],
        }
        self._direct: dict[str, str] = {}

    async def call(self, method: str, **words: Any) -> Any:
        """The answer of one method. Arguments that are None are left out."""
        said = {name: value for name, value in words.items() if value is not None}
        try:
            if as_json(method):
                return await self._post(method, said)
            return (await bounded(partial(self.web.api_call, method, params=flat(said)))).data
        except SlackApiError as error:
            response: Any = error.response
            status, headers = getattr(response, "status_code", 0), getattr(response, "headers", {})
            raise meant(status, headers, getattr(response, "data", None)) from error
        # No connection means that nothing was sent; any later error leaves the outcome unknown.
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise MessengerError(f"{method}: {error}") from error
        except (aiohttp.ClientError, TimeoutError, json.JSONDecodeError, AttributeError) as error:
            # The SDK fails with an AttributeError on a 200 that is not JSON.
            raise MessengerError(f"{method}: {type(error).__name__} {error}", unknown=True) from error

    async def _post(self, method: str, said: dict[str, Any]) -> Any:
        # The SDK repeats a call after a broken connection, even if the post has arrived: writing calls must not be repeated.
        # Its way to the session also takes 40 % of the processor's time of a call.
        words: Any = {"headers": self._headers, "proxy": self.web.proxy, "timeout": self._timeout}
        async with self.http.post(
            self.web.base_url + method, data=json.dumps(said).encode(), **words
        ) as reply:
            body = await reply.read()
        try:
            data = json.loads(body)
        except ValueError:
            data = {}  # a page of something in between
        if reply.status != 200 or not data.get("ok"):
            raise meant(reply.status, reply.headers, data)
        return data

    async def respond(self, url: str, said: dict[str, Any]) -> None:
        # Bolt's own poster would open a new session for each response_url.
        if not self.trusted(url):
            raise Undeliverable("response_url: not a host of Slack's")
        try:
            async with self.http.post(url, json=said, timeout=self._timeout, allow_redirects=False) as reply:
                if reply.status == 429 or reply.status >= 500:
                    raise MessengerError(
                        f"response_url: {reply.status}",
                        retry_after=float(reply.headers.get("Retry-After", "1")),
                    )
                body = await reply.text()
                if reply.status != 200 or '"ok":false' in body.replace(" ", ""):
                    raise Undeliverable(f"response_url: {reply.status} {body[:100]}")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise MessengerError(f"response_url: {error}", unknown=True) from error

    def trusted(self, url: str) -> str:
        # The URL came in a payload: post only to Slack's hosts, or to the host of SLACK_API_URL.
        try:
            target, origin = URL(url), URL(url).origin()
        except ValueError:
            return ""
        vendor = target.scheme == "https" and (target.host or "").endswith((".slack.com", ".slack-gov.com"))
        return url if vendor or origin == self._url.origin() else ""

    async def place(self, address: str) -> tuple[str, str | None]:
        """Channel and thread of an address. A person's direct channel is opened once and remembered."""
        place, _, thread = address.split(":", 1)[1].partition("/")
        if place[:1] in ("U", "W"):
            if place not in self._direct:
                opened = await self.call("conversations.open", users=place)
                self._direct[place] = str(opened["channel"]["id"])
            place = self._direct[place]
        return place, thread or None

    async def find(self, channel: str, thread: str | None, key: str) -> str | None:
        """The ref of a post of unknown outcome, found by its metadata; None: not posted.

        Raises when Slack cannot say.
        """
        method = "conversations.replies" if thread else "conversations.history"
        try:
            page = await self.call(method, channel=channel, ts=thread, limit=100, include_all_metadata=True)
        except (MessengerError, Undeliverable) as no:
            if str(no) not in BLIND:
                raise
            return None
        for message in page["messages"]:
            if message.get("metadata", {}).get("event_payload", {}).get("key") == key:
                return f"{channel}:{message['ts']}"
        return None


# Errors of a wrong token. Waiting does not mend them.
REFUSED = (
    "invalid_auth",
    "not_authed",
    "account_inactive",
    "token_revoked",
    "token_expired",
    "not_allowed_token_type",
    "missing_scope",
)


async def bounded(call: Callable[[], Awaitable[T]]) -> T:
    """The SDK's own timeout does not hold on a session that it is given: a call that hangs would take five minutes."""
    async with asyncio.timeout(TIMEOUT):
        return await call()


async def until_answered(
    call: Callable[[], Awaitable[T]], complaint: str, setting: str, wait: float = 1.0
) -> T:
    """Repeat a call until Slack answers, with pauses that double up to a minute. Each reason is logged once.

    `setting`: the token that the call uses.
    """
    told = ""
    while True:
        try:
            return await call()
        except (SlackApiError, aiohttp.ClientError, TimeoutError) as error:
            code = str(error.response.get("error", "")) if isinstance(error, SlackApiError) else ""
            said = f"Slack refuses {setting}: {code}" if code in REFUSED else complaint
            if said != told:
                cure = {} if said == complaint else {"mend": "quotabot doctor says how"}
                log.warning(said, error=str(error) if said == complaint else code, **cure)
                told = said
            await asyncio.sleep(wait)
            wait = min(wait * 2, 60)
