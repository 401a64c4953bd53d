"""The fallback's amount: who has it, what takes from it, and who pays."""

from __future__ import annotations

import pytest
from sqlmodel import Session

from bot.database import Database
from models.ledger.spend import record
from models.people.member import Member
from models.policy.document import Policy, parse
from models.quota.closing import begin_turn
from models.quota.fallback import Given, given_to, pay, take_back
from models.quota.wallet import wallet_of
from tests.actions import DECEMBER, cause, sound, turn
from tests.company import NOW, POLICY, who

USD = 1_000_000
RULES = parse(f"{POLICY}fallback: {{models: [deepseek-*], amount: 20}}\n")
NONE = parse(POLICY)


@pytest.mark.parametrize(
    ("policy", "base", "spent", "available", "left"),
    [
        (RULES, 100, 0, 1, None),
        (RULES, 100, 0, 0, 20),
        (RULES, 100, 12, -1, 7),
        (RULES, 100, 20, -1, 0),
        (RULES, 100, 0, -80, 0),
        (RULES, 0, 0, 0, None),
        (RULES, 100, 0, 0.000001, None),
        (RULES, 0.000001, 0, 0, 20),
        (NONE, 100, 0, 0, None),
    ],
)
def test_own_quota_and_what_went_beyond_it_decide_what_is_left(
    policy: Policy, base: float, spent: int, available: float, left: int | None
) -> None:
    found = Given(round(base * USD), spent * USD).left(policy, round(available * USD))
    assert found == (None if left is None else left * USD)


def test_the_organisation_pays_up_to_the_amount_and_the_next_quota_stays_whole(session: Session) -> None:
    alice = who(session, "alice").id
    assert [pay(session, alice, _spend(session, "alice", usd), RULES, cause()) for usd in (103, 12, 9)] == [
        3 * USD,
        12 * USD,
        5 * USD,
    ]
    assert given_to(session, {alice})[alice] == Given(100 * USD, 20 * USD)
    assert wallet_of(session, alice).overdraft == -4 * USD


def test_without_a_fallback_nothing_is_paid(session: Session) -> None:
    alice = who(session, "alice").id
    assert pay(session, alice, _spend(session, "alice", 103), NONE, cause()) == 0


def _spend(session: Session, name: str, usd: int) -> int:
    """Returns what went beyond own quota."""
    return record(session, who(session, name).id, usd * USD, cause=cause())


def test_the_last_bit_is_paid_and_beyond_it_nothing(session: Session) -> None:
    alice = who(session, "alice").id
    _spend(session, "alice", 130)
    parts = (0, -5, 1, 20 * USD - 2, 1, 1, 5)
    paid = (0, 0, 1, 20 * USD - 2, 1, 0, 0)
    assert tuple(pay(session, alice, part, RULES, cause()) for part in parts) == paid
    assert given_to(session, {alice})[alice].spent == 20 * USD


def test_for_somebody_whom_the_policy_gave_nothing_yet_nothing_is_paid(session: Session) -> None:
    nina = Member(name="Nina", email="nina@corp.example", gateway_id="nina", joined_at=NOW)
    session.add(nina)
    session.flush()
    assert pay(session, nina.id, 5, RULES, cause()) == 0


def test_what_was_never_spent_goes_back_once_and_in_this_period_only(company: Database) -> None:
    def work(session: Session) -> list[int]:
        alice, bob = (who(session, name).id for name in ("alice", "bob"))
        for name, member in (("alice", alice), ("bob", bob)):
            pay(session, member, _spend(session, name, 105), RULES, cause())
        left = []
        for amount in (0, 1, 3 * USD, 9 * USD, 9 * USD):
            take_back(session, alice, amount, cause())
            left.append(given_to(session, {alice})[alice].spent)
        take_back(session, max(alice, bob) + 1_000, 5, cause())
        assert given_to(session, {bob}) == {bob: Given(100 * USD, 5 * USD)}
        assert wallet_of(session, alice).overdraft == -5 * USD
        return left

    assert company.transact(work) == [5 * USD, 5 * USD - 1, 2 * USD - 1, 0, 0]
    sound(company)
    company.transact(lambda session: begin_turn(session, DECEMBER))
    turn(company)
    bob = company.transact(lambda session: given_to(session, {who(session, "bob").id}))
    assert [one.spent for one in bob.values()] == [0], "the new period's"
