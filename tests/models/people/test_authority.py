"""The record of authority: each change is a row with actor, time, before and after."""

from __future__ import annotations

import re
from datetime import timedelta

from sqlmodel import Session, col, select

from bot.database import Database
from bot.people.sync import apply, survey
from handlers import delegations
from models.people.authority import Authority
from models.people.linking import carry_out, compare
from models.people.member import Member
from models.people.profile import Profile, learn
from models.quota.leaving import leave
from tests.company import NOW, asks, who

Row = tuple[str, str, str, str]


def record(database: Database, actor: str) -> list[Row]:
    """What one actor changed: what, whose, before, after."""

    def read(session: Session) -> list[Row]:
        rows = session.exec(
            select(Authority).where(Authority.actor == actor).order_by(col(Authority.id))
        ).all()
        return [
            (one.what, _name(session, one.member_id), _named(session, one.was), _named(session, one.becomes))
            for one in rows
        ]

    return database.query(read)


def _name(session: Session, member_id: int | None) -> str:
    return session.get_one(Member, member_id).name if member_id else ""


def _named(session: Session, words: str) -> str:
    return re.sub(r"member:(\d+)", lambda found: _name(session, int(found[1])), words)


def test_an_import_keeps_managers_teams_ids_and_joiners(company: Database) -> None:
    data = b"""name,email,manager_email,team,slack_id
Alice,alice@corp.example,olga@corp.example,payments,U99
Zoe,zoe@corp.example,alice@corp.example,design,U98
"""
    company.transact(lambda session: apply(session, survey(session, data), NOW, actor="admin:root"))
    assert record(company, "admin:root") == [
        ("joined", "Zoe", "away", "here, team design, manager Alice, slack U98"),
        ("manager", "Alice", "Carol", "Olga"),
        ("team", "Alice", "design", "payments"),
        ("slack", "Alice", "U01ALICE", "U99"),
    ]


def test_a_delegation_and_a_leaving_are_kept_with_their_ends(company: Database) -> None:
    until = NOW.date() + timedelta(days=3)
    company.transact(
        lambda session: delegations.delegate(asks(session, "carol"), who(session, "eve"), until) and None
    )
    carol = company.query(lambda session: f"member:{who(session, 'carol').id}")
    assert record(company, carol) == [("delegation", "Carol", "", "Eve until 2026-11-12T16:00:00+00:00")]
    company.transact(lambda session: leave(session, who(session, "eve"), NOW, "admin:root"))
    assert record(company, "admin:root") == [
        ("delegation", "Carol", "Eve until 2026-11-12T16:00:00+00:00", ""),
        ("left", "Eve", "here", "away"),
    ]


def test_a_link_is_kept_with_the_id_that_it_replaces(company: Database) -> None:
    there = [("slack:U77", Profile("member", "Max", "max@corp.example"))]
    company.transact(
        lambda session: carry_out(session, compare(session, "slack", there), there, NOW, "admin:root")
    )
    assert record(company, "admin:root") == [("slack", "Max", "U12MAX", "U77")]
    profile = Profile("member", "Max", "max@corp.example")
    company.transact(lambda session: learn(session, "dingtalk:max1", profile, NOW, link_by_email=True))
    assert record(company, "dingtalk e-mail") == [("dingtalk", "Max", "", "max1")]
