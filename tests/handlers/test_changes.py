"""What a changed policy means to somebody, and what an owner sees of a team."""

from datetime import date

from sqlmodel import Session

from bot.database import Database
from handlers import balance, lending, team
from models.policy.versions import record_version
from models.quota.policy_change import move_on
from tests.actions import DECEMBER, USD, after, available, change, say, spend, turn
from tests.company import NOW, POLICY, who


def test_a_change_of_this_period_stands_beside_the_balance(company: Database) -> None:
    change(company, ("amount: 100", "amount: 80\n    reason: the spring is over"), now=after(days=3))
    text = say(company, balance.balance, "alice", now=after(days=4)).text
    assert "Since 12 Nov: $100.00 → $80.00 a period. Why: the spring is over" in text
    assert "Since" not in say(company, balance.balance, "pia", now=after(days=4)).text


def test_in_the_next_period_it_is_no_news(company: Database) -> None:
    change(company, ("amount: 100", "amount: 80"), now=after(days=3))
    turn(company, DECEMBER)
    assert "Since" not in say(company, balance.balance, "alice", now=DECEMBER).text


def test_a_staged_policy_says_from_when_and_how_much(company: Database) -> None:
    staged = POLICY.replace("amount: 100", "amount: 120")
    company.transact(lambda session: record_version(session, staged, NOW, "ops", date(2026, 12, 1)))
    assert "From 1 Dec your quota is $120.00 a period." in say(company, balance.balance, "alice").text
    assert "从12月1日起，你每期的额度为 $120.00" in say(company, balance.balance, "bob").text
    assert "From" not in say(company, balance.balance, "pia").text


def test_a_day_of_the_policy_is_the_same_everywhere(company: Database) -> None:
    def move(session: Session) -> None:
        alice = who(session, "alice")
        alice.timezone = "America/Los_Angeles"
        session.add(alice)

    company.transact(move)
    staged = POLICY.replace("amount: 100", "amount: 120")
    company.transact(lambda session: record_version(session, staged, NOW, "ops", date(2026, 12, 1)))
    assert "From 1 Dec" in say(company, balance.balance, "alice").text
    while company.transact(lambda session: move_on(session, DECEMBER)):
        pass
    assert "Since 1 Dec: $100.00 → $120.00" in say(company, balance.balance, "alice", now=DECEMBER).text


def test_an_owner_sees_the_organisations_year(company: Database) -> None:
    change(company, more="organisation: {year_budget: 24000}\n")
    facts = dict(say(company, team.team, "olga").facts)
    assert facts["The organisation's year"].startswith("$0.00 of $24,000.00")
    assert "The organisation's year" not in dict(say(company, team.team, "carol").facts)


def test_an_owner_of_two_teams_sees_which_budget_is_which(company: Database) -> None:
    change(company, ("owner: olga@corp.example}", "owner: lee@corp.example, top_up_budget: 300}"))
    facts = dict(say(company, team.team, "lee").facts)
    assert facts["追加预算剩余 · engineering"] == "$300.00 / $300.00"
    assert facts["追加预算剩余 · payments"] == "$1,000.00 / $1,000.00"


def test_a_team_bears_its_owners_name_for_it_and_reports_are_called_reports(company: Database) -> None:
    assert say(company, team.team, "olga").title == "Team engineering"
    assert say(company, team.team, "carol").title == "Your direct reports", (
        "not all of her team, and only hers"
    )


def test_after_a_close_the_balance_says_why_it_is_not_the_base(company: Database) -> None:
    say(company, lending.lend, "alice", "eve", 50 * USD)
    spend(company, "eve", 160)
    spend(company, "bob", 130)
    turn(company, DECEMBER)

    def text(name: str) -> str:
        return str(say(company, balance.balance, name, now=DECEMBER).text)

    assert (
        "At the opening: $100.00 given, $10.00 taken for what you had overspent, $50.00 repaid to colleagues."
        in text("eve")
    )
    assert "At the opening: $100.00 given, $50.00 repaid to you." in text("alice")
    assert "本期开始时：分配 $100.00、补足上期超用 $30.00。" in text("bob")
    assert "opening" not in text("carol")
    assert [available(company, name) for name in ("eve", "alice", "bob")] == [40, 150, 70]


def test_what_was_carried_over_is_said(company: Database) -> None:
    change(company, more="carry_over: {share: 0.5}\n")
    spend(company, "alice", 60)
    turn(company, DECEMBER)
    text = say(company, balance.balance, "alice", now=DECEMBER).text
    assert "At the opening: $100.00 given, $20.00 carried over." in text
