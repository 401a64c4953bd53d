"""The rules an admin writes: what is read, what is refused and where, who gets what, which version is in force."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session, SQLModel, create_engine

from models.amount import Unit
from models.calendar import Cadence, Quiet
from models.member import Member
from models.policy import (
    Policy,
    PolicyError,
    UnitChanged,
    current,
    due,
    parse,
    put_in_force,
    record_version,
)
from models.policy_check import check, plan

NOW = datetime(2026, 12, 1, 4, tzinfo=UTC)
EXAMPLE = Path(__file__).parents[2] / "policy.example.yaml"
SMALLEST = "unit: USD\nallocations: [{match: {}, amount: 100}]\n"


@pytest.fixture
def session() -> Iterator[Session]:
    engine = create_engine("sqlite://")
    SQLModel.metadata.create_all(engine)
    with Session(engine) as session:
        yield session
    engine.dispose()


def person(number: int, name: str, **columns: object) -> Member:
    email = f"{name.lower()}@corp.example"
    return Member(id=number, name=name, email=email, gateway_id=email, joined_at=NOW, **columns)


def rules(text: str) -> Policy:
    return parse(SMALLEST + dedent(text))


def complaints(text: str) -> list[str]:
    with pytest.raises(PolicyError) as refused:
        parse(dedent(text))
    return [str(problem) for problem in refused.value.problems]


def complaint(text: str) -> str:
    """The one thing that is wrong below the smallest policy, which has two lines."""
    (only,) = complaints(SMALLEST + dedent(text))
    return only


# --- what is read ----------------------------------------------------------------------------------------------------


def test_the_example_is_a_policy_and_says_what_the_interface_says() -> None:
    policy = parse(EXAMPLE.read_text(encoding="utf-8"))
    assert (policy.unit, policy.timezone, policy.period) == (Unit.USD, "Asia/Shanghai", Cadence("monthly"))
    assert policy.admins == ("ops@corp.example",)
    assert policy.admin_channel.slack == "C0OPS"
    assert [rule.amount for rule in policy.allocations] == [0, 500_000_000, 100_000_000]
    assert policy.free_models == ("hunyuan", "deepseek-v4-flash")
    assert policy.teams[0].top_up_budget == 5_000_000_000
    assert policy.lending.keep_share == Decimal("0.2")
    assert (policy.ceiling("manager"), policy.ceiling("owner")) == (500_000_000, 5_000_000_000)
    assert policy.requests.escalate_after == timedelta(hours=24)
    assert policy.quiet == Quiet((time(20), time(8)), frozenset({5, 6}))
    assert policy.alerts.at == (Decimal("0.8"), Decimal("0.95"), Decimal("1.0"))
    assert policy.alerts.surge is not None
    assert policy.alerts.surge.within == timedelta(hours=1)


def test_what_is_left_out_takes_the_defaults_of_the_example() -> None:
    example, smallest = parse(EXAMPLE.read_text(encoding="utf-8")), parse(SMALLEST)
    for section in ("lending", "quiet_time", "alerts", "carry_over", "period"):
        assert getattr(smallest, section) == getattr(example, section), section
    assert smallest.requests.remind_after == timedelta(hours=4)
    assert smallest.requests.fallback_approvers == ()
    assert (smallest.timezone, smallest.admins, smallest.teams, smallest.free_models) == ("UTC", (), (), ())


def test_without_approve_up_to_there_is_no_ceiling_and_a_half_written_one_is_half_open() -> None:
    assert (rules("").ceiling("manager"), rules("").ceiling("owner")) == (None, None)
    half = rules("requests: {approve_up_to: {manager: 500}}")
    assert (half.ceiling("manager"), half.ceiling("owner")) == (500_000_000, None)


def test_quiet_null_is_no_quiet_time_and_its_halves_have_defaults_of_their_own() -> None:
    assert rules("quiet: null").quiet is None
    assert rules("quiet: {days: []}").quiet == Quiet((time(20), time(8)), frozenset())
    assert rules("quiet: {hours: null, days: [sun]}").quiet == Quiet(None, frozenset({6}))
    assert rules("quiet: {hours: 22:30-24:00}").quiet == Quiet((time(22, 30), time()), frozenset({5, 6}))


@pytest.mark.parametrize(
    ("written", "cadence"),
    [
        ("weekly", Cadence("weekly")),
        ("quarterly", Cadence("quarterly")),
        ("{monthly: 15}", Cadence("monthly", 15)),
    ],
)
def test_a_period_may_be(written: str, cadence: Cadence) -> None:
    assert rules(f"period: {written}").period == cadence


def test_amounts_are_exact_in_the_unit_that_the_file_names() -> None:
    assert parse("unit: CNY\nallocations: [{match: {}, amount: 0.1}]").allocations[0].amount == 100_000
    assert parse("unit: tokens\nallocations: [{match: {}, amount: 500000}]").allocations[0].amount == 500_000
    assert parse("allocations: [{match: {}, amount: 3.000001}]\nunit: USD").allocations[0].amount == 3_000_001


def test_a_rate_is_known_for_dollars_and_else_only_when_somebody_said_it() -> None:
    assert rules("").per_usd == 1
    in_credits = "unit: credits\nallocations: []\n"
    assert parse(in_credits).per_usd is None
    assert parse(in_credits + "gateway: {per_usd: 500}").per_usd == 500


# --- what is refused -------------------------------------------------------------------------------------------------


def test_every_problem_is_named_at_once_with_line_and_key() -> None:
    said = complaints(
        """\
        unit: USD
        timezone: Asia/Shangai
        allocations:
          - match: {team: payments}
            amount: -3
          - {match: {}, amout: 5}
        alocation: 3
        """
    )
    assert said == [
        'policy.yaml:2: timezone: a time zone is needed, such as Asia/Shanghai or UTC, not "Asia/Shangai". Did you mean "Asia/Shanghai"?',
        "policy.yaml:5: allocations[0].amount: must not be negative",
        "policy.yaml:6: allocations[1].amount: is missing",
        'policy.yaml:6: allocations[1].amout: is not a key that is known here. Did you mean "amount"?',
        'policy.yaml:7: alocation: is not a key that is known here. Did you mean "allocations"?',
    ]


def test_the_name_of_the_file_is_the_one_it_was_read_from() -> None:
    with pytest.raises(
        PolicyError, match=r"^rules/new\.yaml:1: unit: must be USD, CNY, credits or tokens, not \"EUR\"$"
    ):
        parse("unit: EUR\nallocations: []", "rules/new.yaml")


@pytest.mark.parametrize(
    ("line", "key", "why"),
    [
        ("lending: {enabled: no}", "lending.enabled", "some readers take `no` for true or false"),
        ("teams: [{name: on}]", "teams[0].name", "some readers take `on` for true or false"),
        ("carry_over: {cap: 1_000}", "carry_over.cap", "without underscores"),
        ("quiet: {hours: 20:00}", "quiet.hours", 'base of 60; put it in quotes: "20:00"'),
        ("carry_over: {cap: 0100}", "carry_over.cap", "octal"),
        ("carry_over: {cap: 0x10}", "carry_over.cap", "another base"),
        ("carry_over: {cap: 1e3}", "carry_over.cap", "without an exponent"),
        ("carry_over: {cap: .nan}", "carry_over.cap", "not a number one can count with"),
        ("period: {monthly: 1_5}", "period.monthly", "without underscores"),
    ],
)
def test_what_yaml_readers_disagree_about_is_refused(line: str, key: str, why: str) -> None:
    said = complaint(line)
    assert said.startswith(f"policy.yaml:3: {key}: ")
    assert why in said


@pytest.mark.parametrize(
    ("line", "key", "why"),
    [
        ("carry_over: {cap: '500'}", "carry_over.cap", 'a number is needed, such as 100, not "500"'),
        ("carry_over: {cap: true}", "carry_over.cap", "a number is needed, such as 100, not true"),
        ("carry_over: {cap: 0.0000001}", "carry_over.cap", "more than six digits after the point"),
        ("carry_over: {cap: 99999999999999}", "carry_over.cap", "more than can be counted in USD"),
        ("carry_over: {share: 20}", "carry_over.share", "from 0 to 1; 20 % is 0.2"),
        ("carry_over: {share: -0.1}", "carry_over.share", "from 0 to 1"),
        ("lending: {max_open_as_borrower: 1.5}", "lending.max_open_as_borrower", "a whole number"),
        ("lending:", "lending", "leave the whole line out for the default"),
        ("lending: {enabled: 1}", "lending.enabled", "must be true or false, not 1"),
        ("admins: ops@corp.example", "admins", "a list is needed"),
        ("admins: [ops]", "admins[0]", 'an e-mail address is needed, not "ops"'),
        ("admins:\n- ops@corp.example\n- 7", "admins[1]", "an e-mail address is needed, not 7"),
        ("period: daily", "period", "must be monthly, {monthly: 15}, weekly or quarterly"),
        ("period: {monthly: 32}", "period", "a day from 1 to 31"),
        ("requests: {channel: fax}", "requests.channel", 'must be card or oa, not "fax"'),
        ("requests: {remind_after: 4}", "requests.remind_after", "such as 30m, 4h or 3d, not 4"),
        ("requests: {remind_after: 0h}", "requests.remind_after", "such as 30m"),
        (
            "requests: {approve_up_to: {manger: 5}}",
            "requests.approve_up_to.manger",
            'Did you mean "manager"?',
        ),
        ("quiet: {hours: '25:00-08:00'}", "quiet.hours", "two times of the day"),
        ("quiet: {hours: '08:00-08:00'}", "quiet.hours", "begins when it ends"),
        ("quiet: {hours: '00:30-00:00'}", "quiet.hours", "less than an hour of the day"),
        ("quiet: {days: [caturday]}", "quiet.days[0]", "must be mon, tue"),
        ("quiet: {days: [mon, tue, wed, thu, fri, sat, sun]}", "quiet.days", "every day is quiet"),
        ("alerts: {surge: {within: soon}}", "alerts.surge.within", "such as 30m"),
        ("gateway: {per_usd: 7}", "gateway.per_usd", "a USD is one USD"),
        ("gateway: {per_usd: 0}", "gateway.per_usd", "more than zero"),
        ("unit: CNY", "unit", "written twice; the first one is on line 1"),
        ("free_models: [[a]]", "free_models[0]", "text is needed"),
        ("? [a]\n: b", "", "a key must be a word"),
    ],
)
def test_a_wrong_value_is_refused_in_a_sentence(line: str, key: str, why: str) -> None:
    said = complaint(line)
    number = 5 if line.startswith("admins:\n") else 3
    assert said.startswith(f"policy.yaml:{number}: {key}: " if key else f"policy.yaml:{number}: ")
    assert why in said


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("{match: , amount: 1}", "{} fits everybody"),
        ("{amount: 1}", "allocations[0].match: is missing"),
        ("{match: {team: [a, b]}, amount: 1}", "one value is needed"),
        ("{match: {vip: true}, amount: 1}", "one value is needed"),
        ("{match: {team: }, amount: 1}", "one value is needed"),
        ("{match: {}, amount: 1.5}", "must be whole: there are no parts of tokens"),
    ],
)
def test_a_wrong_allocation_is_refused(rule: str, why: str) -> None:
    (said,) = complaints(f"unit: tokens\nallocations: [{rule}]")
    assert said.startswith("policy.yaml:2: allocations[0].")
    assert why in said


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", ":1: the file is empty"),
        ("# nothing\n", ":1: the file is empty"),
        ("- 3", ":1: keys and values are needed"),
        ("unit: USD\nperiod:\n\tmonthly: 3", ":3: a tab stands where spaces are needed"),
        ("unit: USD\nperiod: monthly: 3", ":2: a colon where none can stand"),
        ("unit: &u USD\nperiod: *u", ":2: aliases"),
        ("unit: !!python/object/apply:os.system [ls]", ":1: tags"),
        ("a: 1\n---\nb: 2", "one"),
        ("unit: US\0D", ":1: a character that no text file should hold"),
        ("[" * 3000, "nested too deeply"),
        ("unit: [" + "[" * 30 + "]" * 31, "nested too deeply"),
    ],
)
def test_what_is_no_policy_at_all_is_refused(text: str, why: str) -> None:
    said = complaints(text)
    assert any(why in one for one in said)


def test_a_rate_is_asked_for_where_a_gateway_section_of_another_unit_has_none() -> None:
    (said,) = complaints("unit: CNY\nallocations: []\ngateway: {}")
    assert said == "policy.yaml:3: gateway.per_usd: is missing: how many CNY are one USD"


def test_teams_in_a_circle_and_teams_listed_twice_are_refused() -> None:
    said = complaints(
        SMALLEST
        + dedent("""\
        teams:
          - {name: a, parent: b}
          - {name: b, parent: A}
          - {name: alone, parent: alone}
          - {name: B}
          - {name: below, parent: a}
        """)
    )
    assert any("teams[0].parent: goes in a circle: a" in one for one in said)
    assert any("teams[2].parent: goes in a circle: alone → alone" in one for one in said)
    assert any('teams[3].name: "B" is listed twice; the first one is teams[1]' in one for one in said)


@given(st.text(alphabet=st.sampled_from(list("unit:USD \n-[]{}&*!|>'\"%@`#,?~\t0.5éx额")), max_size=60))
def test_whatever_is_written_is_read_or_refused_with_a_line(text: str) -> None:
    problems = ()
    try:
        parse(text)
    except PolicyError as refused:
        problems = refused.problems
    assert all(problem.line >= 1 and problem.why for problem in problems)


# --- who gets what ---------------------------------------------------------------------------------------------------

TEAMS = """
unit: USD
allocations:
  - {match: {team: engineering, role: intern}, amount: 20, reason: learning}
  - {match: {team: engineering}, amount: 200}
  - {match: {cost_center: "0042"}, amount: 70}
  - {match: {team: "", level: 3}, amount: 50}
