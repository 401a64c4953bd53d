"""`quotabot demo`: the production adapters against stand-ins on loopback, and one page above them.

The page is plain files (`page/`), a small JSON API and server-sent events. Only loopback is served, and only to our own page.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import logging
import os
import signal
import sys
import webbrowser
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import resources
from typing import Any

import structlog
from aiohttp import web
from sqlalchemy.exc import DBAPIError

from bot.settings import Settings
from sandbox.playground import ledger, story
from sandbox.playground.cast import BY_ID, CAST, WHO, Role
from sandbox.playground.company import opening_day
from sandbox.playground.scene import Scene
from sandbox.playground.stages import KEPT, MOST, Stage, Stages, TooManyScenes

Json = dict[str, Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
PAGE = resources.files("sandbox") / "playground" / "page"
KINDS = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
FILES = {one.name: KINDS[one.name.rpartition(".")[2]] for one in PAGE.iterdir()}
# Lines of traffic on the page.
WIRE = 9
# Seconds in which changes are shown together.
COALESCE = 0.03
# Seconds for putting a state together.
PATIENCE = 3.0
# Errors of a scene that ends meanwhile: no answer, or a database that is closed already.
GONE = (TimeoutError, RuntimeError, DBAPIError)
# Ports that are tried after a taken one.
NEXT_PORTS = 20


class Playground:
    """The scenes of all tabs, and the page above them."""

    def __init__(self, start: datetime, *, most: int = MOST, kept: float = KEPT) -> None:
        self.stages = Stages(start, most=most, kept=kept)
        self._first: Stage | None = None
        self._closing = False

    async def open(self, language: str) -> None:
        self._first = await self.stages.open(language)

    async def close(self) -> None:
        self._closing = True
        await self.stages.close()

    def application(self) -> web.Application:
        app = web.Application(middlewares=[_only_our_page])
        app.router.add_get("/", _file)
        app.router.add_get("/page/{name}", _file)
        app.router.add_get("/api/state", self._state)
        app.router.add_get("/api/events", self._events)
        app.router.add_post("/api/enter", self._enter)
        app.router.add_post("/api/{verb}", self._do)
        return app

    @property
    def first(self) -> Stage:
        """The stage of the first tab, and of requests that name none."""
        assert self._first is not None
        return self._first

    @property
    def now(self) -> Scene:
        return self.first.scene

    def _stage(self, request: web.Request) -> Stage:
        name = request.query.get("scene")
        stage = self._first if name is None else self.stages.by_name.get(name)
        if stage is None or stage.over:
            raise web.HTTPNotFound(text="this scene is over")
        return stage

    async def _enter(self, _: web.Request) -> web.Response:
        try:
            stage = await self.stages.enter()
        except TooManyScenes:
            return web.json_response({"ok": False, "error": "too many scenes"}, status=503)
        return web.json_response({"ok": True, "scene": stage.name, "number": stage.number})

    # ---- showing ------------------------------------------------------------------------------------

    async def _state(self, request: web.Request) -> web.Response:
        # A scene that ends while it is asked may never answer; the next attempt asks its successor.
        for _ in range(2):
            with contextlib.suppress(*GONE):
                return web.json_response(await self._shown(self._stage(request), *_viewers(request)))
        raise web.HTTPServiceUnavailable

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """The whole state of two people's panes, again after every change."""
        stage = self._stage(request)
        answer = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        await answer.prepare(request)
        with contextlib.suppress(ConnectionError), self.stages.watched(stage):
            while not (self._closing or stage.over):
                await self._follow(stage, answer, *_viewers(request))
                await asyncio.sleep(COALESCE)
        return answer

    async def _follow(self, stage: Stage, answer: web.StreamResponse, left: Role, right: Role) -> None:
        """Send the state after every change until the scene ends."""
        playing, seen = stage.scene, 0
        while True:
            seen = await playing.pulse.since(seen)
            if playing.pulse.closed or playing is not stage.scene:
                return
            with contextlib.suppress(*GONE):
                state = await self._shown(stage, left, right)
                await answer.write(f"data: {json.dumps(state, ensure_ascii=False)}\n\n".encode())
            await asyncio.sleep(COALESCE)

    async def _shown(self, stage: Stage, left: Role, right: Role) -> Json:
        """The state for the page. Raises one of `GONE` when the scene does not answer in time."""
        playing, number = stage.scene, stage.number
        panes = {side: _pane(playing, role) for side, role in (("left", left), ("right", right))}
        books = await asyncio.wait_for(_books(playing, left, right), PATIENCE)
        return _around(playing) | books | {"scene": number, "panes": panes}

    # ---- doing --------------------------------------------------------------------------------------

    async def _do(self, request: web.Request) -> web.Response:
        """Run one action of the page; its effects arrive as an event."""
        verb, stage, said = request.match_info["verb"], self._stage(request), await request.json()
        doing = getattr(self, f"_do_{verb}", None)
        if doing is None:
            raise web.HTTPNotFound
        try:
            failed = await doing(stage, said)
        except (KeyError, LookupError, TypeError, ValueError) as error:
            return web.json_response({"ok": False, "error": f"{type(error).__name__}: {error}"}, status=400)
        return web.json_response({"ok": True, "failed": failed or "", "number": stage.number})

    async def _do_say(self, stage: Stage, said: Json) -> None:
        await stage.scene.say(_who(said), said["text"], said.get("place", ""), said.get("thread", ""))

    async def _do_press(self, stage: Stage, said: Json) -> str:
        return await stage.scene.press(_who(said), said)

    async def _do_submit(self, stage: Stage, said: Json) -> None:
        await stage.scene.on_slack.submit(_who(said), said["view"], said["values"])

    async def _do_close(self, stage: Stage, said: Json) -> None:
        await stage.scene.on_slack.close(_who(said), said["view"])

    async def _do_home(self, stage: Stage, said: Json) -> None:
        await stage.scene.slack.open_home(_who(said).slack)

    async def _do_pick(self, stage: Stage, said: Json) -> None:
        await stage.scene.pick(_who(said), said["messenger"])

    async def _do_spend(self, stage: Stage, said: Json) -> None:
        await stage.scene.spend(_who(said))

    async def _do_faults(self, stage: Stage, said: Json) -> None:
        stage.scene.plan_faults(duplicate=bool(said["duplicate"]), limit=bool(said["limit"]))

    async def _do_disconnect(self, stage: Stage, _: Json) -> None:
        await stage.scene.disconnect()

    async def _do_language(self, stage: Stage, said: Json) -> None:
        """An untouched scene is replaced by one in the other language; in a touched one people switch theirs."""
        language = "zh" if said["language"] == "zh" else "en"
        if language == stage.scene.language:
            return
        if stage.scene.touched:
            await stage.scene.speak(language)
        else:
            await stage.open(language)

    async def _do_restart(self, stage: Stage, _: Json) -> None:
        await stage.open(stage.scene.language)

    async def _do_story(self, stage: Stage, said: Json) -> None:
        await story.play_to(stage.scene, int(said["step"]))


