"""An emergency grant: what hinders it, and how much it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import Session

from models.people.member import Member
from models.policy import document
from models.policy.sections import Emergency
from models.quota.approvers import Candidate
from models.quota.emergency import Emergencies, Hindrance
from models.quota.request import Request
from models.quota.request_state import RequestState
from tests.actions import USD
from tests.company import NOW, POLICY, who

HOUR = timedelta(hours=1)
CAROL = Candidate(Member(name="Carol", email="c@x", gateway_id="c", joined_at=NOW), "manager", None)
ASKED = Request(code="7F3K", member_id=1, amount=40 * USD, state=RequestState.PENDING, asked_at=NOW, policy=1)
ALLOWED = Emergencies(Emergency(), ASKED, most=10 * USD, times=1, chain=(CAROL,))


@pytest.mark.parametrize(
    ("found", "usd", "why"),
    [
        (ALLOWED, None, None), (ALLOWED, 10, None), (ALLOWED, 11, Hindrance.TOO_MUCH), (replace(ALLOWED, rule=None), 1, Hindrance.OFF),
        (replace(ALLOWED, times=0), 1, Hindrance.USED), (replace(ALLOWED, most=0), 1, Hindrance.USED),
        (replace(ALLOWED, asked=None), 1, Hindrance.NOTHING_ASKED), (replace(ALLOWED, chain=()), 1, Hindrance.NOBODY),
        (replace(ALLOWED, asked=None, rule=Emergency(after=None)), 1, None),
        (replace(ALLOWED, asked=None, rule=Emergency(after=None)), None, Hindrance.NOTHING_ASKED),
    ],
)  # fmt: skip
def test_the_first_thing_in_the_way_is_named(
    found: Emergencies, usd: int | None, why: Hindrance | None
) -> None:
    assert found.hindrance(usd and usd * USD, NOW + HOUR) == why


def test_a_request_has_to_wait_first_where_the_policy_says_so() -> None:
    assert ALLOWED.opens_at() == NOW + HOUR
    assert ALLOWED.hindrance(None, NOW + HOUR - timedelta(seconds=1)) == Hindrance.EARLY
    at_once = replace(ALLOWED, rule=Emergency(after=None))
    assert (at_once.opens_at(), at_once.hindrance(None, NOW)) == (None, None)


def test_it_is_what_was_typed_else_what_was_asked_as_far_as_it_goes() -> None:
    assert (ALLOWED.amount(5), ALLOWED.amount(None)) == (5, 10 * USD)
    assert replace(ALLOWED, most=50 * USD).amount(None) == 40 * USD


def test_the_share_is_of_the_base_and_rounded_down_to_what_an_amount_shows(session: Session) -> None:
    swap = "requests:\n", "requests:\n  emergency: {share: 0.123456, per_period: 2}\n"
    found = Emergencies.of(session, who(session, "alice"), document.parse(POLICY.replace(*swap)), NOW)
    assert (found.most, found.times, found.asked) == (12_340_000, 2, None)
    assert [one.member.name for one in found.chain] == ["Carol", "Olga", "Cfo"]