teams:
  - {name: payments, parent: Engineering, owner: Lee@Corp.Example}
  - {name: engineering, top_up_budget: 5000, parent: company}
"""


def test_the_first_entry_that_matches_wins_and_none_gives_nothing() -> None:
    policy = parse(TEAMS)
    assert policy.base_for({"team": "engineering", "role": "intern"}).amount == 20_000_000
    assert policy.base_for({"team": "engineering", "role": "intern"}).reason == "learning"
    assert policy.base_for({"team": "engineering", "cost_center": "0042"}).rule == 1
    assert policy.base_for({"team": "sales", "cost_center": "0042"}).amount == 70_000_000
    assert policy.base_for({"level": "3"}).amount == 50_000_000
    nothing = policy.base_for({"team": "sales"})
    assert (nothing.amount, nothing.rule) == (0, -1)


def test_a_team_includes_the_teams_below_it_and_spelling_does_not_matter() -> None:
    policy = parse(TEAMS)
    assert policy.base_for({"team": "Payments "}).rule == 1
    assert policy.base_for({"team": "company"}).rule == -1


def test_a_chain_goes_up_through_the_teams_that_are_listed() -> None:
    policy = parse(TEAMS)
    assert [team.name for team in policy.team_chain("PAYMENTS")] == ["payments", "engineering"]
    assert policy.team_chain("sales") == ()
    assert policy.team_chain("") == ()
    found = policy.team("payments")
    assert found is not None
    assert found.owner == "lee@corp.example"


# --- held against people ---------------------------------------------------------------------------------------------


def test_people_teams_and_columns_that_do_not_exist_are_named_with_their_line() -> None:
    policy = parse(
        dedent("""\
        unit: USD
        admins: [ann@corp.example, an@corp.example]
        allocations:
          - {match: {team: paymnts}, amount: 5}
          - {match: {rolle: engineer}, amount: 5}
          - {match: {employment: contracter, email: nobody@corp.example}, amount: 5}
          - {match: {office: Berlin}, amount: 5}
        teams:
          - {name: payments, parent: desing, owner: gone@corp.example}
          - {name: ledger, parent: engineering}
        requests:
          fallback_approvers: [cfo@corp.example]
        """)
    )
    people = [person(1, "Ann", team="design", extra={"office": "Berlin"}), person(2, "Gone", left_at=NOW)]
    assert [str(problem) for problem in check(policy, people)] == [
        'policy.yaml:2: admins[1]: nobody has the e-mail an@corp.example. Did you mean "ann@corp.example"?',
        'policy.yaml:4: allocations[0].match.team: nobody is in a team "paymnts", and it is not listed under teams. Did you mean "payments"?',
        'policy.yaml:5: allocations[1].match.rolle: is not a column of people.csv. Did you mean "role"?',
        "policy.yaml:6: allocations[2].match.email: nobody has the e-mail nobody@corp.example.",
        'policy.yaml:6: allocations[2].match.employment: must be employee, contractor or intern, not "contracter". Did you mean "contractor"?',
        "policy.yaml:9: teams[0].owner: gone@corp.example has left",
        'policy.yaml:9: teams[0].parent: nobody is in a team "desing", and it is not listed under teams. Did you mean "design"?',
        "policy.yaml:12: requests.fallback_approvers[0]: nobody has the e-mail cfo@corp.example.",
    ]


def test_a_policy_about_people_who_exist_has_no_problems() -> None:
    policy = parse(EXAMPLE.read_text(encoding="utf-8"))
    people = [person(n, name, team="engineering") for n, name in enumerate(("Ops", "Lee", "Cfo"))]
    assert check(policy, people) == []


def test_a_plan_names_who_gets_more_or_less_and_why_and_adds_up_the_teams() -> None:
    before, after = parse(SMALLEST), parse(TEAMS)
    people = [
        person(1, "Ann", team="payments"),
        person(2, "Bob", team="sales", extra={"cost_center": "0042"}),
        person(3, "Eve", team="engineering", role="intern"),
        person(4, "Gone", team="payments", left_at=NOW),
        person(5, "Zoe", team="sales"),
    ]
    changes, teams = plan(before, after, people)
    assert [(one.member.name, one.before, one.after, one.reason) for one in changes] == [
        ("Ann", 100_000_000, 200_000_000, "team engineering"),
        ("Bob", 100_000_000, 70_000_000, "cost_center 0042"),
        ("Eve", 100_000_000, 20_000_000, "learning"),
        ("Zoe", 100_000_000, 0, "no entry matches"),
    ]
    assert [(one.team, one.people, one.before, one.after) for one in teams] == [
        ("engineering", 1, 100_000_000, 20_000_000),
        ("payments", 1, 100_000_000, 200_000_000),
        ("sales", 2, 200_000_000, 70_000_000),
    ]


def test_a_plan_of_the_same_policy_is_empty_but_for_what_people_became() -> None:
    policy = parse(TEAMS)
    people = [person(1, "Ann", team="payments"), person(2, "Bob", team="sales")]
    assert plan(policy, policy, people)[0] == []
    (moved,) = plan(policy, policy, people, standing={1: 70_000_000})[0]
    assert (moved.member.name, moved.before, moved.after) == ("Ann", 70_000_000, 200_000_000)
    assert [one.before for one in plan(None, policy, people)[0]] == [0]


# --- versions --------------------------------------------------------------------------------------------------------


def test_before_the_first_apply_there_is_no_policy(session: Session) -> None:
    assert current(session) is None


def test_the_last_one_applied_is_in_force(session: Session) -> None:
    record_version(session, SMALLEST, NOW, "cli")
    second = record_version(session, TEAMS, NOW, "cli")
    found = current(session)
    assert found is not None
    assert found[0] == second == 2
    assert found[1].base_for({"team": "payments"}).amount == 200_000_000
    assert current(session) is not None
    assert found[1] is current(session)[1]  # type: ignore[index]


def test_a_policy_for_a_day_to_come_waits_for_it_in_its_own_zone(session: Session) -> None:
    record_version(session, SMALLEST, NOW, "cli")
    text = TEAMS + "timezone: Asia/Shanghai\n"
    second = record_version(session, text, NOW, "cli", date(2027, 1, 1))
    assert current(session) == (1, parse_of(session))
    assert due(session, datetime(2026, 12, 31, 15, 59, tzinfo=UTC)) is None
    new_year = datetime(2026, 12, 31, 16, tzinfo=UTC)
    waiting = due(session, new_year)
    assert waiting is not None
    assert waiting[0] == second
    put_in_force(session, second, new_year)
    assert current(session)[0] == second  # type: ignore[index]
    assert due(session, new_year) is None


def parse_of(session: Session) -> Policy:
    found = current(session)
    assert found is not None
    return found[1]


def test_a_later_apply_replaces_one_that_still_waits(session: Session) -> None:
    record_version(session, SMALLEST, NOW, "cli")
    record_version(session, TEAMS, NOW, "cli", date(2027, 1, 1))
    third = record_version(session, SMALLEST, NOW, "cli")
    assert due(session, datetime(2027, 2, 1, tzinfo=UTC)) is None
    assert current(session)[0] == third  # type: ignore[index]


def test_a_day_that_has_come_already_is_at_once(session: Session) -> None:
    assert record_version(session, SMALLEST, NOW, "cli", date(2026, 12, 1)) == 1
    assert current(session) is not None


def test_the_unit_is_fixed_after_the_first_apply(session: Session) -> None:
    record_version(session, SMALLEST, NOW, "cli")
    with pytest.raises(UnitChanged) as refused:
        record_version(session, "# new\nunit: tokens\nallocations: []", NOW, "cli")
    (problem,) = refused.value.problems
    assert (problem.line, problem.key) == (2, "unit")
    assert "counted in USD" in problem.why
    assert current(session)[0] == 1  # type: ignore[index]
