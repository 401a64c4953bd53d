"""A search for whoever can spare it: when the next one is asked, and when it is over."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlmodel import Session

from models.policy import document
from models.quota.ask import ASK_LASTS, Ask
from models.quota.search import MOST_ASKED, PATIENCE, Search
from models.refusal import LendingIsOff, LoanTooSmall, TooMuchBorrowed
from tests.actions import DECEMBER, USD
from tests.company import NOW, POLICY, who

TERMS = document.parse(POLICY)


def begin(session: Session, usd: float = 10, now: datetime = NOW, more: str = "") -> Search:
    terms = document.parse(POLICY + more)
    return Search.begin(
        session, borrower=who(session, "bob"), amount=int(usd * USD), reason="", policy=terms, now=now
    )


def ask(session: Session, search: Search, name: str | None, now: datetime = NOW) -> Ask | None:
    return search.ask(session, who(session, name) if name else None, TERMS, now)


def test_the_next_one_is_asked_after_each_silence_and_nobody_after_the_last(session: Session) -> None:
    search = begin(session)
    turns = []
    for number, name in enumerate(("alice", "eve", "max")):
        now = NOW + number * PATIENCE
        ask(session, search, name, now)
        turns.append(search.next_at)
    assert turns == [NOW + PATIENCE, NOW + 2 * PATIENCE, None]
    assert len(search.asked(session)) == MOST_ASKED


def test_where_nobody_is_there_it_looks_once_more_so_that_silence_tells_nothing(session: Session) -> None:
    search = begin(session)
    assert ask(session, search, None) is None
    assert search.next_at == NOW + PATIENCE
    ask(session, search, None, NOW + PATIENCE)
    assert search.next_at is None
    assert search.is_over(session, NOW + PATIENCE)


def test_it_is_over_when_nobody_can_still_say_yes(session: Session) -> None:
    search = begin(session)
    one = ask(session, search, "alice")
    assert one is not None
    assert not search.is_over(session, NOW)
    search.next_at = None
    one.decline(session, NOW)
    session.flush()
    session.refresh(one)
    assert search.is_over(session, NOW)


@pytest.mark.parametrize(("usd", "more", "why"), [
    (0.5, "", LoanTooSmall), (101, "", TooMuchBorrowed), (10, "lending: {enabled: false}\n", LendingIsOff),
])  # fmt: skip
def test_who_may_not_borrow_begins_none(
    session: Session, usd: float, more: str, why: type[Exception]
) -> None:
    with pytest.raises(why):
        begin(session, usd, more=more)


def test_it_lasts_as_long_as_an_ask_and_no_longer_than_the_period(session: Session) -> None:
    assert begin(session).expires_at == NOW + ASK_LASTS
    assert begin(session, now=DECEMBER - timedelta(hours=1)).expires_at == DECEMBER


def test_due_are_open_searches_whose_turn_or_end_has_come(session: Session) -> None:
    search = begin(session)
    assert Search.due(session, NOW) == [search]
    ask(session, search, "alice")
    assert Search.due(session, NOW + PATIENCE / 2) == []
    assert Search.due(session, NOW + PATIENCE) == [search]
    assert search.end(session, NOW)
    assert not search.end(session, NOW), "it ends once"
    assert Search.due(session, NOW + ASK_LASTS) == []


def test_a_code_is_found_by_its_borrower_alone_and_all_of_theirs_end_together(session: Session) -> None:
    search, bob, eve = begin(session), who(session, "bob"), who(session, "eve")
    assert Search.coded(session, f" {search.code.lower()} ", bob) is search
    assert Search.coded(session, search.code, eve) is None
    assert Search.end_all_of(session, eve, NOW) == []
    assert Search.end_all_of(session, bob, NOW) == [search]
    assert Search.open_of(session, bob) == []
