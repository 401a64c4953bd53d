"""Bolt, which speaks Slack's protocol. It makes no calls of its own, and none of its texts reaches people.

Middleware and authorization are objects here: for a plain function Bolt collects thirty arguments with each request.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.authorization.async_authorize import AsyncAuthorize
from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_sdk.web.async_client import AsyncWebClient

from bot.messengers.slack.settings import SlackSettings

Known = Callable[[], tuple[str, str]]
Next = Callable[[], Awaitable[BoltResponse]]


class _WaitTillKnown(AsyncMiddleware):
    def __init__(self, known: Known) -> None:
        self.known = known

    async def async_process(
        self,
        *,
        req: AsyncBoltRequest,
        resp: BoltResponse,
        next: Next,  # noqa: A002 - Bolt's name
    ) -> BoltResponse:
        # An envelope that is not acknowledged comes again, and a command shows an error to its sender.
        return await next() if self.known()[0] else BoltResponse(status=503, body="")


class _Authorize(AsyncAuthorize):
    def __init__(self, known: Known, token: str | None) -> None:
        self.known, self.token = known, token

    async def __call__(self, **_: Any) -> AuthorizeResult:
        bot_id, team_id = self.known()
        return AuthorizeResult(enterprise_id=None, team_id=team_id, bot_user_id=bot_id, bot_token=self.token)


def open_bolt(settings: SlackSettings, http: aiohttp.ClientSession, known: Known) -> AsyncApp:
    """An app without listeners. `known`: our bot's id and our workspace's, both empty until Slack has said them."""

    token = settings.slack_bot_token.get_secret_value() if settings.slack_bot_token else None
    return AsyncApp(
        name="quotabot",  # else Bolt looks for the file that called it, in every module there is
        client=AsyncWebClient(base_url=settings.slack_api_url, session=http),  # with a token it authorizes by itself
        before_authorize=_WaitTillKnown(known), authorize=_Authorize(known, token), process_before_response=True,
        # the endpoint verifies signatures before anything is parsed; the socket has none
        logger=logging.getLogger("slack_bolt"), request_verification_enabled=False,
        ignoring_self_events_enabled=True, raise_error_for_unhandled_request=False,
        # of custom steps and of assistants, which we have not
        attaching_function_token_enabled=False, attaching_conversation_kwargs_enabled=False,
    )  # fmt: skip
