"""Record what a policy says about authority: admins, approvers, ceilings, owners of teams."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlmodel import Session

from models.ledger.amount import plain
from models.people.authority import What, member_ref, record_all
from models.people.member import ids_by_email
from models.policy.document import Policy


def record_policy(
    session: Session, before: tuple[int, Policy] | None, after: tuple[int, Policy], *, at: datetime, by: str
) -> None:
    """Record that a version is in force, and each rule of authority that it changes. Members are named by id."""
    was, becomes = (dict(_rules(one[1])) if one else {} for one in (before, after))
    ids = ids_by_email(session, [*_emails(was), *_emails(becomes)])
    versions = (f"version {before[0]}" if before else "", f"version {after[0]}")
    rows: list[tuple[str, int | None, str, str]] = [(What.POLICY, None, *versions)]
    for rule in sorted(was.keys() | becomes.keys()):
        old, new = (_named(values.get(rule), ids) for values in (was, becomes))
        rows.append((rule, None, old, new))
    record_all(session, rows, at=at, actor=by)


def record_staged(session: Session, version: int, day: str, *, at: datetime, by: str) -> None:
    record_all(session, [(What.POLICY, None, "", f"version {version} from {day}")], at=at, actor=by)


def _rules(policy: Policy) -> Iterator[tuple[str, Any]]:
    yield "admins", policy.admins
    rules = policy.requests.model_dump(mode="json")
    ceilings = rules.pop("approve_up_to", None) or {}
    yield from _flat("requests", rules)
    for role, most in ceilings.items():
        yield f"requests.approve_up_to.{role}", None if most is None else plain(most, policy.unit)
    for team in policy.teams:
        yield f"team {team.name} owner", team.owner
        yield f"team {team.name} parent", team.parent


def _flat(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, dict):
        yield name, value
        return
    for key, part in value.items():
        yield from _flat(f"{name}.{key}", part)


def _emails(rules: dict[str, Any]) -> Iterator[str]:
    for value in rules.values():
        yield from (one for one in _listed(value) if "@" in one)


def _listed(value: Any) -> list[str]:
    return [str(one) for one in (value if isinstance(value, list | tuple) else [value])]


def _named(value: Any, ids: dict[str, int]) -> str:
    if value is None:
        return ""
    return ", ".join(member_ref(ids.get(one)) or one for one in _listed(value))
