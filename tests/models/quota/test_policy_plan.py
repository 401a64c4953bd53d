"""What a policy would change, before it is applied."""

from __future__ import annotations

import pytest
from sqlmodel import Session, select

from models.policy.document import parse
from models.policy.yaml_tree import PolicyError
from models.quota.allocation import Allowance
from models.quota.closing import advance, begin_turn
from models.quota.policy_plan import PolicyPlan, spent_before, whole_bases
from tests.actions import DECEMBER, USD, spent
from tests.company import NOW, POLICY, who


def plan(session: Session, *swap: str, more: str = "") -> PolicyPlan:
    return PolicyPlan.of(session, parse((POLICY.replace(*swap) if swap else POLICY) + more))


def test_the_same_policy_again_is_an_empty_plan_with_everybody_in_it(session: Session) -> None:
    who(session, "eve").left_at = NOW
    session.flush()
    found = plan(session)
    assert (found.empty, found.first, found.people, found.cuts) == (True, False, 11, 0)


def test_changes_name_people_and_settings_and_count_the_cuts(session: Session) -> None:
    found = plan(session, "amount: 500", "amount: 400", more="lending: {keep_share: 0}\n")
    assert {(one.before // USD, one.after // USD) for one in found.changes} == {(500, 400)}
    assert (found.cuts, found.settings) == (2, ["allocations", "lending"])


def test_a_policy_about_nobody_is_refused_with_every_reason(session: Session) -> None:
    with pytest.raises(PolicyError) as no:
        plan(session, "owner: lee@", "owner: lea@", more="admin_channel: {slack: C1}\nalerts: {}\n")
    assert [one.key for one in no.value.problems] == ["teams[1].owner"]
    with pytest.raises(PolicyError, match="cannot become CNY"):
        plan(session, "unit: USD", "unit: CNY")


def test_a_joiners_whole_base_is_the_amount_of_their_rule_and_not_the_part_posted(session: Session) -> None:
    alice = who(session, "alice")
    given = session.exec(select(Allowance).where(Allowance.member_id == alice.id)).one()
    given.since, given.base = NOW, 70 * USD
    session.flush()
    assert whole_bases(session, parse(POLICY), [alice]) == {alice.id: 100 * USD}
    given.rule = -1
    session.flush()
    assert whole_bases(session, parse(POLICY), [alice]) == {alice.id: 0}, "no rule gave them anything"


def test_spend_of_the_last_closed_period_is_added_up_by_team_in_any_spelling(session: Session) -> None:
    assert spent_before(session) == {}
    who(session, "bob").team = "Design"
    for name, usd in (("alice", 5), ("bob", 6), ("pia", 7)):
        spent(session, name, usd)
    _turn(session)
    spent(session, "alice", 50, DECEMBER)
    assert {team: usd // USD for team, usd in spent_before(session).items() if usd} == {
        "design": 11,
        "payments": 7,
    }


def _turn(session: Session) -> None:
    begin_turn(session, DECEMBER)
    while advance(session, DECEMBER):
        pass
