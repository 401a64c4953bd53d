"""Stand-ins for LLM gateways on loopback: the vendors' contracts, and faults to switch on.

async with LiteLLM(users={"ann": "ann@corp.example"}) as gateway:
    connector = open_gateway("litellm", gateway.url, gateway.key, http)
    gateway.faults.lose_reply("POST /user/update")
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from aiohttp import web

from sandbox import faults

Json = dict[str, Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

# How a call goes wrong. In the first five nothing was done; in the others it was, and the caller may not know.
RATE_LIMITED, FAILED, REFUSED, REQUEST_LOST, FORBIDDEN = (
    "rate_limited",
    "failed",
    "refused",
    "request_lost",
    "forbidden",
)
REPLY_LOST, REPLY_GARBLED, HANGS, FAILED_AFTER = "reply_lost", "reply_garbled", "hangs", "failed_after"
BEFORE: Final = {RATE_LIMITED, FAILED, REFUSED, REQUEST_LOST, FORBIDDEN}
# The call hangs somewhere on the way, the caller gives up, and then it is carried out: when `arrive()` says so.
LATE: Final = "late"
# Somebody came or went while a list was turned over: a row comes twice, or one is missing from it.
ROW_TWICE, ROW_MISSING = "row_twice", "row_missing"


class Refusal(Exception):  # noqa: N818 - what the gateway answers
    """The gateway's own refusal: a status and a body."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(status, body)
        self.status, self.body = status, body


@dataclass
class Strike(faults.Fault):
    """One planned fault. `where` reads `POST /user/update`, or `*`."""

    value: int = 0


class Faults:
    """Planned faults by route:

    `faults.lose_reply("POST /api/user/manage", after=2)`; `times=None` until `clear()`.
    """

    def __init__(self) -> None:
        self._strikes: list[Strike] = []
        self._meanwhile: dict[str, Callable[[], object]] = {}

    def clear(self) -> None:
        self._strikes.clear()
        self._meanwhile.clear()

    def plan(self, route: str, how: str, *, after: int = 0, times: int | None = 1, value: int = 0) -> Strike:
        strike = Strike(route, how, after, times, value)
        self._strikes.append(strike)
        return strike

    def rate_limit(
        self, route: str = "*", *, retry_after: int = 1, after: int = 0, times: int | None = 1
    ) -> None:
        """HTTP 429 with Retry-After; not carried out."""
        self.plan(route, RATE_LIMITED, after=after, times=times, value=retry_after)

    def fail(self, route: str = "*", *, status: int = 500, after: int = 0, times: int | None = 1) -> None:
        """HTTP 5xx; not carried out."""
        self.plan(route, FAILED, after=after, times=times, value=status)

    def refuse(self, route: str = "*", *, after: int = 0, times: int | None = 1) -> None:
        """HTTP 200 with `success: false`; not carried out."""
        self.plan(route, REFUSED, after=after, times=times)

    def lose_request(self, route: str = "*", *, after: int = 0, times: int | None = 1) -> None:
        """The connection breaks before the call is carried out."""
        self.plan(route, REQUEST_LOST, after=after, times=times)

    def lose_reply(self, route: str = "*", *, after: int = 0, times: int | None = 1) -> None:
        """The connection breaks after the call was carried out."""
        self.plan(route, REPLY_LOST, after=after, times=times)

    def hang(self, route: str = "*", *, after: int = 0, times: int | None = 1) -> None:
        """The call is carried out and never answered."""
        self.plan(route, HANGS, after=after, times=times)

    def meanwhile(self, route: str, happens: Callable[[], object]) -> None:
        """After each answer of `route`, something happens: a user is created, a limit edited, money spent."""
        self._meanwhile[route] = happens

    def for_call(self, route: str) -> Strike | None:
        return next((strike for strike in self._strikes if strike.due(route)), None)

    def answered(self, route: str) -> None:
        if route in self._meanwhile:
            self._meanwhile[route]()