def _pane(playing: Scene, role: Role) -> Json:
    screen = playing.screen(role)
    facts = {"person": role.id, "messenger": screen.name, "account": playing.account(role)}
    return screen.shown(role) | facts


def _around(playing: Scene) -> Json:
    screens = playing.screens.values()
    faults = {fault for screen in screens for fault in screen.faults()}
    return {
        "language": playing.language,
        "clock": playing.clock.now().isoformat(),
        "pages": playing.pages,
        "cast": [_row(one, playing.founded_in) | {"messenger": playing.holds[one.id]} for one in CAST],
        "wire": [asdict(line) for line in playing.wire(WIRE)],
        "faults": {name: name in faults for name in ("duplicate", "limit")},
        "connected": {screen.name: screen.connected for screen in screens},
        "violations": [one for screen in screens for one in screen.violations][-3:],
    }


def _row(role: Role, language: str) -> Json:
    names = {"name": role.called(language), "team": role.team_in(language), "role": role.works_as(language)}
    return {"id": role.id, "slack": role.slack} | names


async def _books(playing: Scene, left: Role, right: Role) -> Json:
    emails, language = (left.email, right.email), playing.language
    balances, moved = await playing.app.database.read(
        lambda session: (
            [ledger.balances(session, email, language) for email in emails],
            ledger.transfers(session, emails, language),
        )
    )
    return {"balances": balances, "transfers": moved, "story": await story.progress(playing)}


