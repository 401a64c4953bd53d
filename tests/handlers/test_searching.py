"""Asking whoever can spare it, and who takes no asks: in private, and without a word of anybody's figures."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session, select

from handlers import asking, lending, muting, requests, searching, waiting
from handlers.clock.asks import ask_around, end_asks
from models.ledger.spend import record
from models.ledger.transfer import Cause
from models.quota.ask import Ask, AskState
from models.quota.request import Request
from models.quota.search import Search
from models.refusal import TakesNoAsks, TooMuchBorrowed
from models.reports.person import own_data
from tests.actions import ctx
from tests.company import NOW, who
from tests.outbox_reader import by, heard, told

ONE = 1_000_000
TEN = timedelta(minutes=10)


def search(session: Session, name: str = "alice") -> str:
    """Who was asked first."""
    answer = asking.borrow(by(session, name), None, 10 * ONE, "demo")
    assert "in private" in answer.text
    assert not any(one.capitalize() in answer.text for one in ("bob", "carol", "eve", "max"))
    return names(session)[-1]


def names(session: Session, *states: AskState) -> list[str]:
    asks = session.exec(select(Ask).order_by(Ask.id)).all()
    found = [one for one in asks if not states or one.state in states]
    return [who_is(session, one.lender_id) for one in found]


def who_is(session: Session, member: int) -> str:
    return next(n for n in ("alice", "bob", "carol", "dan", "eve", "max") if who(session, n).id == member)


def later(session: Session, after: timedelta) -> None:
    ask_around(ctx(session, NOW + after))
    session.flush()


def spend(session: Session, name: str, amount: int) -> None:
    record(
        session, who(session, name).id, amount * ONE, cause=Cause(NOW, "gateway", f"{name}{amount}", "m", 1)
    )


def test_three_teammates_are_asked_one_after_the_others_silence(session: Session) -> None:
    search(session)
    later(session, TEN / 2)
    assert len(names(session)) == 1
    later(session, TEN)
    later(session, 2 * TEN)
    later(session, 3 * TEN)
    assert len(set(names(session))) == len(names(session)) == 3
    assert "dan" not in names(session)  # without quota of his own
    assert all(
        "asks to borrow" in heard(session, one) or "想借" in heard(session, one) for one in names(session)
    )


def test_who_uses_up_their_own_is_not_asked(session: Session) -> None:
    for name in ("bob", "carol", "max"):
        spend(session, name, 40)  # in nine days: nothing is left over at the end
    assert search(session) == "eve"
    later(session, TEN)
    assert names(session) == ["eve"]


def test_the_first_yes_ends_the_search_and_settles_every_card(session: Session) -> None:
    first = search(session)
    later(session, TEN)
    second = names(session)[1]
    code = session.exec(select(Ask.code).where(Ask.lender_id == who(session, second).id)).one()
    asking.accept(by(session, second), code)
    assert names(session, AskState.PENDING) == []
    assert not told(session, first)[-1].buttons
    later(session, 2 * TEN)
    assert len(names(session)) == 2
    assert second.capitalize() in heard(session, "alice")


def test_a_no_goes_on_to_the_next_and_says_no_name_to_the_borrower(session: Session) -> None:
    before = len(told(session, "alice"))
    for _ in range(3):
        search_or_none = names(session, AskState.PENDING)
        if not search_or_none:
            search(session)
        one = session.exec(select(Ask).where(Ask.state == AskState.PENDING)).one()
        asking.not_now(by(session, who_is(session, one.lender_id)), one.code)
    said = told(session, "alice")[before:]
    assert len(said) == 1
    assert "No teammate could lend you **$10.00**" in said[0].text
    assert [button.action for button in said[0].buttons] == ["request.open"]


def test_where_nobody_can_spare_it_the_answer_is_the_same_and_the_end_comes_later(session: Session) -> None:
    for name in ("bob", "carol", "eve", "max"):
        spend(session, name, 95)
    answer = asking.borrow(by(session, "alice"), None, 10 * ONE)
    assert "in private" in answer.text
    assert told(session, "alice") == []
    later(session, TEN)
    assert "No teammate could lend" in heard(session, "alice")


def test_who_has_quota_to_spare_puts_their_own_name_forward(session: Session) -> None:
    first = search(session)
    other = next(name for name in ("bob", "carol", "eve", "max") if name != first)
    for _ in range(2):  # a second click finds the same card
        answer = searching.who_needs(by(session, other))
    assert (
        "Alice" in answer.text and "一键即可借出" in answer.text
        if other == "bob"
        else "one click" in answer.text
    )
    assert names(session, AskState.PENDING) == [first, other]
    code = session.exec(select(Ask.code).where(Ask.lender_id == who(session, other).id)).one()
    asking.accept(by(session, other), code)
    assert not told(session, first)[-1].buttons
    assert other.capitalize() in heard(session, "alice")


def test_who_needs_it_is_asked_within_the_team_and_not_by_those_who_mute(session: Session) -> None:
    search(session)
    muting.mute(by(session, "max"), who(session, "alice"))
    for name in ("max", "pia", "alice"):
        answer = searching.who_needs(by(session, name))
        assert "is looking for quota right now" in answer.text
        assert [button.action for button in answer.buttons] == ["lend.open"]


def test_withdrawing_settles_the_cards_and_names_nobody(session: Session) -> None:
    first = search(session)
    assert "whichever teammate" in waiting.pending(by(session, "alice")).parts[-1].parts[0].text
    answer = asking.withdraw(by(session, "alice"), None)
    assert answer.text == "Withdrawn: nobody needs to answer any more."
    assert not told(session, first)[-1].buttons
    code = session.exec(select(Search.code)).one()
    assert "ended already" in asking.withdraw_ask(by(session, "alice"), code).text
    later(session, TEN)
    assert len(names(session)) == 1


def test_silence_for_a_day_ends_the_search_once(session: Session) -> None:
    for name in ("bob", "carol", "max"):
        muting.no_asks(by(session, name))
    assert search(session) == "eve"
    end = NOW + timedelta(days=1, minutes=1)
    later(session, TEN)
    for _ in range(2):
        end_asks(ctx(session, end))
        ask_around(ctx(session, end))
    assert len(told(session, "alice")) == 1


def test_who_takes_no_asks_is_left_alone_and_nobody_reads_why(session: Session) -> None:
    muting.no_asks(by(session, "eve"))
    muting.mute(by(session, "bob"), who(session, "alice"))
    for name in ("eve", "bob"):
        with pytest.raises(TakesNoAsks):
            asking.borrow(by(session, "alice"), who(session, name), 5 * ONE)
    asking.borrow(by(session, "max"), who(session, "bob"), 5 * ONE)
    assert told(session, "eve") == []
    muting.allow_asks(by(session, "eve"))
    assert "not muted" in muting.unmute(by(session, "eve"), who(session, "alice")).text
    muting.unmute(by(session, "bob"), who(session, "alice"))
    for name in ("eve", "bob"):
        asking.borrow(by(session, "alice"), who(session, name), 5 * ONE)


def test_ones_own_data_names_neither_who_muted_one_nor_whom_a_search_asked(session: Session) -> None:
    muting.mute(by(session, "bob"), who(session, "alice"))
    search(session)
    asking.borrow(by(session, "alice"), who(session, "max"), 5 * ONE)
    tables = own_data(session, who(session, "alice"))["tables"]
    assert "mute" not in tables
    assert [one["lender_id"] for one in tables["ask"]] == [who(session, "max").id]
    assert "mute" in own_data(session, who(session, "bob"))["tables"]


def test_ones_own_limit_is_told_before_anybody_is_asked(session: Session) -> None:
    with pytest.raises(TooMuchBorrowed):
        asking.borrow(by(session, "alice"), None, 101 * ONE)
    assert session.exec(select(Ask)).all() == []


def test_a_grant_that_covers_it_withdraws_what_was_asked_of_colleagues(session: Session) -> None:
    asking.borrow(by(session, "alice"), who(session, "eve"), 10 * ONE)
    asking.borrow(by(session, "alice"), who(session, "bob"), 30 * ONE)
    asking.borrow(by(session, "alice"), None, 10 * ONE)
    requests.request(by(session, "alice"), 20 * ONE, "demo")
    requests.approve(by(session, "carol"), session.exec(select(Request.code)).one())
    assert "What else you had asked colleagues for is withdrawn." in heard(session, "alice")
    assert names(session, AskState.PENDING) == ["bob"]  # asked for more than was granted
    assert not told(session, "eve")[-1].buttons


def test_lending_is_free_of_asks(session: Session) -> None:
    muting.no_asks(by(session, "bob"))
    lending.lend(by(session, "alice"), who(session, "bob"), 5 * ONE)
    assert "$5.00" in heard(session, "bob")
