"""`quotabot demo`: the production adapters against a stand-in Slack, DingTalk and gateway on loopback, and one page above them.

The page is plain files (`page/`), a small JSON API and server-sent events. Only loopback is served, and only to our own page.
"""

from __future__ import annotations

import asyncio
import contextlib
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

from bot.settings import Settings
from sandbox.playground import ledger, story
from sandbox.playground.cast import BY_ID, CAST, WHO, Role
from sandbox.playground.company import opening_day
from sandbox.playground.opening import open_scene
from sandbox.playground.scene import Scene

Json = dict[str, Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
PAGE = resources.files("sandbox") / "playground" / "page"
KINDS = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
FILES = {one.name: KINDS[one.name.rpartition(".")[2]] for one in PAGE.iterdir()}
WIRE = 9
"""Lines of traffic that the page shows."""
COALESCE = 0.03
"""Seconds in which changes are shown together."""
PATIENCE = 3.0
"""Seconds that a state may take to be put together."""


class Playground:
    """The scene that is played just now, and the page above it."""

    def __init__(self, start: datetime) -> None:
        self.start = start
        self.scene: Scene | None = None
        self._stack = contextlib.AsyncExitStack()
        self._turn = asyncio.Lock()
        self._closing = False

    async def open(self, language: str) -> None:
        """Open a new scene in a language, then close the one before it."""
        async with self._turn:
            stack = contextlib.AsyncExitStack()
            fresh = await stack.enter_async_context(open_scene(language, self.start))
            before, self._stack, self.scene = self._stack, stack, fresh
            await before.aclose()

    async def close(self) -> None:
        """The end."""
        self._closing = True
        await self._stack.aclose()

    def application(self) -> web.Application:
        """The page and its API."""
        app = web.Application(middlewares=[_only_our_page])
        app.router.add_get("/", _file)
        app.router.add_get("/page/{name}", _file)
        app.router.add_get("/api/state", self._state)
        app.router.add_get("/api/events", self._events)
        app.router.add_post("/api/{verb}", self._do)
        return app

    @property
    def now(self) -> Scene:
        """The scene; there is one from `open` on."""
        assert self.scene is not None
        return self.scene

    # ---- showing ------------------------------------------------------------------------------------

    async def _state(self, request: web.Request) -> web.Response:
        return web.json_response(await self._shown(self.now, *_viewers(request)))

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """The whole state of two people's panes, again whenever anything moved."""
        answer = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        await answer.prepare(request)
        with contextlib.suppress(ConnectionError):
            while not self._closing:
                await self._follow(self.now, answer, *_viewers(request))
                await asyncio.sleep(COALESCE)
        return answer

    async def _follow(self, playing: Scene, answer: web.StreamResponse, left: Role, right: Role) -> None:
        """Send the state after every change until the scene ends. A scene that is ending may not answer: skip it."""
        seen = 0
        while True:
            seen = await playing.pulse.since(seen)
            if playing.pulse.closed:
                return
            with contextlib.suppress(TimeoutError):
                state = await asyncio.wait_for(self._shown(playing, left, right), PATIENCE)
                await answer.write(f"data: {json.dumps(state, ensure_ascii=False)}\n\n".encode())
            await asyncio.sleep(COALESCE)

    async def _shown(self, playing: Scene, left: Role, right: Role) -> Json:
        panes = {side: _pane(playing, role) for side, role in (("left", left), ("right", right))}
        return _around(playing) | await _books(playing, left, right) | {"panes": panes}

    # ---- doing --------------------------------------------------------------------------------------

    async def _do(self, request: web.Request) -> web.Response:
        """Run one action of the page; its effects arrive as an event."""
        verb, said = request.match_info["verb"], await request.json()
        doing = getattr(self, f"_do_{verb}", None)
        if doing is None:
            raise web.HTTPNotFound
        try:
            failed = await doing(said)
        except (KeyError, LookupError, TypeError, ValueError) as error:
            return web.json_response({"ok": False, "error": f"{type(error).__name__}: {error}"}, status=400)
        return web.json_response({"ok": True, "failed": failed or ""})

    async def _do_say(self, said: Json) -> None:
        await self.now.say(_who(said), said["text"], said.get("place", ""), said.get("thread", ""))

    async def _do_press(self, said: Json) -> str:
        return await self.now.press(_who(said), said)

    async def _do_submit(self, said: Json) -> None:
        await self.now.on_slack.submit(_who(said), said["view"], said["values"])

    async def _do_close(self, said: Json) -> None:
        await self.now.on_slack.close(_who(said), said["view"])

    async def _do_home(self, said: Json) -> None:
        await self.now.slack.open_home(_who(said).slack)

    async def _do_pick(self, said: Json) -> None:
        """Pick up the other messenger."""
        await self.now.pick(_who(said), said["messenger"])

    async def _do_spend(self, said: Json) -> None:
        await self.now.spend(_who(said))

    async def _do_faults(self, said: Json) -> None:
        self.now.plan_faults(duplicate=bool(said["duplicate"]), limit=bool(said["limit"]))

    async def _do_disconnect(self, _: Json) -> None:
        await self.now.disconnect()

    async def _do_language(self, said: Json) -> None:
        """An untouched scene is set anew in the other language; otherwise people just read another one from now on."""
        language = "zh" if said["language"] == "zh" else "en"
        if language == self.now.language:
            return
        if self.now.touched:
            await self.now.speak(language)
        else:
            await self.open(language)

    async def _do_restart(self, _: Json) -> None:
        await self.open(self.now.language)

    async def _do_story(self, said: Json) -> None:
        await story.play_to(self.now, int(said["step"]))


def _pane(playing: Scene, role: Role) -> Json:
    """The view of one person on the messenger they use."""
    screen = playing.screen(role)
    facts = {"person": role.id, "messenger": screen.name, "account": playing.account(role)}
    return screen.shown(role) | facts


def _around(playing: Scene) -> Json:
    """The part of the state that does not depend on the viewer."""
    screens = playing.screens.values()
    faults = {fault for screen in screens for fault in screen.faults()}
    return {
        "scene": id(playing),
        "language": playing.language,
        "clock": playing.clock.now().isoformat(),
        "cast": [_row(one) | {"messenger": playing.holds[one.id]} for one in CAST],
        "wire": [asdict(line) for line in playing.wire(WIRE)],
        "faults": {name: name in faults for name in ("duplicate", "limit")},
        "connected": {screen.name: screen.connected for screen in screens},
        "violations": [one for screen in screens for one in screen.violations][-3:],
    }


def _row(role: Role) -> Json:
    return {"id": role.id, "slack": role.slack, "name": role.name, "team": role.team, "role": role.role}


async def _books(playing: Scene, left: Role, right: Role) -> Json:
    """The ledger of these two."""
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
    """No other site may talk to us: a name that resolves to loopback, or a form that posts here, is turned away."""
    host = request.host.rsplit(":", 1)[0]
    if host not in ("127.0.0.1", "localhost", "[::1]"):
        raise web.HTTPForbidden
    if request.method == "POST" and request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    return await handler(request)


# ---- the place ------------------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def playground(
    port: int = 0, *, language: str = "en", start: datetime | None = None
) -> AsyncIterator[tuple[Playground, str]]:
    """An open playground and its address; a `port` that is taken gives way to a free one."""
    made = Playground(start or opening_day(datetime.now(UTC).date()))
    runner = web.AppRunner(made.application(), access_log=None, shutdown_timeout=0.2)
    try:
        await made.open(language)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
        except OSError:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield made, f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await made.close()
        await runner.cleanup()


async def run_demo(port: int = 8000, open_browser: bool = True, force: bool = False) -> None:
    """Run until Ctrl-C. Refuses where real tokens are set, unless forced, so that nobody takes the demo for a real bot."""
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
        print(f"quotabot demo: {address} (Ctrl-C ends it)", flush=True)  # noqa: T201
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
