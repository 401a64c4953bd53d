"""What people were told of a policy: the subjects of these messages, and which of them are out of date."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime

from sqlmodel import Session, col, select

from models.messages.outbox import last_word, withdraw
from models.policy.document import Policy
from models.policy.versions import PolicyVersion


def announced(version: int) -> str:
    return f"policy:{version}"


def called_off(version: int) -> str:
    return f"policy:{version}:off"


def withdraw_outdated(
    session: Session, version: int, now: datetime, readers: Collection[int] | None = None
) -> None:
    """Cancel unsent messages that `version` made untrue.

    Without `readers`: about versions it dropped; with `readers`: about all older versions.
    """
    older = _older(session, version)
    stale = [announced(one.version or 0) for one in older if readers is not None or one.in_force_at is None]
    calls = [called_off(one.version or 0) for one in older]
    withdraw(session, [*stale, *calls], now, f"version {version} took its place", readers)


def expecting_dropped_change(
    session: Session, version: int, policy: Policy, now: datetime
) -> dict[int, date]:
    """{member_id: day} for people last told of a change that was dropped, if its day is not over yet."""
    dropped = {
        announced(one.version or 0): one.effective
        for one in _older(session, version)
        if one.in_force_at is None
    }
    subjects = [subject(number) for number in range(1, version + 1) for subject in (announced, called_off)]
    expected = {member: dropped.get(subject) for member, subject in last_word(session, subjects).items()}
    today = now.astimezone(policy.zone).date()
    return {member: day for member, day in expected.items() if day is not None and day >= today}


def _older(session: Session, version: int) -> Sequence[PolicyVersion]:
    return session.exec(select(PolicyVersion).where(col(PolicyVersion.version) < version)).all()
