"""Requests: one open a person, decided once by somebody entitled."""

from __future__ import annotations

from datetime import date

import pytest
from sqlmodel import Session, select

from bot.database import Database
from handlers import requests
from models.messages.outbox import Effect
from models.quota.closing import begin_turn
from models.quota.code import Code, new_code
from models.quota.period import Period
from models.quota.request import find
from models.refusal import (
    AlreadyDecided,
    BadDate,
    OverCeiling,
    PeriodClosing,
    Replaced,
    UnknownCode,
    WrongUsage,
)
from tests.actions import (
    DECEMBER,
    USD,
    after,
    ask_for,
    asked,
    available,
    balances,
    change,
    clock,
    has,
    request,
    say,
    sound,
    spend,
    state,
    turn,
)
from tests.company import who

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
