"""What will expire at somebody's pace, and when that is too little to speak of."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session

from models.metering.unused import Unused, unused, with_much_left
from models.policy import document
from models.quota.period import Period
from tests.actions import DECEMBER, USD, spent
from tests.company import NOW, POLICY, who

END = DECEMBER - timedelta(days=1)


def expiring(session: Session, more: str = "") -> Unused:
    return unused(session, who(session, "alice").id, document.parse(POLICY + more), END)


@pytest.mark.parametrize(
    ("more", "expires", "kept"),
    [("", 100, 0), ("carry_over: {share: 0.5}\n", 50, 50), ("carry_over: {share: 0.5, cap: 10}\n", 90, 10)],
)
def test_what_carries_over_does_not_expire(session: Session, more: str, expires: int, kept: int) -> None:
    assert expiring(session, more) == Unused(expires * USD, kept * USD)


@pytest.mark.parametrize(("usd", "expires"), [(75, 25), (76, 0)])
def test_less_than_a_quarter_of_the_base_is_nothing(session: Session, usd: int, expires: int) -> None:
    spent(session, "alice", usd, NOW)  # long ago, so that the pace is zero
    assert expiring(session).expires == expires * USD


def test_what_the_pace_will_take_till_the_end_is_not_unused(session: Session) -> None:
    spent(session, "alice", 14, END - timedelta(days=1))
    assert expiring(session).expires == (86 - 2) * USD


def test_members_with_much_left_come_in_pieces_and_leavers_not_at_all(session: Session) -> None:
    spent(session, "alice", 76)
    who(session, "eve").left_at = NOW
    session.flush()
    period, found = Period.current(session), list[str]()
    last = 0
    while piece := with_much_left(session, period, last, 4):
        last, found = piece[-1].id, [*found, *(one.name for one in piece)]
    assert found == ["Bob", "Carol", "Olga", "Lee", "Pia", "Quinn", "Cfo", "Ops", "Max"]
