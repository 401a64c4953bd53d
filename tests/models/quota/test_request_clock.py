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


def test_a_reminder_after_four_waking_hours_once(company: Database) -> None:
    ask_for(company, "bob", 30)
    for hours in (0, 3.9, 4, 5, 9):
        clock(company, after(hours=hours))
        assert len(told(company, "carol")) == (1 if hours < 4 else 2)


def test_quiet_hours_do_not_count(company: Database) -> None:
    ask_for(company, "bob", 30, after(hours=8))  # Monday 18:00: two hours till the quiet begins
    for hours, heard in ((19, 1), (23, 1), (24, 2)):
        clock(company, after(hours=hours))
        assert len(told(company, "carol")) == heard


def test_quiet_hours_follow_the_approvers_time_zone(company: Database) -> None:
    def moves(session: Session) -> None:
        carol = who(session, "carol")
        carol.timezone = "America/New_York"  # where it is 21:00 on Sunday
        session.add(carol)

    company.transact(moves)
    ask_for(company, "bob", 30)
    for hours, heard in ((5, 1), (11, 1), (14.9, 1), (15, 2)):
        clock(company, after(hours=hours))
        assert len(told(company, "carol")) == heard


def test_the_next_approver_is_asked_after_a_waking_day(company: Database) -> None:
    code = ask_for(company, "bob", 30)
    clock(company, after(days=1, hours=23))
    assert asked(company) == ["carol"]
    clock(company, after(days=2))
    assert asked(company) == ["carol", "olga"]
    assert len(told(company, "bob")) == 1
    say(company, requests.approve, "carol", code, now=after(days=2))  # who was asked first still may


def test_escalation_asks_each_approver_in_turn_and_then_the_request_expires(company: Database) -> None:
    before, code = balances(company), ask_for(company, "bob", 30)
    for hours in range(0, 24 * 14, 6):
        clock(company, after(hours=hours))
    assert asked(company) == ["carol", "olga", "cfo"]
    assert (state(company), balances(company)) == ("expired", before)
    with pytest.raises(AlreadyDecided):
        say(company, requests.approve, "carol", code)


def test_a_request_expires_after_seventy_two_waking_hours(company: Database) -> None:
    """Twelve a day, five days a week: six working days later."""
    ask_for(company, "bob", 30)
    clock(company, after(days=7, hours=23))
    assert state(company) == "pending"
    clock(company, after(days=8))
    assert state(company) == "expired"


def test_an_amended_request_starts_its_clock_again(company: Database) -> None:
    ask_for(company, "bob", 30)
    clock(company, after(days=2))
    ask_for(company, "bob", 40, after(days=3))
    assert asked(company) == ["carol"]
    clock(company, after(days=4))
    assert (asked(company), state(company)) == (["carol"], "pending")


def test_an_unroutable_request_is_told_to_the_admins_and_retried(company: Database) -> None:
    code = ask_for(company, "cfo", 30)
    assert (state(company), asked(company), len(told(company, "ops"))) == ("unroutable", [], 1)
    clock(company, after(hours=1))
    assert (state(company), len(told(company, "ops"))) == ("unroutable", 1)

    def gets_a_manager(session: Session) -> None:
        cfo = who(session, "cfo")
        cfo.manager_id = who(session, "olga").id
        session.add(cfo)

    company.transact(gets_a_manager)
    clock(company, after(hours=2))
    assert (state(company), asked(company)) == ("pending", ["olga"])
    say(company, requests.approve, "olga", code)
