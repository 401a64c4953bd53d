"""What a request grants: who pays, when it ends, where what is taken back goes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import Session, select

from bot.database import Database
from handlers import requests
from handlers.clock import grants
from handlers.clock.grants import end_grants
from models.ledger.account import Account, AccountKind
from models.quota.closing import begin_turn
from models.quota.grant import give
from models.refusal import (
    NothingToRevoke,
    PeriodClosing,
    PoolTooSmall,
    UnknownCode,
)
from tests.actions import (
    DECEMBER,
    USD,
    after,
    ask_for,
    balances,
    cause,
    change,
    ctx,
    gift,
    has,
    pool,
    request,
    say,
    sound,
    spend,
    told,
    turn,
)
from tests.company import NOW, who


def test_the_teams_pool_pays_as_far_as_it_goes(company: Database) -> None:
    first, second = ask_for(company, "pia", 400), ask_for(company, "quinn", 500)
    say(company, requests.approve, "lee", first)
    say(company, requests.approve, "lee", second)
    third = ask_for(company, "pia", 200)
    with pytest.raises(PoolTooSmall) as no:
        say(company, requests.approve, "lee", third)
    assert (no.value.left, request(company, third).state) == (100 * USD, "pending")
    say(company, requests.approve, "lee", third, 100 * USD)
    assert pool(company) == 0
    sound(company)


def test_without_a_budget_the_organisation_pays(company: Database) -> None:
    say(company, requests.approve, "carol", ask_for(company, "bob", 30))
    assert pool(company) == 1000


def test_a_team_without_a_budget_draws_on_the_team_above(company: Database) -> None:
    change(
        company,
        ("owner: olga@corp.example}", "owner: olga@corp.example, top_up_budget: 70}"),
        (", top_up_budget: 1000", ""),
    )
    say(company, requests.approve, "lee", ask_for(company, "pia", 40))
    assert pool(company, "engineering") == 30


def test_a_revoked_grant_goes_back_to_the_pool_while_the_period_is_open(company: Database) -> None:
    code = ask_for(company, "pia", 400)
    say(company, requests.approve, "lee", code)
    spend(company, "pia", 600)
    with pytest.raises(UnknownCode):
        say(company, requests.revoke, "olga", code)
    say(company, requests.revoke, "lee", code)
    assert (pool(company), has(company, "pia").top_ups) == (900, 0)
    with pytest.raises(NothingToRevoke):
        say(company, requests.revoke, "lee", code)
    sound(company)


def test_a_grant_revoked_after_the_period_expires(company: Database) -> None:
    code = ask_for(company, "pia", 400, until=date(2026, 12, 15))
    say(company, requests.approve, "lee", code)
    turn(company)
    say(company, requests.revoke, "lee", code, now=DECEMBER)
    assert (pool(company), has(company, "pia").top_ups) == (1000, 0)
    sound(company)


def test_nothing_is_revoked_while_the_month_closes(company: Database) -> None:
    code = ask_for(company, "pia", 400, until=date(2026, 12, 15))
    say(company, requests.approve, "lee", code)
    company.transact(lambda session: begin_turn(session, DECEMBER))
    before = balances(company)
    with pytest.raises(PeriodClosing):
        say(company, requests.revoke, "lee", code)
    assert balances(company) == before


def test_a_grant_ends_with_the_month_unless_a_day_was_asked(company: Database) -> None:
    short, long = ask_for(company, "bob", 30), ask_for(company, "eve", 30, until=date(2026, 12, 15))
    for code in (short, long):
        say(company, requests.approve, "carol", code)
    turn(company)
    assert (has(company, "bob").top_ups, has(company, "eve").top_ups) == (0, 30 * USD)
    ends = company.transact(
        lambda session: session.exec(
            select(Account.ends_at).where(Account.kind == AccountKind.TOP_UP, Account.balance > 0)
        ).one()
    )
    assert ends == datetime(2026, 12, 15, 16, tzinfo=UTC)
    for now in (ends - timedelta(seconds=1), ends, ends):
        company.transact(lambda session, at=now: end_grants(ctx(session, at)))
    assert (has(company, "eve").top_ups, len(told(company, "eve"))) == (0, 2)
    sound(company)


def test_a_teams_grants_end_a_piece_at_a_time(company: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grants, "PIECE", 2)
    for name in ("bob", "eve", "alice"):
        gift(company, name, 30, ends=after(days=1))
    more = [company.transact(lambda session: end_grants(ctx(session, after(days=2)))) for _ in range(3)]
    assert more == [True, False, False]
    assert [has(company, name).top_ups for name in ("bob", "eve", "alice")] == [0, 0, 0]
    sound(company)


def test_the_holder_of_a_grant_is_told_which_grant_has_ended(company: Database) -> None:
    def give_for(session: Session) -> None:
        policy = ctx(session, NOW).policy
        why = replace(cause(NOW), reason="billing *migration*")
        give(session, who(session, "alice"), 20 * USD, until=NOW.date(), policy=policy, cause=why)

    company.transact(give_for)
    company.transact(lambda session: end_grants(ctx(session, after(days=1))))
    (message,) = told(company, "alice")
    assert message.text == r"The top-up “billing \*migration\*” has ended; $20.00 of it was unused."


def test_a_grant_that_ends_within_its_month_goes_back_to_the_pool(company: Database) -> None:
    code = ask_for(company, "pia", 400, until=date(2026, 11, 12))
    say(company, requests.approve, "lee", code)
    spend(company, "pia", 550)
    company.transact(lambda session: end_grants(ctx(session, after(days=4))))
    assert (pool(company), has(company, "pia").available) == (950, 0)
