"""`quotabot run`: builds everything from the settings and runs it until SIGTERM, which finishes within ten seconds."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import aiohttp
import structlog
from aiohttp.web import Application, AppRunner
from prometheus_client import CollectorRegistry, Gauge

from bot.database import Database
from bot.dispatch import Dispatcher, utc_now
from bot.gateways import metrics
from bot.gateways.reconcile import Reconciler
from bot.gateways.registry import open_gateway
from bot.messengers.port import Messenger
from bot.messengers.slack.adapter import Slack
from bot.patience import Patience
from bot.settings import Settings
from bot.web import server
from bot.worker import Worker
from handlers.language.reader import prepare
from models.metering.gateway_state import GatewayState, refuse_unmetered
from models.policy import versions

if TYPE_CHECKING:
    from bot.messengers.dingtalk.adapter import DingTalk

log = structlog.get_logger()

FINISH = 8.0
"""Seconds that what is in flight gets after SIGTERM; the process is gone within ten."""


class App:
    """Everything that runs in one process: dispatcher, messengers, worker, endpoints."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        http: aiohttp.ClientSession,
        clock: Callable[[], datetime] = utc_now,
        patience: Patience = Patience(),  # noqa: B008  (frozen)
    ) -> None:
        self.settings, self.database, self.http = settings, database, http
        live = settings.gateway_kind != "none" and settings.gateway_mode == "enforce"
        self.dispatcher = Dispatcher(
            database,
            clock,
            live=live,
            command=settings.slack_command,
            link_by_email=settings.slack_link_by_email,
            wake=self._wake,
            patience=patience,
        )
        self.messengers: dict[str, Messenger] = self.dispatcher.messengers
        self.worker = Worker(database, clock, self.messengers, self.dispatcher.home, live=live)
        self.reconciler = self._reconciler(live=live, clock=clock)
        self.slack: Slack | None = None
        self.runner: AppRunner | None = None
        if settings.slack_bot_token is None:
            log.info("slack is off: SLACK_BOT_TOKEN is not set")
        elif settings.slack_app_token is None and settings.slack_signing_secret is None:
            log.warning("slack is off: HTTP mode needs SLACK_SIGNING_SECRET, Socket Mode SLACK_APP_TOKEN")
        else:
            self.slack = self.messengers["slack"] = Slack(settings, self.dispatcher, http)
        self.dingtalk: DingTalk | None = None
        if settings.dingtalk_client_id is None or settings.dingtalk_client_secret is None:
            log.info("dingtalk is off: DINGTALK_CLIENT_ID and DINGTALK_CLIENT_SECRET are not both set")
        else:
            from bot.messengers.dingtalk.adapter import DingTalk  # noqa: PLC0415 - its SDK is loaded where it is used

            self.dingtalk = self.messengers["dingtalk"] = DingTalk(settings, self.dispatcher, http)

    def _reconciler(self, *, live: bool, clock: Callable[[], datetime]) -> Reconciler | None:
        """The gateway's loop, when there is a gateway."""
        settings, key = self.settings, self.settings.gateway_key
        if settings.gateway_kind == "none":
            log.info("the gateway is off: GATEWAY_KIND is none")
            return None
        gateway = open_gateway(
            settings.gateway_kind, settings.gateway_url, key.get_secret_value() if key else None, self.http,
            entity=settings.gateway_entity, clock=clock,
        )  # fmt: skip
        found = Reconciler(
            self.database, gateway, clock, enforce=live, every=settings.gateway_sync_seconds,
            kind=settings.gateway_kind, told=self.worker.wake,
        )  # fmt: skip
        self.worker.before_turning = found.before_turning
        self.dispatcher.fresh_spend, self.dispatcher.as_of = found.reader.fresh, found.as_of
        return found

    def _wake(self) -> None:
        self.worker.wake()
        if self.reconciler is not None:
            self.reconciler.wake()

    @property
    def port(self) -> int:
        """Where the endpoints listen (0 in the settings takes a free one)."""
        assert self.runner is not None
        return int(self.runner.addresses[0][1])

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`: then nothing new is taken, what is in flight is finished. Refuses a policy no gateway can follow."""
        if (
            self.reconciler is not None
            and (current := await self.database.write(versions.current)) is not None
        ):
            refuse_unmetered(current[1], enforce=self.reconciler.leader.mode)
        self.runner = await server.serve(
            self._application(), self.settings.http_host, self.settings.http_port
        )
        tasks = [asyncio.create_task(self.worker.run(), name="worker")]
        tasks += [asyncio.create_task(one.run(), name=name) for name, one in self.messengers.items()]
        if self.reconciler is not None:
            tasks.append(asyncio.create_task(self.reconciler.run(), name="gateway"))
        else:
            await self.database.write(GatewayState.switch_off)
        log.info(
            "running",
            messengers=sorted(self.messengers) or "none",
            http=f"{self.settings.http_host}:{self.port}",
        )
        listening = asyncio.create_task(_prepare(), name="prepare")
        ended = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait([ended, *tasks], return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done() and task.exception() is not None:
                    log.error("a part has ended", part=task.get_name(), error=str(task.exception()))
        finally:
            ended.cancel(), listening.cancel()
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=FINISH)
            await self.runner.cleanup()

    def _application(self) -> Application:
        registry = CollectorRegistry()
        for name, text, read in (
            ("quotabot_effects_done", "promised work done", lambda: float(self.worker.done)),
            ("quotabot_effects_parked", "promised work set aside", lambda: float(self.worker.parked)),
        ):
            Gauge(name, text, registry=registry).set_function(read)
        if self.dingtalk is not None:
            registry.register(self.dingtalk.tally)
        for name, text, read in metrics.figures(self.reconciler) if self.reconciler else ():
            Gauge(name, text, registry=registry).set_function(read)
        checks: dict[str, Callable[[], bool]] = {"database": self.database.alive}
        checks |= {name: one.ready for name, one in self.messengers.items()}
        secret = self.settings.slack_signing_secret
        facts = partial(metrics.facts, self.reconciler) if self.reconciler else None
        signed = secret.get_secret_value() if secret else ""
        return server.application(checks, registry, self.slack, signed, facts)


async def _prepare() -> None:
    """Make ready for sentences: in a thread and in pieces, so that nobody waits for it."""
    pieces = prepare()
    while True:
        if await asyncio.to_thread(next, pieces, None) is None:
            break
        await asyncio.sleep(0.02)
    gc.freeze()  # what a start made stays: looking through it for garbage kept everybody waiting for 70 ms


@contextlib.asynccontextmanager
async def open_app(
    settings: Settings,
    clock: Callable[[], datetime] = utc_now,
    patience: Patience = Patience(),  # noqa: B008  (frozen)
) -> AsyncIterator[App]:
    """A house with its database and its one HTTP session, both let go of at the end."""
    database = Database(settings.database_url)
    async with aiohttp.ClientSession() as http:
        try:
            yield App(settings, database, http, clock, patience)
        finally:
            await asyncio.to_thread(database.close)


async def run_until_told(settings: Settings) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    async with open_app(settings) as built:
        await built.run(stop)
