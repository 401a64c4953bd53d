"""Where a member stands, and which list of models ought to stand for their accounts."""

from __future__ import annotations

from decimal import Decimal

from sqlmodel import Session

from models.ledger.amount import Unit
from models.ledger.spend import record
from models.metering.gateway_account import GatewayAccount
from models.metering.gateway_state import GatewayState
from models.metering.ladder import Ladder, Offer, WantedList, as_kept, from_kept, wanted_patterns
from models.metering.limits import GatewayTraits, limits_of, to_write
from models.metering.model_list import ModelList
from models.metering.reading import Rate
from models.policy.document import parse
from models.quota.allocation import allowance_of
from models.quota.period import Period
from tests.actions import cause
from tests.company import NOW, POLICY, who
from tests.handlers.test_policy_effects import rules

USD = 1_000_000
CHEAP, INNER = ("deepseek-*",), ("internal-*", "deepseek-r1")
TIERS = POLICY.replace("    amount: 0\n", "    amount: 30\n    models: [internal-*, deepseek-r1]\n")
BOTH = f"{TIERS}fallback: {{models: [deepseek-*], amount: 20}}\n"
OFFERS = {
    (CHEAP,): Offer(("deepseek-r1", "deepseek-v4"), ("deepseek-r1", "deepseek-v4")),
    (INNER,): Offer(("internal-1", "deepseek-r1"), ("internal-1", "deepseek-r1")),
    (CHEAP, INNER): Offer(("deepseek-r1",), ("deepseek-r1",)),
}


def account(session: Session, name: str, **more: object) -> GatewayAccount:
    return GatewayAccount(id=name, member_id=who(session, name).id, as_of=NOW, adopted_at=NOW, **more)


def ladder(session: Session, has: int, offers: object = OFFERS) -> Ladder:
    state = GatewayState.of(session)
    state.kind, state.lists = "litellm", as_kept(offers) if offers else None  # type: ignore[arg-type]
    session.flush()
    found = Ladder.of(session, _accounts(session), {one.member_id: has * USD for one in _accounts(session)})
    assert found is not None
    return found


def _accounts(session: Session) -> list[GatewayAccount]:
    return [account(session, "alice"), account(session, "dan")]


def test_every_list_that_a_policy_needs_is_asked_for() -> None:
    assert wanted_patterns(parse(POLICY)) == []
    assert wanted_patterns(parse(BOTH)) == [(INNER,), (CHEAP,), (CHEAP, INNER)]
    assert from_kept(as_kept(OFFERS)) == OFFERS
    assert from_kept(None) == {}


def test_with_own_quota_the_allocation_says_which_models_and_else_every_one(session: Session) -> None:
    rules(session, *_swapped(BOTH))
    alice, dan = _accounts(session)
    top = ladder(session, has=1)
    assert top.wanted(alice) == WantedList((), ours=False)
    assert top.wanted(dan) == WantedList(OFFERS[(INNER,)].words)


def test_without_own_quota_the_fallback_within_the_allocations_models(session: Session) -> None:
    rules(session, *_swapped(BOTH))
    alice, dan = _accounts(session)
    allowance = allowance_of(session, dan.member_id, Period.current(session).id)
    assert allowance is not None
    assert ladder(session, has=0).wanted(dan) == WantedList(OFFERS[(INNER,)].words), (
        "given nothing, no fallback"
    )
    allowance.base = 30 * USD
    below = ladder(session, has=0)
    assert below.wanted(alice) == WantedList(("deepseek-r1", "deepseek-v4"), fallback=True)
    assert below.wanted(dan) == WantedList(("deepseek-r1",), fallback=True)


def test_the_amount_counts_only_while_its_list_stands(session: Session) -> None:
    rules(session, *_swapped(BOTH))
    below, wanted = ladder(session, has=0), WantedList(("deepseek-r1", "deepseek-v4"), fallback=True)
    assert below.left(account(session, "alice"), wanted) == 0
    narrowed = ModelList(wanted.words, written=wanted.words, fallback=True)
    assert below.left(account(session, "alice", models=narrowed.kept), wanted) == 20 * USD


def test_a_gateway_without_such_a_list_falls_to_the_wall_and_closes_who_must_be_limited(
    session: Session,
) -> None:
    rules(session, *_swapped(BOTH))
    alice, dan = _accounts(session)
    below = ladder(session, has=0, offers=None)
    assert below.wanted(alice) == WantedList((), ours=False)
    assert below.wanted(dan) is None


def test_a_policy_that_names_no_models_any_more_puts_the_found_list_back(session: Session) -> None:
    narrowed = ModelList(("x",), ("a", "b"), ("x",), fallback=True)
    account_ = account(session, "alice", models=narrowed.kept)
    found = Ladder.of(session, [account_], {})
    assert found is not None
    assert found.wanted(account_) == WantedList(("a", "b"), ours=False)
    assert Ladder.of(session, [account(session, "alice")], {}) is None


def _swapped(policy: str) -> tuple[tuple[str, str], ...]:
    return ((POLICY, policy),)


def test_the_limit_follows_the_ladder_and_closes_what_cannot_be_limited(session: Session) -> None:
    rules(session, *_swapped(BOTH))
    record(session, who(session, "alice").id, 100 * USD, cause=cause())
    allowance = allowance_of(session, who(session, "dan").id, Period.current(session).id)
    assert allowance is not None
    allowance.base = 30 * USD
    state = GatewayState.of(session)
    state.kind, state.lists = "litellm", as_kept({(CHEAP,): OFFERS[(CHEAP,)]})
    narrowed = ModelList(
        ("deepseek-r1", "deepseek-v4"), written=("deepseek-r1", "deepseek-v4"), fallback=True
    )
    alice, dan = (
        account(session, "alice", total=5, models=narrowed.kept),
        account(session, "dan", total=5, origin=9),
    )
    eve = account(session, "eve", total=5, origin=7)
    session.flush()
    rate, cap = Rate.of(Unit.USD, Decimal(1)), GatewayTraits(lambda total: total)
    first, second, third = limits_of(session, [alice, dan, eve], rate, cap)
    assert (first.wanted, first.models, first.closed) == (
        20 * USD,
        WantedList(narrowed.written, fallback=True),
        False,
    )
    assert (second.wanted, second.models, second.closed) == (8, None, True), (
        "nothing more, below what was spent"
    )
    assert (third.wanted, third.models, third.closed) == (100 * USD + 7, WantedList((), ours=False), False)
    assert [(one.total, one.models) for one in to_write([first, second])] == [(20 * USD, None), (8, None)]
