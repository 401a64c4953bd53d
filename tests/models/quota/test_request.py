"""Requests: one open a person, decided once by somebody entitled."""

from __future__ import annotations

from datetime import date

import pytest
from sqlmodel import Session, col, select, update

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


def test_the_manager_is_asked_and_nothing_moves(company: Database) -> None:
    before = balances(company)
    ask_for(company, "bob", 30)
    assert (asked(company), state(company), balances(company)) == (["carol"], "pending", before)


def test_a_second_request_amends_the_first_under_a_new_code(company: Database) -> None:
    old = ask_for(company, "bob", 30, reason="load test")
    new = ask_for(company, "bob", 40, after(hours=2))
    assert old != new
    found = request(company, new)
    assert (found.amount, found.reason, found.asked_at) == (40 * USD, "load test", after(hours=2))
    with pytest.raises(Replaced) as no:
        say(company, requests.approve, "carol", old)
    assert (no.value.code, no.value.amount) == (new, 40 * USD)
    assert state(company) == "pending"


def test_a_stranger_learns_nothing_from_an_old_code(company: Database) -> None:
    """The same answer as for a CODE that never was: not the new one, not the amount, not who decided."""
    old = ask_for(company, "bob", 30)
    new = ask_for(company, "bob", 40)
    for _ in range(2):
        for handler in (requests.approve, requests.approve_less, requests.cancel, requests.revoke):
            with pytest.raises(UnknownCode):
                say(company, handler, "quinn", old)
        if state(company) == "pending":
            say(company, requests.approve, "carol", new)
    for name in ("carol", "bob"):
        with pytest.raises(AlreadyDecided):
            say(company, requests.approve, name, old)


def test_a_person_shown_the_old_code_is_told_of_the_new_one_even_if_not_asked_again(
    company: Database,
) -> None:
    old = ask_for(company, "bob", 30)
    company.transact(lambda session: session.execute(update(Effect).values(attempts=1)))  # it is sent
    ask_for(company, "bob", 600)  # above Carol's ceiling: somebody else is asked
    assert asked(company) == ["cfo"]
    with pytest.raises(Replaced):
        say(company, requests.approve, "carol", old)


def test_an_amended_card_that_was_not_sent_is_withdrawn(company: Database) -> None:
    for amount in (30, 40, 50):
        code = ask_for(company, "bob", amount)
    waiting = select(Effect.about).where(Effect.kind == "say", col(Effect.parked_at).is_(None))
    assert company.transact(lambda session: session.exec(waiting).all()) == [f"request:{code}"]


def test_codes_are_never_used_twice_and_never_look_like_amounts(company: Database) -> None:
    codes = company.transact(lambda session: [new_code(session) for _ in range(60)])
    assert all(len(code) == 4 and not code[:-1].isdigit() and not set(code) & set("01IO") for code in codes)
    assert all(
        any(sign.isdigit() for sign in code) and any(sign.isalpha() for sign in code) for code in codes
    )
    code = ask_for(company, "bob", 30)
    assert company.transact(lambda session: session.get(Code, code)) is not None


def test_a_code_is_read_in_either_case(company: Database) -> None:
    code = ask_for(company, "bob", 30)
    assert (
        company.transact(lambda session: find(session, f" {code.lower()} ", who(session, "carol"))).code
        == code
    )


def test_an_unknown_code_and_a_strangers_code_get_the_same_answer(company: Database) -> None:
    code = ask_for(company, "bob", 30)
    for name, value in (("eve", code), ("eve", "ZZZZ"), ("carol", code), ("bob", "2A2A")):
        with pytest.raises(UnknownCode):
            say(company, requests.cancel, name, value)


def test_nothing_is_asked_while_the_month_closes_but_a_request_outlives_the_close(company: Database) -> None:
    code = ask_for(company, "bob", 30)
    company.transact(lambda session: begin_turn(session, DECEMBER))
    for handler, name, words in ((requests.request, "eve", [USD]), (requests.approve, "carol", [code])):
        with pytest.raises(PeriodClosing):
            say(company, handler, name, *words)
    turn(company)
    say(company, requests.approve, "carol", code, now=DECEMBER)
    assert available(company, "bob") == 130


def test_a_past_day_is_refused(company: Database) -> None:
    with pytest.raises(BadDate):
        ask_for(company, "bob", 30, until=date(2026, 11, 8))
    ask_for(company, "bob", 30, until=date(2026, 11, 9))


# Deciding


def test_a_grant_equals_its_decision(company: Database) -> None:
    code = ask_for(company, "bob", 30)
    say(company, requests.approve, "carol", code)
    assert (has(company, "bob").top_ups, request(company, code).state) == (30 * USD, "applied")
    sound(company)


