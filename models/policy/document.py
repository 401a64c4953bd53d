"""The schema of policy.yaml: amounts, lending, approval, quiet time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import time, timedelta
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import BaseModel, PrivateAttr, ValidationError
from pydantic import Field as Setting
from pydantic_core import ErrorDetails

from models.ledger.amount import Unit
from models.policy.calendar import Cadence, Quiet
from models.policy.fields import (
    Email,
    Period,
    Text,
    UnitName,
    Zone,
)
from models.policy.sections import (
    Alerts,
    AllocationRule,
    AutoApprove,
    CarryOver,
    Fallback,
    Gateway,
    Lending,
    Organisation,
    QuietTime,
    Requests,
    Section,
    Team,
)
from models.policy.yaml_tree import Path, PolicyError, Problem, Tree, guess, read

MOST_KNOWN = 10_000
"""Combinations of cells whose answer a policy remembers."""


@dataclass(frozen=True)
class Allocation:
    """What a member gets for a period (stored units). `rule`: the entry of `allocations`, -1 for none.

    `models`: patterns of the only ones that the quota is for; empty: every model.
    """

    amount: int
    rule: int
    reason: str
    models: tuple[str, ...] = ()


class Policy(Section):
    """policy.yaml with its defaults, made by `parse`. Amounts in stored units."""

    unit: UnitName
    timezone: Zone = "UTC"
    period: Period = Cadence()
    admins: tuple[Email, ...] = ()
    admin_channel: dict[str, Text | None] = Setting(default_factory=dict)
    """By the name of the messenger."""
    welcome: bool = False
    learning: bool = False
    allocations: tuple[AllocationRule, ...]
    gateway: Gateway = Gateway()
    free_models: tuple[Text, ...] = ()
    carry_over: CarryOver = CarryOver()
    teams: tuple[Team, ...] = ()
    organisation: Organisation = Organisation()
    lending: Lending = Lending()
    fallback: Fallback | None = None
    requests: Requests = Requests()
    quiet_time: QuietTime | None = Setting(QuietTime(), alias="quiet")
    alerts: Alerts = Alerts()
    _tree: Tree = PrivateAttr()

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @cached_property
    def quiet(self) -> Quiet | None:
        written = self.quiet_time
        return Quiet(written.hours, frozenset(written.days), written.holidays) if written else None

    @property
    def auto_approve(self) -> AutoApprove:
        return self.requests.auto_approve

    @property
    def least_loan(self) -> int:
        """Stored units. Default: 1 in money, 100 credits, 1,000 tokens."""
        if self.lending.least is not None:
            return self.lending.least
        return {Unit.CREDITS: 100, Unit.TOKENS: 1_000}.get(self.unit, self.unit.scale)

    @property
    def per_usd(self) -> Decimal | None:
        """The workspace's units in a USD; None where that is not said."""
        return Decimal(1) if self.unit is Unit.USD else self.gateway.per_usd

    def base_for(self, columns: Mapping[str, str]) -> Allocation:
        """The amount of the first entry that matches these columns of people.csv, for a whole period."""
        return self.given_to(tuple(columns.get(name, "") for name in self.matched))

    @cached_property
    def given_to(self) -> Callable[[tuple[str, ...]], Allocation]:
        """As `base_for`, for the cells of the columns `matched`, in their order."""
        # Many people share few different rows of cells.
        return lru_cache(MOST_KNOWN)(self._judged)

    def _judged(self, cells: tuple[str, ...]) -> Allocation:
        columns = dict(zip(self.matched, map(fold, cells), strict=True))
        for index, wanted in enumerate(self._wanted):
            if all(self._fits(key, value, columns[key]) for key, value in wanted):
                rule = self.allocations[index]
                return Allocation(rule.amount, index, rule.reason, rule.models or ())
        return Allocation(0, -1, "")

    @cached_property
    def names_models(self) -> bool:
        """Whether somebody's models are limited, always or when quota is used up."""
        return self.fallback is not None or any(rule.models for rule in self.allocations)

    def team(self, name: str) -> Team | None:
        return self._teams.get(fold(name))

    def spelt(self, name: str) -> str:
        """A team's name as `teams` writes it."""
        known = self.team(name)
        return known.name if known else name

    def team_chain(self, name: str) -> tuple[Team, ...]:
        """The team, its parent, and so on, as far as they are listed under `teams`."""
        return tuple(self._teams[one] for one in self._ancestry(fold(name)) if one in self._teams)

    def ceiling(self, kind: Literal["manager", "owner"]) -> int | None:
        """The most a manager or a team's owner may approve (stored units); None: no ceiling."""
        limits = self.requests.approve_up_to
        return None if limits is None else limits.manager if kind == "manager" else limits.owner

    def problem(self, path: Path, why: str) -> Problem:
        return self._tree.problem(path, why)

    @cached_property
    def _wanted(self) -> tuple[tuple[tuple[str, str], ...], ...]:
        return tuple(
            tuple((key, fold(value)) for key, value in rule.match.items()) for rule in self.allocations
        )

    @cached_property
    def matched(self) -> tuple[str, ...]:
        """Every column that an entry looks at. Members with equal cells in them get the same."""
        return tuple(sorted({key for rule in self.allocations for key in rule.match}))

    def _fits(self, key: str, wanted: str, value: str) -> bool:
        return value == wanted or (key == "team" and wanted in self._ancestry(value))

    @cached_property
    def _teams(self) -> dict[str, Team]:
        return {fold(team.name): team for team in reversed(self.teams)}

    def _ancestry(self, name: str) -> tuple[str, ...]:
        line: list[str] = []
        # A circle is reported by `_contradictions`; until then it must end.
        while name and name not in line:
            line.append(name)
            team = self._teams.get(name)
            name = fold(team.parent) if team and team.parent else ""
        return tuple(line)


