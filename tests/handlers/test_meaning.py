"""What is kept of a sentence that nobody understood, and what the button below it says about it."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text
from sqlmodel import Session, select

from handlers import conversation
from handlers.clock.receipts import forget
from handlers.command import Command
from handlers.language.reader import read_command
from models.messages.skeleton import Seen, Skeleton, seen
from tests.actions import ctx
from tests.company import NOW, asks
from tests.handlers.test_policy_effects import rules

SENTENCE = "flurb Zephyr would be great to see approve it for Bob"


def puzzle(session: Session, name: str) -> None:
    asked = asks(session, name)
    offered = conversation.answer(asked, read_command(SENTENCE, NOW.date()))
    for button in offered.buttons[:1]:
        conversation.completed(asked, Command.pressed(button.action, button.value))


def test_an_answer_does_not_depend_on_what_is_learnt(session: Session) -> None:
    rules(session, more="learning: true\n")
    session.connection().execute(text("ALTER TABLE skeleton RENAME TO away"))
    offered = conversation.answer(asks(session, "alice"), read_command(SENTENCE, NOW.date()))
    assert offered.buttons


def test_a_button_carries_what_the_sentence_says(session: Session) -> None:
    asked = asks(session, "alice")
    offered = conversation.answer(asked, read_command("gimme like 50 juice somehow @manager", NOW.date()))
    whole = [
        one
        for one in offered.buttons
        if one.action == "meant.open" and one.value in ("request", "borrow", "lend")
    ]
    assert whole
    found = conversation.completed(asked, Command.pressed(whole[0].action, whole[0].value))
    assert found is not None
    assert (found.intent, found.amount, found.confidence) == (whole[0].value, "50", "unclear")


def test_a_sentence_of_three_people_is_learnt_where_policy_says_so_with_the_button_they_pressed(
    session: Session,
) -> None:
    puzzle(session, "alice")
    assert session.exec(select(Skeleton)).all() == [], "the policy does not say so"
    rules(session, more="learning: true\n")
    for name in ("alice", "bob", "alice"):
        puzzle(session, name)
    assert seen(session) == []
    people = ("eve", "max", "lee", "pia", "carol", "dan")
    for name in people:  # two of them may have the same mark
        puzzle(session, name)
    (found,) = seen(session)
    assert not {"flurb", "zephyr", "bob"} & set(found.text.split())
    assert "would be great to see approve it for" in found.text
    assert sum(found.labels.values()) == len(people) + 3
    (row,) = session.exec(select(Skeleton)).all()
    assert row.salt == "", "nobody can be told from a mark"
    forget(ctx(session, NOW + timedelta(days=29)))
    assert [type(one) for one in seen(session)] == [Seen]
    forget(ctx(session, NOW + timedelta(days=30)))
    assert seen(session) == []