def _viewers(request: web.Request) -> tuple[Role, Role]:
    left, right = (request.query.get(side, "") for side in ("left", "right"))
    return BY_ID.get(left, WHO["Alice"]), BY_ID.get(right, WHO["Bob"])


def _who(said: Json) -> Role:
    return BY_ID[said["user"]]


async def _file(request: web.Request) -> web.Response:
    name = request.match_info.get("name", "index.html")
    if name not in FILES:
        raise web.HTTPNotFound
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'self'; img-src 'self' data:",
    }
    return web.Response(
        text=(PAGE / name).read_text("utf-8"), content_type=FILES[name], charset="utf-8", headers=headers
    )


@web.middleware
async def _only_our_page(request: web.Request, handler: Handler) -> web.StreamResponse:
    # Another site may use a name that resolves to loopback, or a form that posts here.
    host = request.host.rsplit(":", 1)[0]
    if host not in ("127.0.0.1", "localhost", "[::1]"):
        raise web.HTTPForbidden
    if request.method == "POST" and request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    return await handler(request)


# ---- the place ------------------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def playground(
    port: int = 0,
    *,
    language: str = "en",
    start: datetime | None = None,
    most: int = MOST,
    kept: float = KEPT,
) -> AsyncIterator[tuple[Playground, str]]:
    """An open playground and its address. A taken `port` gives way to the next free one."""
    made = Playground(start or opening_day(datetime.now(UTC).date()), most=most, kept=kept)
    # A stream of events ends with its tab: without cancellation it would end at the next change only.
    runner = web.AppRunner(
        made.application(), access_log=None, shutdown_timeout=0.2, handler_cancellation=True
    )
    try:
        await made.open(language)
        await runner.setup()
        await _listen(runner, port)
        yield made, f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await made.close()
        await runner.cleanup()


async def _listen(runner: web.AppRunner, port: int) -> None:
    for one in (*range(port, min(port + NEXT_PORTS, 65536)), 0) if port else (0,):
        try:
            await web.TCPSite(runner, "127.0.0.1", one).start()
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES) or not one:
                raise
        else:
            return


async def run_demo(port: int = 8000, open_browser: bool = True, force: bool = False) -> None:
    """Run until Ctrl-C. Refuses where real tokens are set, unless forced: a demo must not pass for a real bot."""
    if not force and (real := _real_tokens()):
        sys.exit(
            f"{', '.join(real)} is set: this machine runs a real bot. The demo never uses it; --force starts it anyway."
        )
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    logging.disable(logging.WARNING)
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    async with playground(port) as (_, address):
        taken = f"port {port} is taken; " if port and f":{port}/" not in address else ""
        print(f"{taken}quotabot demo: {address} (Ctrl-C ends it)", flush=True)  # noqa: T201
        if open_browser and _has_display():
            await asyncio.to_thread(webbrowser.open, address)
        await stop.wait()


def _real_tokens() -> list[str]:
    found = Settings.load()
    secrets = {
        "SLACK_BOT_TOKEN": found.slack_bot_token,
        "DINGTALK_CLIENT_SECRET": found.dingtalk_client_secret,
        "GATEWAY_KEY": found.gateway_key,
    }
    return [name for name, value in secrets.items() if value is not None]


def _has_display() -> bool:
    return sys.platform in ("darwin", "win32") or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
