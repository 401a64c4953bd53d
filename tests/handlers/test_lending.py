"""Quota between colleagues: what both of them hear, and what is never said of anybody."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session, select

from handlers import asking, lending
from models.ledger.spend import record
from models.ledger.transfer import Cause
from models.policy import document, versions
from models.quota.ask import Ask
from models.quota.forgiveness import Forgiveness
from models.quota.loan import loans_of
from models.quota.wallet import wallet_of
from models.refusal import (
    LendingIsOff,
    LendingToOneself,
    MoreThanDue,
    NoSuchLoan,
    NotLendable,
    TooMuchBorrowed,
    UnknownCode,
    WrongUsage,
)
from tests.company import NOW, POLICY, who
from tests.outbox_reader import by, heard, told

ONE = 1_000_000


def spend(session: Session, name: str, amount: int) -> None:
    record(
        session, who(session, name).id, amount * ONE, cause=Cause(NOW, "gateway", f"use:{name}", "claude", 1)
    )


def test_both_are_told_what_was_lent_and_what_each_has_left(session: Session) -> None:
    answer = lending.lend(by(session, "alice"), who(session, "bob"), 20 * ONE, "demo")
    assert "You lent **$20.00** to Bob" in answer.text
    assert "$80.00 left" in answer.text
    assert "Alice 借给你 **$20.00**" in heard(session, "bob")
    assert "$120.00" in heard(session, "bob")
    assert "> demo" in heard(session, "bob")
    assert [one.action for one in told(session, "bob")[0].buttons] == ["loan.return"]


def test_without_an_amount_everything_lendable_is_lent(session: Session) -> None:
    lending.lend(by(session, "alice"), who(session, "eve"), None)
    assert wallet_of(session, who(session, "alice").id).available == 20 * ONE


def test_what_somebody_else_has_is_never_told(session: Session) -> None:
    answer = lending.lend(by(session, "alice"), who(session, "dan"), 10 * ONE)
    assert "You lent **$10.00** to Dan" in answer.text
    with pytest.raises(NotLendable):
        lending.lend(by(session, "alice"), who(session, "eve"), 81 * ONE)
    with pytest.raises(LendingToOneself):
        lending.lend(by(session, "alice"), who(session, "alice"), ONE)


def test_giving_back_says_only_what_happened(session: Session) -> None:
    lending.lend(by(session, "alice"), who(session, "eve"), 30 * ONE)
    answer = lending.repay(by(session, "eve"), None, 10 * ONE)
    assert answer.text == "Given back to Alice: **$10.00** that you had not used."
    spend(session, "eve", 115)
    answer = lending.repay(by(session, "eve"), who(session, "alice"), 5 * ONE)
    assert answer.text == "Given back to Alice: **$5.00** that you had not used. You still owe $15.00."
    assert heard(session, "alice").strip() == "Eve gave back **$5.00** unused. They still owe you $15.00."


def test_a_debt_that_is_paid_or_forgiven_closes_the_loan(session: Session) -> None:
    lending.lend(by(session, "alice"), who(session, "bob"), 10 * ONE)
    spend(session, "bob", 110)
    with pytest.raises(MoreThanDue):
        lending.forgive(by(session, "alice"), who(session, "bob"), 11 * ONE)
    assert "Bob no longer owes you **$10.00**" in lending.forgive(by(session, "alice"), None, None).text
    assert "免去了你欠的 **$10.00**" in heard(session, "bob")
    assert loans_of(session, who(session, "bob").id) == []
    with pytest.raises(NoSuchLoan):
        lending.recall(by(session, "alice"), who(session, "bob"), None)


def test_a_name_is_needed_only_where_there_is_more_than_one(session: Session) -> None:
    lending.lend(by(session, "alice"), who(session, "eve"), 5 * ONE)
    lending.lend(by(session, "alice"), who(session, "bob"), 5 * ONE)
    with pytest.raises(WrongUsage):
        lending.recall(by(session, "alice"), None, None)
    assert "is back from Eve" in lending.recall(by(session, "alice"), who(session, "eve"), None).text
    assert "is back from Bob. That loan is settled." in lending.recall(by(session, "alice"), None, None).text


def test_an_ask_without_a_name_and_without_teammates_says_how_to_name_one(session: Session) -> None:
    assert (
        "Name a colleague: `borrow $10.00 from @name`"
        in asking.borrow(by(session, "ops"), None, 10 * ONE).text
    )
    assert session.exec(select(Ask)).all() == []


def test_an_ask_is_refused_before_the_other_one_is_bothered(session: Session) -> None:
    with pytest.raises(TooMuchBorrowed):
        asking.borrow(by(session, "alice"), who(session, "bob"), 101 * ONE)
    with pytest.raises(LendingToOneself):
        asking.borrow(by(session, "alice"), who(session, "alice"), ONE)
    assert told(session, "bob") == []


def test_a_lender_who_has_not_enough_by_now_is_told_and_may_still_say_no(session: Session) -> None:
    asking.borrow(by(session, "alice"), who(session, "eve"), 50 * ONE)
    ask = session.exec(select(Ask)).one()
    spend(session, "eve", 60)
    with pytest.raises(NotLendable):
        asking.accept(by(session, "eve"), ask.code)
    session.expire(ask)


def test_only_the_one_who_was_asked_can_answer(session: Session) -> None:
    asking.borrow(by(session, "alice"), who(session, "eve"), 5 * ONE)
    code = session.exec(select(Ask.code)).one()
    for name in ("alice", "bob"):
        with pytest.raises(UnknownCode):
            asking.accept(by(session, name), code)
    assert asking.is_asked(by(session, "eve"), code.lower())
    assert not asking.is_asked(by(session, "bob"), code)
    asking.not_now(by(session, "eve"), code)
    assert "nothing moved" in asking.accept(by(session, "eve"), code).text
    assert "can't lend right now" in heard(session, "alice")


def test_an_ask_ends_by_itself(session: Session) -> None:
    asking.borrow(by(session, "alice"), who(session, "eve"), 5 * ONE)
    code = session.exec(select(Ask.code)).one()
    late = by(session, "eve", now=NOW + timedelta(days=1, seconds=1))
    assert "nothing moved" in asking.accept(late, code).text


@pytest.mark.parametrize("value", ["0", "999", "x", "-1", "1e3", "٣", "9" * 30, ""])
def test_a_button_of_no_loan_of_ones_own_is_unknown(session: Session, value: str) -> None:
    for handler in (lending.return_loan, lending.recall_loan, lending.forgive_loan):
        with pytest.raises(UnknownCode):
            handler(by(session, "alice"), value)


def test_where_lending_is_off_nobody_is_asked(session: Session) -> None:
    versions.record_version(session, POLICY + "lending: {enabled: false}\n", NOW, "ops")
    ctx = by(session, "alice")
    ctx.policy = document.parse(POLICY + "lending: {enabled: false}\n")
    with pytest.raises(LendingIsOff):
        lending.lend(ctx, who(session, "bob"), ONE)
    with pytest.raises(LendingIsOff):
        asking.borrow(ctx, who(session, "bob"), ONE)


def test_without_loans_one_hears_that_there_are_none(session: Session) -> None:
    assert "No open loans" in lending.loans(by(session, "alice")).text


def test_a_reason_to_forgive_is_told_and_kept(session: Session) -> None:
    lending.lend(by(session, "alice"), who(session, "bob"), 10 * ONE)
    spend(session, "bob", 110)
    lending.forgive(by(session, "alice"), who(session, "bob"), 4 * ONE, "for being late")
    assert "> for being late" in heard(session, "bob")
    assert session.exec(select(Forgiveness.reason)).one() == "for being late"


def test_who_is_over_reads_no_negative_rest_but_how_much_is_missing(session: Session) -> None:
    spend(session, "eve", 130)
    lending.lend(by(session, "alice", live=True), who(session, "eve"), 10 * ONE)
    assert "You have $0.00 left. It takes more than **$20.00**" in heard(session, "eve")
    lending.recall(by(session, "alice", live=True), who(session, "eve"), None)
    assert "took back **$10.00**" in heard(session, "eve")
    assert "-$" not in heard(session, "eve")
