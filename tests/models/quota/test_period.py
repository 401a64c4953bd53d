"""Who gets what in a period: everybody at the first policy, joiners by days left, all when the policy changes."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, select

from bot.database import Database
from handlers import lending, requests
from models.ledger.account import Account, AccountKind
from models.people.member import Member
from models.policy import versions
from models.quota.allocation import Allowance, base_of, welcome_all
from models.quota.closing import advance, begin_turn
from models.quota.period import Period, PeriodState
from models.refusal import NoPolicyYet, PeriodClosing
from tests.actions import (
    DECEMBER,
    NEW_YEAR,
    USD,
    after,
    ask_for,
    available,
    balances,
    change,
    has,
    pool,
    say,
    sound,
    spend,
    turn,
)
from tests.company import NOW, POLICY, asks, who


def join(company: Database, now=NOW, team: str = "design", times: int = 1) -> float:
    """What Nina has after she joined."""

    def run(session: Session) -> None:
        nina = Member(name="Nina", email="nina@corp.example", gateway_id="nina", team=team, joined_at=now)
        session.add(nina)
        session.flush()
        for _ in range(times):
            welcome_all(session, [nina.id], now)

    company.transact(run)
    return available(company, "nina")


def test_before_the_first_policy_nobody_has_anything(database: Database) -> None:
    with pytest.raises(NoPolicyYet):
        database.transact(Period.current)
    assert database.transact(Period.latest) is None


def test_the_first_policy_gives_whole_allocations_also_on_the_ninth(company: Database) -> None:
    assert (available(company, "alice"), available(company, "pia"), available(company, "dan")) == (
        100,
        500,
        0,
    )
    assert pool(company) == 1000
    sound(company)


@pytest.mark.parametrize(
    ("day", "usd"),
    [(9, 73.34), (1, 100), (30, 3.34), (16, 50)],
    ids=["the 9th", "the 1st", "the last", "the 16th"],
)
def test_a_joiner_gets_the_days_left_and_today_counts_rounded_up_to_a_cent(
    company: Database, day: int, usd: float
) -> None:
    assert join(company, NOW + timedelta(days=day - 9)) == usd
    sound(company)


def test_nobody_is_welcomed_twice(company: Database) -> None:
    assert join(company, times=3) == 73.34


def test_a_joiners_share_is_their_base(company: Database) -> None:
    join(company)
    base = company.transact(
        lambda session: base_of(session, who(session, "nina").id, Period.current(session).id)
    )
    assert base == 73_340_000


def test_who_joins_while_the_month_closes_is_given_by_the_opening(company: Database) -> None:
    company.transact(lambda session: begin_turn(session, DECEMBER))
    for _ in range(11):
        company.transact(lambda session: advance(session, DECEMBER))
    assert join(company, DECEMBER + timedelta(minutes=1)) == 0
    turn(company, DECEMBER + timedelta(minutes=2))
    assert available(company, "nina") == 100
    sound(company)


def test_a_second_apply_of_the_same_policy_changes_nothing(company: Database) -> None:
    before = balances(company)
    change(company)
    assert balances(company) == before


def test_a_raise_posts_the_difference(company: Database) -> None:
    spend(company, "alice", 40)
    change(company, ("amount: 100\n", "amount: 130\n"))
    assert (available(company, "alice"), available(company, "bob")) == (90, 130)
    assert available(company, "dan") == 0


def test_a_cut_takes_at_most_what_is_there_and_is_then_done(company: Database) -> None:
    spend(company, "alice", 90)
    change(company, ("amount: 100\n", "amount: 30\n"))
    assert (available(company, "alice"), available(company, "bob")) == (0, 30)
    spend(company, "bob", 5)
    change(company, ("amount: 100\n", "amount: 30\n"))
    assert (available(company, "alice"), available(company, "bob")) == (0, 25)
    change(company, ("amount: 100\n", "amount: 40\n"))
    assert (available(company, "alice"), available(company, "bob")) == (10, 35)
    sound(company)


def test_a_cut_leaves_grants_and_loans_alone(company: Database) -> None:
    say(company, lending.lend, "alice", "bob", 50 * USD)
    say(company, requests.approve, "carol", ask_for(company, "bob", 20))
    change(company, ("amount: 100\n", "amount: 0\n"))
    assert (available(company, "alice"), has(company, "bob").borrowed, has(company, "bob").top_ups) == (
        0,
        50 * USD,
        20 * USD,
    )


def test_a_joiner_stays_a_joiner_when_the_policy_changes(company: Database) -> None:
    join(company)
    change(company, ("amount: 100\n", "amount: 200\n"), now=after(days=3))
    assert available(company, "nina") == 146.67


def test_a_cut_base_lowers_what_one_may_lend(company: Database) -> None:
    change(company, ("amount: 100\n", "amount: 50\n"))
    say(company, lending.lend, "alice", "bob", 40 * USD)
    assert available(company, "alice") == 10


def test_a_pool_is_raised_and_cut_to_its_budget(company: Database) -> None:
    say(company, requests.approve, "lee", ask_for(company, "pia", 300))
    change(company, ("top_up_budget: 1000", "top_up_budget: 1500"))
    assert pool(company) == 1200
    change(company, ("top_up_budget: 1000", "top_up_budget: 200"))
    assert pool(company) == 0, "300 are granted already"
    change(company, ("top_up_budget: 1000", "top_up_budget: 400"))
    assert pool(company) == 100
    sound(company)


def test_a_policy_cannot_change_while_the_month_closes(company: Database) -> None:
    company.transact(lambda session: begin_turn(session, DECEMBER))
    with pytest.raises(PeriodClosing):
        change(company, ("amount: 100\n", "amount: 130\n"))
    assert company.transact(lambda session: versions.current(session)[0]) == 1


def test_an_overdraft_is_filled_by_a_raise_before_anything_is_free(company: Database) -> None:
    spend(company, "alice", 115)
    change(company, ("amount: 100\n", "amount: 110\n"))
    assert (available(company, "alice"), has(company, "alice").overdraft) == (-5, -5 * USD)
    sound(company)


def test_the_version_that_gave_it_stands_beside_each_allocation(company: Database) -> None:
    rows = company.transact(lambda session: session.exec(select(Allowance.rule, Allowance.base)).all())
    assert {(rule, base // USD) for rule, base in rows} == {(0, 0), (1, 500), (2, 100)}


def test_a_whole_town_in_one_pool_account_each_period(company: Database) -> None:
    turn(company)
    pools = company.transact(
        lambda session: session.exec(select(Account).where(Account.kind == AccountKind.POOL)).all()
    )
    assert sorted(one.balance for one in pools) == [0, 1000 * USD]
    assert (
        company.transact(lambda session: asks(session, "alice").policy.teams[1].top_up_budget) == 1000 * USD
    )
    assert "top_up_budget: 1000" in POLICY


@pytest.mark.parametrize("state", PeriodState)
def test_a_period_goes_on_to_the_state_that_follows_and_to_no_other(state: PeriodState) -> None:
    follows = {PeriodState.TURNING: PeriodState.OPEN, PeriodState.OPEN: PeriodState.CLOSED}.get(state)
    for wanted in PeriodState:
        period = Period(starts_at=NOW, ends_at=DECEMBER, state=state)
        if wanted is follows:
            period.become(wanted)
            assert period.state == wanted
        else:
            with pytest.raises(ValueError, match="does not become"):
                period.become(wanted)


def test_people_are_told_of_the_oldest_opening_that_is_over(company: Database) -> None:
    def to_tell(session: Session) -> str | None:
        period = Period.to_tell(session)
        return period and f"{period.starts_at:%m-%d}"

    assert company.transact(to_tell) == "10-31"
    company.transact(lambda session: begin_turn(session, DECEMBER))
    assert company.transact(to_tell) == "10-31"
    company.transact(lambda session: Period.to_tell(session).mark_told(session, None))
    assert company.transact(to_tell) is None, "one that turns is not to be told yet"
    company.transact(
        lambda session: session.exec(select(Period).order_by(Period.starts_at)).first().mark_told(session, 0)
    )
    turn(company)
    company.transact(lambda session: Period.to_tell(session).mark_told(session, 7))
    assert company.transact(lambda session: (to_tell(session), Period.to_tell(session).told)) == ("10-31", 7)
    company.transact(lambda session: Period.to_tell(session).mark_told(session, None))
    assert company.transact(to_tell) == "11-30"


def test_people_are_warned_of_the_end_of_the_open_period_only(company: Database) -> None:
    def to_warn(session: Session, ends_by: datetime = DECEMBER) -> int | None:
        period = Period.to_warn(session, ends_by)
        return period and period.told_unused

    assert company.transact(lambda session: to_warn(session, DECEMBER - timedelta(seconds=1))) is None
    assert company.transact(to_warn) == 0
    company.transact(lambda session: Period.to_warn(session, DECEMBER).mark_warned(session, 7))
    assert company.transact(to_warn) == 7
    company.transact(lambda session: begin_turn(session, DECEMBER))
    assert company.transact(to_warn) is None
    turn(company)
    company.transact(lambda session: Period.to_warn(session, NEW_YEAR).mark_warned(session, None))
    assert company.transact(lambda session: to_warn(session, NEW_YEAR)) is None
