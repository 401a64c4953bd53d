"""The one shape of what was asked: from a sentence, a button or a form; stored, read again, told apart."""

from __future__ import annotations

from datetime import date

import pytest
from sqlmodel import Session

from handlers import confirmation
from handlers.command import Command, Person
from handlers.language.reader import read_command
from models.messages.confirmation import Confirmation
from models.messages.receipt import fingerprint_of
from tests.company import NOW, asks, who

TODAY = date(2026, 11, 30)


def test_a_sentence_a_button_and_a_form_become_commands() -> None:
    typed = read_command("lend <@U02BOB> 50 demo", TODAY)
    assert typed == Command(
        "lend", Person("U02BOB"), amount="50", reason="demo", text="lend <@U02BOB> 50 demo"
    )
    assert Command.pressed("loan.return", "7") == Command("loan.return", code="7")
    sent = Command.filled("lend.new", "", {"person": "U02BOB", "amount": "50", "until": "", "other": "x"})
    assert sent == Command("lend.new", Person("U02BOB"), amount="50")


@pytest.mark.parametrize(
    ("sentence", "intent", "code"),
    [("history 12", "history", "12"), ("明细 12", "history", "12"), ("yes 7kq2", "yes", "7KQ2"), ("暂不 7KQ2", "no", "7KQ2")],
)  # fmt: skip
def test_a_page_of_history_and_an_answer_to_a_code_are_typed(sentence: str, intent: str, code: str) -> None:
    found = read_command(sentence, TODAY)
    assert (found.intent, found.code, found.confidence) == (intent, code, "exact")


def test_words_that_a_machine_wrote_down_are_never_exact() -> None:
    assert read_command("lend <@U02BOB> 50", TODAY).exact
    assert not read_command("lend <@U02BOB> 50", TODAY, guessed=True).exact


def test_what_no_database_stores_is_taken_out_of_every_command() -> None:
    assert read_command("lend <@U02BOB> 50 a\0\ud800b", TODAY).reason == "a?b"
    assert Command.pressed("request.approve", "7K\0Q2").code == "7KQ2"
    assert Command.filled("request.decline", "\ud800", {"reason": "\0no"}).words == (
        "request.decline", "?", "('reason', 'no')",
    )  # fmt: skip


def test_the_fingerprint_of_a_command_is_the_one_that_receipts_hold_already() -> None:
    words = [
        (read_command("lend  <@U02BOB> 50", TODAY), ("lend <@U02BOB> 50",)),
        (Command.pressed("confirm.yes", "7KQ2"), ("confirm.yes", "7KQ2")),
        (Command.filled("request.decline", "7KQ2", {"reason": "不行"}), ("request.decline", "7KQ2", "('reason', '不行')")),
    ]  # fmt: skip
    for command, before in words:
        assert fingerprint_of("slack:U1", command.words) == fingerprint_of("slack:U1", before)


def test_a_stored_command_reads_as_it_was() -> None:
    command = Command("lend", Person(member=7), amount="50", reason="demo", until="2026-12-15", code="7KQ2")
    assert Command.from_json(command.as_json()) == command


def test_a_confirmation_stored_by_an_earlier_version_still_runs(session: Session) -> None:
    ctx, bob = asks(session, "alice"), who(session, "bob")
    said = {
        "intent": "lend", "exact": True, "handle": None, "member": bob.id, "name": None, "amount": "5", "reason": "",
        "until": None, "code": "", "locale": "", "several": False, "thread": "slack:C1/1",
    }  # fmt: skip
    session.add(Confirmation(member_id=ctx.me.id, code="7KQ2", command=said, at=NOW))
    session.flush()
    assert confirmation.take(ctx, Command("yes")) == Command("lend", Person(member=bob.id), amount="5")
    assert ctx.thread == "slack:C1/1"
