"""Limits of what one person causes to be sent, and of refused tries."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session

from models.messages.tally import count_message, count_refusal, may_write_from, require_tries
from models.refusal import TooManyMessages, TriesUsedUp
from tests.company import CAST, NOW, who

MINUTE = timedelta(minutes=1)


def test_the_eleventh_message_to_one_colleague_in_an_hour_waits_for_the_first_to_age(
    session: Session,
) -> None:
    alice, bob, eve = (who(session, name).id for name in ("alice", "bob", "eve"))
    for number in range(10):
        count_message(session, alice, bob, NOW + number * MINUTE)
    with pytest.raises(TooManyMessages) as no:
        count_message(session, alice, bob, NOW + 10 * MINUTE)
    assert no.value.at == NOW + timedelta(hours=1)
    count_message(session, alice, eve, NOW + 10 * MINUTE)
    count_message(session, bob, alice, NOW + 10 * MINUTE)
    count_message(session, alice, bob, NOW + timedelta(hours=1))


def test_thirty_messages_in_an_hour_are_the_most_to_all_together(session: Session) -> None:
    alice, *others = (who(session, name).id for name in CAST)
    for number in range(30):
        count_message(session, alice, others[number % len(others)], NOW)
    assert may_write_from(session, alice, others[0], NOW + MINUTE) == NOW + timedelta(hours=1)


def test_after_five_refusals_in_an_hour_that_command_rests_for_an_hour(session: Session) -> None:
    alice = who(session, "alice").id
    for number in range(4):
        count_refusal(session, alice, "lend", NOW + number * MINUTE)
    require_tries(session, alice, "lend", NOW + 10 * MINUTE)
    count_refusal(session, alice, "lend", NOW + 50 * MINUTE)
    require_tries(session, alice, "borrow", NOW + 51 * MINUTE)
    with pytest.raises(TriesUsedUp) as no:
        require_tries(session, alice, "lend", NOW + 90 * MINUTE)
    assert no.value.at == NOW + 110 * MINUTE
    require_tries(session, alice, "lend", NOW + 110 * MINUTE)
