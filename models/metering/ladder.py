"""The ladder: which models a member may use, and what of the fallback is left, from the books and the policy.

With own quota a member stands on the top: the models of their allocation, or every one. When it is used up, they stand on
the fallback's models, up to its amount. The top comes back with any quota: a grant, a loan, the next period.

A gateway that can limit models offers lists for the policy's patterns (`GatewayState.lists`). Narrowing comes before raising:
the fallback's amount counts at an account only while its list was read back there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, NamedTuple, Self

from sqlmodel import Session, col

from models.metering.accounts import accounts_of
from models.metering.gateway_account import GatewayAccount
from models.metering.gateway_state import GatewayState
from models.metering.model_list import ModelList, Words
from models.people.member import Member
from models.policy import versions
from models.policy.document import Policy
from models.quota.allocation import dues
from models.quota.fallback import Given, given_to
from models.quota.wallet import wallet_of

Patterns = tuple[tuple[str, ...], ...]
"""A model has to match one pattern of each; none: every model."""


Accounts = Sequence[tuple[str, dict[str, Any] | None]]
"""Of one member: the gateway's name, and what is kept of the list of models."""


class Offer(NamedTuple):
    """A list in a gateway's own words, and the names of the models that it lets through."""

    words: Words
    models: tuple[str, ...]


Offers = Mapping[str, Mapping[Patterns, Offer]]
"""By the gateway's name."""


def wanted_patterns(policy: Policy) -> list[Patterns]:
    """Every list that the policy may need of a gateway."""
    tiers = list(dict.fromkeys(rule.models for rule in policy.allocations if rule.models))
    found: list[Patterns] = [(tier,) for tier in tiers]
    if policy.fallback is not None:
        found += [(policy.fallback.models,), *((policy.fallback.models, tier) for tier in tiers)]
    return found


def matches(models: Iterable[str], patterns: Patterns) -> frozenset[str]:
    """Those that match one pattern of each."""
    return frozenset(
        one for one in models if all(any(fnmatchcase(one, pattern) for pattern in each) for each in patterns)
    )


def in_words(patterns: Patterns) -> str:
    return " and ".join(", ".join(one) for one in patterns)


def as_kept(offers: Mapping[Patterns, Offer]) -> list[Any]:
    return [
        [[list(one) for one in patterns], list(offer.words), list(offer.models)]
        for patterns, offer in offers.items()
    ]


def from_kept(kept: Sequence[Any] | None) -> dict[Patterns, Offer]:
    """Empty where the gateway cannot limit models."""
    return {
        tuple(tuple(one) for one in patterns): Offer(tuple(words), tuple(models))
        for patterns, words, models in kept or ()
    }


@dataclass(frozen=True)
class Rung:
    """`tier`: the patterns of the member's allocation. `left`: of the fallback (stored units); None: they stand on the top."""

    tier: Patterns = ()
    left: int | None = None


@dataclass(frozen=True)
class WantedList:
    """The list that ought to stand for an account. `ours`: the policy says so, else it is the one found."""

    words: Words
    ours: bool = True
    fallback: bool = False


