"""CODEs are easy to type, are no amounts, and are never used twice."""

from __future__ import annotations

import re

import pytest
from sqlmodel import Session, select

from bot.database import Database
from handlers import asking
from models.quota import code
from models.quota.ask import Ask
from models.quota.code import new_code
from tests.actions import USD, say


def test_a_code_has_four_signs_that_are_hard_to_confuse(session: Session) -> None:
    codes = {new_code(session) for _ in range(300)}
    assert len(codes) > 290
    assert all(re.fullmatch(r"[2-9A-HJKMNP-Z]{4}", code) for code in codes)


def test_a_code_is_never_an_amount(session: Session) -> None:
    assert not [code for code in (new_code(session) for _ in range(300)) if code[:-1].isdigit()]


def test_a_code_of_an_ask_is_not_given_again(company: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    say(company, asking.borrow, "alice", "bob", 20 * USD)
    taken = company.query(lambda session: session.exec(select(Ask.code)).one())
    letters = iter(f"{taken}7KQ2")
    monkeypatch.setattr(code.secrets, "choice", lambda _: next(letters))
    assert company.query(new_code) == "7KQ2"
