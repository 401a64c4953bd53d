"""A month closes and the next one opens: what goes back, what is kept, what is repaid; a piece at a time, anywhere killed."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, select

from bot.database import Database
from handlers import lending, requests
from models.ledger.account import Account
from models.ledger.transfer import Transfer
from models.people.member import Member
from models.quota import closing
from models.quota.allocation import Allowance
from models.quota.closing import advance, begin_turn, overdue
from models.quota.leaving import leave
from models.quota.period import Period
from models.quota.policy_change import move_on
from tests.actions import (
    DECEMBER,
    NEW_YEAR,
    USD,
    ask_for,
    available,
    balances,
    change,
    gift,
    has,
    loan,
    open_loans,
    pool,
    say,
    sound,
    spend,
    turn,
)
from tests.company import NOW, who


def lend(company: Database, lender: str, borrower: str, usd: float) -> None:
    say(company, lending.lend, lender, borrower, int(usd * USD))


def periods(company: Database) -> list[tuple[str, str]]:
    rows = company.transact(lambda session: session.exec(select(Period).order_by(Period.starts_at)).all())
    return [(f"{row.starts_at:%m-%d}", row.state) for row in rows]


def test_nothing_closes_before_its_time(company: Database) -> None:
    assert not company.transact(lambda session: begin_turn(session, DECEMBER - timedelta(seconds=1)))
    assert periods(company) == [("10-31", "open")]


def test_the_unspent_expires_and_everybody_has_their_base_again(company: Database) -> None:
    spend(company, "alice", 30)
    gift(company, "bob", 40)
    turn(company)
    assert (available(company, "alice"), available(company, "bob"), pool(company)) == (100, 100, 1000)
    sound(company)


def test_an_unspent_loan_goes_back_and_expires_with_the_rest(company: Database) -> None:
    lend(company, "alice", "bob", 50)
    turn(company)
    assert (available(company, "alice"), available(company, "bob"), open_loans(company)) == (100, 100, 0)


def test_it_is_carried_over_with_the_rest_where_policy_carries(company: Database) -> None:
    change(company, more="carry_over: {share: 0.5}\n")
    lend(company, "alice", "bob", 50)
    turn(company)
    assert (available(company, "alice"), available(company, "bob")) == (150, 150)


def test_carrying_over_stops_at_the_cap_and_is_no_base(company: Database) -> None:
    change(company, more="carry_over: {share: 0.5, cap: 20}\n")
    spend(company, "alice", 90)
    turn(company)
    assert (available(company, "alice"), available(company, "bob")) == (105, 120)
    lend_all = say(company, lending.lend, "bob", "eve", None, now=DECEMBER)
    assert lend_all is not None
    assert available(company, "bob") == 20, "a fifth of the base of 100 stays, carried quota may be lent"


def test_what_is_carried_rounds_down(company: Database) -> None:
    change(company, more="carry_over: {share: 0.333333}\n")
    spend(company, "alice", 99.999999)
    turn(company)
    assert has(company, "alice").allocation == 100 * USD


def test_carried_quota_fills_no_cap_across_two_months(company: Database) -> None:
    change(company, more="carry_over: {share: 1}\n")
    turn(company)
    turn(company, NEW_YEAR)
    assert available(company, "alice") == 300


def test_an_overdraft_is_filled_from_the_new_allocation(company: Database) -> None:
    spend(company, "alice", 130)
    spend(company, "bob", 250)
    turn(company)
    assert (available(company, "alice"), available(company, "bob")) == (70, -50)
    turn(company, NEW_YEAR)
    assert available(company, "bob") == 50
    sound(company)


@pytest.mark.parametrize(
    ("owed", "overdrawn", "share", "repaid"),
    [
        (50, 0, "0.5", 50),
        (90, 0, "0.5", 50),  # at most the share of the base
        (90, 0, "0.25", 25),
        (90, 70, "0.5", 30),  # at most what the overdraft left of the base
        (90, 100, "0.5", 0),
        (90, 130, "1", 0),
        (90, 0, "0", 0),
        (90, 0, "0.3333", 33.33),
    ],
)
def test_one_repays_at_most_the_share_of_the_base_and_what_the_overdraft_left(
    company: Database, owed: float, overdrawn: float, share: str, repaid: float
) -> None:
    change(company, more=f"lending: {{repay_share: {share}}}\n")
    lend(company, "quinn", "bob", owed)
    spend(company, "bob", 100 + owed + overdrawn)
    turn(company)
    assert has(company, "bob").available == int((100 - overdrawn - repaid) * USD)
    assert has(company, "quinn").available == int((500 + repaid) * USD)
    assert loan(company, "quinn", "bob").owed == -(-int((owed - repaid) * 100) // 100)
    sound(company)


def test_the_oldest_debt_is_repaid_first(company: Database) -> None:
    lend(company, "alice", "bob", 40)
    lend(company, "eve", "bob", 40)
    spend(company, "bob", 180)
    turn(company)
    assert (loan(company, "alice", "bob").owed, loan(company, "eve", "bob").owed) == (0, 30)
    turn(company, NEW_YEAR)
    assert (available(company, "eve"), available(company, "bob"), open_loans(company)) == (130, 70, 0)


def test_what_one_is_repaid_does_not_repay_ones_own_debts(company: Database) -> None:
    """Decided for everybody before any repayment is posted: the order of people is free."""
    lend(company, "alice", "bob", 60)
    spend(company, "bob", 160)
    lend(company, "quinn", "alice", 90)
    spend(company, "alice", 130)
    turn(company)
    assert (loan(company, "alice", "bob").repaid, loan(company, "quinn", "alice").repaid) == (50, 50)
    assert available(company, "alice") == 100


def test_a_lender_in_overdraft_is_filled_by_what_comes_back(company: Database) -> None:
    lend(company, "alice", "bob", 50)
    spend(company, "alice", 80)
    assert available(company, "alice") == -30
    turn(company)
    assert available(company, "alice") == 100
    sound(company)


def test_no_step_begins_before_the_one_before_is_done_for_everybody(
    company: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closing, "CHUNK", 4)
    company.transact(lambda session: begin_turn(session, DECEMBER))
    seen = []
    more = True
    while more:
        more = company.transact(lambda session: advance(session, DECEMBER))
        seen.append(
            company.transact(lambda session: (Period.latest(session).step, Period.latest(session).cursor))
        )
    assert seen == sorted(seen)
    assert len([one for one in seen if one[0] == 2]) == 4, (
        "twelve people in ranges of four, and the step to the next"
    )


def test_killed_within_a_piece_it_is_as_if_that_piece_had_not_begun(
    company: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closing, "CHUNK", 5)
    lend(company, "alice", "bob", 50)
    spend(company, "bob", 140)
    company.transact(lambda session: begin_turn(session, DECEMBER))
    more = True
    while more:
        before = balances(company)
        with pytest.raises(ZeroDivisionError):
            company.transact(lambda session: advance(session, DECEMBER) / 0)
        assert balances(company) == before
        more = company.transact(lambda session: advance(session, DECEMBER))
    assert (available(company, "alice"), available(company, "bob")) == (140, 60)
    sound(company)


def test_beginning_twice_begins_once(company: Database) -> None:
    for _ in range(3):
        assert company.transact(lambda session: begin_turn(session, DECEMBER))
    assert periods(company) == [("10-31", "closed"), ("11-30", "turning")]
    assert company.transact(lambda session: Period.latest(session).policy) == 1


def test_advancing_what_is_not_turning_does_nothing(company: Database) -> None:
    before = balances(company)
    assert not company.transact(lambda session: advance(session, NOW))
    assert balances(company) == before


def test_missed_months_are_closed_and_opened_one_by_one(company: Database) -> None:
    lend(company, "quinn", "bob", 90)
    spend(company, "bob", 190)
    late = NEW_YEAR + timedelta(days=3)
    pieces = 0
    while company.transact(lambda session: move_on(session, late, several=True)):
        pieces += 1
        assert pieces < 100
    assert periods(company) == [("10-31", "closed"), ("11-30", "closed"), ("12-31", "open")]
    assert loan(company, "quinn", "bob").repaid == 90, "50 in December and 40 in January"
    sound(company)


def test_what_is_spent_between_the_end_and_the_close_belongs_to_the_old_month(company: Database) -> None:
    late = DECEMBER + timedelta(hours=5)
    spend(company, "alice", 60, late)
    turn(company, late)
    assert available(company, "alice") == 100


def test_who_leaves_while_the_month_closes_is_left_with_nothing(
    company: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closing, "CHUNK", 5)
    lend(company, "alice", "bob", 50)
    lend(company, "eve", "max", 50)
    spend(company, "bob", 150)
    for name, pieces in (("bob", 5), ("max", 9), ("pia", 16), ("alice", 20)):
        company.transact(lambda session: begin_turn(session, DECEMBER))
        for _ in range(pieces - 4):
            company.transact(lambda session: advance(session, DECEMBER))
        company.transact(lambda session, leaver=name: leave(session, who(session, leaver), DECEMBER))
        sound(company)
    turn(company)
    assert [available(company, name) for name in ("alice", "bob", "max", "pia", "eve")] == [0, 0, 0, 0, 100]
    sound(company)


def test_everybody_gets_what_the_policy_says_at_the_opening(company: Database) -> None:
    def moves_team(session: Session) -> None:
        alice = who(session, "alice")
        alice.team, alice.role = "payments", "engineer"
        session.add(alice)

    company.transact(moves_team)
    assert available(company, "alice") == 100
    turn(company)
    assert available(company, "alice") == 500


def test_a_clock_that_would_close_several_months_at_once_is_noticed(company: Database) -> None:
    def months(now: datetime) -> list[str]:
        return [
            f"{one.start:%m-%d} {one.end:%m-%d}"
            for one in company.transact(lambda session: overdue(session, now))
        ]

    assert (
        months(DECEMBER - timedelta(seconds=1))
        == months(DECEMBER)
        == months(NEW_YEAR - timedelta(seconds=1))
        == []
    )
    assert months(NEW_YEAR) == ["10-31 11-30", "11-30 12-31"]
    company.transact(lambda session: begin_turn(session, DECEMBER))
    assert months(NEW_YEAR) == [], "what has begun to turn is finished"


def test_before_the_first_policy_no_month_is_overdue(database: Database) -> None:
    assert database.transact(lambda session: overdue(session, NEW_YEAR)) == []


def test_what_a_turn_posts_names_the_policy_and_the_period_it_belongs_to(company: Database) -> None:
    lend(company, "alice", "bob", 50)
    spend(company, "bob", 120)
    spend(company, "pia", 999.999999)
    turn(company)

    def posted(session: Session) -> set[tuple[str, str, str, int | None]]:
        since = select(Transfer, Period.starts_at).join(Period, Period.id == Transfer.period_id)
        found = session.exec(since.where(Transfer.cause.startswith("period:"), Transfer.at >= DECEMBER)).all()
        return {(one.kind, one.actor, f"{starts_at:%m-%d}", one.policy) for one, starts_at in found}

    assert company.transact(posted) == {
        ("return", "policy", "10-31", 1), ("expire", "policy", "10-31", 1), ("allocate", "policy", "11-30", 1),
        ("repay", "policy", "11-30", 1), ("fill", "policy", "11-30", 1), ("fund", "policy", "11-30", 1),
    }  # fmt: skip
    assert company.transact(lambda session: Period.current(session).policy) == 1


def test_the_last_bit_of_a_pool_expires_with_its_period(company: Database) -> None:
    say(company, requests.approve, "lee", ask_for(company, "pia", 500))
    say(company, requests.approve, "lee", ask_for(company, "quinn", 499.999999))
    turn(company)
    pools = company.transact(
        lambda session: session.exec(
            select(Account.balance).where(Account.kind == "pool").order_by(Account.id)
        ).all()
    )
    assert pools == [0, 1000 * USD]


def test_each_piece_of_an_opening_gives_to_its_own_range_of_people(
    company: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closing, "CHUNK", 5)
    company.transact(lambda session: begin_turn(session, DECEMBER))
    given = (
        select(Allowance.member_id)
        .join(Period)
        .where(Period.state == "turning")
        .order_by(Allowance.member_id)
    )
    seen = []
    while company.transact(lambda session: advance(session, DECEMBER)):
        ids = company.transact(lambda session: session.exec(given).all())
        seen += [len(ids)] if not seen or len(ids) != seen[-1] else []
    assert seen == [0, 5, 10, 12]


def test_who_came_after_their_turn_is_given_to_at_the_end_and_who_left_is_not(
    company: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closing, "CHUNK", 5)
    company.transact(lambda session: begin_turn(session, DECEMBER))
    while company.transact(lambda session: Period.latest(session).step) < 4:
        company.transact(lambda session: advance(session, DECEMBER))
    for name, left_at in (("nina", None), ("noah", DECEMBER)):
        one = Member(
            name=name, email=f"{name}@corp.example", gateway_id=name, joined_at=DECEMBER, left_at=left_at
        )
        company.transact(lambda session, one=one: session.add(one))
    turn(company)
    assert (available(company, "nina"), available(company, "noah")) == (100, 0)