@dataclass(frozen=True)
class Ladder:
    """Where members stand, and what their gateways offer (by name)."""

    policy: Policy
    rungs: Mapping[int, Rung] = field(default_factory=dict)
    offers: Offers = field(default_factory=dict)

    @classmethod
    def of(
        cls, session: Session, accounts: Sequence[GatewayAccount], available: Mapping[int, int]
    ) -> Self | None:
        """None where everybody stands on the top with every model, and no list is ours."""
        current = versions.current(session)
        if current is None:
            return None
        policy, rungs = current[1], dict[int, Rung]()
        if policy.names_models:
            rungs = dict(_rungs(session, policy, {one.member_id for one in accounts}, available))
        ours = any(one.models is not None and one.model_list.ours for one in accounts)
        if not ours and all(one == Rung() for one in rungs.values()):
            return None
        offers = GatewayState.driven(session) if rungs else []
        return cls(policy, rungs, {one.name: from_kept(one.lists) for one in offers})

    def wanted(self, account: GatewayAccount) -> WantedList | None:
        """None: the member's models cannot be limited there, so the account stays closed."""
        rung, offers = self.rungs.get(account.member_id, Rung()), self.offers.get(account.gateway, {})
        if rung.left is not None and self.policy.fallback is not None:
            below = offers.get((self.policy.fallback.models, *rung.tier))
            if below is not None:
                return WantedList(below.words, fallback=True)
        if not rung.tier:
            return WantedList(account.model_list.found, ours=False)
        top = offers.get(rung.tier)
        return None if top is None else WantedList(top.words)

    def left(self, account: GatewayAccount, wanted: WantedList | None) -> int:
        """What of the fallback may be spent there now: nothing before its list was read back."""
        stands = wanted is not None and wanted.fallback and account.model_list.stands == wanted.words
        return (self.rungs[account.member_id].left or 0) if stands else 0


@dataclass(frozen=True)
class FallbackView:
    """The fallback as a member reads of it, where a gateway of theirs can do it. Amounts in stored units.

    `left`: None while they have own quota. `stands`: a call of one of `models` would pass now, if something is left.
    """

    models: tuple[str, ...]
    amount: int
    spent: int
    left: int | None
    stands: bool

    @property
    def goes_on(self) -> bool:
        return self.stands and bool(self.left)

    @property
    def comes(self) -> bool:
        """Own quota is used up, and the gateway is still to be written."""
        return bool(self.left) and not self.stands

    @property
    def over(self) -> bool:
        """The amount is used up as well."""
        return self.stands and self.left == 0 and self.spent > 0

    @classmethod
    def of(
        cls,
        policy: Policy,
        given: Given,
        available: int,
        tier: tuple[str, ...],
        accounts: Accounts,
        offers: Offers,
    ) -> Self | None:
        """`offers`: of the gateways that enforce limits. None where none of them can do it: nobody is promised it."""
        if policy.fallback is None:
            return None
        patterns = (policy.fallback.models, *((tier,) if tier else ()))
        theirs = [(offers.get(gateway, {}).get(patterns), ModelList.of(kept)) for gateway, kept in accounts]
        names = dict.fromkeys(model for offer, _ in theirs if offer for model in offer.models)
        if not names:
            return None
        stands = any(offer and one.fallback and one.stands == offer.words for offer, one in theirs)
        left = given.left(policy, available)
        return cls(tuple(names), policy.fallback.amount, given.spent, left, stands)


def fallback_of(session: Session, member: Member, policy: Policy) -> FallbackView | None:
    """None as well for somebody who is paused: nothing goes on."""
    if policy.fallback is None or member.paused_at is not None:
        return None
    live = [one for one in GatewayState.driven(session) if one.enforced and not one.released]
    return FallbackView.of(
        policy,
        given_to(session, {member.id}).get(member.id, Given(0, 0)),
        wallet_of(session, member.id).available,
        policy.base_for(member.columns()).models,
        [(one.gateway, one.models) for one in accounts_of(session, member.id)],
        {one.name: from_kept(one.lists) for one in live},
    )


def _rungs(
    session: Session, policy: Policy, members: Collection[int], available: Mapping[int, int]
) -> Iterator[tuple[int, Rung]]:
    tiers = _tiers(session, policy, members)
    given = given_to(session, members) if policy.fallback is not None else {}
    for member in members:
        left = given.get(member, Given(0, 0)).left(policy, available.get(member, 0))
        yield member, Rung(tiers.get(member, ()), left)


def _tiers(session: Session, policy: Policy, members: Collection[int]) -> dict[int, Patterns]:
    if not any(rule.models for rule in policy.allocations):
        return {}
    found: dict[int, Patterns] = {}
    for due in dues(session, policy, col(Member.id).in_(members)):
        models = policy.allocations[due.rule].models if due.rule >= 0 else None
        if models:
            found[due.member_id] = (models,)
    return found
