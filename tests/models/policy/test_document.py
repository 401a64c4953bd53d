"""The rules an admin writes: what is read, what is refused and where."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.ledger.amount import Unit
from models.policy.calendar import Cadence, Quiet
from models.policy.document import Policy, parse
from models.policy.yaml_tree import PolicyError
from tests.policies import EXAMPLE, SMALLEST, complaints

NOW = datetime(2026, 12, 1, 4, tzinfo=UTC)


def rules(text: str) -> Policy:
    return parse(SMALLEST + dedent(text))


# --- what is read ----------------------------------------------------------------------------------------------------


def test_the_example_is_a_policy_and_says_what_the_interface_says() -> None:
    policy = parse(EXAMPLE.read_text(encoding="utf-8"))
    assert (policy.unit, policy.timezone, policy.period) == (Unit.USD, "Asia/Shanghai", Cadence("monthly"))
    assert policy.admins == ("ops@corp.example",)
    assert policy.admin_channel["slack"] == "C0OPS"
    assert [rule.amount for rule in policy.allocations] == [0, 500_000_000, 100_000_000]
    assert policy.free_models == ("hunyuan", "deepseek-v4-flash")
    assert policy.teams[0].top_up_budget == 5_000_000_000
    assert policy.lending.keep_share == Decimal("0.2")
    assert (policy.ceiling("manager"), policy.ceiling("owner")) == (500_000_000, 5_000_000_000)
    assert policy.requests.escalate_after == timedelta(hours=24)
    assert policy.quiet == Quiet((time(20), time(8)), frozenset({5, 6}), (("CN", ()),))
    assert policy.alerts.at == (Decimal("0.8"), Decimal("0.95"), Decimal("1.0"))
    assert policy.alerts.surge is not None
    assert policy.alerts.surge.within == timedelta(hours=1)


def test_what_is_left_out_takes_the_defaults_of_the_example() -> None:
    example, smallest = parse(EXAMPLE.read_text(encoding="utf-8")), parse(SMALLEST)
    assert smallest.least_loan == example.least_loan  # the default depends on the unit
    assert smallest.lending == example.lending.model_copy(update={"least": None})
    assert smallest.quiet_time == example.quiet_time.model_copy(update={"holidays": ()})
    for section in ("carry_over", "period"):
        assert getattr(smallest, section) == getattr(example, section), section
    named = {"amount": None, "tell": ("person",), "then_pause_after": None}  # the example names more
    assert example.alerts.surge is not None
    assert smallest.alerts.at == example.alerts.at
    assert smallest.alerts.surge == example.alerts.surge.model_copy(update=named)
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


def test_holidays_are_of_a_country_or_of_countries_with_zones() -> None:
    base = "unit: USD\nallocations: [{match: {}, amount: 1}]\nquiet: {holidays: %s}\n"
    assert parse(base % "CN").quiet_time.holidays == (("CN", ()),)
    assert parse(base % "{de-by: Europe/Berlin}").quiet_time.holidays == (("DE-BY", ("Europe/Berlin",)),)
    assert parse(base % "null").quiet_time.holidays == ()
    for wrong in ("XX", "DE-XX", "[CN]", "{CN: Nowhere}", "{CN: []}", "7"):
        with pytest.raises(PolicyError, match=r"quiet\.holidays"):
            parse(base % wrong)
