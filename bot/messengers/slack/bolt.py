"""Bolt, which speaks Slack's protocol. It makes no calls of its own, and none of its texts reaches people."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.messengers.slack.settings import SlackSettings


def open_bolt(
    settings: SlackSettings, http: aiohttp.ClientSession, known: Callable[[], tuple[str, str]]
) -> AsyncApp:
    """An app without listeners. `known`: our bot's id and our workspace's, both empty until Slack has said them."""

    async def wait_till_known(next: Callable[[], Awaitable[Any]]) -> BoltResponse | None:  # noqa: A002 - Bolt's name
        # An envelope that is not acknowledged comes again, and a command shows an error to its sender.
        if not known()[0]:
            return BoltResponse(status=503, body="")
        await next()
        return None

    async def authorize() -> AuthorizeResult:
        bot_id, team_id = known()
        token = settings.slack_bot_token
        bot_token = token.get_secret_value() if token else None
        return AuthorizeResult(enterprise_id=None, team_id=team_id, bot_user_id=bot_id, bot_token=bot_token)

    return AsyncApp(
        name="quotabot",  # else Bolt looks for the file that called it, in every module there is
        client=AsyncWebClient(base_url=settings.slack_api_url, session=http),  # with a token it authorizes by itself
        before_authorize=wait_till_known, authorize=authorize, process_before_response=True,
        # the endpoint verifies signatures before anything is parsed; the socket has none
        logger=logging.getLogger("slack_bolt"), request_verification_enabled=False,
        ignoring_self_events_enabled=True, raise_error_for_unhandled_request=False,
    )  # fmt: skip
