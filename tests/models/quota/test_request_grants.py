"""What a request grants: who pays, when it ends, where what is taken back goes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import Session, select

from bot.database import Database
from handlers import requests
from handlers.clock import housekeeping
from handlers.clock.housekeeping import end_grants
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
    gift,
    has,
    pool,
    request,
    say,
    sound,
    spend,
    told,
    turn,
    voice,
)
from tests.company import NOW, who


def test_the_teams_pool_pays_as_far_as_it_goes(town: Database) -> None:
    first, second = ask_for(town, "pia", 400), ask_for(town, "quinn", 500)
    say(town, requests.approve, "lee", first)
    say(town, requests.approve, "lee", second)
    third = ask_for(town, "pia", 200)
    with pytest.raises(PoolTooSmall) as no:
        say(town, requests.approve, "lee", third)
    assert (no.value.left, request(town, third).state) == (100 * USD, "pending")
    say(town, requests.approve, "lee", third, 100 * USD)
    assert pool(town) == 0
    sound(town)


def test_without_a_budget_the_organisation_pays(town: Database) -> None:
    say(town, requests.approve, "carol", ask_for(town, "bob", 30))
    assert pool(town) == 1000


def test_a_team_without_a_budget_draws_on_the_one_above(town: Database) -> None:
    change(
        town,
        ("owner: olga@corp.example}", "owner: olga@corp.example, top_up_budget: 70}"),
        (", top_up_budget: 1000", ""),
    )
    say(town, requests.approve, "lee", ask_for(town, "pia", 40))
    assert pool(town, "engineering") == 30


def test_what_is_revoked_goes_back_to_the_pool_while_it_is_open(town: Database) -> None:
    code = ask_for(town, "pia", 400)
    say(town, requests.approve, "lee", code)
    spend(town, "pia", 600)
    with pytest.raises(UnknownCode):
        say(town, requests.revoke, "olga", code)
    say(town, requests.revoke, "lee", code)
    assert (pool(town), has(town, "pia").top_ups) == (900, 0)
    with pytest.raises(NothingToRevoke):
        say(town, requests.revoke, "lee", code)
    sound(town)


def test_what_is_revoked_later_expires(town: Database) -> None:
    code = ask_for(town, "pia", 400, until=date(2026, 12, 15))
    say(town, requests.approve, "lee", code)
    turn(town)
    say(town, requests.revoke, "lee", code, now=DECEMBER)
    assert (pool(town), has(town, "pia").top_ups) == (1000, 0)
    sound(town)


def test_nothing_is_revoked_while_the_month_closes(town: Database) -> None:
    code = ask_for(town, "pia", 400, until=date(2026, 12, 15))
    say(town, requests.approve, "lee", code)
    town.transact(lambda session: begin_turn(session, DECEMBER))
    before = balances(town)
    with pytest.raises(PeriodClosing):
        say(town, requests.revoke, "lee", code)
    assert balances(town) == before


def test_a_grant_ends_with_the_month_unless_a_day_was_asked(town: Database) -> None:
    short, long = ask_for(town, "bob", 30), ask_for(town, "eve", 30, until=date(2026, 12, 15))
    for code in (short, long):
        say(town, requests.approve, "carol", code)
    turn(town)
    assert (has(town, "bob").top_ups, has(town, "eve").top_ups) == (0, 30 * USD)
    ends = town.transact(
        lambda session: session.exec(
            select(Account.ends_at).where(Account.kind == AccountKind.TOP_UP, Account.balance > 0)
        ).one()
    )
    assert ends == datetime(2026, 12, 15, 16, tzinfo=UTC)
    for now in (ends - timedelta(seconds=1), ends, ends):
        town.transact(lambda session, at=now: end_grants(voice(session, at)))
    assert (has(town, "eve").top_ups, len(told(town, "eve"))) == (0, 2)
    sound(town)


def test_a_teams_grants_end_a_piece_at_a_time(town: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "PIECE", 2)
    for name in ("bob", "eve", "alice"):
        gift(town, name, 30, ends=after(days=1))
    more = [town.transact(lambda session: end_grants(voice(session, after(days=2)))) for _ in range(3)]
    assert more == [True, False, False]
    assert [has(town, name).top_ups for name in ("bob", "eve", "alice")] == [0, 0, 0]
    sound(town)


def test_who_had_a_task_grant_hears_which_one_has_ended(town: Database) -> None:
    def give_for(session: Session) -> None:
        policy = voice(session, NOW).policy
        why = replace(cause(NOW), reason="billing *migration*")
        give(session, who(session, "alice"), 20 * USD, until=NOW.date(), policy=policy, cause=why)

    town.transact(give_for)
    town.transact(lambda session: end_grants(voice(session, after(days=1))))
    (message,) = told(town, "alice")
    assert message.text == r"The top-up “billing \*migration\*” has ended; $20.00 of it was unused."


def test_a_grant_that_ends_within_its_month_goes_back_to_the_pool(town: Database) -> None:
    code = ask_for(town, "pia", 400, until=date(2026, 11, 12))
    say(town, requests.approve, "lee", code)
    spend(town, "pia", 550)
    town.transact(lambda session: end_grants(voice(session, after(days=4))))
    assert (pool(town), has(town, "pia").available) == (950, 0)
