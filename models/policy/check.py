"""Check a policy against the members: names that do not exist, and what changes for each member."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from models.people.member import Member
from models.people.messenger import TRAITS
from models.people.roster import EMPLOYMENTS, columns
from models.policy.document import Allocation, Policy, fold
from models.policy.sections import AllocationRule
from models.policy.yaml_tree import Path, Problem, guess

EXAMPLES = frozenset({"ops@corp.example", "lee@corp.example", "cfo@corp.example"})
"""The people of policy.example.yaml, where an organisation writes its own."""


@dataclass(frozen=True)
class Change:
    """A member's base for a whole period, before and after (stored units); by which entry, and why.

    `models`: the only ones that the quota is for, before and after; none: every model.
    """

    member: Member
    before: int
    after: int
    rule: int
    reason: str
    models: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())

    @property
    def empty(self) -> bool:
        return self.before == self.after and self.models[0] == self.models[1]


@dataclass(frozen=True)
class TeamTotal:
    team: str
    people: int
    before: int
    after: int

    def plus(self, one: Change) -> TeamTotal:
        return TeamTotal(self.team, self.people + 1, self.before + one.before, self.after + one.after)


def check(policy: Policy, members: Sequence[Member]) -> list[Problem]:
    """Members, teams and columns that the policy names and that do not exist, by line."""
    found = (
        *_odd_people(policy, members),
        *_odd_teams(policy, members),
        *_odd_columns(policy, members),
        *_odd_zone(policy),
        *_odd_channels(policy),
    )
    return sorted((policy.problem(path, why) for path, why in found), key=lambda problem: problem.line)


def plan(
    before: Policy | None, after: Policy, members: Iterable[Member], standing: Mapping[int, int] | None = None
) -> tuple[list[Change], list[TeamTotal]]:
    """Members whose base or models change, and the totals of their teams. Two spellings of a name are one team.

    `standing`: {member id: whole base in force}; it differs from `before` where people.csv changed since.
    """
    changes: list[Change] = []
    sums: dict[str, TeamTotal] = {}
    for one in _bases(before, after, members, standing):
        if not one.empty:
            changes.append(one)
        key = fold(one.member.team)
        sum_ = sums.get(key) or TeamTotal(after.spelt(one.member.team), 0, 0, 0)
        sums[key] = sum_.plus(one)
    return changes, [sums[key] for key in sorted(sums)]


def _bases(
    before: Policy | None, after: Policy, members: Iterable[Member], standing: Mapping[int, int] | None
) -> Iterator[Change]:
    for member in members:
        if member.active:
            columns = member.columns()
            old = before.base_for(columns) if before else Allocation(0, -1, "")
            new = after.base_for(columns)
            why = new.reason or _why(after.allocations[new.rule] if new.rule >= 0 else None)
            yield Change(
                member,
                (standing or {}).get(member.id, old.amount),
                new.amount,
                new.rule,
                why,
                (old.models, new.models),
            )


def _why(rule: AllocationRule | None) -> str:
    if rule is None:
        return "no entry matches"
    return (
        ", ".join(f"{key} {value}" if value else f"no {key}" for key, value in rule.match.items())
        or "everybody"
    )


def _odd_people(policy: Policy, members: Sequence[Member]) -> Iterator[tuple[Path, str]]:
    known = {member.email: member for member in members}
    here = [member.email for member in members if member.active]
    examples = frozenset[str]() if any(email.endswith("@corp.example") for email in here) else EXAMPLES
    for path, email in _named(policy):
        member = known.get(email)
        if member is None:
            example = " It stands in the example: write your own." if email in examples else ""
            yield path, f"nobody has the e-mail {email}.{guess(email, here, 85) or example}"
        elif not member.active:
            yield path, f"{email} has left"


def _named(policy: Policy) -> Iterator[tuple[Path, str]]:
    for index, email in enumerate(policy.admins):
        yield ("admins", index), email
    for index, team in enumerate(policy.teams):
        if team.owner:
            yield ("teams", index, "owner"), team.owner
    for index, email in enumerate(policy.requests.fallback_approvers):
        yield ("requests", "fallback_approvers", index), email
    for index, rule in enumerate(policy.allocations):
        for key in ("email", "manager_email"):
            if rule.match.get(key):
                yield ("allocations", index, "match", key), fold(rule.match[key])


def _odd_teams(policy: Policy, members: Sequence[Member]) -> Iterator[tuple[Path, str]]:
    known = {
        fold(name): name
        for name in (*(team.name for team in policy.teams), *(one.team for one in members if one.active))
    }
    named: list[tuple[Path, str]] = [
        (("teams", index, "parent"), team.parent) for index, team in enumerate(policy.teams) if team.parent
    ]
    for index, rule in enumerate(policy.allocations):
        if rule.match.get("team"):
            named.append((("allocations", index, "match", "team"), rule.match["team"]))
    for path, name in named:
        # a team above others may have no people of its own: naming it as a parent makes it one, unless it looks mistyped
        umbrella = path[-1] == "parent" and not guess(name, filter(None, known.values()))
        if fold(name) not in known and not umbrella:
            yield (
                path,
                f'nobody is in a team "{name}", and it is not listed under teams.{guess(name, filter(None, known.values()))}',
            )


def _odd_columns(policy: Policy, members: Sequence[Member]) -> Iterator[tuple[Path, str]]:
    known = {*columns(), *(key for member in members for key in member.extra)}
    for index, rule in enumerate(policy.allocations):
        for key, value in rule.match.items():
            path = ("allocations", index, "match", key)
            if key not in known:
                yield path, f"is not a column of people.csv.{guess(key, known)}"
            elif key == "employment" and fold(value) not in EMPLOYMENTS:
                yield (
                    path,
                    f'must be employee, contractor or intern, not "{value}".{guess(value, EMPLOYMENTS)}',
                )


def _odd_zone(policy: Policy) -> Iterator[tuple[Path, str]]:
    # `Etc/GMT+8` is eight hours behind UTC: POSIX turned the sign round.
    if found := re.fullmatch(r"Etc/GMT\+([1-9][0-9]?)", policy.timezone):
        near = "Asia/Shanghai" if found[1] == "8" else f"Etc/GMT-{found[1]}"
        yield (
            ("timezone",),
            f'"{policy.timezone}" is {found[1]} hours behind UTC: the sign in Etc/ is turned round. Did you mean "{near}"? Name a place of the zone',
        )


def _odd_channels(policy: Policy) -> Iterator[tuple[Path, str]]:
    for name, value in policy.admin_channel.items():
        path: Path = ("admin_channel", name)
        if name not in TRAITS:
            yield path, f"is not a messenger.{guess(name, TRAITS)}"
        elif value is None or value.startswith("#"):
            # In YAML a plain `#ops` is a comment and leaves nothing.
            yield (
                path,
                "the id of the channel is needed, not its name; and what follows a # without quotes is a comment",
            )
