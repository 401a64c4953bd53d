"""A policy and the people it is for: who gets what, who is unknown, what a change changes."""

from __future__ import annotations

from datetime import UTC, datetime
from textwrap import dedent

from models.people.member import Member
from models.policy.check import check, plan
from models.policy.document import parse
from tests.policies import EXAMPLE, SMALLEST, TEAMS

NOW = datetime(2026, 12, 1, 4, tzinfo=UTC)


def person(number: int, name: str, **columns: object) -> Member:
    email = f"{name.lower()}@corp.example"
    return Member(id=number, name=name, email=email, gateway_id=email, joined_at=NOW, **columns)


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


def test_a_plan_names_those_whose_models_change_though_the_amount_does_not() -> None:
    before = parse("unit: USD\nallocations: [{match: {}, amount: 70}]\n")
    after = parse("unit: USD\nallocations: [{match: {}, amount: 70, models: [internal-*]}]\n")
    (limited,) = plan(before, after, [person(1, "ann")])[0]
    assert (limited.before, limited.after, limited.models) == (70_000_000, 70_000_000, ((), ("internal-*",)))


def test_an_admin_channel_of_an_unknown_messenger_gets_a_hint() -> None:
    text = "unit: USD\nadmin_channel: {slakc: C0OPS, slack: C0OPS}\nallocations: []\n"
    (problem,) = check(parse(text), [])
    assert str(problem).endswith('admin_channel.slakc: is not a messenger. Did you mean "slack"?')


def test_a_zone_with_a_turned_sign_a_channels_name_and_the_examples_people_get_a_hint() -> None:
    text = "unit: USD\ntimezone: Etc/GMT+8\nadmins: [ops@corp.example]\nadmin_channel:\n  slack: #ops\n  dingtalk: '#ops'\nallocations: []\n"
    said = [str(problem) for problem in check(parse(text), [])]
    assert [line.split(":")[1] for line in said] == ["2", "3", "5", "6"]
    for line, hint in zip(
        said,
        (
            'Did you mean "Asia/Shanghai"?',
            "stands in the example",
            "the id of the channel",
            "the id of the channel",
        ),
        strict=True,
    ):
        assert hint in line
    assert check(parse("unit: USD\ntimezone: Etc/GMT-8\nallocations: []"), []) == []
