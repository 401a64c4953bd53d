"""A messenger that writes down what it is told, and what is promised to it."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import col, select

from bot.database import Database
from bot.pace import Pace
from bot.worker import Worker
from models.messages.message import Message
from models.messages.outbox import Effect
from models.people.profile import Profile
from tests.company import NOW

BOUND = 20


class Board:
    """A messenger that writes down what it is told to say, and fails as it is told to."""

    name = "slack"

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []
        self.replaced: list[tuple[str, str]] = []
        self.answers: list[dict[str, Any]] = []
        self.homes: list[str] = []
        self.unsure: list[bool] = []
        self.faults: dict[str, list[Exception]] = {}
        self.hold: asyncio.Event | None = None
        self.holds: dict[str, asyncio.Event] = {}
        self.begun = asyncio.Event()

    async def run(self) -> None:
        return

    async def send(self, address: str, message: Message, key: str, *, unsure: bool = False) -> str:
        self.begun.set()
        if (hold := self.holds.get(address, self.hold)) is not None:
            await hold.wait()
        self.unsure.append(unsure)
        if self.faults.get(key):
            raise self.faults[key].pop(0)
        self.said.append((address, message.text))
        return f"{address}/{len(self.said)}"

    async def replace(self, address: str, ref: str, message: Message) -> None:
        self.replaced.append((ref, message.text))

    async def answer(self, by: dict[str, Any], message: Message) -> None:
        self.answers.append(by)

    async def home(self, address: str, message: Message) -> None:
        self.homes.append(address)

    async def profile(self, address: str, *, urgent: bool) -> Profile | None:
        return None

    def ready(self) -> bool:
        return True


class Clock:
    """Stands still until it is moved; the worker's and that of its pace."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def seconds(self) -> float:
        return self.now.timestamp()

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


async def page(address: str) -> Message:
    return Message(text=f"page of {address}")


def built(database: Database, board: Board, clock: Clock) -> Worker:
    found = Worker(database, clock, {"slack": board}, page)
    found.pace = Pace(clock.seconds)
    return found


def promise(worker: Worker, *lanes: str, kind: str = "say", now: datetime = NOW, **payload: Any) -> list[str]:
    """One message after the other in these lanes; the text of each is its number."""

    def run(session) -> list[str]:
        effects = [
            Effect(
                key=f"{kind}{lane}{n}", kind=kind, lane=lane, due_at=now,
                payload={"address": lane, "message": Message(text=str(n)).as_json(), "shape": "", "reader": None} | payload,
            )
            for n, lane in enumerate(lanes)
        ]  # fmt: skip
        session.add_all(effects)
        session.flush()
        return [one.key for one in effects]

    return worker.database.transact(run)


def effect(worker: Worker, key: str) -> Effect:
    return worker.database.transact(
        lambda session: session.exec(select(Effect).where(Effect.key == key)).one()
    )


def unsaid(worker: Worker) -> list[str]:
    query = select(Effect.key).where(Effect.kind == "say", col(Effect.done_at).is_(None))
    return worker.database.transact(lambda session: list(session.exec(query).all()))


def in_lane(board: Board, lane: str) -> list[str]:
    return [text for address, text in board.said if address == lane]
