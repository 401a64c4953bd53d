"""Requests: one open a person, decided once by somebody entitled, paid by the pool; the clock never says yes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import Session, select

from bot.database import Database
from handlers import housekeeping, requests
from handlers.housekeeping import end_grants, requests_due
from models.approvers import Asked
from models.grant import give
from models.ledger import Account, AccountKind
from models.outbox import Effect
from models.period import Period
from models.refusal import (
    AlreadyDecided,
    BadDate,
    NothingToRevoke,
    OverCeiling,
    PeriodClosing,
    PoolTooSmall,
    Replaced,
    UnknownCode,
    WrongUsage,
)
from models.request import Code, Request, find, new_code
from models.turning import begin_turn
from tests.deeds import (
    DECEMBER,
    USD,
    after,
    ask_for,
    available,
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
from tests.town import CAST, NOW, who


def clock(town: Database, now: datetime) -> None:
    town.transact(lambda session: requests_due(voice(session, now)))


def asked(town: Database) -> list[str]:
    """Who was asked so far, in order."""
    rows = town.transact(lambda session: session.exec(select(Asked).order_by(Asked.asked_at)).all())
    names = town.transact(lambda session: {who(session, name).id: name for name in CAST})
    return [names[row.member_id] for row in rows]


def state(town: Database) -> str:
    return town.transact(lambda session: session.exec(select(Request.state)).one())


# Asking and amending


def test_the_manager_is_asked_and_nothing_moves(town: Database) -> None:
    before = balances(town)
    ask_for(town, "bob", 30)
    assert (asked(town), state(town), balances(town)) == (["carol"], "pending", before)


def test_a_second_request_amends_the_first_under_a_new_code(town: Database) -> None:
    old = ask_for(town, "bob", 30, reason="load test")
    new = ask_for(town, "bob", 40, after(hours=2))
    assert old != new
    found = request(town, new)
    assert (found.amount, found.reason, found.asked_at) == (40 * USD, "load test", after(hours=2))
    with pytest.raises(Replaced) as no:
        say(town, requests.approve, "carol", old)
    assert (no.value.code, no.value.amount) == (new, 40 * USD)
    assert state(town) == "pending"


def test_of_an_old_code_a_stranger_learns_nothing(town: Database) -> None:
    """The same answer as for a CODE that never was: not the new one, not the amount, not who decided."""
    old = ask_for(town, "bob", 30)
    new = ask_for(town, "bob", 40)
    for _ in range(2):
        for handler in (requests.approve, requests.approve_less, requests.cancel, requests.revoke):
            with pytest.raises(UnknownCode):
                say(town, handler, "quinn", old)
        if state(town) == "pending":
            say(town, requests.approve, "carol", new)
    for name in ("carol", "bob"):
        with pytest.raises(AlreadyDecided):
            say(town, requests.approve, name, old)


def test_who_was_shown_the_old_code_is_told_of_the_new_one_also_when_not_asked_again(town: Database) -> None:
    old = ask_for(town, "bob", 30)
    ask_for(town, "bob", 600)  # above Carol's ceiling: somebody else is asked
    assert asked(town) == ["cfo"]
    with pytest.raises(Replaced):
        say(town, requests.approve, "carol", old)


def test_codes_are_never_used_twice_and_never_look_like_amounts(town: Database) -> None:
    codes = town.transact(lambda session: [new_code(session) for _ in range(300)])
    assert all(len(code) == 4 and not code[:-1].isdigit() and not set(code) & set("01IO") for code in codes)
    assert all(
        any(sign.isdigit() for sign in code) and any(sign.isalpha() for sign in code) for code in codes
    )
    code = ask_for(town, "bob", 30)
    assert town.transact(lambda session: session.get(Code, code)) is not None


def test_a_code_is_read_in_either_case(town: Database) -> None:
    code = ask_for(town, "bob", 30)
    assert (
        town.transact(lambda session: find(session, f" {code.lower()} ", who(session, "carol"))).code == code
    )


def test_an_unknown_code_and_somebody_elses_get_the_same_answer(town: Database) -> None:
    code = ask_for(town, "bob", 30)
    for name, value in (("eve", code), ("eve", "ZZZZ"), ("carol", code), ("bob", "2A2A")):
        with pytest.raises(UnknownCode):
            say(town, requests.cancel, name, value)


def test_nothing_is_asked_while_the_month_closes_but_a_request_outlives_the_close(town: Database) -> None:
    code = ask_for(town, "bob", 30)
    town.transact(lambda session: begin_turn(session, DECEMBER))
    for handler, name, words in ((requests.request, "eve", [USD]), (requests.approve, "carol", [code])):
        with pytest.raises(PeriodClosing):
            say(town, handler, name, *words)
    turn(town)
    say(town, requests.approve, "carol", code, now=DECEMBER)
    assert available(town, "bob") == 130


def test_a_day_that_is_over_is_refused(town: Database) -> None:
    with pytest.raises(BadDate):
        ask_for(town, "bob", 30, until=date(2026, 11, 8))
    ask_for(town, "bob", 30, until=date(2026, 11, 9))


# Deciding


def test_a_grant_equals_its_decision(town: Database) -> None:
    code = ask_for(town, "bob", 30)
    say(town, requests.approve, "carol", code)
    assert (has(town, "bob").top_ups, request(town, code).state) == (30 * USD, "applied")
    sound(town)


def test_a_typed_amount_may_be_less_or_more_up_to_the_ceiling(town: Database) -> None:
    code = ask_for(town, "bob", 30)
    with pytest.raises(OverCeiling) as no:
        say(town, requests.approve, "carol", code, 501 * USD)
    assert no.value.ceiling == 500 * USD
    say(town, requests.approve, "carol", code, 45 * USD)
    assert request(town, code).granted == 45 * USD


@pytest.mark.parametrize("name", ["bob", "eve", "olga", "cfo", "ops", "pia"])
def test_nobody_decides_who_was_not_asked(town: Database, name: str) -> None:
    code, before = ask_for(town, "bob", 30), balances(town)
    for decide, words in ((requests.approve, []), (requests.approve_less, []), (requests.decline, ["no"])):
        with pytest.raises(UnknownCode):
            say(town, decide, name, code, *words)
    assert (balances(town), state(town)) == (before, "pending")


def test_a_manager_who_is_none_any_more_may_not_decide(town: Database) -> None:
    code = ask_for(town, "bob", 30)

    def moves_on(session: Session) -> None:
        bob = who(session, "bob")
        bob.manager_id = who(session, "lee").id
        session.add(bob)

    town.transact(moves_on)
    with pytest.raises(UnknownCode):
        say(town, requests.approve, "carol", code)
    with pytest.raises(UnknownCode):
        say(town, requests.approve, "lee", code)  # not asked yet
    clock(town, after(minutes=1))
    say(town, requests.approve, "lee", code)


def test_the_second_click_is_told_who_decided_and_when(town: Database) -> None:
    code = ask_for(town, "bob", 30)
    say(town, requests.approve, "carol", code, now=after(minutes=5))
    for decide, words in ((requests.approve, []), (requests.approve_less, []), (requests.decline, ["no"])):
        with pytest.raises(AlreadyDecided) as no:
            say(town, decide, "carol", code, *words, now=after(minutes=9))
        assert (no.value.by, no.value.at, no.value.granted) == ("Carol", after(minutes=5), 30 * USD)
    with pytest.raises(AlreadyDecided):
        say(town, requests.cancel, "bob", code)


def test_less_is_granted_exactly_as_it_was_shown(town: Database) -> None:
    spend(town, "bob", 70, after(days=-3))
    code = ask_for(town, "bob", 400)
    shown = request(town, code).less
    assert shown == 186 * USD, (
        "10 a day for 21 days and 14 hours are 215.83, less the 30 that are there, rounded up"
    )
    spend(town, "bob", 20)
    say(town, requests.approve_less, "carol", code, now=after(days=1))
    assert request(town, code).granted == shown


def test_above_the_ceiling_less_is_the_ceiling(town: Database) -> None:
    change(town, ("fallback_approvers: [cfo@corp.example]", "fallback_approvers: []"))
    code = ask_for(town, "bob", 600)  # nobody may grant that much: the first of the chain is asked
    assert asked(town) == ["carol"]
    with pytest.raises(OverCeiling):
        say(town, requests.approve, "carol", code)
    say(town, requests.approve_less, "carol", code)
    assert request(town, code).granted == 500 * USD


def test_a_button_that_was_never_shown_grants_nothing(town: Database) -> None:
    """Nobody spent anything, so there is no less: a forged click must not become a whole yes."""
    code = ask_for(town, "bob", 30)
    assert request(town, code).less is None
    with pytest.raises(WrongUsage):
        say(town, requests.approve_less, "carol", code)
    assert (state(town), has(town, "bob").top_ups) == ("pending", 0)


def test_declined_is_final_and_says_why(town: Database) -> None:
    code = ask_for(town, "bob", 30)
    say(town, requests.decline, "carol", code, "use the free models")
    assert (state(town), request(town, code).answer) == ("declined", "use the free models")
    with pytest.raises(AlreadyDecided):
        say(town, requests.approve, "carol", code)
    assert ask_for(town, "bob", 30) != code


def test_with_a_gateway_a_grant_waits_for_it(town: Database) -> None:
    code = ask_for(town, "bob", 30)
    say(town, requests.approve, "carol", code, live=True)
    assert request(town, code).state == "approved"
    sound(town)


# Who pays


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


# The clock. NOW is Monday 10:00 in Shanghai; 20:00 to 08:00 and weekends are quiet.


def test_a_reminder_after_four_waking_hours_once(town: Database) -> None:
    ask_for(town, "bob", 30)
    for hours in (0, 3.9, 4, 5, 9):
        clock(town, after(hours=hours))
        assert len(told(town, "carol")) == (1 if hours < 4 else 2)


def test_quiet_hours_do_not_count(town: Database) -> None:
    ask_for(town, "bob", 30, after(hours=8))  # Monday 18:00: two hours till the quiet begins
    for hours, heard in ((19, 1), (23, 1), (24, 2)):
        clock(town, after(hours=hours))
        assert len(told(town, "carol")) == heard


def test_quiet_is_by_the_approvers_clock(town: Database) -> None:
    def moves(session: Session) -> None:
        carol = who(session, "carol")
        carol.timezone = "America/New_York"  # where it is 21:00 on Sunday
        session.add(carol)

    town.transact(moves)
    ask_for(town, "bob", 30)
    for hours, heard in ((5, 1), (11, 1), (14.9, 1), (15, 2)):
        clock(town, after(hours=hours))
        assert len(told(town, "carol")) == heard


def test_after_a_waking_day_the_next_one_is_asked_too(town: Database) -> None:
    code = ask_for(town, "bob", 30)
    clock(town, after(days=1, hours=23))
    assert asked(town) == ["carol"]
    clock(town, after(days=2))
    assert asked(town) == ["carol", "olga"]
    assert len(told(town, "bob")) == 1
    say(town, requests.approve, "carol", code, now=after(days=2))  # who was asked first still may


def test_escalation_adds_each_in_turn_and_then_it_ends_but_never_in_a_yes(town: Database) -> None:
    before, code = balances(town), ask_for(town, "bob", 30)
    for hours in range(0, 24 * 14, 2):
        clock(town, after(hours=hours))
    assert asked(town) == ["carol", "olga", "cfo"]
    assert (state(town), balances(town)) == ("expired", before)
    with pytest.raises(AlreadyDecided):
        say(town, requests.approve, "carol", code)


def test_it_ends_after_seventy_two_waking_hours(town: Database) -> None:
    """Twelve a day, five days a week: six working days later."""
    ask_for(town, "bob", 30)
    clock(town, after(days=7, hours=23))
    assert state(town) == "pending"
    clock(town, after(days=8))
    assert state(town) == "expired"


def test_an_amended_request_has_all_its_time_again(town: Database) -> None:
    ask_for(town, "bob", 30)
    clock(town, after(days=2))
    ask_for(town, "bob", 40, after(days=3))
    assert asked(town) == ["carol"]
    clock(town, after(days=4))
    assert (asked(town), state(town)) == (["carol"], "pending")


def test_when_nobody_can_be_asked_the_admins_know_and_it_is_retried(town: Database) -> None:
    code = ask_for(town, "cfo", 30)
    assert (state(town), asked(town), len(told(town, "ops"))) == ("unroutable", [], 1)
    clock(town, after(hours=1))
    assert (state(town), len(told(town, "ops"))) == ("unroutable", 1)

    def gets_a_manager(session: Session) -> None:
        cfo = who(session, "cfo")
        cfo.manager_id = who(session, "olga").id
        session.add(cfo)

    town.transact(gets_a_manager)
    clock(town, after(hours=2))
    assert (state(town), asked(town)) == ("pending", ["olga"])
    say(town, requests.approve, "olga", code)


# By policy alone


AUTO = ("requests:\n", "requests:\n  auto_approve: {share: 0.1, per_period: 2}\n")


def test_what_is_small_and_seldom_is_granted_by_policy_and_shown_to_the_manager(town: Database) -> None:
    change(town, AUTO)
    for _ in range(2):
        say(town, requests.request, "bob", 10 * USD, now=NOW)
    assert (has(town, "bob").top_ups, len(told(town, "carol"))) == (20 * USD, 2)
    ask_for(town, "bob", 10)
    assert state_of_newest(town) == "pending"
    sound(town)


def state_of_newest(town: Database) -> str:
    return town.transact(
        lambda session: session.exec(select(Request.state).order_by(Request.id.desc())).first()
    )


def test_what_is_larger_is_asked(town: Database) -> None:
    change(town, AUTO)
    ask_for(town, "bob", 10.01)
    assert state(town) == "pending"


def test_the_manager_may_take_it_back_with_one_tap(town: Database) -> None:
    change(town, AUTO)
    say(town, requests.request, "bob", 10 * USD)
    button = told(town, "carol")[0].buttons[0]
    for stranger in ("eve", "bob", "olga"):
        with pytest.raises(UnknownCode):
            say(town, requests.revoke, stranger, button.value)
    say(town, requests.revoke, "carol", button.value)
    assert has(town, "bob").top_ups == 0
    sound(town)


def test_a_decline_with_the_word_policy_is_no_grant_by_policy(town: Database) -> None:
    for _ in range(2):
        say(town, requests.decline, "carol", ask_for(town, "bob", 10), "policy")
    change(town, AUTO)
    say(town, requests.request, "bob", 10 * USD)
    assert has(town, "bob").top_ups == 10 * USD


def test_the_next_month_counts_anew(town: Database) -> None:
    change(town, AUTO)
    for _ in range(2):
        say(town, requests.request, "bob", 10 * USD)
    turn(town)
    say(town, requests.request, "bob", 10 * USD, now=DECEMBER + timedelta(hours=1))
    assert has(town, "bob").top_ups == 10 * USD


def test_an_empty_pool_grants_nothing_by_policy(town: Database) -> None:
    change(town, AUTO, ("top_up_budget: 1000", "top_up_budget: 5"))
    ask_for(town, "pia", 10)
    assert state(town) == "pending"


def test_every_copy_of_a_card_settles(town: Database) -> None:
    code = ask_for(town, "bob", 30)
    for hours in (5, 48):
        clock(town, after(hours=hours))
    say(town, requests.approve, "carol", code, now=after(days=2))
    cards = town.transact(
        lambda session: session.exec(select(Effect).where(Effect.about == f"request:{code}")).all()
    )
    assert len(cards) == 3  # Carol's, her reminder, Olga's
    actions = {button["action"] for card in cards for button in card.payload["message"]["buttons"]}
    assert actions <= {"request.revoke"}
    assert town.transact(lambda session: Period.current(session).state) == "open"
