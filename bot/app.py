"""`quotabot run`: builds everything from the settings and runs until SIGTERM, which finishes within ten seconds."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from functools import partial

import aiohttp
import structlog
from aiohttp.web import AppRunner, RouteDef

from bot.bulk import decide_all
from bot.clock import DatabaseClock
from bot.database import Database
from bot.dispatch import Dispatcher
from bot.gateways import metrics
from bot.gateways.configured import GatewayConfig, configured_gateways
from bot.gateways.fleet import Fleet
from bot.gateways.reconcile import Reconciler
from bot.messengers.port import Endpoints, Messenger, Metered
from bot.messengers.registry import MESSENGERS
from bot.metrics import Metrics
from bot.notes import Notes
from bot.patience import Patience
from bot.settings import Settings
from bot.web import server
from bot.web.readiness import Readiness
from bot.worker import Worker
from handlers.language.reader import prepare
from models.messages import outbox
from models.metering.gateway_state import GatewayState, refuse_unmetered
from models.policy import versions

log = structlog.get_logger()

# Seconds that a scrape waits for the database.
BACKLOG_WITHIN = 1.0
# Seconds for work in flight after SIGTERM; supervisors kill a process after ten.
FINISH = 6.0


class App:
    def __init__(
        self,
        settings: Settings,
        database: Database,
        http: aiohttp.ClientSession,
        clock: Callable[[], datetime] | None = None,
        patience: Patience = Patience(),  # noqa: B008  (frozen)
    ) -> None:
        self.settings, self.database, self.http = settings, database, http
        self.database_clock = DatabaseClock(database)
        self.metrics = Metrics()
        clock = clock or self.database_clock
        self.gateways = configured_gateways(settings)
        if not self.gateways:
            log.info("the gateway is off: GATEWAY_KIND is none")
        live = any(one.enforced for one in self.gateways)
        # By name. Filled later: messengers need the dispatcher, and the dispatcher reads profiles here.
        self.messengers: dict[str, Messenger] = {}
        self.fleet = Fleet([self._open_gateway(one, live=live, clock=clock) for one in self.gateways])
        self.dispatcher = Dispatcher(
            database, clock, self.messengers, live=live, wake=self._wake, patience=patience, metrics=self.metrics,
            command=settings.slack_command, link_by_email=settings.slack_link_by_email,
            fresh_spend=self.fleet.fresh if self.gateways else None, as_of=self.fleet.as_of,
            notes=Notes(settings.state_directory, database.engine.url),
        )  # fmt: skip
        self.worker = Worker(
            database, clock, self.messengers, self.dispatcher.home, live=live, metrics=self.metrics,
            effects_kept=timedelta(days=settings.effects_kept_days),
            before_turning=self.fleet.before_turning if self.gateways else None,
            decide=partial(decide_all, self.dispatcher.handle, database, clock),
        )  # fmt: skip
        self._open_messengers()
        self.runner: AppRunner | None = None
        # The server of /readyz and /metrics, if METRICS_PORT is set.
        self.observing: AppRunner | None = None

    def _open_messengers(self) -> None:
        for name, row in MESSENGERS.items():
            if lack := row.lacks(self.settings):
                say = log.warning if row.begun(self.settings) else log.info
                say(f"{name} is off: {lack}")
            else:
                self.messengers[name] = row.open(self.settings, self.dispatcher, self.http)

    def _open_gateway(
        self, config: GatewayConfig, *, live: bool, clock: Callable[[], datetime]
    ) -> Reconciler:
        return Reconciler(
            self.database, config.open(self.http, clock), clock, enforce=config.enforced, every=config.sync_seconds,
            kind=config.kind, name=config.name, live=live, told=self._wake_worker,
        )  # fmt: skip

    @property
    def reconciler(self) -> Reconciler | None:
        """The loop of the first gateway."""
        return next(iter(self.fleet.loops), None)

    def _wake_worker(self) -> None:
        self.worker.wake()

    def _wake(self) -> None:
        self.worker.wake()
        self.fleet.wake()

    @property
    def port(self) -> int:
        """The port of the endpoints (0 in the settings takes a free one)."""
        assert self.runner is not None
        return int(self.runner.addresses[0][1])

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop`, then finish the work in flight. Raises if no gateway can follow the policy."""
        if self.gateways and (current := await self.database.read(versions.current)) is not None:
            refuse_unmetered(current[1], enforce=self.dispatcher.live)
        await self._serve()
        await self.database_clock.look()
        self.dispatcher.unsettled.resume()
        tasks = [asyncio.create_task(self.worker.run(), name="worker")]
        tasks.append(asyncio.create_task(self.database_clock.follow(), name="clock"))
        tasks += [asyncio.create_task(one.run(), name=name) for name, one in self.messengers.items()]
        names = [one.name for one in self.gateways]
        await self.database.write(partial(GatewayState.keep_only, names=names))
        tasks += [
            asyncio.create_task(loop.run(), name=f"gateway {loop.name}".strip()) for loop in self.fleet.loops
        ]
        log.info(
            "running",
            messengers=sorted(self.messengers) or "none",
            http=f"{self.settings.http_host}:{self.port}",
        )
        listening = asyncio.create_task(_prepare(self.messengers), name="prepare")
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
            if self.dispatcher.saying:  # answers that no effect promises
                await asyncio.wait(self.dispatcher.saying, timeout=FINISH / 8)
            for runner in self._runners():
                await runner.cleanup()

    def _runners(self) -> list[AppRunner]:
        return [one for one in (self.runner, self.observing) if one is not None]

    async def _serve(self) -> None:
        host, own_port = self.settings.http_host, self.settings.metrics_port
        routes, observed = self._routes(), self._observed()
        together = routes + observed if own_port is None else routes
        self.runner = await server.serve(server.application(together), host, self.settings.http_port)
        if own_port is not None:
            try:
                self.observing = await server.serve(
                    server.application(observed), host, own_port, "METRICS_PORT"
                )
            except OSError:
                await self.runner.cleanup()
                raise

    def _routes(self) -> list[RouteDef]:
        endpoints = (one for one in self.messengers.values() if isinstance(one, Endpoints))
        return [*self._pages(), *(route for one in endpoints for route in one.routes())]

    def _pages(self) -> list[RouteDef]:
        if lack := self.settings.pages_lack:
            say = log.warning if self.settings.pages_begun else log.info
            say(f"the pages are off: {lack}")
            return []
        from bot.web.pages.site import Pages  # noqa: PLC0415 - templates and charts are loaded where they are on

        return Pages(self.settings, self.database, self.http, self.worker.clock).routes()

    def _observed(self) -> list[RouteDef]:
        self.metrics.gauges(
            (
                ("quotabot_effects_done", "promised work done", lambda: float(self.worker.done)),
                ("quotabot_effects_parked", "promised work set aside", lambda: float(self.worker.parked)),
            )
        )
        self.metrics.gauges(metrics.figures(self.fleet.loops) if self.gateways else ())
        for messenger in self.messengers.values():
            for collector in messenger.collectors() if isinstance(messenger, Metered) else ():
                self.metrics.registry.register(collector)
        ready = Readiness(
            self.database,
            self.worker.clock,
            self.messengers,
            enforced=[one.name for one in self.gateways if one.enforced],
        )
        facts = partial(metrics.facts, self.fleet.loops) if self.gateways else None
        return server.observed(ready.look, partial(self.metrics.page, self._backlog), facts)

    async def _backlog(self) -> tuple[int, float]:
        now = self.worker.clock()
        return await self.database.read(partial(outbox.backlog, now=now), within=BACKLOG_WITHIN)


async def _prepare(messengers: dict[str, Messenger]) -> None:
    # The reader of sentences takes long to load; in a thread and in pieces, requests do not wait for it.
    await connected(messengers)
    pieces = prepare()
    while True:
        if await asyncio.to_thread(next, pieces, None) is None:
            break
        await asyncio.sleep(0.02)
    gc.freeze()  # collecting the objects of the start paused everybody for 70 ms


async def connected(messengers: dict[str, Messenger]) -> None:
    """Returns once people can write: on one messenger at least. At once where there is none."""
    while messengers and not any(one.ready() for one in messengers.values()):  # noqa: ASYNC110 - a messenger tells nobody
        await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def open_app(
    settings: Settings,
    clock: Callable[[], datetime] | None = None,
    patience: Patience = Patience(),  # noqa: B008  (frozen)
) -> AsyncIterator[App]:
    """An app with its database and its one HTTP session, both closed at the end."""
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