def test_a_typed_amount_may_be_less_or_more_up_to_the_ceiling(company: Database) -> None:
    code = ask_for(company, "bob", 30)
    with pytest.raises(OverCeiling) as no:
        say(company, requests.approve, "carol", code, 501 * USD)
    assert no.value.ceiling == 500 * USD
    say(company, requests.approve, "carol", code, 45 * USD)
    assert request(company, code).granted == 45 * USD


@pytest.mark.parametrize("name", ["bob", "eve", "olga", "cfo", "ops", "pia"])
def test_only_people_who_were_asked_decide(company: Database, name: str) -> None:
    code, before = ask_for(company, "bob", 30), balances(company)
    for decide, words in ((requests.approve, []), (requests.approve_less, []), (requests.decline, ["no"])):
        with pytest.raises(UnknownCode):
            say(company, decide, name, code, *words)
    assert (balances(company), state(company)) == (before, "pending")


def test_a_former_manager_may_not_decide(company: Database) -> None:
    code = ask_for(company, "bob", 30)

    def moves_on(session: Session) -> None:
        bob = who(session, "bob")
        bob.manager_id = who(session, "lee").id
        session.add(bob)

    company.transact(moves_on)
    with pytest.raises(UnknownCode):
        say(company, requests.approve, "carol", code)
    with pytest.raises(UnknownCode):
        say(company, requests.approve, "lee", code)  # not asked yet
    clock(company, after(minutes=1))
    say(company, requests.approve, "lee", code)


def test_the_second_click_is_told_who_decided_and_when(company: Database) -> None:
    code = ask_for(company, "bob", 30)
    say(company, requests.approve, "carol", code, now=after(minutes=5))
    for decide, words in ((requests.approve, []), (requests.approve_less, []), (requests.decline, ["no"])):
        with pytest.raises(AlreadyDecided) as no:
            say(company, decide, "carol", code, *words, now=after(minutes=9))
        assert (no.value.by, no.value.at, no.value.granted) == ("Carol", after(minutes=5), 30 * USD)
    with pytest.raises(AlreadyDecided):
        say(company, requests.cancel, "bob", code)


def test_approve_less_grants_exactly_what_the_button_showed(company: Database) -> None:
    spend(company, "bob", 70, after(days=-3))
    code = ask_for(company, "bob", 400)
    shown = request(company, code).smaller
    assert shown == 186 * USD, (
        "10 a day for 21 days and 14 hours are 215.83, less the 30 that are there, rounded up"
    )
    spend(company, "bob", 20)
    say(company, requests.approve_less, "carol", code, now=after(days=1))
    assert request(company, code).granted == shown


def test_above_the_ceiling_approve_less_grants_the_ceiling(company: Database) -> None:
    change(company, ("fallback_approvers: [cfo@corp.example]", "fallback_approvers: []"))
    code = ask_for(company, "bob", 600)  # nobody may grant that much: the first of the chain is asked
    assert asked(company) == ["carol"]
    with pytest.raises(OverCeiling):
        say(company, requests.approve, "carol", code)
    say(company, requests.approve_less, "carol", code)
    assert request(company, code).granted == 500 * USD


def test_a_button_that_was_never_shown_grants_nothing(company: Database) -> None:
    """Nobody spent anything, so there is no less: a forged click must not become a whole yes."""
    code = ask_for(company, "bob", 30)
    assert request(company, code).smaller is None
    with pytest.raises(WrongUsage):
        say(company, requests.approve_less, "carol", code)
    assert (state(company), has(company, "bob").top_ups) == ("pending", 0)


def test_a_decline_is_final_and_gives_the_reason(company: Database) -> None:
    code = ask_for(company, "bob", 30)
    say(company, requests.decline, "carol", code, "use the free models")
    assert (state(company), request(company, code).answer) == ("declined", "use the free models")
    with pytest.raises(AlreadyDecided):
        say(company, requests.approve, "carol", code)
    assert ask_for(company, "bob", 30) != code


def test_a_grant_waits_for_the_gateway(company: Database) -> None:
    code = ask_for(company, "bob", 30)
    say(company, requests.approve, "carol", code, live=True)
    assert request(company, code).state == "approved"
    sound(company)


def test_every_copy_of_a_card_settles(company: Database) -> None:
    code = ask_for(company, "bob", 30)
    for hours in (5, 48):
        clock(company, after(hours=hours))
    say(company, requests.approve, "carol", code, now=after(days=2))
    cards = company.transact(
        lambda session: session.exec(select(Effect).where(Effect.about == f"request:{code}")).all()
    )
    assert len(cards) == 3  # Carol's, her reminder, Olga's
    actions = {button["action"] for card in cards for button in card.payload["message"]["buttons"]}
    assert actions <= {"request.revoke"}
    assert company.transact(lambda session: Period.current(session).state) == "open"
