"""From words to members, amounts and days; what needs saying back; sentences in two languages."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlmodel import Session

from handlers import arguments, confirmation
from handlers.arguments import ProfileNeeded
from handlers.command import Command, Person
from handlers.routes import COMMANDS
from handlers.words.text import SafeText, Text
from models.people.member import Address
from models.policy import document
from models.quota.loan import Loan
from models.refusal import (
    AllNotAllowed,
    BadAmount,
    BadDate,
    NotAColleague,
    NothingToConfirm,
    UnknownMention,
    UnknownPerson,
    WrongUsage,
)
from tests.actions import USD, cause, spent
from tests.company import NOW, POLICY, asks, who


def test_a_handle_a_name_an_e_mail_lead_to_the_same_human(session: Session) -> None:
    ctx = asks(session, "alice")
    bob = who(session, "bob")
    for command in (
        Command("lend", person=Person("U02BOB")),
        Command("lend", person=Person(name="bob")),
        Command("lend", person=Person(name="Bob@corp.example")),
        Command("lend", person=Person(member=bob.id)),
    ):
        assert arguments.person(ctx, command).id == bob.id
    with pytest.raises(UnknownMention):
        arguments.person(ctx, Command("lend", person=Person("U99")))
    with pytest.raises(WrongUsage):
        arguments.person(ctx, Command("lend"))


def test_who_may_take_part_is_asked_of_the_messenger_and_fails_closed(session: Session) -> None:
    ctx = asks(session, "alice")
    ctx.colleagues_only = True
    command = Command("lend", person=Person("U02BOB"))
    with pytest.raises(ProfileNeeded) as unread:
        arguments.person(ctx, command)
    assert unread.value.addresses == ("slack:U02BOB",)
    ctx.statuses = {"slack:U02BOB": "member"}
    assert arguments.person(ctx, command).name == "Bob"
    for status in ("guest", "bot", "outsider", "gone", "anything"):
        ctx.statuses = {"slack:U02BOB": status}
        with pytest.raises(NotAColleague):
            arguments.person(ctx, command)


def test_what_was_read_is_believed_for_an_hour(session: Session) -> None:
    ctx = asks(session, "alice")
    ctx.colleagues_only = True
    address = session.get_one(Address, "slack:U02BOB")
    address.status, address.status_at = "member", NOW - timedelta(minutes=59)
    assert arguments.person(ctx, Command("lend", person=Person("U02BOB"))).name == "Bob"
    address.status_at = NOW - timedelta(minutes=61)
    with pytest.raises(ProfileNeeded):
        arguments.person(ctx, Command("lend", person=Person("U02BOB")))


def test_amounts_are_exact_or_refused(session: Session) -> None:
    ctx = asks(session, "alice")
    assert arguments.amount(ctx, Command("lend", amount="1.5")) == 1_500_000
    assert arguments.lendable(ctx, Command("lend", amount="all")) is None
    assert arguments.maybe_amount(ctx, Command("request")) is None
    for words, refusal in (
        (Command("x", amount="½"), BadAmount),
        (Command("x", amount="all"), AllNotAllowed),
        (Command("x"), WrongUsage),
    ):
        with pytest.raises(refusal):
            arguments.amount(ctx, words)


def test_days_and_languages_are_known_or_refused(session: Session) -> None:
    ctx = asks(session, "alice")
    assert arguments.until(ctx, Command("x", until="2026-12-15")) == date(2026, 12, 15)
    assert arguments.until(ctx, Command("x")) is None
    with pytest.raises(BadDate):
        arguments.until(ctx, Command("x", until="2026-02-30"))
    assert arguments.language(ctx, Command("lang", code="zh")) == "zh"
    with pytest.raises(WrongUsage):
        arguments.language(ctx, Command("lang", code="fr"))
    with pytest.raises(WrongUsage):
        arguments.code(ctx, Command("approve"))


def test_a_handle_that_no_mention_came_of_is_the_beginning_of_an_e_mail(session: Session) -> None:
    ctx = asks(session, "alice")
    who(session, "max").name = "Maximilian Huber"
    session.flush()
    assert arguments.person(ctx, Command("lend", person=Person(name="@max"))).name == "Maximilian Huber"
    for text in ("@ma", "@m%", "@_ax", "@"):
        with pytest.raises(UnknownPerson):
            arguments.person(ctx, Command("lend", person=Person(name=text)))


MOVING = {
    "lend": Command("lend", person=Person("U02BOB"), amount="5"), "borrow": Command("borrow", person=Person("U02BOB"), amount="5"), "repay": Command("repay", person=Person("U02BOB"), amount="5"),
    "recall": Command("recall", person=Person("U02BOB"), amount="5"), "forgive": Command("forgive", person=Person("U02BOB"), amount="5"), "request": Command("request", amount="5"),
    "approve": Command("approve", code="7F3K"), "decline": Command("decline", code="7F3K", reason="no"), "cancel": Command("cancel", code="7F3K"),
    "revoke": Command("revoke", code="7F3K"), "undelegate": Command("undelegate"), "delegate": Command("delegate", person=Person("U09EVE"), until="2026-11-20"),
    "pause": Command("pause", person=Person("U02BOB")), "resume": Command("resume", person=Person("U02BOB")),
}  # fmt: skip


OF_THEIR_OWN = {"give", "approve_all", "emergency"}
"""Said back by rules of their own, which their own tests hold."""


@pytest.mark.parametrize(
    "intent", [name for name, route in COMMANDS.items() if route.moves and name not in OF_THEIR_OWN]
)
@pytest.mark.parametrize("locale", ["en", "zh"])
def test_everything_that_moves_can_be_said_back_and_taken_once(
    session: Session, intent: str, locale: str
) -> None:
    ctx = asks(session, "alice")
    ctx.me.locale = locale
    command = MOVING[intent]
    assert confirmation.needed(ctx, command, "print") is None
    loose = replace(command, confidence="clear")
    echo = confirmation.needed(ctx, loose, "print")
    assert echo is not None
    assert [one.action for one in echo.buttons] == ["confirm.yes", "confirm.no"]
    assert "?" not in echo.text.replace("right?", "").replace("？", "")
    meant = confirmation.take(ctx, Command("yes", code=echo.buttons[0].value))
    assert meant.exact
    assert (meant.intent, meant.amount, meant.code) == (command.intent, command.amount, command.code)
    with pytest.raises(NothingToConfirm):
        confirmation.take(ctx, Command("yes"))


def test_an_old_echo_or_another_ones_code_confirms_nothing(session: Session) -> None:
    loose = Command("lend", confidence="unclear", person=Person("U02BOB"), amount="5")
    first = confirmation.needed(asks(session, "alice"), loose, "print")
    second = confirmation.needed(asks(session, "alice"), loose, "print")
    assert first is not None
    assert second is not None
    with pytest.raises(NothingToConfirm):
        confirmation.take(asks(session, "alice"), Command("yes", code=first.buttons[0].value))
    with pytest.raises(NothingToConfirm):
        confirmation.take(asks(session, "eve"), Command("yes", code=second.buttons[0].value))
    with pytest.raises(NothingToConfirm):
        confirmation.take(asks(session, "alice", now=NOW + timedelta(minutes=11)), Command("yes"))


def test_what_can_be_misread_is_said_back_also_when_the_command_is_exact(session: Session) -> None:
    echo = confirmation.needed(
        asks(session, "alice"), Command("lend", person=Person("U02BOB"), amount="三万五"), "print"
    )
    assert echo is not None
    assert "$35,000.00" in echo.text


def test_two_languages_of_a_sentence_use_the_same_facts() -> None:
    with pytest.raises(ValueError, match="differ in their facts"):
        Text("{a} and {b}", "{a}")
    text = Text("Hello {name}, **{amount}**", "{name}，你好，**{amount}**")
    assert text("en", name="*Bo* <@U1>", amount=SafeText("$5")) == r"Hello \*Bo\* ‹@U1›, **$5**"
    assert text("zh-CN", name="Bo", amount=SafeText("$5")).startswith("Bo，")


@pytest.mark.parametrize(("intent", "name"), [("recall", "alice"), ("forgive", "alice"), ("repay", "bob")])
@pytest.mark.parametrize("amount", ["", "all"])
def test_a_yes_that_would_move_nothing_is_not_asked_for(
    session: Session, intent: str, name: str, amount: str
) -> None:
    """The command runs at once, and its refusal says why there is nothing."""
    loose = Command(intent, confidence="unclear", amount=amount)
    alice, bob, policy = who(session, "alice"), who(session, "bob"), document.parse(POLICY)
    Loan.make(session, lender=alice, borrower=bob, amount=5 * USD, policy=policy, cause=cause())
    asked = {"recall": True, "forgive": False, "repay": True}
    assert (confirmation.needed(asks(session, name), loose, "print") is not None) is asked[intent]
    spent(session, "bob", 105)
    asked = {"recall": False, "forgive": True, "repay": False}
    assert (confirmation.needed(asks(session, name), loose, "print") is not None) is asked[intent]
