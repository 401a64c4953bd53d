"""What the bot answers when it refuses."""

from __future__ import annotations

from bot.answers import refused, say
from bot.database import Database
from bot.messengers.port import MessengerError, Request
from handlers.language.reader import read_command
from models.messages.message import Message
from models.refusal import UnknownSender
from tests.actions import change
from tests.bot.worker.board import Board
from tests.company import NOW


def stranger(company: Database, words: str) -> str:
    request = Request("key", "slack:U99", read_command(words, NOW.date()))
    answer = company.transact(lambda session: refused(session, request, UnknownSender("slack:U99"), NOW))
    return answer.text


def test_a_stranger_is_told_whom_to_ask_and_by_no_empty_brackets(company: Database) -> None:
    assert "Ask an admin (ops@corp.example) to add you" in stranger(company, "balance")
    change(company, ("admins: [ops@corp.example]\n", ""))
    assert "Ask an admin to add you" in stranger(company, "balance")
    assert "请联系管理员添加" in stranger(company, "余额")


async def test_an_answer_that_no_effect_promises_is_tried_again() -> None:
    class Busy(Board):
        async def answer(self, by: dict[str, object], message: Message) -> None:
            await super().answer(by, message)
            if len(self.answers) < 3:
                raise MessengerError("rate limited", retry_after=0.001)

    busy = Busy()
    await say(
        busy, Request("key", "slack:U99", read_command("balance", NOW.date())), Message(text="too slow")
    )
    assert len(busy.answers) == 3
