"""The edge of the HTTP endpoints: slow, excessive and broken requests cost little and write nothing to the log.

aiohttp has no time limit for the head of a request, no limit of connections, and logs a traceback for each
bad head.
"""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

# Seconds for a request's head, from its first byte or from the opening of the connection.
HEAD = 3.0
# Connections at a time; far fewer than the files that a process may open (1,024).
MOST = 256
# Seconds that a connection may rest between requests: longer than proxies keep theirs (nginx: 60).
KEPT = 75.0


class Guarded(web.RequestHandler):
    """One connection, closed if a head does not come in time."""

    __slots__ = ("_edge", "_patience")

    def __init__(self, edge: Edge, *words: Any, **more: Any) -> None:
        super().__init__(*words, **more)
        self._edge = edge
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._edge.opened(self)
        self._await_head()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._head_came()
        self._edge.closed(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        before = self._request_count
        super().data_received(data)
        if self._request_count != before:
            self._head_came()
        elif self.waits and self._patience is None:
            self._await_head()

    @property
    def waits(self) -> bool:
        return self._current_request is None and not self._messages

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        # A broken head is the sender's fault: a status, and nothing in the log.
        if status < 500:
            bad = web.Response(status=status)
            bad.force_close()
            return bad
        return super().handle_error(request, status, exc, message)

    def _await_head(self) -> None:
        self._patience = asyncio.get_running_loop().call_later(HEAD, self._give_up)

    def _head_came(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _give_up(self) -> None:
        self._patience = None
        if self.waits:
            self.force_close()


class Edge(web.TCPSite):
    """Listens for an application. At the limit, the connection that has waited longest is closed."""

    __slots__ = ("_open",)

    def __init__(self, runner: web.AppRunner, host: str, port: int) -> None:
        super().__init__(runner, host, port)
        self._open: dict[Guarded, None] = {}

    async def start(self) -> None:
        await web.BaseSite.start(self)
        loop = asyncio.get_running_loop()
        server = self._runner.server
        assert server is not None

        def connection() -> Guarded:
            return Guarded(
                self, server, loop=loop, access_log=None, keepalive_timeout=KEPT, lingering_time=1.0
            )

        try:
            self._server = await loop.create_server(connection, self._host, self._port, backlog=self._backlog)
        except OSError:
            self._runner._unreg_site(self)
            raise

    def opened(self, connection: Guarded) -> None:
        if len(self._open) >= MOST:
            oldest = next((one for one in self._open if one.waits), connection)
            oldest.force_close()
        self._open[connection] = None

    def closed(self, connection: Guarded) -> None:
        self._open.pop(connection, None)
