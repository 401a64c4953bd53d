"""A message that reaches nobody has an owner: who caused it and the admins hear of it, once."""

from __future__ import annotations

import pytest
from sqlmodel import Session, col, select

from bot.database import Database
from handlers import lending, undelivered
from models.messages.outbox import Effect
from tests.actions import USD, ask_for, change, ctx, say, told
from tests.company import NOW

ADMINS = ("admins: []", "admins: [ops@corp.example]")


def fail(company: Database, name: str, why: str = "user_not_found") -> None:
    """Everything that was to be said to somebody is set aside."""

    def run(session: Session) -> None:
        for one in session.exec(
            select(Effect).where(Effect.kind == "say", col(Effect.parked_at).is_(None))
        ).all():
            if one.payload["address"].endswith(name):
                one.parked_at, one.error = NOW, why
                undelivered.tell(ctx(session, NOW, f"undelivered:{one.id}"), one)

    company.transact(run)


def texts(company: Database, name: str, words: str) -> list[str]:
    return [one.text for one in told(company, name) if words in one.text]


def test_the_sender_hears_that_a_message_did_not_arrive(company: Database) -> None:
    say(company, lending.lend, "alice", "bob", 5 * USD)
    say(company, lending.lend, "alice", "bob", 6 * USD)
    fail(company, "BOB")
    assert texts(company, "alice", "could not be delivered") == [
        "My message to Bob could not be delivered. What you did stands; please tell Bob yourself."
    ]


def test_admins_hear_who_cannot_be_reached_and_why(company: Database) -> None:
    say(company, lending.lend, "alice", "bob", 5 * USD)
    fail(company, "BOB")
    (text,) = texts(company, "ops", "do not reach")
    assert "Bob" in text
    assert r"user\_not\_found" in text


def test_a_card_of_a_request_is_left_to_the_next_approver(company: Database) -> None:
    ask_for(company, "alice", 50)
    fail(company, "CAROL")
    assert not texts(company, "alice", "delivered")
    assert not texts(company, "ops", "do not reach")


def test_an_admin_channel_that_cannot_be_written_to_is_told_to_the_admins(company: Database) -> None:
    change(company, more="admin_channel: {slack: C0OPS}\n")
    say(company, lending.lend, "alice", "bob", 5 * USD)
    fail(company, "BOB")
    fail(company, "C0OPS", "not_in_channel")
    (text,) = texts(company, "ops", "admin channel")
    assert "Invite me" in text


@pytest.mark.parametrize("name", ["ops"])
def test_a_notice_that_fails_itself_makes_no_notice_about_itself(company: Database, name: str) -> None:
    say(company, lending.lend, "alice", "bob", 5 * USD)
    fail(company, "BOB")
    before = len(told(company, "ops"))
    fail(company, "OPS")
    assert len(told(company, "ops")) == before
