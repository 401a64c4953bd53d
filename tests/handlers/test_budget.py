"""`budget` in chat: for owners, admins and finance; the figures of the reports."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session

from handlers.budget import budget
from models.policy import versions
from models.quota.period import Period
from models.refusal import BudgetNotForYou
from models.reports.spending import by_team
from tests.company import NOW, POLICY
from tests.handlers.clock.test_budgets import grant, spend
from tests.outbox_reader import by


def text_for(session: Session, name: str) -> str:
    return str(budget(by(session, name, now=NOW + timedelta(minutes=1))).text)


def test_an_admin_sees_every_team_with_spend_forecast_and_what_is_granted(session: Session) -> None:
    spend(session, 90)
    grant(session, 200)
    lines = text_for(session, "ops").splitlines()
    everybody = by_team(session, Period.current(session), NOW + timedelta(minutes=1))[-2:]
    forecast = next(line.forecast for line in everybody if not line.model) / 1_000_000
    assert lines[0] == "The period until 30 Nov"
    assert f"**Everybody** · used $90.00, at this pace ${forecast:,.2f} by its end" in lines
    assert any(
        one.startswith("**payments** · used $90.00") and one.endswith("top-ups: $200.00 of $1,000.00 granted")
        for one in lines
    )


def test_finance_sees_the_same_and_the_year(session: Session) -> None:
    versions.record_version(session, POLICY + "organisation: {year_budget: 12000}\n", NOW, "ops")
    spend(session, 90)
    text = text_for(session, "cfo")
    assert text.splitlines()[0].startswith(
        "**The organisation's year** · $90.00 of $12,000.00, at this pace "
    )
    assert "**design**" in text


def test_an_owner_sees_their_teams_and_those_below_and_nothing_of_others(session: Session) -> None:
    text = text_for(session, "olga")
    assert "**engineering**" in text
    assert "**payments**" in text
    assert "design" not in text
    assert "Everybody" not in text
    assert "engineering" not in text_for(session, "lee")


def test_a_budget_of_a_team_without_people_is_shown(session: Session) -> None:
    from models.ledger.transfer import Cause  # noqa: PLC0415
    from models.policy.document import parse  # noqa: PLC0415
    from models.quota.pool import fit_pools  # noqa: PLC0415

    rules = POLICY.replace(
        "teams:\n", "teams:\n  - {name: events, owner: lee@corp.example, top_up_budget: 70}\n"
    )
    versions.record_version(session, rules, NOW, "ops")
    fit_pools(session, Period.current(session), parse(rules), Cause(NOW, "policy", "pools"))
    assert "**events** · 已用 $0.00，按目前速度期末约 $0.00 · 追加预算：已批 $0.00 / $70.00" in text_for(
        session, "lee"
    )


@pytest.mark.parametrize("name", ["bob", "carol"])
def test_others_are_refused_kindly(session: Session, name: str) -> None:
    with pytest.raises(BudgetNotForYou):
        budget(by(session, name))
