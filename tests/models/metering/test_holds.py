"""Lower before raising: which raise waits for whose limit, and for how much."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from sqlmodel import Session, col, select

from models.ledger.amount import Unit
from models.metering.accounts import accounts_of
from models.metering.gateway_account import GatewayAccount
from models.metering.gateway_state import GatewayState
from models.metering.holds import holds_on, release_holds
from models.metering.limits import GatewayTraits
from models.metering.reading import Rate, Reading
from models.policy import document
from models.quota.closing import begin_turn
from models.quota.loan import Loan
from models.quota.period import Period
from tests.actions import DECEMBER, USD, cause, spent
from tests.company import NOW, POLICY, who

RATE = Rate.of(Unit.USD, Decimal(1))
CAP = GatewayTraits(lambda total: total)


def account(session: Session, name: str, usd: int | None = 100) -> GatewayAccount:
    """At the gateway, with the limit of their allocation written."""
    total = None if usd is None else usd * USD
    row = GatewayAccount.link(session, Reading(name, 0, total, NOW), who(session, name))
    row.written = total
    session.flush()
    return row


def lend(session: Session, lender: str, borrower: str, usd: int) -> None:
    people = {"lender": who(session, lender), "borrower": who(session, borrower)}
    Loan.make(session, **people, amount=usd * USD, policy=document.parse(POLICY), cause=cause())


def held(session: Session, name: str) -> dict[str, int]:
    names = {who(session, one).id: one for one in ("alice", "bob", "eve", "max")}
    found = holds_on(session, who(session, name).id, RATE, CAP)
    return {names[one.member]: one.amount // USD for one in found}


def test_a_borrower_waits_for_as_much_as_the_lenders_limit_is_too_high(session: Session) -> None:
    alice, _ = account(session, "alice"), account(session, "bob")
    lend(session, "alice", "bob", 50)
    assert held(session, "bob") == {"alice": 50}
    alice.total = 70 * USD
    alice.written = alice.total
    session.flush()
    assert held(session, "bob") == {"alice": 20}
    alice.total = alice.written = 50 * USD
    session.flush()
    assert held(session, "bob") == {}


def test_a_write_under_way_may_stand_and_no_limit_is_the_highest(session: Session) -> None:
    alice, _ = account(session, "alice", 50), account(session, "bob")
    lend(session, "alice", "bob", 50)
    alice.meant = [80 * USD]
    session.flush()
    assert held(session, "bob") == {"alice": 30}
    alice.meant, alice.total = [], None
    session.flush()
    assert held(session, "bob") == {"alice": 50}


def test_a_lender_at_a_gateway_that_is_only_observed_holds_nobody_up(session: Session) -> None:
    account(session, "alice"), account(session, "bob")
    lend(session, "alice", "bob", 50)
    GatewayState.of(session).begin("litellm", enforce=False)
    session.flush()
    assert held(session, "bob") == {}


def test_a_raise_also_waits_for_those_who_lent_to_the_lender(session: Session) -> None:
    alice, _, _ = (account(session, name) for name in ("alice", "bob", "eve"))
    lend(session, "alice", "bob", 50)
    lend(session, "eve", "alice", 30)
    assert held(session, "bob") == {"alice": 20, "eve": 30}
    alice.total = alice.written = 110 * USD
    session.flush()
    assert held(session, "bob") == {"alice": 30, "eve": 20}, "never more than came from Alice"


def test_loans_in_a_circle_end_where_they_began(session: Session) -> None:
    for lender, borrower in (("alice", "bob"), ("bob", "eve"), ("eve", "alice")):
        account(session, lender)
        lend(session, lender, borrower, 30)
    assert held(session, "bob") == {}, "every limit stands as it ought"


def test_after_a_lowered_limit_the_ones_who_waited_are_compared_also_behind_others(session: Session) -> None:
    rows = {name: account(session, name) for name in ("alice", "bob", "eve", "carol")}
    lend(session, "alice", "bob", 30)
    asked = document.parse(POLICY + "lending: {keep_share: 0}\n")
    Loan.make(
        session,
        lender=who(session, "bob"),
        borrower=who(session, "eve"),
        amount=USD,
        policy=asked,
        cause=cause(),
    )
    release_holds(session, who(session, "alice").id)
    for row in rows.values():
        session.refresh(row)
    assert {name for name, row in rows.items() if row.due} == {"bob", "eve"}


def test_a_limit_may_be_lowered_while_the_period_turns(session: Session) -> None:
    account(session, "alice"), account(session, "bob")
    lend(session, "alice", "bob", 50)
    begin_turn(session, DECEMBER)
    release_holds(session, who(session, "alice").id)
    assert [one.due for one in accounts_of(session, who(session, "bob").id)] == [True]


def test_every_lender_whose_limit_is_too_high_is_waited_for(session: Session) -> None:
    alice, _, _ = (account(session, name) for name in ("alice", "bob", "eve"))
    for lender in ("alice", "eve"):
        lend(session, lender, "bob", 30)
    assert held(session, "bob") == {"alice": 30, "eve": 30}
    alice.total = alice.written = 70 * USD + 1
    session.flush()
    assert [one.amount for one in holds_on(session, who(session, "bob").id, RATE, CAP)] == [1, 30 * USD]


def test_of_what_the_lender_was_lent_only_what_they_have_at_the_gateway_is_waited_for(
    session: Session,
) -> None:
    alice, _, _, _ = (account(session, name) for name in ("alice", "bob", "eve", "max"))
    lend(session, "alice", "bob", 50)
    for lender, usd in (("eve", 30), ("max", 20)):
        lend(session, lender, "alice", usd)
    for missing, waits in ((10, {"eve": 20, "max": 20}), (35, {"max": 15}), (50, {})):
        alice.total = alice.written = (100 - missing) * USD
        session.flush()
        assert held(session, "bob") == waits


def test_behind_a_lender_nobody_waits_for_more_than_came_from_them(session: Session) -> None:
    alice, _, _, _ = (account(session, name) for name in ("alice", "bob", "eve", "max"))
    lend(session, "alice", "bob", 25)
    for lender, usd in (("eve", 20), ("max", 10)):
        lend(session, lender, "alice", usd)
    alice.total = alice.written = 105 * USD
    session.flush()
    assert held(session, "bob") == {"eve": 20, "max": 5}


def test_a_hold_is_stuck_where_a_gateway_failed_to_lower_a_limit_that_is_wrong(session: Session) -> None:
    alice, _ = account(session, "alice"), account(session, "bob")

    def stuck() -> list[bool]:
        session.flush()
        return [one.stuck for one in holds_on(session, who(session, "bob").id, RATE, CAP)]

    lend(session, "alice", "bob", 50)
    assert stuck() == [False]
    alice.error = "the gateway answered 500"
    assert stuck() == [True]
    alice.error, GatewayState.of(session).problem = None, "does not answer"
    GatewayState.of(session).kind = "litellm"
    assert stuck() == [True]
    GatewayState.of(session).problem = None
    second = GatewayAccount.link(session, Reading("second", 0, 50 * USD, NOW), who(session, "alice"))
    second.written, second.error = second.total, "the gateway answered 500"
    assert stuck() == [False], "the second one is right"
    second.total = second.written = 60 * USD
    assert stuck() == [True]


def test_at_several_gateways_a_limit_is_held_against_the_ledger_and_not_anothers_smallest_unit(
    session: Session,
) -> None:
    alice, _ = account(session, "alice"), account(session, "bob")
    lend(session, "alice", "bob", 50)
    alice.gateway, alice.total = "eu", 50 * USD - 5
    alice.written = alice.total
    alice.origin = -5
    session.flush()
    coarse = GatewayTraits(lambda total: total // 10_000 * 10_000)
    assert holds_on(session, who(session, "bob").id, RATE, coarse) == []


def test_who_lent_in_a_circle_is_compared_once(session: Session) -> None:
    rows = {name: account(session, name) for name in ("alice", "bob", "eve")}
    for lender, borrower in (("alice", "bob"), ("bob", "eve"), ("eve", "alice")):
        lend(session, lender, borrower, 30)
    release_holds(session, who(session, "alice").id)
    for row in rows.values():
        session.refresh(row)
    assert {name for name, row in rows.items() if row.due} == {"bob", "eve"}


def test_what_came_back_or_was_repaid_waits_for_whoever_gave_it(session: Session) -> None:
    _, bob = account(session, "alice"), account(session, "bob", 120)
    lend(session, "alice", "bob", 50)
    pair = {"lender": who(session, "alice"), "borrower": who(session, "bob")}
    bob.total = bob.written = 150 * USD
    Loan.recall(session, **pair, amount=20 * USD, cause=cause())
    session.flush()
    assert held(session, "alice") == {"bob": 20}
    spent(session, "bob", 10)
    Loan.repay(session, **pair, amount=25 * USD, cause=cause())
    session.flush()
    assert held(session, "alice") == {"bob": 45}
    assert Loan.repay(session, **pair, amount=5 * USD, cause=cause())[1] == 0
    session.flush()
    assert held(session, "alice") == {"bob": 50}, "a loan that is closed as well"


def test_a_loan_that_closed_in_an_earlier_period_holds_nobody_up(session: Session) -> None:
    account(session, "alice"), account(session, "bob", 150), account(session, "eve")
    start = Period.current(session).starts_at
    for number, (borrower, closed_at) in enumerate((("bob", start - timedelta(seconds=1)), ("eve", start))):
        lend(session, "alice", borrower, 10)
        loan = session.exec(select(Loan).order_by(col(Loan.id).desc())).first()
        assert loan is not None, number
        loan.closed_at = closed_at
        session.flush()
    release_holds(session, who(session, "alice").id)
    assert [accounts_of(session, who(session, name).id)[0].due for name in ("bob", "eve")] == [False, True]
