"""An ask to borrow ends once: with the first answer, or when its time is over."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from bot.database import Database
from models.quota.ask import ASK_LASTS, Ask, AskState
from models.refusal import LendingToOneself, UnknownCode
from tests.actions import USD, cause
from tests.company import NOW, asks, who

LATER = NOW + timedelta(hours=1)
OVER = NOW + ASK_LASTS

ENDS: dict[AskState, Callable[[Ask, Session, datetime], bool]] = {
    AskState.LENT: lambda ask, session, now: bool(ask.lend(session, asks(session, "eve").policy, cause(now))),
    AskState.DECLINED: Ask.decline,
    AskState.CANCELLED: Ask.withdraw,
    AskState.EXPIRED: Ask.expire,
}


def make(session: Session, borrower: str = "bob") -> str:
    return Ask.make(
        session,
        borrower=who(session, borrower),
        lender=who(session, "eve"),
        amount=20 * USD,
        reason="a demo",
        policy=asks(session, borrower).policy,
        now=NOW,
    ).code


def end(database: Database, state: AskState, now: datetime = LATER) -> bool:
    return database.transact(lambda session: ENDS[state](session.exec(select(Ask)).one(), session, now))


def kept(database: Database) -> Any:
    ask = database.transact(lambda session: session.exec(select(Ask)).one())
    return ask.state, ask.decided_at


@pytest.mark.parametrize("second", ENDS)
@pytest.mark.parametrize("first", ENDS)
def test_an_ask_ends_once(company: Database, first: AskState, second: AskState) -> None:
    company.transact(make)
    assert end(company, first)
    assert not end(company, second, LATER + timedelta(minutes=1))
    assert kept(company) == (first, LATER)


@pytest.mark.parametrize("state", [AskState.LENT, AskState.DECLINED, AskState.CANCELLED])
def test_an_answer_after_the_time_is_no_answer(company: Database, state: AskState) -> None:
    company.transact(make)
    assert not end(company, state, OVER)
    assert kept(company) == (AskState.PENDING, None)
    assert end(company, AskState.EXPIRED, OVER)


def test_only_asks_whose_time_is_over_are_due(company: Database) -> None:
    code = company.transact(make)
    due = lambda now: company.transact(lambda session: [ask.code for ask in Ask.due(session, now)])  # noqa: E731
    assert due(OVER - timedelta(seconds=1)) == []
    assert due(OVER) == [code]


def test_an_ask_is_found_by_its_lender_alone(company: Database) -> None:
    code = company.transact(make)
    found = company.transact(lambda session: Ask.named(session, f" {code.lower()} ", who(session, "eve")))
    assert found.code == code
    with pytest.raises(UnknownCode):
        company.transact(lambda session: Ask.named(session, code, who(session, "bob")))


def test_leaving_ends_the_asks_of_both_sides(company: Database) -> None:
    company.transact(make)
    company.transact(lambda session: make(session, "alice"))
    company.transact(lambda session: Ask.expire_all_of(session, who(session, "bob").id, LATER))
    ended = company.transact(lambda session: Ask.ended_by_leaving(session, who(session, "bob").id, LATER))
    assert [ask.state for ask in ended] == [AskState.EXPIRED]
    company.transact(lambda session: Ask.expire_all_of(session, who(session, "eve").id, LATER))
    states = company.transact(lambda session: session.exec(select(Ask.state)).all())
    assert set(states) == {AskState.EXPIRED}


def test_nobody_asks_themselves(company: Database) -> None:
    with pytest.raises(LendingToOneself):
        company.transact(lambda session: make(session, "eve"))


def test_only_the_borrower_withdraws(company: Database) -> None:
    code = company.transact(make)
    assert company.transact(lambda session: Ask.mine(session, code, who(session, "bob")).code) == code
    with pytest.raises(UnknownCode):
        company.transact(lambda session: Ask.mine(session, code, who(session, "eve")))


def test_withdrawing_is_of_one_lender_or_of_everybody(company: Database) -> None:
    company.transact(make)
    gone = lambda name: company.transact(  # noqa: E731
        lambda session: len(
            Ask.withdraw_all(session, who(session, "bob"), LATER, name and who(session, name))
        )
    )
    assert (gone("alice"), gone(None), gone(None)) == (0, 1, 0)
