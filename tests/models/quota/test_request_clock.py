"""A request and the clock: reminders, escalation, its end. It never says yes."""

from __future__ import annotations

import pytest
from sqlmodel import Session

from bot.database import Database
from handlers import requests
from models.refusal import (
    AlreadyDecided,
)
from tests.actions import after, ask_for, asked, balances, clock, say, state, told
from tests.company import who

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
