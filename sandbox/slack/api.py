"""The Web API: check the token, the rate limit and the planned faults, then run the method and log the call.

https://docs.slack.dev/apis/web-api
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from sandbox.slack import faults
from sandbox.slack.arguments import Arguments, Method
from sandbox.slack.chat import CHAT, respond
from sandbox.slack.conversations import CONVERSATIONS
from sandbox.slack.installation import EMAIL, OPEN_A_SOCKET, Installation
from sandbox.slack.objects import Call, Json, SlackError
from sandbox.slack.rate_limits import RateLimiter
from sandbox.slack.socket_mode import SocketMode
from sandbox.slack.state import State
from sandbox.slack.team import TEAM
from sandbox.slack.users import USERS
from sandbox.slack.views import VIEWS

RESPONSE_URL = "response_url"


def api_test(state: State, args: Arguments) -> Json:
    # https://docs.slack.dev/reference/methods/api.test
    return {"args": args.given}


def bots_info(state: State, args: Arguments) -> Json:
    # https://docs.slack.dev/reference/methods/bots.info
    if args.text("bot", state.bot_id) != state.bot_id:
        raise SlackError("bot_not_found")
    ours = {"id": state.bot_id, "name": state.bot.name, "app_id": state.app_id, "user_id": state.bot.id}
    return {"bot": ours | {"deleted": False}}


def auth_test(state: State, args: Arguments) -> Json:
    # https://docs.slack.dev/reference/methods/auth.test
    grid = {"enterprise_id": state.enterprise_id} if state.enterprise_id else {}
    return grid | {
        "url": f"https://{state.team_domain}.slack.com/",
        "team": state.team_domain.capitalize(),
        "user": state.bot.name,
        "team_id": state.team_id,
        "user_id": state.bot.id,
        "bot_id": state.bot_id,
        "is_enterprise_install": False,
    }


METHODS: dict[str, Method] = (
    CHAT
    | CONVERSATIONS
    | TEAM
    | USERS
    | VIEWS
    | {"api.test": api_test, "auth.test": auth_test, "bots.info": bots_info}
)


@dataclass(frozen=True)
class Tokens:
    """The app's tokens: `bot` for every method, `app` for Socket Mode. A token of another kind is none of theirs."""

    bot: str
    app: str

    def check(self, method: str, token: str) -> None:
        if method == "api.test":
            return
        if not token:
            raise SlackError("not_authed")
        wanted, other = (self.app, self.bot) if method == OPEN_A_SOCKET else (self.bot, self.app)
        if token != wanted:
            raise SlackError("not_allowed_token_type" if token == other else "invalid_auth")


