"""What a policy says about authority is recorded rule by rule, with members by id."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import Session, col, select

from models.people.authority import Authority
from models.policy import versions
from models.policy.authority import record_policy
from models.policy.document import parse
from tests.company import NOW, POLICY, who

BY = "admin:root"


def recorded(session: Session) -> list[tuple[str, str, str]]:
    query = select(Authority).where(Authority.actor == BY).order_by(col(Authority.id))
    return [(one.what, one.was, one.becomes) for one in session.exec(query).all()]


def test_only_the_rules_that_change_are_recorded(session: Session) -> None:
    changed = POLICY.replace("manager: 500", "manager: 900").replace("owner: lee@", "owner: pia@")
    versions.record_version(session, changed, NOW, BY)
    lee, pia = (f"member:{who(session, name).id}" for name in ("lee", "pia"))
    assert recorded(session) == [
        ("policy", "version 1", "version 2"),
        ("requests.approve_up_to.manager", "500", "900"),
        ("team payments owner", lee, pia),
    ]


def test_a_staged_policy_is_recorded_when_it_is_applied_and_when_its_day_comes(session: Session) -> None:
    changed, day = POLICY.replace("manager: 500", "manager: 900"), NOW.date() + timedelta(days=2)
    version = versions.stage_once(session, changed, NOW, BY, day)
    versions.put_in_force(session, version, NOW + timedelta(days=2))
    assert recorded(session) == [
        ("policy", "", f"version 2 from {day}"),
        ("policy", "version 1", "version 2"),
        ("requests.approve_up_to.manager", "500", "900"),
    ]


def test_of_the_first_policy_every_rule_is_new_and_a_stranger_keeps_the_email(session: Session) -> None:
    first = parse("unit: USD\nadmins: [ops@corp.example, new@corp.example]\nallocations: []\n")
    record_policy(session, None, (1, first), at=NOW, by=BY)
    rows = {what: (was, becomes) for what, was, becomes in recorded(session)}
    assert rows["policy"] == ("", "version 1")
    assert rows["admins"] == ("", f"member:{who(session, 'ops').id}, new@corp.example")
    assert all(was == "" for was, _ in rows.values())
