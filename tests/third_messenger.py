"""A third messenger, as small as the port allows: one line a message over loopback TCP. Nothing in handlers/ or models/ knows it.

A person connects, sends their id as the first line and sentences after it. What the bot says comes back as lines.
"""

from __future__ import annotations

import asyncio
from itertools import count
from typing import Any

from bot.dispatch import Dispatcher
from bot.messengers.port import MessengerError, Request
from bot.messengers.registry import Row
from handlers.language.reader import read_command
from models.messages.message import Message
from models.people.messenger import Traits

BOUND = 30.0
"""Seconds after which a line that did not come is a failure, however busy the machine is."""


class Lines:
    """The core of the port and nothing else: no page, no profiles, no forms, no approvals, no endpoint."""

    name = "lines"

    def __init__(self, dispatcher: Dispatcher) -> None:
        self.dispatcher = dispatcher
        self.port = 0
        self._writers: dict[str, asyncio.StreamWriter] = {}
        self._numbers = count(1)

    async def run(self) -> None:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            await asyncio.Event().wait()
        finally:
            self.port = 0
            server.close()
            for writer in self._writers.values():
                writer.close()

    def ready(self) -> bool:
        return self.port > 0

    async def send(self, address: str, message: Message, key: str, *, unsure: bool = False) -> str:
        writer = self._writers.get(address)
        if writer is None:
            raise MessengerError(f"{address} is not connected")
        writer.write(f"{line(message)}\n".encode())
        try:
            await writer.drain()
        except ConnectionError as error:
            raise MessengerError(f"{address} hung up", unknown=True) from error
        return ""

    async def replace(self, address: str, ref: str, message: Message) -> None:
        """A line cannot be changed, so the new state is a new line."""
        await self.send(address, message, "")

    async def answer(self, by: dict[str, Any], message: Message) -> None:
        await self.send(by["address"], message, "")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = f"lines:{(await reader.readline()).decode().strip()}"
        self._writers[address] = writer
        while sentence := (await reader.readline()).decode().strip():
            await self.dispatcher.handle(self._request(address, sentence))

    def _request(self, address: str, sentence: str) -> Request:
        return Request(
            key=f"{address}:{next(self._numbers)}",
            sender=address,
            command=read_command(sentence, self.dispatcher.clock().date()),
            answer_by={"address": address, "lane": address},
        )


ROW = Row(
    Traits("lines", profiles=False),
    lacks=lambda settings: "",
    open=lambda settings, dispatcher, http: Lines(dispatcher),
)
"""What `bot/messengers/registry.py` would hold."""


def line(message: Message) -> str:
    """Text and facts; a button becomes the words to type."""
    parts = [message.title, message.text, *(f"{name}: {value}" for name, value in message.facts)]
    parts += [f"[{button.typed}]" for button in message.buttons]
    return " | ".join(filter(None, parts)).replace("\n", " ").replace("**", "")


class Phone:
    """A person at the other end of the wire."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.heard: list[str] = []

    @classmethod
    async def connect(cls, port: int, user: str) -> Phone:
        phone = cls(*await asyncio.open_connection("127.0.0.1", port))
        phone.say(user)
        return phone

    def say(self, sentence: str) -> None:
        self.writer.write(f"{sentence}\n".encode())

    async def hear(self, *words: str) -> str:
        """The next line that holds all these words."""
        try:
            async with asyncio.timeout(BOUND):
                text = await self._line()
                while not all(word in text for word in words):
                    text = await self._line()
        except TimeoutError:
            raise AssertionError(f"never heard {words}; heard {self.heard}") from None
        return text

    async def _line(self) -> str:
        text = (await self.reader.readline()).decode().strip()
        assert text, f"hung up; heard {self.heard}"
        self.heard.append(text)
        return text

    def close(self) -> None:
        self.writer.close()
