"""What an operator gives and takes: whole or not at all, allocation before top-ups."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import Session, col, select

from bot.database import Database
from models.ledger.account import Account, AccountKind, organisation
from models.ledger.transfer import Transfer
from models.policy import document
from models.quota.grant import end_grant, give, give_team, grant_from_pool, take, top_up
from models.quota.period import Period
from models.quota.pool import pool_of
from models.quota.wallet import wallet_of
from models.refusal import BadDate, InsufficientQuota, PoolTooSmall
from tests.actions import DECEMBER, USD, after, available, cause, gift, has, spend, spent, turn
from tests.company import NOW, POLICY, who

RULES = document.parse(POLICY)


def test_an_operator_takes_the_allocation_before_top_ups(company: Database) -> None:
    gift(company, "alice", 40)
    company.transact(lambda session: take(session, who(session, "alice"), 110 * USD, cause=cause()))
    alice = has(company, "alice")
    assert (alice.allocation, alice.top_ups) == (0, 30 * USD)


def test_an_operator_takes_all_or_nothing(company: Database) -> None:
    with pytest.raises(InsufficientQuota):
        company.transact(lambda session: take(session, who(session, "alice"), 101 * USD, cause=cause()))
    assert available(company, "alice") == 100


def test_a_grant_fills_the_overdraft_first(company: Database) -> None:
    spend(company, "alice", 120)
    company.transact(
        lambda session: give(
            session, who(session, "alice"), 50 * USD, until=None, policy=RULES, cause=cause()
        )
    )
    alice = has(company, "alice")
    assert (alice.overdraft, alice.top_ups, alice.available) == (0, 30 * USD, 30 * USD)


def test_a_grant_until_a_past_day_is_refused(session: Session) -> None:
    with pytest.raises(BadDate):
        give(
            session,
            who(session, "alice"),
            USD,
            until=date(2026, 11, 8),
            policy=RULES,
            cause=cause(after(days=1)),
        )


def test_a_team_is_given_quota_with_the_teams_below_it(session: Session) -> None:
    given = give_team(session, "Engineering", USD, until=None, policy=RULES, cause=cause())
    assert {one.name for one in given} == {"Olga", "Lee", "Pia", "Quinn"}


def balance(session: Session, account_id: int) -> int:
    return session.exec(select(Account.balance).where(Account.id == account_id)).one() // USD


def of_organisation(session: Session, kind: AccountKind) -> int:
    return balance(session, organisation(session, kind, NOW))


def payments(session: Session) -> Account:
    pool = pool_of(session, "payments", Period.current(session).id)
    assert pool is not None
    return pool


def last_kind(session: Session) -> str:
    return session.exec(select(Transfer.kind).order_by(col(Transfer.id).desc()).limit(1)).one()


def test_an_operator_takes_own_top_ups_by_their_end(session: Session) -> None:
    alice, issued = who(session, "alice"), organisation(session, AccountKind.ISSUED, NOW)
    later, sooner, bobs = (
        top_up(session, who(session, name).id, 30 * USD, source=issued, ends_at=NOW + timedelta(days=days), cause=cause())
        for name, days in (("alice", 9), ("alice", 5), ("bob", 1))
    )  # fmt: skip
    with pytest.raises(InsufficientQuota) as no:
        take(session, alice, 160 * USD + 1, cause=cause())
    assert (no.value.wanted, no.value.available) == (160 * USD + 1, 160 * USD)
    before = balance(session, issued)
    take(session, alice, 140 * USD, cause=cause())
    assert [balance(session, one) for one in (later, sooner, bobs)] == [20, 0, 30]
    take(session, alice, 20 * USD, cause=cause())
    assert (wallet_of(session, alice.id).available, balance(session, issued) - before) == (0, 160)


def test_what_is_taken_goes_back_to_its_pool_while_the_period_is_open(session: Session) -> None:
    pool, pia = payments(session), who(session, "pia")
    top_up(session, pia.id, 30 * USD, source=pool.id, ends_at=DECEMBER, cause=cause())
    take(session, pia, 510 * USD, cause=cause())
    assert (balance(session, pool.id), last_kind(session)) == (980, "revoke")


def test_what_is_taken_of_a_closed_pools_grant_expires(sqlite_company: Database) -> None:
    def given(session: Session) -> int:
        ends = NOW + timedelta(days=60)
        return top_up(session, who(session, "pia").id, 30 * USD, source=payments(session).id, ends_at=ends, cause=cause())  # fmt: skip

    def taken(session: Session) -> tuple[int, int, int]:
        before = of_organisation(session, AccountKind.EXPIRED)
        take(session, who(session, "pia"), 520 * USD, cause=cause())
        now = balance(session, grant), of_organisation(session, AccountKind.EXPIRED) - before
        return *now, balance(session, payments(session).id)

    grant = sqlite_company.transact(given)
    turn(sqlite_company)
    assert sqlite_company.transact(taken) == (10, 20, 1000)


@pytest.mark.parametrize(
    ("pooled", "kind", "pool", "expired"), [(True, "revoke", 990, 0), (False, "expire", 1000, 20)]
)
def test_an_ended_grant_goes_back_to_its_pool_and_expires_without_one(
    session: Session, pooled: bool, kind: str, pool: int, expired: int
) -> None:
    payer = payments(session).id if pooled else organisation(session, AccountKind.ISSUED, NOW)
    number = top_up(session, who(session, "pia").id, 30 * USD, source=payer, ends_at=DECEMBER, cause=cause())
    spent(session, "pia", 510)
    account = session.get_one(Account, number)
    assert (end_grant(session, account, cause()), last_kind(session)) == (20 * USD, kind)
    assert (balance(session, payments(session).id), of_organisation(session, AccountKind.EXPIRED)) == (
        pool,
        expired,
    )
    assert end_grant(session, account, cause()) == 0


def test_a_grant_keeps_what_paid_it_and_its_end(session: Session) -> None:
    pia, pool, rules = (
        who(session, "pia"),
        payments(session),
        {"period": Period.current(session), "policy": RULES},
    )
    grant_from_pool(session, pia, 400 * USD, DECEMBER, **rules, cause=cause(), request_id=None)
    made = session.exec(select(Account).where(Account.kind == AccountKind.TOP_UP)).one()
    assert (made.paid_by_id, made.ends_at, made.balance) == (pool.id, DECEMBER, 400 * USD)
    with pytest.raises(PoolTooSmall) as no:
        grant_from_pool(session, pia, 601 * USD, DECEMBER, **rules, cause=cause(), request_id=None)
    assert (no.value.team, no.value.left) == ("payments", 600 * USD)


def test_a_grant_ends_with_its_day_or_with_the_period(session: Session) -> None:
    for until in (date(2026, 11, 20), None):
        give(session, who(session, "alice"), USD, until=until, policy=RULES, cause=cause())
    ends = session.exec(
        select(Account.ends_at).where(Account.kind == AccountKind.TOP_UP).order_by(col(Account.id))
    )
    assert ends.all() == [datetime(2026, 11, 20, 16, tzinfo=UTC), DECEMBER]


def test_who_has_left_gets_nothing_of_what_a_team_is_given(session: Session) -> None:
    who(session, "quinn").left_at = NOW
    given = give_team(session, "ENGINEERING", 3 * USD, until=None, policy=RULES, cause=cause())
    assert [one.id for one in given] == sorted(who(session, name).id for name in ("olga", "lee", "pia"))
    assert wallet_of(session, who(session, "lee").id).top_ups == 3 * USD


def test_a_teams_grant_ends_with_its_day_and_goes_to_nobody_above(session: Session) -> None:
    given = give_team(session, "payments", USD, until=date(2026, 11, 20), policy=RULES, cause=cause())
    assert {one.name for one in given} == {"Lee", "Pia", "Quinn"}
    ends = session.exec(select(Account.ends_at).where(Account.kind == AccountKind.TOP_UP).distinct()).all()
    assert ends == [datetime(2026, 11, 20, 16, tzinfo=UTC)]


def test_what_is_taken_is_taken_from_the_top_up_that_ends_first(session: Session) -> None:
    alice = who(session, "alice").id
    issued = organisation(session, AccountKind.ISSUED, NOW)
    for usd, ends in ((5, after(days=9)), (4, after(days=3)), (3, after(days=3))):
        top_up(session, alice, usd * USD, source=issued, ends_at=ends, cause=cause())
    take(session, who(session, "alice"), 105 * USD, cause=cause())
    session.flush()
    query = select(Account.balance).where(Account.kind == AccountKind.TOP_UP).order_by(col(Account.id))
    assert session.exec(query).all() == [5 * USD, 0, 2 * USD]
    take(session, who(session, "alice"), 2 * USD - 1, cause=cause())
    take(session, who(session, "alice"), 1, cause=cause())
    assert session.exec(query).all() == [5 * USD, 0, 0]


def test_a_grant_until_today_is_refused_once_the_day_is_over(session: Session) -> None:
    today = date(2026, 11, 9)
    over = datetime(2026, 11, 9, 16, tzinfo=UTC)
    alice = who(session, "alice")
    give(session, alice, USD, until=today, policy=RULES, cause=cause(over - timedelta(seconds=1)))
    with pytest.raises(BadDate):
        give(session, alice, USD, until=today, policy=RULES, cause=cause(over))
