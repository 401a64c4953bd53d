"""An approver asks back; the answer goes onto the card of everybody who was asked."""

from __future__ import annotations

import pytest
from sqlmodel import Session

from handlers import questions, requests
from models.messages.message import Form, Message
from models.quota.request import open_request
from models.refusal import AlreadyDecided, UnknownCode, WrongUsage
from tests.company import who
from tests.outbox_reader import by, heard, told

ONE = 1_000_000


def ask(session: Session) -> str:
    requests.request(by(session, "alice"), 60 * ONE, "load test")
    found = open_request(session, who(session, "alice").id)
    assert found is not None
    return found.code


def test_a_question_reaches_the_requester_and_its_answer_the_approver_and_the_card(session: Session) -> None:
    code = ask(session)
    assert "I asked Alice" in questions.ask(by(session, "carol"), code, "which *project*?").text
    asked: Message = told(session, "alice")[-1]
    assert "Carol asks about your request for $60.00" in asked.text
    assert "which \\*project\\*?" in asked.text
    assert [one.action for one in asked.buttons] == ["request.answer"]
    assert "❓ Carol: which" in told(session, "carol")[0].text
    form = questions.answer_form(by(session, "alice"), code)
    assert isinstance(form, Form)
    assert form.fields[0].hint == "which *project*?"
    assert "Passed on" in questions.answer(by(session, "alice"), code, "the migration").text
    assert "Alice answered" in heard(session, "carol")
    assert "request.approve" in [one.action for one in told(session, "carol")[-1].buttons]
    assert "> the migration" in told(session, "carol")[0].text
    assert "Nobody has asked" in questions.answer(by(session, "alice"), code, "again").text


def test_only_an_approver_asks_and_only_the_requester_answers(session: Session) -> None:
    code = ask(session)
    for name in ("bob", "alice"):
        with pytest.raises(UnknownCode):
            questions.ask(by(session, name), code, "why?")
    with pytest.raises(WrongUsage):
        questions.ask(by(session, "carol"), code, " ")
    questions.ask(by(session, "carol"), code, "why?")
    with pytest.raises(UnknownCode):
        questions.answer(by(session, "carol"), code, "because")
    with pytest.raises(WrongUsage):
        questions.answer(by(session, "alice"), code, "")


def test_what_is_decided_is_neither_asked_nor_answered(session: Session) -> None:
    code = ask(session)
    questions.ask(by(session, "carol"), code, "why?")
    requests.approve(by(session, "carol"), code)
    with pytest.raises(AlreadyDecided):
        questions.ask(by(session, "carol"), code, "why?")
    with pytest.raises(AlreadyDecided):
        questions.answer(by(session, "alice"), code, "because")


def test_a_question_goes_along_when_the_request_is_amended(session: Session) -> None:
    questions.ask(by(session, "carol"), ask(session), "why so much?")
    code = ask(session)
    assert "why so much?" in told(session, "carol")[-1].text
    questions.answer(by(session, "alice"), code, "now it is less")
    assert "now it is less" in told(session, "carol")[-1].text
