"""What people were told of a policy, and which of it is out of date."""

from __future__ import annotations

from datetime import date, timedelta

from sqlmodel import Session, select

from models.messages.outbox import Effect, promise
from models.policy import versions
from models.quota.policy_notice import announced, called_off, expecting_dropped_change, withdraw_outdated
from tests.company import NOW, POLICY, who

DAY = date(2026, 11, 20)


def version(session: Session, amount: int, day: date | None = None) -> int:
    return versions.record_version(
        session, POLICY.replace("amount: 100", f"amount: {amount}"), NOW, "ops", day
    )


def tell(session: Session, name: str, about: str, *, sent: bool = False) -> str:
    payload, key = {"reader": who(session, name).id}, f"{name} {about}"
    promise(
        session,
        Effect(key=key, kind="say", payload=payload, about=about, due_at=NOW, done_at=NOW if sent else None),
    )
    return key


def withdrawn(session: Session) -> set[str]:
    session.expire_all()
    return {one.key for one in session.exec(select(Effect)).all() if one.parked_at is not None}


def expecting(session: Session, number: int, now=NOW) -> dict[int, date]:
    current = versions.current(session)
    assert current is not None
    return expecting_dropped_change(session, number, current[1], now)


def test_what_was_not_sent_about_a_dropped_version_is_withdrawn_and_what_holds_is_not(
    session: Session,
) -> None:
    held, dropped = version(session, 110), version(session, 120, DAY)
    tell(session, "alice", announced(held))
    tell(session, "eve", announced(dropped), sent=True)
    stale = {tell(session, "alice", announced(dropped)), tell(session, "bob", called_off(held))}
    withdraw_outdated(session, version(session, 130, DAY), NOW)
    assert withdrawn(session) == stale


def test_with_readers_every_older_version_is_withdrawn_for_them_alone(session: Session) -> None:
    held = version(session, 110)
    stale = tell(session, "alice", announced(held))
    tell(session, "bob", announced(held))
    withdraw_outdated(session, version(session, 120), NOW, {who(session, "alice").id})
    assert withdrawn(session) == {stale}


def test_whoever_last_heard_of_a_dropped_change_expects_it_until_its_day_is_over(session: Session) -> None:
    dropped = version(session, 120, DAY)
    for name in ("alice", "bob"):
        tell(session, name, announced(dropped), sent=True)
    newest = version(session, 130)
    tell(session, "bob", announced(newest), sent=True)
    alice = who(session, "alice").id
    assert expecting(session, newest) == {alice: DAY}
    assert expecting(session, newest, NOW + timedelta(days=11)) == {alice: DAY}
    assert expecting(session, newest, NOW + timedelta(days=12)) == {}
