"""An emergency grant: what hinders it, and how much it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import Session, select

from models.ledger.account import Account, AccountKind
from models.people.member import Member
from models.policy import document
from models.policy.sections import Emergency
from models.quota.approvers import Asked, Candidate
from models.quota.code import Code
from models.quota.decision import Decision
from models.quota.emergency import Emergencies, Hindrance, lock, take
from models.quota.period import Period
from models.quota.request import Request
from models.quota.request_state import RequestState
from models.quota.wallet import wallet_of
from tests.actions import DECEMBER, USD, cause
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


@pytest.mark.parametrize(("live", "state"), [(False, RequestState.APPLIED), (True, RequestState.APPROVED)])
def test_it_is_granted_at_once_under_a_code_of_its_own_and_its_approvers_may_revoke_it(
    session: Session, live: bool, state: RequestState
) -> None:
    alice, policy = who(session, "alice"), document.parse(POLICY)
    why = replace(cause(NOW, f"member:{alice.id}"), policy=1)
    lock(session, alice)
    taken = take(session, alice, 10 * USD, "the site is down", policy=policy, live=live, cause=why)
    session.flush()
    assert (taken.member_id, taken.amount, taken.granted, taken.reason) == (
        alice.id, 10 * USD, 10 * USD, "the site is down",
    )  # fmt: skip
    assert (taken.state, taken.answer, taken.policy) == (state, "emergency", 1)
    assert (taken.asked_at, taken.decided_at, taken.decided_by_id) == (NOW, NOW, None)
    assert session.get_one(Code, taken.code).request_id == taken.id
    asked = session.exec(select(Asked).where(Asked.request_id == taken.id)).all()
    assert {(one.member_id, one.asked_at) for one in asked} == {
        (who(session, name).id, NOW) for name in ("carol", "olga", "cfo")
    }
    (decided,) = session.exec(select(Decision)).all()
    assert (decided.request_id, decided.outcome, decided.actor, decided.cause) == (
        taken.id, "approved", why.actor, why.key,
    )  # fmt: skip
    (paid,) = session.exec(select(Account).where(Account.kind == AccountKind.TOP_UP)).all()
    assert (paid.balance, paid.ends_at, paid.request_id) == (10 * USD, DECEMBER, taken.id)
    assert wallet_of(session, alice.id).available == 110 * USD


def test_what_was_taken_in_this_period_counts_and_what_somebody_else_decided_does_not(
    session: Session,
) -> None:
    swap = "requests:\n", "requests:\n  emergency: {share: 0.2, per_period: 3, after: null}\n"
    policy = document.parse(POLICY.replace(*swap))
    alice = who(session, "alice")

    def left() -> tuple[int, int]:
        session.flush()
        found = Emergencies.of(session, alice, policy, NOW)
        assert found.rule == policy.requests.emergency
        return found.most // USD, found.times

    def taken(name: str, **more: object) -> None:
        why = cause(NOW, f"member:{alice.id}")
        one = take(session, who(session, name), 5 * USD, "", policy=policy, live=False, cause=why)
        for key, value in more.items():
            setattr(one, key, value)

    assert left() == (20, 3)
    taken("alice")
    assert left() == (15, 2)
    taken("bob")
    taken("alice", decided_at=Period.current(session).starts_at - HOUR)
    taken("alice", decided_by_id=who(session, "carol").id)
    taken("alice", answer="policy")
    assert left() == (15, 2)
    taken("alice", decided_at=Period.current(session).starts_at, granted=16 * USD)
    assert left() == (0, 1), "never less than nothing"


def test_an_open_request_is_found_also_where_there_are_no_emergencies(session: Session) -> None:
    alice = who(session, "alice")
    asked = Request(
        code="7F3K", member_id=alice.id, amount=USD, state=RequestState.PENDING, asked_at=NOW, policy=1
    )
    session.add(asked)
    session.flush()
    swap = "requests:\n", "requests:\n  emergency: {share: 0.2}\n"
    for policy in (document.parse(POLICY), document.parse(POLICY.replace(*swap))):
        assert Emergencies.of(session, alice, policy, NOW).asked == asked
