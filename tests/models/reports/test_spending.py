"""What the people who pay see: by team and model and never by person, and a year against its budget."""

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlmodel import Session

from bot.database import Database
from handlers import lending
from handlers.giving import give_to_team
from models.ledger.amount import Unit
from models.ledger.audit import audit
from models.ledger.spend import record
from models.metering.booking import void_usage
from models.metering.reading import Rate
from models.metering.usage import MemberUsage, book, keep
from models.policy.document import parse
from models.quota.fallback import pay
from models.quota.period import Period
from models.reports.member import overview
from models.reports.spending import EVERYBODY, OTHER, Line, ModelUse, by_day, by_model, by_team, period_named
from tests.actions import DECEMBER, USD, after, cause, change, gift, say, spend, turn
from tests.company import NOW, POLICY, who

FALLBACK = parse(f"{POLICY}fallback: {{models: [deepseek-*], amount: 10}}\n")
ZONE = ZoneInfo("Asia/Shanghai")


def november(database: Database, now: datetime = NOW) -> dict[str, Line]:
    def read(session):  # type: ignore[no-untyped-def]
        period = period_named(session, "2026-11", ZONE)
        assert isinstance(period, Period)
        return {f"{line.team}/{line.model}": line for line in by_team(session, period, now)}

    return database.transact(read)


def test_a_period_shows_what_each_team_got_used_lent_and_lost(company: Database) -> None:
    say(company, lending.lend, "alice", "lee", 40 * USD)
    spend(company, "lee", 125)
    gift(company, "pia", 75)
    found = november(company)
    assert (found["design/"].allocation, found["design/"].lent) == (500 * USD, 40 * USD)
    assert (found["payments/"].used, found["payments/"].borrowed) == (125 * USD, 40 * USD)
    assert found["payments/"].granted == 75 * USD
    whole = found[f"{EVERYBODY}/"]
    assert whole.people == 12
    assert whole.allocation == sum(
        line.allocation for name, line in found.items() if name.endswith("/") and line is not whole
    )


def test_what_the_fallback_paid_and_what_was_given_to_teams_stand_apart(company: Database) -> None:
    say(company, give_to_team, "alice", 20 * USD)

    def pay_for(session: Session) -> str:
        bob = who(session, "bob").id
        pay(session, bob, record(session, bob, 515 * USD, cause=cause()), FALLBACK, cause())
        return str(overview(session, who(session, "bob"))["fallback"])

    assert company.transact(pay_for) == "10"
    found = november(company)
    assert (found["design/"].given, found["design/"].fallback, found["design/"].used) == (
        20 * USD,
        10 * USD,
        515 * USD,
    )
    assert (found[f"{EVERYBODY}/"].given, found[f"{EVERYBODY}/"].fallback) == (20 * USD, 10 * USD)


def test_voided_usage_is_not_reported_as_used(company: Database) -> None:
    spend(company, "lee", 125)
    rate = Rate.of(Unit.USD, Decimal(1))
    company.transact(lambda session: void_usage(session, who(session, "lee"), 100 * USD, rate, cause()))
    found = november(company)
    assert found["payments/"].used == sum(
        one.used for name, one in found.items() if name.startswith("payments/") and one.model
    )
    assert found["payments/"].used == 25 * USD


def test_what_the_close_expired_belongs_to_the_period_it_closed(company: Database) -> None:
    spend(company, "alice", 30)
    turn(company, DECEMBER)
    found = november(company, DECEMBER)
    design = found["design/"]
    assert design.expired == design.allocation - 30 * USD
    assert design.forecast == design.used == 30 * USD
    assert found[f"{EVERYBODY}/"].allocation == 1_900 * USD
    assert company.transact(audit).wrong == []


def test_what_was_carried_over_stands_beside_the_new_allocation(company: Database) -> None:
    spend(company, "alice", 30)
    change(company, more="carry_over: {share: 0.5, cap: 20}\n")
    turn(company, DECEMBER)
    found = {line.team: line for line in company.transact(_december) if not line.model}
    assert found["design"].carried == 5 * 20 * USD, "the contractor had nothing"
    assert found[EVERYBODY].carried == sum(line.carried for team, line in found.items() if team != EVERYBODY)
    assert november(company, DECEMBER)["design/"].carried == 0


def _december(session: Session) -> list[Line]:
    period = Period.latest(session)
    assert period is not None
    return by_team(session, period, DECEMBER)


