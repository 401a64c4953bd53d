"""Applied policies: the version in force, the one that waits for its day, and the history."""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache

from sqlmodel import Field, Session, SQLModel, col, select

from models.policy.authority import record_policy, record_staged
from models.policy.document import Policy, parse
from models.policy.yaml_tree import UnitChanged
from models.statement import Statement


class PolicyVersion(SQLModel, table=True):
    """A policy as it was applied. `in_force_at`: None while it waits for its `effective` day, or was replaced then."""

    version: int | None = Field(default=None, primary_key=True)
    text: str
    applied_at: datetime
    applied_by: str
    effective: date | None = None
    in_force_at: datetime | None = None


_CURRENT = "policy"
"""The key of `Session.info` for the version in force, where a request has read it."""
IN_FORCE = "LEFT JOIN policyversion v ON v.version = (SELECT MAX(version) FROM policyversion WHERE in_force_at IS NOT NULL)"
"""SQL: joins the version in force as `v`, where there is one."""
_IN_FORCE = Statement(
    "SELECT version, text FROM policyversion WHERE in_force_at IS NOT NULL ORDER BY version DESC LIMIT 1"
)


def current(session: Session) -> tuple[int, Policy] | None:
    """The version in force and its rules; None before the first apply."""
    if (known := session.info.get(_CURRENT)) is not None:
        version, policy = known
        return version, policy
    found = _IN_FORCE.first(session)
    return None if found is None else (found[0], policy_of(found[0], found[1]))


def keep(session: Session, found: tuple[int, Policy]) -> None:
    """Keep the version in force for the rest of the transaction."""
    session.info[_CURRENT] = found


def remember(session: Session, version: int | None, text: str | None) -> None:
    """Keep the version in force, read by another statement, for the transaction."""
    if version is not None and text is not None:
        session.info[_CURRENT] = version, policy_of(version, text)


@lru_cache(maxsize=16)
def policy_of(version: int, text: str) -> Policy:
    # A version's text never changes, so it is parsed once.
    return parse(text, f"policy {version}")


def record_version(session: Session, text: str, now: datetime, by: str, effective: date | None = None) -> int:
    """Record an applied policy and return its number. It is in force at once, unless its day is yet to come.

    Raises `PolicyError`; `UnitChanged` where the text counts in another unit than the first one.
    """
    policy = parse(text)
    refuse_unit_change(session, policy)
    waits = effective is not None and effective > now.astimezone(policy.zone).date()
    kept = PolicyVersion(
        text=text, applied_at=now, applied_by=by, effective=effective, in_force_at=None if waits else now
    )
    before = current(session)
    session.info.pop(_CURRENT, None)
    session.add(kept)
    session.flush()
    assert kept.version is not None
    if waits:
        record_staged(session, kept.version, str(effective), at=now, by=by)
    else:
        record_policy(session, before, (kept.version, policy), at=now, by=by)
    return kept.version


def record_once(session: Session, text: str, now: datetime, by: str) -> int:
    """As `record_version`, but a repeated run returns the number of the version in force."""
    newest = _newest(session)
    if newest is not None and newest.version and newest.in_force_at is not None and newest.text == text:
        return newest.version
    return record_version(session, text, now, by)


def stage_once(session: Session, text: str, now: datetime, by: str, day: date) -> int:
    """As `record_version` for a day to come, but a repeated run returns the number of the waiting version."""
    waits = staged(session)
    if waits is not None and waits.version and (waits.text, waits.effective) == (text, day):
        return waits.version
    return record_version(session, text, now, by, day)


def _newest(session: Session) -> PolicyVersion | None:
    return session.exec(select(PolicyVersion).order_by(col(PolicyVersion.version).desc()).limit(1)).first()


def refuse_unit_change(session: Session, policy: Policy) -> None:
    first = session.exec(
        select(PolicyVersion.version, PolicyVersion.text).order_by(col(PolicyVersion.version)).limit(1)
    ).first()
    if first is None or first[0] is None:
        return
    unit = policy_of(first[0], first[1]).unit
    if unit is not policy.unit:
        why = f"is fixed: quota was counted in {unit} from the first apply on and cannot become {policy.unit}"
        raise UnitChanged([policy.problem(("unit",), why)])


def staged(session: Session) -> PolicyVersion | None:
    # A later apply takes the place of one that waits.
    newest = _newest(session)
    return newest if newest is not None and newest.in_force_at is None else None


def due(session: Session, now: datetime) -> tuple[int, Policy] | None:
    kept = staged(session)
    if kept is None or kept.version is None:
        return None
    policy = policy_of(kept.version, kept.text)
    has_come = kept.effective is None or kept.effective <= now.astimezone(policy.zone).date()
    return (kept.version, policy) if has_come else None


def put_in_force(session: Session, version: int, now: datetime) -> None:
    kept, before = session.get_one(PolicyVersion, version), current(session)
    kept.in_force_at = now
    session.info.pop(_CURRENT, None)
    session.add(kept)
    session.flush()
    record_policy(session, before, (version, policy_of(version, kept.text)), at=now, by=kept.applied_by)


def history(session: Session) -> list[tuple[PolicyVersion, str]]:
    """Every version, oldest first, with its state: in force, over, waits, or dropped (before its day)."""
    rows = session.exec(select(PolicyVersion).order_by(col(PolicyVersion.version))).all()
    found = current(session)
    return [(one, _state(one, found[0] if found else None, rows[-1])) for one in rows]


def _state(one: PolicyVersion, current: int | None, newest: PolicyVersion) -> str:
    if one.in_force_at is not None:
        return "in force" if one.version == current else "over"
    return "waits" if one is newest else "dropped"


def text_on(session: Session, day: date | None) -> str | None:
    """The text in force at the end of a day, or staged till then. Without a day: the text in force."""
    found = None
    for one, state in history(session):
        zone = policy_of(one.version or 0, one.text).zone
        staged_for = one.effective if state == "waits" else None
        since = one.in_force_at.astimezone(zone).date() if one.in_force_at else staged_for
        if since is not None and since <= day if day else one.in_force_at is not None:
            found = one.text
    return found
