"""Questions that an approver asks back, and their answers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session

from handlers import requests
from models.quota.question import Question, erase_questions
from models.quota.request import open_request
from tests.actions import USD
from tests.company import NOW, asks, who

LATER = NOW + timedelta(minutes=5)


@pytest.fixture
def about(session: Session) -> int:
    """A request of Alice's."""
    requests.request(asks(session, "alice"), 10 * USD, "")
    found = open_request(session, who(session, "alice").id)
    assert found is not None
    return found.id


def test_one_answer_answers_every_open_question_and_no_answered_one(session: Session, about: int) -> None:
    carol = who(session, "carol").id
    Question.put(session, about, carol, "Why?", NOW)
    assert [one.text for one in Question.answer_all(session, about, "Launch", NOW)] == ["Why?"]
    for text in ("Until when?", "Which model?"):
        Question.put(session, about, carol, text, NOW)
    assert len(Question.answer_all(session, about, "Friday, opus", LATER)) == 2
    assert [(one.answer, one.answered_at) for one in Question.on(session, about)] == [
        ("Launch", NOW), ("Friday, opus", LATER), ("Friday, opus", LATER)
    ]  # fmt: skip
    assert Question.answer_all(session, about, "again", LATER) == []


def test_erased_questions_keep_who_asked_and_when(session: Session, about: int) -> None:
    Question.put(session, about, who(session, "carol").id, "Why, Alice?", NOW)
    Question.answer_all(session, about, "For Zoe", NOW)
    erase_questions(session, [about])
    session.expire_all()
    (kept,) = Question.on(session, about)
    assert (kept.text, kept.answer, kept.asked_at) == ("", "", NOW)
