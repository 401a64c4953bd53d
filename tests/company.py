"""The company of every test: a policy, twelve people, and a Monday in November."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlmodel import Session, select

from bot.database import Database
from handlers.context import RequestContext
from models.people.member import Address, Member
from models.policy import document, versions
from models.quota.closing import advance, open_first

NOW = datetime(2026, 11, 9, 2, 0, tzinfo=UTC)
"""Monday 9 November 2026, 10:00 in Shanghai."""

POLICY = """\
unit: USD
timezone: Asia/Shanghai
period: monthly
admins: [ops@corp.example]
allocations:
  - match: {employment: contractor}
    amount: 0
  - match: {team: payments, role: engineer}
    amount: 500
    reason: on-call tooling
  - match: {}
    amount: 100
gateway: {per_usd: 1}
free_models: [hunyuan, deepseek-v4-flash]
teams:
  - {name: engineering, owner: olga@corp.example}
  - {name: payments, parent: engineering, owner: lee@corp.example, top_up_budget: 1000}
requests:
  approve_up_to: {manager: 500, owner: 5000}
  fallback_approvers: [cfo@corp.example]
"""

CAST = {  # name: (slack id, manager, team, role, employment, locale)
    "alice": ("U01ALICE", "carol", "design", "designer", "employee", "en"),
    "bob": ("U02BOB", "carol", "design", "designer", "employee", "zh"),
    "carol": ("U03CAROL", "olga", "design", "lead", "employee", "en"),
    "olga": ("U04OLGA", None, "engineering", "vp", "employee", "en"),
    "lee": ("U05LEE", "olga", "payments", "lead", "employee", "zh"),
    "pia": ("U06PIA", "lee", "payments", "engineer", "employee", "en"),
    "quinn": ("U07QUINN", "lee", "payments", "engineer", "employee", "en"),
    "dan": ("U08DAN", "carol", "design", "designer", "contractor", "en"),
    "eve": ("U09EVE", "carol", "design", "designer", "employee", "en"),
    "cfo": ("U10CFO", None, "finance", "cfo", "employee", "en"),
    "ops": ("U11OPS", None, "it", "admin", "employee", "en"),
    "max": ("U12MAX", None, "design", "designer", "employee", "en"),
}


def settle_company(database: Database, policy: str = POLICY, now: datetime = NOW) -> None:
    """Write the people and the policy, and open November."""
    database.transact(lambda session: _people(session, now))
    version = database.transact(lambda session: versions.record_version(session, policy, now, "ops"))
    database.transact(lambda session: open_first(session, now, version, document.parse(policy)) and None)
    while database.transact(lambda session: advance(session, now)):
        pass


def _people(session: Session, now: datetime) -> None:
    members = {}
    for name, (_, _, team, role, employment, locale) in CAST.items():
        email = f"{name}@corp.example"
        members[name] = Member(
            name=name.capitalize(),
            email=email,
            gateway_id=email,
            team=team,
            role=role,
            employment=employment,
            locale=locale,
            joined_at=now,
        )
        session.add(members[name])
    session.flush()
    for name, (slack, manager, *_) in CAST.items():
        members[name].manager_id = members[manager].id if manager else None
        session.add(members[name])
        Address.give(session, members[name], f"slack:{slack}")
    session.flush()


def who(session: Session, name: str) -> Member:
    return session.exec(select(Member).where(Member.email == f"{name}@corp.example")).one()


def asks(
    session: Session, name: str, now: datetime = NOW, key: str = "test", **more: object
) -> RequestContext:
    """A RequestContext in which this person asks something."""
    current = versions.current(session)
    assert current is not None
    me = who(session, name)
    return RequestContext(  # type: ignore[arg-type]
        session=session,
        now=now,
        key=key,
        version=current[0],
        policy=current[1],
        me=me,
        actor=f"member:{me.id}",
        **{"messenger": "slack", **more},
    )
