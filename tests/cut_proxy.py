"""A proxy before Postgres that cuts every connection at a COMMIT, and keeps the database away for a while."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy.engine import URL


@dataclass
class CutProxy:
    """`cut_at_commit` once: with `arrives` the server gets the COMMIT, and nobody gets its answer."""

    server: URL
    loop: asyncio.AbstractEventLoop
    port: int = 0
    away: bool = False
    cuts: int = 0
    _armed: bool | None = None
    _marker: bytes = b""
    _pipes: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def url(self) -> str:
        query = {name: value for name, value in self.server.query.items() if name not in ("host", "port")}
        here = self.server.set(host="127.0.0.1", port=self.port, query=query)
        return here.render_as_string(hide_password=False)

    def cut_at_commit(self, *, arrives: bool, of: str = "INTO receipt") -> None:
        """Cut at the COMMIT of the next transaction that says `of`."""
        self._marker, self._armed = of.encode(), arrives

    def go_away(self) -> None:
        """Cut every connection, and take none while `away`."""
        self.away = True
        asyncio.run_coroutine_threadsafe(self._cut_all(), self.loop).result(5)

    async def _cut_all(self) -> None:
        for one in self._pipes:
            one.close()
        self._pipes.clear()

    async def stop(self, listening: asyncio.Server) -> None:
        """Close what is open, and wait for it."""
        listening.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for one in self._pipes:
            one.close()
        await asyncio.gather(*(one.wait_closed() for one in self._pipes), return_exceptions=True)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host = self.server.query.get("host") or self.server.host or "127.0.0.1"
        port = self.server.port or 5432
        if str(host).startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(str(host), port)

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.away:
            writer.close()
            return
        from_server, to_server = await self._connect()
        self._pipes |= {writer, to_server}
        back = asyncio.create_task(self._pump(from_server, writer))
        marked = False
        with contextlib.suppress(ConnectionError):
            while said := await reader.read(65536):
                marked |= self._armed is not None and self._marker in said
                if marked and self._armed is not None and b"COMMIT" in said:
                    await self._cut(said, from_server, to_server, back)
                    break
                to_server.write(said)
                await to_server.drain()
        for one in (writer, to_server):
            one.close()
        back.cancel()

    async def _cut(
        self, said: bytes, from_server: asyncio.StreamReader, to_server: asyncio.StreamWriter, back: asyncio.Task[None]
    ) -> None:  # fmt: skip
        arrives, self._armed = self._armed, None
        self.away, self.cuts = True, self.cuts + 1
        back.cancel()
        await asyncio.gather(back, return_exceptions=True)
        if arrives:
            to_server.write(said)
            await to_server.drain()
            await from_server.read(65536)  # it is committed; only the server and we know
        await self._cut_all()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while said := await source.read(65536):
                sink.write(said)
                await sink.drain()


@contextlib.contextmanager
def cut_proxy(server: URL) -> Iterator[CutProxy]:
    """In a thread of its own: a test may wait for the database in its loop."""
    loop = asyncio.new_event_loop()
    proxy = CutProxy(server, loop)
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    listening = asyncio.run_coroutine_threadsafe(
        asyncio.start_server(proxy.take, "127.0.0.1", 0), loop
    ).result()
    proxy.port = listening.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        asyncio.run_coroutine_threadsafe(proxy.stop(listening), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()
