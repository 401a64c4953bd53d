"""Owners and admins hear of a budget that passes a threshold or will not last: each once, in one message."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session

from handlers.clock.budgets import warn_of_pools, warn_of_the_year
from models.ledger.account import AccountKind, open_account
from models.ledger.transfer import Cause, Kind, transfer
from models.metering.usage import MemberUsage, book
from models.policy import versions
from models.quota.period import Period
from models.quota.pool import pool_of
from tests.actions import DECEMBER, USD, ZONE, ctx
from tests.company import CAST, NOW, POLICY, who
from tests.outbox_reader import told

LATE = NOW + timedelta(days=16)
"""25 November: the last days of the period."""


def grant(session: Session, usd: int) -> None:
    """Grant Pia a top-up out of the budget of her team."""
    pool = pool_of(session, "payments", Period.current(session).id)
    assert pool is not None
    top_up = open_account(
        session,
        AccountKind.TOP_UP,
        NOW,
        member_id=who(session, "pia").id,
        paid_by_id=pool.id,
        ends_at=DECEMBER,
    )
    cause = Cause(NOW, "admin", f"grant:{usd}")
    transfer(session, Kind.GRANT, usd * USD, source=pool.id, target=top_up, cause=cause)


def rules(session: Session, more: str) -> None:
    versions.record_version(session, POLICY + more, NOW, "ops")


def said(session: Session) -> dict[str, list[str]]:
    """What everybody was told, by name."""
    found = {name: [str(one.text) for one in told(session, name)] for name in CAST}
    return {name: texts for name, texts in found.items() if texts}


def test_owner_and_admins_hear_once_of_each_threshold(session: Session) -> None:
    grant(session, 499)
    warn_of_pools(ctx(session, LATE))
    assert said(session) == {}
    for usd, percent in ((1, 50), (300, 80), (150, 95)):
        grant(session, usd)
        for _ in range(2):
            warn_of_pools(ctx(session, LATE))
        found = said(session)
        assert set(found) == {"lee", "ops"}
        assert f"{percent}%" in found["lee"][-1]
        assert f"{percent}% of the top-up budget is granted" in found["ops"][-1]
    assert [len(one) for one in found.values()] == [3, 3]


def test_thresholds_passed_at_once_are_one_message(session: Session) -> None:
    grant(session, 960)
    warn_of_pools(ctx(session, LATE))
    (text,) = said(session)["ops"]
    assert text == (
        "Team **payments**: 96% of the top-up budget is granted, $960.00 of $1,000.00. **$40.00** is left until 30 Nov.\n"
        "At this pace $1,170.00 would be granted by then. Once the budget is spent, requests of the team are refused; "
        "an admin can raise `top_up_budget` in the policy."
    )


def test_a_forecast_that_passes_the_budget_is_told_once(session: Session) -> None:
    grant(session, 460)
    for at in (NOW, NOW + timedelta(days=1), NOW + timedelta(days=2)):
        warn_of_pools(ctx(session, at))
    (text,) = said(session)["ops"]
    assert text.startswith(
        "Team **payments**: $460.00 of the top-up budget of $1,000.00 is granted, **$540.00** is left"
    )
    assert "\nAt this pace $1,630.00 would be granted by then." in text


def test_the_first_days_of_a_period_foretell_nothing(session: Session) -> None:
    grant(session, 400)
    warn_of_pools(ctx(session, NOW - timedelta(days=3)))
    assert said(session) == {}


def test_a_spent_budget_says_that_nothing_more_can_be_granted(session: Session) -> None:
    grant(session, 1000)
    warn_of_pools(ctx(session, LATE))
    assert "在此之前该团队的申请无法批准" in said(session)["lee"][0]
    assert "would be granted" not in said(session)["ops"][0]


@pytest.mark.parametrize(
    ("levels", "hears"), [("[0.5, 0.8]", {"lee", "ops"}), ("[0.7]", set()), ("[]", set())]
)
def test_the_policy_says_at_which_thresholds(session: Session, levels: str, hears: set[str]) -> None:
    rules(session, f"alerts: {{budget: {levels}}}\n")
    grant(session, 600)
    warn_of_pools(ctx(session, LATE))
    assert set(said(session)) == hears


def test_an_owner_who_is_an_admin_hears_once(session: Session) -> None:
    versions.record_version(session, POLICY.replace("ops@corp", "lee@corp"), NOW, "ops")
    grant(session, 600)
    warn_of_pools(ctx(session, LATE))
    assert {name: len(texts) for name, texts in said(session).items()} == {"lee": 1}


def test_a_team_without_a_budget_warns_nobody(session: Session) -> None:
    warn_of_pools(ctx(session, NOW))
    assert all(told(session, name) == [] for name in ("lee", "olga"))


def spend(session: Session, usd: int) -> None:
    usage = MemberUsage(who(session, "pia").id, NOW.astimezone(ZONE).date(), "m", usd * USD)
    book(session, [usage], zone=ZONE, cause=Cause(NOW, "gateway", f"usage:{usd}"))


def test_admins_and_finance_hear_of_the_organisations_year(session: Session) -> None:
    rules(session, "organisation: {year_budget: 1000}\n")
    spend(session, 510)
    for _ in range(2):
        warn_of_the_year(ctx(session, NOW + timedelta(days=1)))
    text = (
        "The organisation has spent 51% of its budget of the year, $510.00 of $1,000.00. **$490.00** is left."
    )
    assert said(session) == {"cfo": [text], "ops": [text]}, "a day says nothing of a year"


def test_a_year_that_will_not_last_is_told_once_with_the_day(session: Session) -> None:
    rules(session, "organisation: {year_budget: 1000}\n")
    spend(session, 400)
    for _ in range(2):
        warn_of_the_year(ctx(session, NOW + timedelta(days=15)))
    (text,) = said(session)["ops"]
    assert text.startswith("The organisation has spent $400.00 of its budget of $1,000.00 for the year")
    assert "the budget is spent on 29 Dec. It limits nobody: calls go on." in text


def test_an_overspent_year_says_by_how_much(session: Session) -> None:
    rules(session, "organisation: {year_budget: 300}\n")
    spend(session, 400)
    warn_of_the_year(ctx(session, NOW + timedelta(days=15)))
    assert "spent $400.00, $100.00 more than its budget of $300.00" in said(session)["ops"][0]
