"""The scenes that are played now: one a tab, so that a second tab does not replace the story of the first."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import secrets
import time
from collections.abc import Iterator
from datetime import datetime

from sandbox.playground.opening import open_scene
from sandbox.playground.scene import Scene

# A scene is a whole bot with three stand-ins; more of them would slow each other down.
MOST = 6
# Seconds that a scene outlives its tab, for a reload.
KEPT = 60.0
# Numbers of scenes grow, also over a restart of the program: a page knows the newer of two.
_numbers = itertools.count(int(time.time() * 1000))


class TooManyScenes(Exception):  # noqa: N818 - a refusal
    """Every scene is watched by a tab."""


class Stage:
    """A tab's scene, which another one may follow."""

    def __init__(self, name: str, start: datetime) -> None:
        self.name, self.start = name, start
        self.number = self.watchers = 0
        self.over = False
        self._scene: Scene | None = None
        self._stack = contextlib.AsyncExitStack()
        self._turn = asyncio.Lock()
        self._ending: set[asyncio.Task[None]] = set()

    @property
    def scene(self) -> Scene:
        assert self._scene is not None
        return self._scene

    async def open(self, language: str) -> None:
        """Open a new scene; the one before it ends beside, because its bot may take seconds to stop."""
        async with self._turn:
            stack = contextlib.AsyncExitStack()
            fresh = await stack.enter_async_context(open_scene(language, self.start))
            before, self._stack, self._scene = self._stack, stack, fresh
            self.number = next(_numbers)
        ending = asyncio.create_task(before.aclose())
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)

    async def close(self) -> None:
        self.over = True
        await asyncio.gather(self._stack.aclose(), *self._ending)


class Stages:
    """Stages by name. The first one is opened before any tab asks, and the first tab takes it."""

    def __init__(self, start: datetime, *, most: int = MOST, kept: float = KEPT) -> None:
        self.start, self.most, self.kept = start, most, kept
        self.by_name: dict[str, Stage] = {}
        self.language = "en"
        self._free: Stage | None = None
        self._leaving: dict[str, asyncio.Task[None]] = {}

    async def open(self, language: str) -> Stage:
        self.language = language
        self._free = await self._new()
        return self._free

    async def enter(self) -> Stage:
        """A stage for a new tab. Raises `TooManyScenes`."""
        if self._free is not None:
            taken, self._free = self._free, None
            return taken
        if len(self.by_name) >= self.most:
            await self._make_room()
        return await self._new()

    @contextlib.contextmanager
    def watched(self, stage: Stage) -> Iterator[None]:
        """A tab shows the stage. Some time after the last one has gone, the stage is closed."""
        stage.watchers += 1
        if leaving := self._leaving.pop(stage.name, None):
            leaving.cancel()
        try:
            yield
        finally:
            stage.watchers -= 1
            if not stage.watchers and not stage.over:
                self._leaving[stage.name] = asyncio.create_task(self._leave(stage))

    async def close(self) -> None:
        for leaving in self._leaving.values():
            leaving.cancel()
        stages = list(self.by_name.values())
        self.by_name.clear()
        await asyncio.gather(*(stage.close() for stage in stages))

    async def _new(self) -> Stage:
        stage = Stage(secrets.token_hex(3), self.start)
        self.by_name[stage.name] = stage
        try:
            await stage.open(self.language)
        except BaseException:
            del self.by_name[stage.name]
            raise
        return stage

    async def _make_room(self) -> None:
        for name in self._leaving:
            stage = self.by_name.pop(name)
            self._leaving.pop(name).cancel()
            await stage.close()
            return
        raise TooManyScenes

    async def _leave(self, stage: Stage) -> None:
        await asyncio.sleep(self.kept)
        del self._leaving[stage.name], self.by_name[stage.name]
        await stage.close()
