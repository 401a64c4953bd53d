"""Whom to ask for a loan: the teammate with most to spare who may be asked."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session

from models.messages.tally import TO_ONE, count_message
from models.metering.spare import has_teammates, who_can_spare
from models.people.member import addresses
from models.people.mute import Mute, take_no_asks
from models.policy import document
from tests.actions import USD, spent
from tests.company import NOW, POLICY, who

POLICY_NOW = document.parse(POLICY)


def chosen(session: Session, usd: int = 20, *but: str) -> str | None:
    left_out = {who(session, name).id for name in but}
    found = who_can_spare(session, who(session, "bob"), usd * USD, POLICY_NOW, NOW, left_out)
    return found and found.name


def test_most_left_over_at_the_own_pace_is_asked_and_the_next_one_when_that_one_is_left_out(
    session: Session,
) -> None:
    for name, usd in (("carol", 10), ("eve", 1), ("max", 10)):
        spent(session, name, usd, NOW - timedelta(hours=1))
    assert chosen(session) == "Alice", "dan, a contractor, has nothing"
    assert chosen(session, 20, "alice") == "Eve"


def test_who_could_not_spare_the_amount_is_not_asked(session: Session) -> None:
    assert chosen(session, 80) == "Alice"
    assert chosen(session, 81) is None, "a fifth stays"


@pytest.mark.parametrize(
    "why", ["takes no asks", "mutes bob", "cannot be reached", "was written to enough", "left"]
)
def test_who_may_not_be_asked_is_passed_over(session: Session, why: str) -> None:
    alice, bob = who(session, "alice"), who(session, "bob")
    if why == "takes no asks":
        take_no_asks(session, alice, no_asks=True)
    elif why == "mutes bob":
        Mute.begin(session, alice, bob, NOW)
    elif why == "cannot be reached":
        for one in addresses(session, alice.id):
            one.status = "guest"
    elif why == "was written to enough":
        for _ in range(TO_ONE):
            count_message(session, bob.id, alice.id, NOW)
    else:
        alice.left_at = NOW
    session.flush()
    assert chosen(session) == "Carol"


def test_teammates_are_active_members_of_the_team_in_any_spelling(session: Session) -> None:
    cfo, ops = who(session, "cfo"), who(session, "ops")
    assert not has_teammates(session, cfo)
    ops.team = cfo.team.upper()
    session.flush()
    assert has_teammates(session, cfo)
    ops.left_at = NOW
    session.flush()
    assert not has_teammates(session, cfo)
    cfo.team = ops.team = ""
    assert not has_teammates(session, cfo)
