"""A confirmation: one for each member, for ten minutes, answered once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session

from models.messages.confirmation import LASTS, keep, take, waiting
from models.refusal import NothingToConfirm
from tests.company import NOW, who

LEND, REPAY = {"command": "lend"}, {"command": "repay"}


def test_a_command_is_taken_once(session: Session) -> None:
    bob = who(session, "bob").id
    keep(session, bob, "7F3K", LEND, NOW)
    assert take(session, bob, NOW, "7F3K") == LEND
    with pytest.raises(NothingToConfirm):
        take(session, bob, NOW, "7F3K")


def test_a_newer_one_replaces_it_and_a_click_on_the_old_one_runs_nothing(session: Session) -> None:
    bob = who(session, "bob").id
    keep(session, bob, "7F3K", LEND, NOW)
    keep(session, bob, "9Q2M", REPAY, NOW)
    with pytest.raises(NothingToConfirm):
        take(session, bob, NOW, "7F3K")
    assert take(session, bob, NOW) == REPAY, "a typed yes answers the open one"


@pytest.mark.parametrize(("late", "there"), [(timedelta(), True), (timedelta(seconds=1), False)])
def test_it_lasts_ten_minutes(session: Session, late: timedelta, there: bool) -> None:
    bob = who(session, "bob").id
    keep(session, bob, "7F3K", LEND, NOW)
    try:
        found = waiting(session, bob, NOW + LASTS + late).command
    except NothingToConfirm:
        found = {}
    assert bool(found) is there


def test_everybody_answers_their_own(session: Session) -> None:
    keep(session, who(session, "bob").id, "7F3K", LEND, NOW)
    with pytest.raises(NothingToConfirm):
        waiting(session, who(session, "eve").id, NOW)
