"""What a policy changes for each of its lines."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

from sqlmodel import Session, select

from bot.database import Database
from models.policy.document import Policy, parse
from models.quota.allocation import Allowance
from models.quota.policy_effect import line_changes
from models.quota.policy_plan import PolicyPlan
from tests.actions import USD
from tests.company import NOW, POLICY, who


def test_the_changes_by_line_are_those_of_the_plan_for_each_person(company: Database) -> None:
    company.transact(_differ)
    graded = "allocations:\n  - {match: {grade: '9'}, amount: 900}"
    for swap in (("amount: 500", "amount: 400"), ("amount: 100", "amount: 90"), ("allocations:", graded)):
        lines, alone = company.query(partial(_both, after=parse(POLICY.replace(*swap))))
        assert lines == alone
        assert alone


def _differ(session: Session) -> None:
    """Alice joined in the middle, Bob has a column of his own, Eve left."""
    alice = who(session, "alice")
    given = session.exec(select(Allowance).where(Allowance.member_id == alice.id)).one()
    given.since, given.base = NOW, 7 * USD
    who(session, "bob").extra = {"grade": "9"}
    who(session, "eve").left_at = NOW


def _both(session: Session, after: Policy) -> tuple[dict[Any, int], dict[Any, int]]:
    plan = Counter((one.rule, one.before, one.after) for one in PolicyPlan.of(session, after).changes)
    return {one[:3]: one.people for one in line_changes(session, parse(POLICY), after)}, plan