def fold(word: str) -> str:
    # `Payments ` and `payments` are one team.
    return word.strip().casefold()


def parse(text: str, name: str = "policy.yaml") -> Policy:
    """Raises `PolicyError` with everything that is wrong."""
    tree = read(text, name)
    if not isinstance(tree.value, dict):
        raise PolicyError([Problem(1, "", "keys and values are needed, such as `unit: USD`", name)])
    try:
        policy = Policy.model_validate(tree.value, context={"unit": _unit_of(tree.value)})
    except ValidationError as error:
        raise PolicyError([*tree.problems, *_complaints(error, tree)]) from None
    policy._tree = tree
    problems = [*tree.problems, *(tree.problem(path, why) for path, why in _contradictions(policy))]
    if problems:
        raise PolicyError(problems)
    return policy


def _unit_of(tree: dict[str, Any]) -> Unit | None:
    return next((unit for unit in Unit if unit == tree.get("unit")), None)


def _complaints(error: ValidationError, tree: Tree) -> Iterator[Problem]:
    known = [problem.key for problem in tree.problems]
    for detail in error.errors():
        problem = tree.problem(detail["loc"], _sentence(detail))
        # What could not even be read was complained about already.
        if not any(
            key == problem.key or key.startswith((f"{problem.key}.", f"{problem.key}[")) for key in known
        ):
            yield problem


def _sentence(detail: ErrorDetails) -> str:
    kind, path = detail["type"], detail["loc"]
    if kind == "value_error":
        return str(detail["ctx"]["error"])
    if kind == "extra_forbidden":
        return f"is not a key that is known here.{guess(str(path[-1]), _keys_at(path[:-1]))}"
    wanted = _WANTED.get(kind, detail["msg"])
    by_default = kind in ("model_type", "tuple_type") and detail["input"] is None
    return f"{wanted}; leave the whole line out for the default" if by_default else wanted


_WANTED = {
    "missing": "is missing",
    "model_type": "a section with keys is needed",
    "dict_type": "a section with keys is needed, such as {team: payments}; {} fits everybody",
    "tuple_type": "a list is needed, such as [a, b]",
}


def _keys_at(path: Path) -> list[str]:
    model: type[BaseModel] = Policy
    for part in path:
        if isinstance(part, str):
            field = next(field for name, field in model.model_fields.items() if part in (name, field.alias))
            model = next(_models(field.annotation))
    return [field.alias or name for name, field in model.model_fields.items()]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)


def _contradictions(policy: Policy) -> Iterator[tuple[Path, str]]:
    """Problems of values that are right by themselves."""
    if policy.unit is Unit.USD and policy.gateway.per_usd not in (None, 1):
        yield ("gateway", "per_usd"), "a USD is one USD; write 1 or leave it out"
    if (
        policy.unit is not Unit.USD
        and "gateway" in policy.model_fields_set
        and policy.gateway.per_usd is None
    ):
        yield ("gateway", "per_usd"), f"is missing: how many {policy.unit} are one USD"
    if policy.quiet_time and len(set(policy.quiet_time.days)) == 7:
        yield ("quiet", "days"), "every day is quiet, so nobody could ever be asked"
    if (
        policy.quiet_time
        and policy.quiet_time.hours
        and _length(*policy.quiet_time.hours) > timedelta(hours=23)
    ):
        yield ("quiet", "hours"), "leaves less than an hour of the day in which somebody could be asked"
    yield from _odd_models(policy)
    yield from _odd_teams(policy)


def _odd_models(policy: Policy) -> Iterator[tuple[Path, str]]:
    for index, rule in enumerate(policy.allocations):
        if rule.models == ():
            yield ("allocations", index, "models"), "name at least one model, or leave it out for every model"
    if policy.fallback is not None and not policy.fallback.models:
        yield ("fallback", "models"), "name at least one model"
    if policy.fallback is not None and not policy.fallback.amount:
        yield ("fallback", "amount"), "must be more than zero; leave the section out for no fallback"


def _length(begin: time, end: time) -> timedelta:
    # Hours may pass midnight.
    minutes = (end.hour - begin.hour) * 60 + end.minute - begin.minute
    return timedelta(minutes=minutes % (24 * 60))


def _odd_teams(policy: Policy) -> Iterator[tuple[Path, str]]:
    first: dict[str, int] = {}
    for index, team in enumerate(policy.teams):
        if first.setdefault(fold(team.name), index) != index:
            yield (
                ("teams", index, "name"),
                f'"{team.name}" is listed twice; the first one is teams[{first[fold(team.name)]}]',
            )
        line = [one.name for one in policy.team_chain(team.name)]
        top = policy.team(line[-1])
        if top and top.parent and fold(top.parent) in map(fold, line):
            yield ("teams", index, "parent"), f"goes in a circle: {' → '.join([*line, top.parent])}"


# --- which of them are in force --------------------------------------------------------------------------------------