class StandIn(ABC):
    """A gateway on a free port of loopback. `calls` counts by route; `bodies` keeps the written bodies in order.

    `late`: calls under way until `arrive()`.
    """

    key = "sk-stand-in-admin"

    def __init__(self, *, port: int = 0) -> None:
        self.faults = Faults()
        self.calls: Counter[str] = Counter()
        self.bodies: list[tuple[str, Any]] = []
        self.port = port
        self.late: list[tuple[Handler, web.Request]] = []
        self._closing = asyncio.Event()
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Value of GATEWAY_URL."""
        return f"http://127.0.0.1:{self.port}"

    @abstractmethod
    def routes(self) -> Sequence[web.RouteDef]: ...

    @abstractmethod
    def authorize(self, request: web.Request, route: str) -> None:
        """Pass, or raise this gateway's `Refusal`."""

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._serve])
        app.add_routes(self.routes())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing.set()
        if self._runner is not None:
            await self._runner.cleanup()

    @web.middleware
    async def _serve(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        resource = request.match_info.route.resource
        route = f"{request.method} {resource.canonical if resource else request.path}"
        self.calls[route] += 1
        if request.can_read_body:
            self.bodies.append((route, await read(request)))
        strike = self.faults.for_call(route)
        if strike is not None and strike.how == LATE:
            self.late.append((handler, request))
            return _broken(request)
        if strike is not None and strike.how in BEFORE:
            return _before(request, strike)
        try:
            self.authorize(request, route)
            answer = await handler(request)
        except Refusal as refused:
            answer = web.json_response(refused.body, status=refused.status)
        self.faults.answered(route)
        return answer if strike is None else await self._after(request, answer, strike)

    async def arrive(self) -> None:
        late, self.late = self.late, []
        for handler, request in late:
            with contextlib.suppress(Refusal):
                await handler(request)

    async def _after(
        self, request: web.Request, answer: web.StreamResponse, strike: Strike
    ) -> web.StreamResponse:
        if strike.how in {ROW_TWICE, ROW_MISSING}:
            return _shifted(answer, strike.how)
        if strike.how == HANGS:
            await self._closing.wait()
        if strike.how == FAILED_AFTER:
            return web.Response(status=502, text="<html>Bad Gateway</html>", content_type="text/html")
        if strike.how == REPLY_GARBLED:
            return web.Response(text="<html>please log in</html>", content_type="text/html")
        return _broken(request)


def _before(request: web.Request, strike: Strike) -> web.StreamResponse:
    if strike.how == RATE_LIMITED:
        return web.Response(status=429, headers={"Retry-After": str(strike.value)})
    if strike.how == FAILED:
        return web.json_response({"error": {"message": "internal"}}, status=strike.value)
    if strike.how == REFUSED:
        return web.json_response({"success": False, "message": "not today"})
    if strike.how == FORBIDDEN:
        return web.json_response({"error": {"message": "not yours"}}, status=403)
    return _broken(request)


def _shifted(answer: web.StreamResponse, how: str) -> web.StreamResponse:
    # A row created between two pages shifts the list: the first row is missing here.
    assert isinstance(answer, web.Response)
    body = json.loads(answer.text or "{}")
    rows = body.get("data", body)
    while isinstance(rows, dict):
        rows = rows.get("items", rows.get("users"))
    if rows:
        rows.append(rows[0]) if how == ROW_TWICE else rows.pop(0)
    return web.json_response(body)


def _broken(request: web.Request) -> web.StreamResponse:
    if isinstance(request.transport, asyncio.Transport):
        request.transport.abort()
    return web.Response()


async def read(request: web.Request) -> Any:
    """The body as JSON; raises `Refusal`."""
    try:
        return await request.json()
    except json.JSONDecodeError:
        raise Refusal(400, {"error": {"message": "invalid JSON"}}) from None


def page(rows: Sequence[Any], number: int, size: int) -> list[Any]:
    """Rows of a page, counted from 1."""
    return list(rows[(number - 1) * size : number * size])
