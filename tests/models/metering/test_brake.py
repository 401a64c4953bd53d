"""The brake: the state that it leaves, the record of it, and the colleagues above a member."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session, col, select

from models.ledger.amount import Unit
from models.metering.alarm import Alarm
from models.metering.brake import above, can_stop, managers, pause, resume
from models.metering.gateway_account import GatewayAccount
from models.metering.gateway_state import GatewayState
from models.metering.reading import Reading
from models.people.authority import Authority
from models.policy import document
from tests.company import NOW, POLICY, who

LATER = NOW + timedelta(hours=1)


def account(session: Session, name: str) -> GatewayAccount:
    return GatewayAccount.link(session, Reading(name, 0, None, NOW), who(session, name))


def test_a_second_pause_keeps_the_first_moment_and_takes_the_newer_terms(session: Session) -> None:
    bob, carol = who(session, "bob"), who(session, "carol")
    pause(session, bob, NOW, actor=f"member:{bob.id}")
    pause(session, bob, LATER, actor=f"member:{carol.id}", stands=True, by=carol)
    assert (bob.paused_at, bob.pause_stands, bob.paused_by_id) == (NOW, True, carol.id)


def test_going_on_says_whether_there_was_a_pause_and_leaves_nothing_of_it(session: Session) -> None:
    bob = who(session, "bob")
    pause(session, bob, NOW, actor="policy", stands=True, by=who(session, "carol"))
    assert resume(session, bob, LATER, actor="admin:root")
    assert (bob.paused_at, bob.pause_stands, bob.paused_by_id) == (None, None, None)
    assert not resume(session, bob, LATER, actor="admin:root")


def test_both_are_recorded_answer_the_alarm_and_have_the_limits_compared(session: Session) -> None:
    bob, carol, row = who(session, "bob"), who(session, "carol"), account(session, "bob")
    Alarm.begin(session, bob.id, 1, NOW, None)
    pause(session, bob, NOW, actor=f"member:{carol.id}", by=carol, reason="a loop")
    session.refresh(row)
    assert (row.due, Alarm.open_of(session, bob.id)) == (True, None)
    resume(session, bob, LATER, actor="admin:root")
    kept = session.exec(select(Authority).where(Authority.what == "pause").order_by(col(Authority.id))).all()
    paused = f"paused by member:{carol.id}"
    assert [(one.was, one.becomes) for one in kept] == [("goes on", f"{paused}: a loop"), (paused, "goes on")]


@pytest.mark.parametrize("hindrance", ["", "no account", "observed", "edited", "tokens"])
def test_a_pause_stops_a_member_only_where_every_limit_follows(session: Session, hindrance: str) -> None:
    if hindrance != "no account":
        row = account(session, "bob")
        if hindrance == "edited":
            row.written, row.total, row.before = 5, 7, 7
    GatewayState.of(session).enforced = hindrance != "observed"
    session.flush()
    unit = Unit.TOKENS if hindrance == "tokens" else Unit.USD
    assert can_stop(session, who(session, "bob"), unit) is not bool(hindrance)


def test_above_are_managers_owners_and_admins_once_and_nobody_who_left(session: Session) -> None:
    policy = document.parse(POLICY)
    pia, lee = who(session, "pia"), who(session, "lee")
    assert [one.name for one in above(session, policy, pia)] == ["Lee", "Olga", "Ops"]
    assert [one.name for one in above(session, policy, lee)] == ["Olga", "Ops"], "not themselves"
    lee.left_at = NOW
    session.flush()
    assert [one.name for one in above(session, policy, pia)] == ["Olga", "Ops"]


def test_managers_in_a_circle_end(session: Session) -> None:
    who(session, "olga").manager_id = who(session, "alice").id
    session.flush()
    assert [one.name for one in managers(session, who(session, "alice"))] == ["Carol", "Olga"]
