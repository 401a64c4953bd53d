"""One call to DingTalk: token, pace, repetitions, errors.

The SDK calls synchronously, has no time limit and swallows errors, so this client is our own. DingTalk has
two API families: api.dingtalk.com (token in a header, failures as HTTP status and `code`) and
oapi.dingtalk.com (token in the query, failures as `errcode` inside a 200).
https://open.dingtalk.com/document/development/server-api-overview
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter, defaultdict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from aiohttp import ClientConnectorError, ClientError, ClientSession, ClientTimeout, ConnectionTimeoutError
from yarl import URL

from bot.messengers.dingtalk.errors import (
    DingTalkError,
    Json,
    OutcomeUnknown,
    Throttled,
    TokenRefused,
    failure,
    parsed,
)

T = TypeVar("T")

# Calls a second to one API on the free plan.
PER_SECOND = 20
ATTEMPTS = 4


@dataclass(frozen=True)
class Api:
    """`metered`: counts against the month's quota. `repeatable`: repeating does no harm."""

    name: str
    path: str
    method: str = "POST"
    metered: bool = True
    repeatable: bool = False
    needs_token: bool = True


# The token call is not metered: https://open.dingtalk.com/document/development/how-to-process-api-throttling
TOKEN = Api(
    "oauth2/accessToken", "/v1.0/oauth2/accessToken", metered=False, repeatable=True, needs_token=False
)


class Client:
    """Calls as one app.

    Every call raises `DingTalkError`; a call that is not `repeatable` may raise `OutcomeUnknown`.
    """

    def __init__(
        self,
        http: ClientSession,
        client_id: str,
        secret: str,
        api_url: str = "https://api.dingtalk.com",
        oapi_url: str = "https://oapi.dingtalk.com",
        *,
        robot_code: str = "",
        counted: Callable[[Api], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        # Calls that went out since the start, with repetitions.
        self.calls: Counter[Api] = Counter()
        self._http, self._client_id, self._secret = http, client_id, secret
        self._api_url, self._oapi_url = api_url.rstrip("/"), oapi_url.rstrip("/")
        self._robot_code = robot_code or client_id
        self._counted = counted
        self._clock, self._sleep = clock, sleep
        self._token, self._token_until = "", 0.0
        self._token_lock = asyncio.Lock()
        self._turns: defaultdict[Api, deque[float]] = defaultdict(lambda: deque(maxlen=PER_SECOND))

    def _webhook(self, session_webhook: str) -> str:
        """The webhook's address on the configured oapi host.

        Raises for hosts that are not DingTalk's: the address came in a message.
        """
        url = URL(session_webhook)
        ours = URL(self._oapi_url)
        if url.origin() == ours.origin():
            return session_webhook
        if url.scheme != "https" or not (url.host or "").endswith((".dingtalk.com", ".dingtalk.io")):
            raise DingTalkError("foreign webhook", url.host or "")
        return self._oapi_url + url.path_qs if url.host == "oapi.dingtalk.com" else session_webhook

    async def call(self, api: Api, body: Json, url: str = "") -> Json:
        """Call, and repeat where that may help and does no harm. The `body` of a GET becomes its query."""
        for attempt in range(ATTEMPTS):
            try:
                return await self._ask(api, body, url)
            except DingTalkError as error:
                refusal = error
            pause = _pause(api, refusal, attempt)
            if pause is None:
                break
            await self._sleep(pause)
        # A repeatable call has no unknown outcome: the caller can simply call again.
        if isinstance(refusal, OutcomeUnknown) and api.repeatable:
            raise DingTalkError(refusal.code, refusal.message, refusal.request_id, temporary=True)
        raise refusal

    async def _ask(self, api: Api, body: Json, url: str) -> Json:
        token = await self._access_token() if api.needs_token else ""
        headers = {"Accept": "application/json"}
        if api.path.startswith("/topapi/"):
            url = str(URL(self._oapi_url + api.path).with_query(access_token=token))
        elif not url:
            address = URL(self._api_url + api.path)
            url = str(address.with_query(body) if api.method == "GET" else address)
            headers |= {"x-acs-dingtalk-access-token": token} if token else {}
        await self._turn(api)
        status, answer = await self._exchange(api, url, body, headers)
        refusal = failure(status, answer)
        # Another call may have fetched a fresh token meanwhile; keep that one.
        if isinstance(refusal, TokenRefused) and token == self._token:
            self._token = ""
        if refusal:
            raise refusal
        return answer or {}

    async def _exchange(
        self, api: Api, url: str, body: Json, headers: dict[str, str]
    ) -> tuple[int, Json | None]:
        # Error texts are dropped: they hold the address, and the address holds the token.
        self.calls[api] += 1
        if self._counted:
            self._counted(api)
        timeout = ClientTimeout(total=10, sock_connect=5)
        try:
            async with self._http.request(
                api.method,
                url,
                json=None if api.method == "GET" else body,
                headers=headers,
                timeout=timeout,
                allow_redirects=False,
            ) as answer:
                return answer.status, parsed(await answer.read())
        except (ClientConnectorError, ConnectionTimeoutError) as error:
            raise DingTalkError("unreachable", type(error).__name__, temporary=True) from None
        except (ClientError, OSError, TimeoutError) as error:
            raise OutcomeUnknown("no answer", type(error).__name__) from None

    async def _access_token(self) -> str:
        # One fetch at a time, five minutes before the token expires.
        async with self._token_lock:
            if not self._token or self._clock() >= self._token_until:
                answer = await self.call(TOKEN, {"appKey": self._client_id, "appSecret": self._secret})
                self._token = part(answer, "accessToken", str)
                self._token_until = self._clock() + part(answer, "expireIn", int) - 300
            return self._token

    async def _turn(self, api: Api) -> None:
        # The slot is reserved before the wait, so that a later caller cannot overtake.
        turns, now = self._turns[api], self._clock()
        due = max(now, turns[0] + 1) if len(turns) == PER_SECOND else now
        turns.append(due)
        if due > now:
            await self._sleep(due - now)


def _pause(api: Api, refusal: DingTalkError, attempt: int) -> float | None:
    """Seconds before the next attempt, or None for no further attempt."""
    # Random jitter spreads the callers; it is no secret.
    spread = 1 + random.random() / 4  # noqa: S311
    if attempt + 1 == ATTEMPTS or refusal.retry_after:
        return None
    if isinstance(refusal, Throttled):
        return spread
    if isinstance(refusal, TokenRefused):
        return 0 if attempt == 0 else None
    if api.repeatable and (refusal.temporary or isinstance(refusal, OutcomeUnknown)):
        return spread * (1 << attempt) / 2
    return None


def part(answer: Json, name: str, kind: type[T]) -> T:
    """A required field. Half a directory would make people leave, so a missing field is an error."""
    part = answer.get(name)
    if not isinstance(part, kind):
        raise DingTalkError("odd answer", f"no {name} in it", temporary=True)
    return part