def test_models_are_told_with_their_tokens_and_what_a_million_costs(company: Database) -> None:
    def told(session: Session) -> list[ModelUse]:
        day, period = NOW.date(), Period.latest(session)
        assert period is not None
        rows = [("dear", 30 * USD, 2_000_000), ("free", 0, 500_000)]
        keep(session, [MemberUsage(who(session, "pia").id, day, *row) for row in rows], NOW)
        return by_model(session, period, ZONE)

    dear, free = company.transact(told)
    assert (dear.model, dear.spent, dear.per_million) == ("dear", 30 * USD, 15 * USD)
    assert (free.model, free.tokens, free.per_million) == ("free", 500_000, 0)


def test_the_models_of_a_team_add_up_to_what_it_used(company: Database) -> None:
    spend(company, "alice", 30)
    spend(company, "bob", 12)
    found = november(company)
    parts = [line.used for name, line in found.items() if line.team == "design" and line.model]
    assert sum(parts) == found["design/"].used == 42 * USD


def test_what_a_gateway_metered_as_a_sum_is_told_by_the_models_it_named(company: Database) -> None:
    def meter(session: Session) -> None:
        alice, bob = (who(session, name).id for name in ("alice", "bob"))
        for member, usd in ((alice, 30), (bob, 12)):
            record(session, member, usd * USD, cause=cause(NOW, "gateway"))
        used = ((alice, "claude", 20), (alice, "gpt", 10), (bob, "gpt", 5))
        keep(session, [MemberUsage(who_, NOW.date(), model, usd * USD) for who_, model, usd in used], NOW)

    company.transact(meter)
    spend(company, "eve", 1)
    found = {name: line for name, line in november(company).items() if line.team == "design"}
    assert found["design/"].used == 43 * USD
    named = {name: line.used // USD for name, line in found.items() if line.model}
    assert [named.pop(f"design/{model}") for model in ("claude", "gpt", OTHER)] == [20, 15, 7]
    assert list(named.values()) == [1]


def test_two_spellings_of_a_team_are_one_line_of_the_report(company: Database) -> None:
    def respell(session: Session) -> None:
        pia = who(session, "pia")
        pia.team = " PAYMENTS"
        session.add(pia)

    company.transact(respell)
    assert november(company)["payments/"].people == 3
    assert len([one for one in november(company).values() if one.team.strip().lower() == "payments"]) == 1


def test_an_open_period_is_foreseen_at_its_pace(company: Database) -> None:
    spend(company, "alice", 30)
    found = november(company, datetime(2026, 11, 15, 16, tzinfo=UTC))
    assert found["design/"].forecast == 60 * USD


def test_a_day_counts_people_once_however_many_models_they_called(company: Database) -> None:
    spend(company, "alice", 3)
    spend(company, "alice", 4)
    spend(company, "bob", 5)
    spend(company, "bob", 1, after(days=1))
    days = company.transact(lambda session: by_day(session, Period.current(session), ZONE))
    assert [(one.day.day, one.active, one.spent // USD) for one in days] == [(9, 2, 12), (10, 1, 1)]


def test_a_day_counts_the_agents_that_had_a_call_not_only_the_people_they_are_of(company: Database) -> None:
    def meter(session: Session, amount: int, *agents: str, model: str = "claude") -> None:
        used = MemberUsage(who(session, "alice").id, NOW.date(), model, amount * USD, agents=agents)
        book(session, [used], zone=ZONE, cause=cause(NOW, "gateway"))

    for amount, agents, model in (
        (3, ("ide", "ci"), "claude"), (5, ("ide", "ci"), "claude"), (1, ("ci",), "gpt"), (0, ("idle",), "qwen"),
    ):  # fmt: skip
        company.transact(lambda session, a=amount, g=agents, m=model: meter(session, a, *g, model=m))  # type: ignore[misc]
    spend(company, "bob", 2)
    (day,) = company.transact(lambda session: by_day(session, Period.current(session), ZONE))
    assert (day.active, day.people, day.spent) == (3, 2, 8 * USD)


def test_a_month_a_day_and_nothing_name_a_period(company: Database) -> None:
    def starts(name: str | None) -> date | None:
        found = company.transact(lambda session: period_named(session, name, ZONE))
        return found.starts_at.astimezone(ZONE).date() if found else None

    turn(company, DECEMBER)
    assert starts("2026-11") == starts("2026-11-30") == date(2026, 11, 1)
    assert starts(None) == date(2026, 12, 1)
    assert starts("2027-03") is None
