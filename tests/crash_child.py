"""A bot in a process of its own that gets SIGKILL at a named step, for `test_crashes`."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from sqlalchemy import event

from bot.database import Database
from bot.dispatch import Dispatcher
from bot.messengers.port import Request
from bot.patience import Patience
from bot.worker import Worker
from handlers import context
from handlers.command import Command
from models.messages import receipt
from models.messages.message import Message
from models.people.profile import Profile
from models.quota import grant, loan, request

STEPS = (
    "before the receipt is looked up",
    "after the row of the loan or the decision",
    "after the transfer",
    "after telling the other one",
    "before the commit",
    "after the commit, before the answer",
    "after the answer",
    "while sending",
    "after sending, before marking",
    "after marking",
)


class Paper:
    """A messenger that appends each message to a file and syncs it before it returns."""

    name = "slack"

    def __init__(self, path: Path, shot: Callable[[str], None] = lambda step: None) -> None:
        self.path, self.shot = path, shot

    async def run(self) -> None:
        return

    async def send(self, address: str, message: Message, key: str, *, unsure: bool = False) -> str:
        self.shot("while sending")
        self._write(key, address, message)
        self.shot("after sending, before marking")
        return key

    async def replace(self, address: str, ref: str, message: Message) -> None:
        self._write(f"replace:{ref}", ref, message)

    async def answer(self, by: dict[str, Any], message: Message) -> None:
        self._write(f"answer:{by['key']}", by["lane"], message)

    async def home(self, address: str, message: Message) -> None:
        self._write("home", address, message)

    async def profile(self, address: str, *, urgent: bool) -> Profile | None:
        return Profile("member")

    def ready(self) -> bool:
        return True

    def _write(self, key: str, address: str, message: Message) -> None:
        with self.path.open("a", encoding="utf-8") as paper:
            paper.write(json.dumps([key, address, message.text], ensure_ascii=False) + "\n")
            paper.flush()
            os.fsync(paper.fileno())


class Bot:
    """Dispatcher and worker on one database, with the file as their messenger."""

    def __init__(self, url: str, paper: Paper, now: datetime) -> None:
        self.database = Database(url, writers=1)
        self.dispatcher = Dispatcher(self.database, lambda: now, patience=Patience(commit=60, read=60))
        messengers = self.dispatcher.messengers
        messengers["slack"] = paper
        self.worker = Worker(self.database, lambda: now, messengers, self.dispatcher.home)

    async def hear(self, key: str, sender: str, words: tuple[str, ...], fields: dict[str, str]) -> str:
        by = {"key": key, "lane": sender} if not fields else None
        action, value = (*words, "")[:2]
        command = Command.filled(action, value, fields)
        asked = Request(key, sender, command, from_form=bool(fields), answer_by=by)
        outcome = await self.dispatcher.handle(asked)
        return repr(outcome)


def live(
    pipe: Connection,
    url: str,
    paper: str,
    now: datetime,
    heard: list[Any],
    step: str,
    hit: int,
    together: bool,
) -> None:
    """Handle every request and send every effect; SIGKILL at the `hit`-th time of `step`.

    `together`: all requests at once, through one writer, so that they share a commit.
    """
    left = hit

    def shot(where: str) -> None:
        nonlocal left
        left -= where == step
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    aim(shot)
    asyncio.run(_live(pipe, Bot(url, Paper(Path(paper), shot), now), heard, shot, together=together))


async def _live(
    pipe: Connection, bot: Bot, heard: list[Any], shot: Callable[[str], None], *, together: bool
) -> None:
    event.listen(bot.database.engine, "commit", lambda _: shot("before the commit"))
    if together:
        await asyncio.gather(*(bot.hear(*one) for one in heard))
        shot("after the commit, before the answer")
    for key, *rest in heard:
        answer = await bot.hear(key, *rest)
        shot("after the commit, before the answer")
        pipe.send((key, answer))
        shot("after the answer")
        while await bot.worker.round():
            shot("after marking")
    bot.database.close()


def aim(shot: Callable[[str], None]) -> None:
    """Call `shot` at the steps within a transaction."""
    first, row, moved, told = STEPS[:4]
    receipt.answered = _around(receipt.answered, lambda: shot(first), before=True)  # type: ignore[assignment]
    loan.open_loan = _around(loan.open_loan, lambda: shot(row))  # type: ignore[attr-defined]
    request.Request._decide = _around(request.Request._decide, lambda: shot(row))  # type: ignore[method-assign]
    loan.post = _around(loan.post, lambda: shot(moved))  # type: ignore[attr-defined]
    grant.transfer = _around(grant.transfer, lambda: shot(moved))  # type: ignore[attr-defined]
    context.Context.tell = _around(context.Context.tell, lambda: shot(told))  # type: ignore[method-assign]


def _around(
    function: Callable[..., Any], shoot: Callable[[], None], *, before: bool = False
) -> Callable[..., Any]:
    @wraps(function)
    def wrapped(*args: Any, **words: Any) -> Any:
        if before:
            shoot()
        result = function(*args, **words)
        if not before:
            shoot()
        return result

    return wrapped
