"""Owners of teams read on Monday morning what last week was; nobody else, and only where the policy wants it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlmodel import Session

from handlers import requests
from handlers.clock.weekly import write_to_owners
from models.metering.usage import ActiveAgent
from tests.actions import USD, ctx
from tests.company import CAST, NOW, who
from tests.handlers.test_policy_effects import rules, spend
from tests.outbox_reader import by, heard, told

MONDAY = NOW + timedelta(days=7)
"""Monday 16 November, 10:00 in Shanghai."""
WEEKLY = "alerts: {weekly: true}\n"


def write(session: Session, **later: float) -> list[str]:
    """Who is written to at that moment."""
    before = {name: len(told(session, name)) for name in CAST}
    write_to_owners(ctx(session, MONDAY + timedelta(**later)))
    return sorted(name for name, number in before.items() if len(told(session, name)) > number)


def agents(session: Session, name: str, day: int, number: int) -> None:
    for one in range(number):
        session.add(ActiveAgent(member_id=who(session, name).id, day=date(2026, 11, day), agent=f"key{one}"))
    session.flush()


def test_an_owner_reads_spend_agents_forecast_and_what_waits(session: Session) -> None:
    rules(session, more=WEEKLY)
    spend(session, "pia", 60, days=1)
    spend(session, "quinn", 10, days=6)
    agents(session, "pia", 10, 7)
    agents(session, "quinn", 11, 14)
    requests.request(by(session, "pia", now=NOW), 40 * USD)
    assert write(session) == ["lee", "olga"]
    text = heard(session, "olga")
    assert text.splitlines()[0] == "Last week: engineering"
    assert "Used: $70.00 (the week before: $0.00)" in text
    assert "Active agents: 3 a day, 14 at most" in text
    assert "By 30 Nov at this pace: $13" in text
    assert "Waiting for a decision: 1 in your teams, 0 of all for you" in text
    assert "等待审批: 你的团队 1 条，等你处理共 1 条" in heard(session, "lee")
    assert [one.action for one in told(session, "lee")[-1].buttons] == ["budget.open", "pending.open"]


def test_once_a_monday_and_in_the_morning_of_the_owner(session: Session) -> None:
    rules(session, more=WEEKLY)
    spend(session, "pia", 60, days=1)
    olga = who(session, "olga")
    olga.timezone = "America/New_York"
    session.add(olga)
    session.flush()
    assert write(session, hours=-2) == [], "eight in the morning"
    assert write(session) == ["lee"]
    assert write(session, hours=1) == []
    assert write(session, hours=11.9) == [], "it is not nine in New York yet"
    assert write(session, hours=12) == ["olga"]
    assert write(session, days=1) == []
    assert write(session, days=7) == ["lee"]


@pytest.mark.parametrize("policy", ["", "alerts: {weekly: false}\n"])
def test_where_the_policy_does_not_want_it_nobody_is_written_to(session: Session, policy: str) -> None:
    rules(session, more=policy)
    spend(session, "pia", 60, days=1)
    assert write(session) == []


def test_an_owner_of_a_silent_team_is_not_bothered(session: Session) -> None:
    rules(session, more=WEEKLY)
    spend(session, "alice", 60, days=1)
    assert write(session) == [], "nobody owns design"


def test_on_a_holiday_it_waits_for_the_next_waking_hour(session: Session) -> None:
    from sqlmodel import col, select  # noqa: PLC0415

    from models.messages.outbox import Effect  # noqa: PLC0415

    rules(session, more=WEEKLY + "quiet: {days: [mon, sat, sun]}\n")
    spend(session, "pia", 60, days=1)
    write(session)
    newest = session.exec(select(Effect).where(Effect.kind == "say").order_by(col(Effect.id).desc())).first()
    assert newest is not None
    assert newest.due_at.isoformat() == "2026-11-17T00:00:00+00:00"
