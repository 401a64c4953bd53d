"""The output of `policy plan`, for people and as JSON."""

from __future__ import annotations

from typing import Any

import typer

from bot.cli.console import money
from bot.cli.output import table
from models.ledger.amount import plain
from models.policy.check import TeamTotal
from models.policy.document import fold
from models.policy.versions import PolicyVersion
from models.quota.policy_plan import PolicyPlan

_EVERYBODY = "*"


def as_data(found: PolicyPlan) -> dict[str, Any]:
    unit = found.policy.unit
    return {
        "unit": unit.value,
        "people": found.people,
        "changes": [
            {
                "email": one.member.email,
                "name": one.member.name,
                "team": one.member.team,
                "before": plain(one.before, unit),
                "after": plain(one.after, unit),
                "rule": one.rule,
                "reason": one.reason,
                "models": [list(one.models[0]), list(one.models[1])],
            }
            for one in found.changes
        ],
        "teams": [_team(found, one) for one in (*found.teams, _sum(found))],
        "settings": found.settings,
        "staged": _waiting(found.staged),
    }


def _waiting(staged: PolicyVersion | None) -> dict[str, Any] | None:
    """The staged version that an apply would drop."""
    if staged is None:
        return None
    return {"version": staged.version, "effective": str(staged.effective)}


def _team(found: PolicyPlan, one: TeamTotal) -> dict[str, Any]:
    unit = found.policy.unit
    spent = sum(found.spent.values()) if one.team is _EVERYBODY else found.spent.get(fold(one.team), 0)
    return {
        "team": one.team,
        "people": one.people,
        "before": plain(one.before, unit),
        "after": plain(one.after, unit),
        "spent_last_period": plain(spent, unit) if found.spent else None,
    }


def _sum(found: PolicyPlan) -> TeamTotal:
    parts = found.teams
    return TeamTotal(
        _EVERYBODY,
        sum(one.people for one in parts),
        sum(one.before for one in parts),
        sum(one.after for one in parts),
    )


def _by(rule: int) -> str:
    # The same path as in an error: `allocations[2]`.
    return f"allocations[{rule}]" if rule >= 0 else "–"


def print_plan(found: PolicyPlan) -> None:
    if found.staged is not None:
        typer.echo(
            f"version {found.staged.version} waits for {found.staged.effective}; applying another drops it"
        )
    if found.empty:
        typer.echo(f"nothing changes for {found.people} people")
        return
    data, total, unit = as_data(found), _sum(found), found.policy.unit
    _print_changes(data["changes"])
    _print_teams(data["teams"])
    if found.settings:
        typer.echo(f"settings that change: {', '.join(found.settings)}")
    sums = f"{money(total.before, unit)} → {money(total.after, unit)}"
    typer.echo(f"{len(found.changes)} of {found.people} people, {sums} a period")


def _print_changes(changes: list[dict[str, Any]]) -> None:
    if not changes:
        return
    rows = [
        (
            one["email"],
            one["team"] or "–",
            one["before"],
            "→",
            one["after"],
            _by(one["rule"]),
            one["reason"],
            _models(one["models"]),
        )
        for one in changes
    ]
    # The last column stands only where somebody's models change.
    named = (
        "who",
        "team",
        "before",
        "",
        "after",
        "rule",
        "why",
        "models" if any(row[-1] for row in rows) else "",
    )
    table([named, *rows])
    typer.echo("")


def _models(both: list[list[str]]) -> str:
    before, after = (", ".join(one) or "every model" for one in both)
    return "" if before == after else f"{before} → {after}"


def _print_teams(teams: list[dict[str, Any]]) -> None:
    rows = [
        (one["team"] or "–", str(one["people"]), one["before"], "→", one["after"], one["spent_last_period"] or "–")
        for one in teams
    ]  # fmt: skip
    table([("team", "people", "before", "", "after", "spent last period"), *rows])
