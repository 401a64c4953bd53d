"""A second directory, written from the rules (rules.md, 5) and not from the code: who may decide which request.

It knows no tables and none of our modules. Names are people; moments are compared only.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from tests.reference_terms import Refused


@dataclass
class Decided:
    """A decision of `by` on a request of `requester`, in the place of `instead_of` where that is another."""

    by: str
    requester: str
    instead_of: str
    at: Any


@dataclass
class Place:
    """Somebody in the chain of approvers. `ceiling`: None is without one."""

    name: str
    ceiling: int | None
    delegate: str | None = None

    @property
    def deciders(self) -> list[str]:
        return [self.name] if self.delegate is None else [self.name, self.delegate]


@dataclass
class ReferenceRequest:
    requester: str
    code: str
    amount: int
    asked: list[str] = field(default_factory=list)
    heard: set[str] = field(default_factory=set)
    """Everybody who was ever asked, also as a delegate."""
    replaced: set[str] = field(default_factory=set)
    routable: bool = False


@dataclass
class ReferenceDirectory:
    managers: dict[str, str | None]
    teams: dict[str, str]
    owners: dict[str, list[str]]
    """The owners of a team and of those above it, nearest first."""
    fallback: list[str]
    manager_ceiling: int
    owner_ceiling: int
    starts: Any
    left: set[str] = field(default_factory=set)
    delegations: dict[str, tuple[str, Any]] = field(default_factory=dict)
    decided: list[Decided] = field(default_factory=list)
    open: dict[str, ReferenceRequest] = field(default_factory=dict)

    def copy(self) -> ReferenceDirectory:
        return deepcopy(self)

    # Who may decide

    def chain(self, requester: str, now: Any) -> list[Place]:
        judged = [one for one in self.decided if one.by == requester and one.at >= self.starts]
        barred = {one.requester for one in judged if one.instead_of != one.by} | {requester}
        found: dict[str, Place] = {}
        for name, ceiling in self._named(requester):
            if name in barred or name in self.left:
                continue
            if name not in found:
                to, ends = self.delegations.get(name, (None, now))
                stands = to is not None and ends > now and to not in self.left
                fair = to not in {requester, name, *(one.requester for one in judged)}
                found[name] = Place(name, ceiling, to if stands and fair else None)
            else:
                place = found[name]
                both = (place.ceiling, ceiling)
                place.ceiling = None if None in both else max(one for one in both if one is not None)
        return list(found.values())

    def _named(self, requester: str) -> list[tuple[str, int | None]]:
        named: list[tuple[str, int | None]] = []
        manager = self.managers.get(requester)
        if manager is not None:
            named.append((manager, self.manager_ceiling))
            above = self.managers.get(manager)
            if above is not None:
                named.append((above, self.manager_ceiling))
        named += [(owner, self.owner_ceiling) for owner in self.owners.get(self.teams[requester], [])]
        return named + [(one, None) for one in self.fallback]

    def may_decide(self, requester: str, now: Any) -> dict[str, Place]:
        """Everybody who may decide the open request of this person, in the place with the highest ceiling."""
        request, best = self.open[requester], {}
        for place in self.chain(requester, now):
            for decider in place.deciders if place.name in request.asked else []:
                known = best.get(decider)
                if known is None or (known.ceiling is not None and _more(place.ceiling, known.ceiling)):
                    best[decider] = place
        return best

    def place_of(self, decider: str, requester: str, now: Any) -> Place:
        place = self.may_decide(requester, now).get(decider)
        if place is None:
            raise Refused("UnknownCode")
        return place

    def may_revoke(self, requester: str, deciders: set[str], now: Any) -> set[str]:
        today = [set(place.deciders) for place in self.chain(requester, now)]
        left = deciders & set().union(*today)
        return left or (today[0] if today else set())

    # What happens

    def ask(self, requester: str, code: str, amount: int, now: Any) -> ReferenceRequest:
        request = self.open[requester] = ReferenceRequest(requester, code, amount)
        self.ask_next(request, now)
        return request

    def ask_next(self, request: ReferenceRequest, now: Any) -> bool:
        rest = [one for one in self.chain(request.requester, now) if one.name not in request.asked]
        enough = [one for one in rest if one.ceiling is None or one.ceiling >= request.amount]
        if not rest:
            return False
        place = (enough or rest)[0]
        request.asked.append(place.name)
        request.heard |= set(place.deciders)
        request.routable = True
        return True

    def decide(self, decider: str, place: Place, requester: str, now: Any) -> ReferenceRequest:
        self.decided.append(Decided(decider, requester, place.name, now))
        return self.open.pop(requester)

    def delegate(self, name: str, to: str | None, ends: Any) -> None:
        self.delegations.pop(name, None)
        if to is not None:
            self.delegations[name] = to, ends

    def leave(self, name: str) -> None:
        self.left.add(name)
        self.open.pop(name, None)
        self.delegations = {
            giver: given for giver, given in self.delegations.items() if name not in (giver, given[0])
        }

    def reroute(self, request: ReferenceRequest, now: Any) -> None:
        """Ask the next approver for each who cannot decide any more, each of them once."""
        today = self.may_decide(request.requester, now)
        gone = [one for one in request.asked if one not in today and one not in request.replaced]
        request.replaced |= set(gone)
        if not gone and request.routable:
            return
        for _ in gone:
            self.ask_next(request, now)
        if self.may_decide(request.requester, now):
            request.routable = True
        elif request.routable:
            request.routable = False
        else:
            self.ask_next(request, now)


def _more(one: int | None, other: int) -> bool:
    return one is None or one > other