class Api:
    def __init__(
        self, state: State, sockets: SocketMode, planned: faults.Faults, tokens: Tokens, installed: Installation,
        limiter: RateLimiter,
    ) -> None:  # fmt: skip
        self._state, self._sockets, self._faults = state, sockets, planned
        self._tokens, self._installed, self._limiter = tokens, installed, limiter
        self._closing = asyncio.Event()

    async def call(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]

        def work(args: Arguments) -> Json:
            self._tokens.check(method, _token(request, args))
            self._installed.check(method, self._state, args)
            self._limiter.count(method, args.text("channel"), self._state.clock())
            return self._run(method, args, request.host)

        return await self._serve(request, method, work)

    async def respond(self, request: web.Request) -> web.StreamResponse:
        def work(args: Arguments) -> Json:
            respond(self._state, request.match_info["token"], args)
            return {}

        return await self._serve(request, RESPONSE_URL, work)

    def close(self) -> None:
        self._closing.set()

    def _run(self, method: str, args: Arguments, host: str) -> Json:
        if method == OPEN_A_SOCKET:
            ticket = self._sockets.ticket()
            return {"url": f"ws://{host}/link?ticket={ticket}&app_id={self._state.app_id}"}
        if method not in METHODS:
            raise SlackError("unknown_method")
        answer = METHODS[method](self._state, args)
        return answer if EMAIL in self._installed.scopes else _without_email(answer)

    async def _serve(
        self, request: web.Request, method: str, work: Callable[[Arguments], Json]
    ) -> web.StreamResponse:
        at, started = self._state.clock(), time.monotonic()
        happening = self._faults.for_call(method)
        if faults.SLOW in happening:
            await asyncio.sleep(happening[faults.SLOW].seconds)
        args = Arguments({})
        try:
            args = await _args(request)
            _fail_before(happening)
            body = {"ok": True} | work(args)
            error = SlackError("")
        except SlackError as refused:
            body, error = refused.as_slack(), refused
        self._log(Call(at, method, args.given, error.status, error.code, time.monotonic() - started), error)
        return await self._reply(request, method, happening, body, error)

    def _scopes(self, method: str) -> dict[str, str]:
        granted = self._installed.app_scopes if method == OPEN_A_SOCKET else self._installed.scopes
        return {"X-OAuth-Scopes": ",".join(sorted(granted))}

    def _log(self, call: Call, error: SlackError) -> None:
        self._state.log(call)
        if error.messages or error.code in {
            "msg_too_long",
            "msg_blocks_too_long",
            "view_too_large",
            "no_text",
        }:
            self._state.violation(call.method, "; ".join((error.code, *error.messages)))

    async def _reply(
        self,
        request: web.Request,
        method: str,
        happening: dict[str, faults.SlackFault],
        body: Json,
        error: SlackError,
    ) -> web.StreamResponse:
        if faults.NEVER_ANSWERED in happening:
            await self._closing.wait()
        if faults.REPLY_CUT in happening:
            return await _cut_in_the_middle(request, body)
        if {faults.REQUEST_LOST, faults.REPLY_LOST, faults.NEVER_ANSWERED} & set(happening):
            _reset(request)
        if faults.FAILED in happening:  # it is not Slack that answers then, but what stands before it
            return web.Response(
                text="<html>upstream failed</html>", status=error.status, content_type="text/html"
            )
        headers = {"Retry-After": str(error.retry_after)} if error.retry_after is not None else {}
        return web.json_response(body, status=error.status, headers=headers | self._scopes(method))


async def _args(request: web.Request) -> Arguments:
    given: Json = dict(request.query)
    try:
        if request.content_type == "application/json":
            given |= await request.json() if request.can_read_body else {}
        else:
            given |= await request.post()
    except (ValueError, TypeError):
        raise SlackError("invalid_json") from None
    return Arguments(given)


def _without_email(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_email(one) for one in value]
    if isinstance(value, dict):
        return {name: _without_email(one) for name, one in value.items() if name != "email"}
    return value


def _token(request: web.Request, args: Arguments) -> str:
    bearer = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    return bearer or str(args.given.pop("token", ""))


def _fail_before(happening: dict[str, faults.SlackFault]) -> None:
    if faults.RATE_LIMITED in happening:
        wait = int(happening[faults.RATE_LIMITED].seconds)
        raise SlackError("ratelimited", status=429, retry_after=wait)
    if faults.FAILED in happening:
        raise SlackError("internal_error", status=happening[faults.FAILED].status)
    if faults.REFUSED in happening:
        raise SlackError(happening[faults.REFUSED].error)
    if faults.REQUEST_LOST in happening:
        raise SlackError("request_lost")


def _reset(request: web.Request) -> None:
    if isinstance(request.transport, asyncio.Transport):
        request.transport.abort()


async def _cut_in_the_middle(request: web.Request, body: Json) -> web.StreamResponse:
    text = json.dumps(body).encode()
    answer = web.StreamResponse(
        headers={"Content-Type": "application/json", "Content-Length": str(len(text))}
    )
    await answer.prepare(request)
    await answer.write(text[: len(text) // 2])
    _reset(request)
    return answer
