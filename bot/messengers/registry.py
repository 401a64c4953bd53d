"""The registry of messengers. A new one is a folder beside this file, a row here, and its settings in `MessengerSettings`.

A row imports its messenger's libraries only when the messenger is opened.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.loading import loading
from bot.messengers.dingtalk.settings import DingTalkSettings
from bot.messengers.slack.settings import SlackSettings
from models.people.messenger import TRAITS, Traits

if TYPE_CHECKING:
    from aiohttp import ClientSession

    from bot.dispatch import Dispatcher
    from bot.messengers.port import Messenger


class MessengerSettings(DingTalkSettings, SlackSettings): ...


@dataclass(frozen=True)
class Row:
    """`lacks`: the reason why the messenger is off, for an operator; empty when it can run.

    `begun`: some of its settings are set, so being off is probably a mistake.
    """

    traits: Traits
    lacks: Callable[[MessengerSettings], str]
    open: Callable[[MessengerSettings, Dispatcher, ClientSession], Messenger]
    begun: Callable[[MessengerSettings], bool] = lambda settings: False

    @property
    def name(self) -> str:
        return self.traits.name


MESSENGERS: dict[str, Row] = {}


def add(row: Row) -> None:
    """Register a messenger, and its traits for handlers and models."""
    MESSENGERS[row.name] = row
    TRAITS[row.name] = row.traits


def configured(settings: MessengerSettings) -> list[Row]:
    return [row for row in MESSENGERS.values() if not row.lacks(settings)]


def _open_slack(settings: MessengerSettings, dispatcher: Dispatcher, http: ClientSession) -> Messenger:
    with loading():
        from bot.messengers.slack.adapter import Slack  # noqa: PLC0415 - Bolt is loaded where Slack is on

    return Slack(settings, dispatcher, http)


def _open_dingtalk(settings: MessengerSettings, dispatcher: Dispatcher, http: ClientSession) -> Messenger:
    with loading():
        from bot.messengers.dingtalk.adapter import DingTalk  # noqa: PLC0415 - its SDK is loaded where DingTalk is on

    return DingTalk(settings, dispatcher, http)


def _slack_begun(settings: MessengerSettings) -> bool:
    return any((settings.slack_bot_token, settings.slack_app_token, settings.slack_signing_secret))


def _dingtalk_begun(settings: MessengerSettings) -> bool:
    return any((settings.dingtalk_client_id, settings.dingtalk_client_secret))


add(
    Row(
        Traits("slack", slash=True, id_shape="[UW][A-Z0-9]+", id_example="U02AB3CD4"),
        lambda settings: settings.slack_lacks,
        _open_slack,
        _slack_begun,
    )
)
add(
    Row(
        Traits("dingtalk", language="zh"),
        lambda settings: settings.dingtalk_lacks,
        _open_dingtalk,
        _dingtalk_begun,
    )
)
