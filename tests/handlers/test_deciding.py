"""Many requests that wait for one approver: one list, one yes, and each decided by the rule of a click."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session, select

from handlers import confirmation, deciding, requests, waiting
from handlers.clock.requests import requests_due
from handlers.command import Command
from models.messages.message import Message
from models.messages.outbox import Effect
from models.quota.request import open_request
from models.refusal import NothingToApprove
from tests.actions import USD, ctx
from tests.company import NOW, who
from tests.outbox_reader import by, heard, told

REPORTS = ("alice", "bob", "dan", "eve")  # of Carol


def ask(session: Session, *names: str, usd: int = 40) -> list[str]:
    codes = []
    for number, name in enumerate(names):
        requests.request(by(session, name), (usd + number) * USD)
        found = open_request(session, who(session, name).id)
        assert found is not None
        codes.append(found.code)
    return codes


def echo(session: Session, name: str, codes: str) -> Message:
    command = Command.pressed("request.approve_all", codes)
    question = confirmation.needed(by(session, name), command, "print")
    assert question is not None
    return question


def promised(session: Session) -> list[str]:
    effects = session.exec(select(Effect).where(Effect.kind == "decide")).all()
    return [code for one in effects for code in one.payload["codes"]]


def test_more_than_three_are_reminded_of_in_one_message_with_one_button_for_all(session: Session) -> None:
    ask(session, *REPORTS)
    cards = len(told(session, "carol"))
    for hours in (5, 6, 7):
        requests_due(ctx(session, NOW + timedelta(hours=hours)))
    (digest,) = told(session, "carol")[cards:]
    assert digest.title == "4 requests wait for you"
    assert [line.split(" asks")[0] for line in digest.text.splitlines()] == [
        f"**{n.title()}**" for n in REPORTS
    ]
    assert [one.label for one in digest.buttons] == ["Approve all 4 ($166.00)", "One by one"]


def test_three_are_reminded_of_one_by_one(session: Session) -> None:
    ask(session, *REPORTS[:3])
    cards = len(told(session, "carol"))
    requests_due(ctx(session, NOW + timedelta(hours=5)))
    assert [one.text.split(":")[0] for one in told(session, "carol")[cards:]] == ["Still open"] * 3


def test_a_request_that_comes_later_leads_to_a_later_list(session: Session) -> None:
    ask(session, *REPORTS)
    requests_due(ctx(session, NOW + timedelta(hours=5)))
    requests.request(by(session, "max", now=NOW + timedelta(hours=5)), 10 * USD)
    before = len(told(session, "carol"))
    requests_due(ctx(session, NOW + timedelta(hours=6)))
    assert len(told(session, "carol")) == before


def test_pending_shows_the_same_and_offers_all_at_once(session: Session) -> None:
    ask(session, *REPORTS[:2])
    shown = waiting.pending(by(session, "carol"))
    assert [part.buttons[0].label for part in shown.parts if part.buttons] == ["Approve all 2 ($81.00)"]
    assert len(shown.parts[0].parts) == 2
    assert not [part for part in waiting.pending(by(session, "olga")).parts if part.buttons]


def test_the_echo_names_the_sum_and_each_requester(session: Session) -> None:
    codes = ask(session, "alice", "eve")
    question = echo(session, "carol", ",".join(codes))
    assert question.text == (
        f"Did I get that right? Approve **$81.00** in all: Alice $40.00 ({codes[0]}), Eve $41.00 ({codes[1]})"
    )
    assert promised(session) == [], "nothing is decided before the yes"


def test_typed_without_codes_it_is_always_asked_back(session: Session) -> None:
    ask(session, "alice", "eve")
    question = confirmation.needed(by(session, "carol"), Command("approve_all"), "print")
    assert question is not None
    assert "Approve **$81.00**" in question.text


def test_the_yes_decides_exactly_what_was_shown(session: Session) -> None:
    codes = ask(session, "alice", "eve")
    echo(session, "carol", ",".join(codes))
    ask(session, "bob")
    answer = confirmation.settle(by(session, "carol"), Command("yes"))
    assert isinstance(answer, Message)
    assert "approving $81.00 in all" in answer.text
    assert promised(session) == codes


def test_what_cannot_be_granted_whole_is_left_for_a_look_of_its_own(session: Session) -> None:
    codes = [
        *ask(session, "alice", "eve"),
        *ask(session, "bob", usd=900),
    ]  # above Carol's ceiling: Olga is asked
    requests.request(by(session, "quinn"), 300 * USD)
    (pias,) = ask(session, "pia", usd=1500)  # more than is left in the pool of payments
    assert codes[2] not in echo(session, "carol", "").text
    assert "共 **$300.00**：Quinn" in echo(session, "lee", "").text
    with pytest.raises(NothingToApprove):
        echo(session, "lee", pias)


def test_nothing_that_waits_is_said_kindly(session: Session) -> None:
    with pytest.raises(NothingToApprove):
        echo(session, "alice", "")


def test_others_codes_in_a_button_are_no_way_in(session: Session) -> None:
    codes = ask(session, "alice", "eve")
    with pytest.raises(NothingToApprove):
        echo(session, "bob", ",".join(codes))


def test_each_result_is_named(session: Session) -> None:
    found = [("AAAA", True, "Done."), ("BBBB", False, "The budget of payments has only $5.00 left.")]
    deciding.tell_results(ctx(session, NOW), who(session, "carol"), found)
    assert heard(session, "carol").startswith(
        "Approved: 1 of 2\n✅ AAAA: Done.\n⚠️ BBBB: The budget of payments has only $5.00 left."
    )
    assert told(session, "carol")[-1].buttons[0].action == "pending.open"
