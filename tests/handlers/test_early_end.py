"""Whose quota will be gone long before the period ends hears it once a period, with what to do; nobody for noise."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session

from models.people.member import Member
from tests.company import who
from tests.handlers.test_policy_effects import alarm, rules, spend

CALM = "alerts: {surge: null}\n"


def work(session: Session, name: str, usd: float, days: int, first: int = 0) -> None:
    """So much a day, on `days` days."""
    for day in range(first, first + days):
        spend(session, name, usd, days=day)


def test_an_early_end_is_told_once_with_the_day_what_would_last_and_what_to_do(session: Session) -> None:
    rules(session, more=CALM)
    work(session, "alice", 12, 4)
    (text,) = alarm(session, "alice", days=3, hours=1)
    assert text == (
        "At this pace your quota is gone on **20 Nov**, 10 days before the period ends: **$52.00** left, $6.85 a day.\n"
        "Most of it: m12 $48.00.\n"
        "$76.00 more would last to the end.\n"
        "Ask your manager for it, borrow from a colleague, or take smaller models till then."
    )
    spend(session, "alice", 12, days=4)
    assert alarm(session, "alice", days=4, hours=1) == []


def test_in_chinese_too(session: Session) -> None:
    rules(session, more=CALM)
    work(session, "bob", 12, 4)
    (text,) = alarm(session, "bob", days=3, hours=1)
    assert text.startswith(
        "按目前每天 $6.85 的速度，你剩下的 **$52.00** 将在**11月20日**用完，比期末早 10 天。"
    )


@pytest.mark.parametrize(
    "usd",
    [4, 25],  # it lasts nearly to the end; four fifths are reached, and that is said instead
)
def test_no_early_end_where_it_lasts_or_a_level_says_it(session: Session, usd: float) -> None:
    rules(session, more=CALM)
    work(session, "alice", usd, 4)
    assert not any("At this pace" in one for one in alarm(session, "alice", days=3, hours=1))


def test_one_batch_is_no_pace(session: Session) -> None:
    rules(session, more=CALM)
    spend(session, "alice", 60)
    assert alarm(session, "alice", hours=2) == []


def test_a_surge_of_today_is_not_told_twice(session: Session) -> None:
    rules(session, more="alerts: {surge: {share: 0.2}}\n")
    work(session, "alice", 10, 3)
    spend(session, "alice", 22, days=3)
    (text,) = alarm(session, "alice", days=3, minutes=1)
    assert "Is that you?" in text
    assert alarm(session, "alice", days=3, hours=3) == []
    spend(session, "alice", 2, days=5)
    assert any("At this pace" in one for one in alarm(session, "alice", days=5, hours=1))


def test_a_surge_and_the_level_that_it_reaches_are_one_message(session: Session) -> None:
    spend(session, "alice", 85)
    (text,) = alarm(session, "alice", minutes=5)
    assert "You spent **$85.00**" in text
    assert "You have used 85% of your quota: **$15.00** left." in text
    assert alarm(session, "alice", minutes=9) == []


@pytest.mark.parametrize(("base", "hears"), [("4", False), ("40", True)])
def test_of_a_tiny_quota_nothing_is_foretold(session: Session, base: str, hears: bool) -> None:
    from models.quota.allocation import adjust  # noqa: PLC0415
    from tests.company import NOW  # noqa: PLC0415

    policy = rules(session, ("amount: 100", f"amount: {base}"), more=CALM)
    after: int | None = 0
    while after is not None:
        after, _ = adjust(session, NOW, 2, policy, after)
    work(session, "alice", float(base) * 0.12, 4)
    assert bool(alarm(session, "alice", days=3, hours=1)) == hears


def test_who_is_paused_hears_nothing(session: Session) -> None:
    rules(session, more=CALM)
    work(session, "alice", 12, 4)
    alice: Member = who(session, "alice")
    alice.paused_at = alice.joined_at + timedelta(days=1)
    session.add(alice)
    assert alarm(session, "alice", days=3, hours=1) == []
