"""The policies that a history may have, as YAML and as terms of the reference ledger."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from tests.company import POLICY
from tests.reference_terms import Terms

USD = 1_000_000
SHANGHAI = ZoneInfo("Asia/Shanghai")
APPROVERS = ("carol", "lee", "olga", "cfo", "eve")
"""People who may hand their approvals over, and become somebody's manager."""
MOVERS = ("alice", "bob", "eve")
"""People whose base does not depend on their team."""
LEAVERS = ("alice", "bob", "carol", "dan", "lee", "pia")

AMOUNTS = st.sampled_from(
    [1, 333_333, 5 * USD, 19_999_999, 20 * USD, 40 * USD, 80 * USD, 100 * USD, 450 * USD]
)
ASKED = st.sampled_from([20 * USD, 30 * USD, 100 * USD, 450 * USD, 800 * USD])
SOME = st.one_of(st.none(), AMOUNTS)
PEOPLE = st.integers(0, 6)


def policy_text(terms: Terms) -> str:
    usd = {name: Decimal(amount) / USD for name, amount in terms.bases.items()}
    written = (
        POLICY.replace("amount: 500", f"amount: {usd['pia']}")
        .replace("amount: 100\n", f"amount: {usd['*']}\n")
        .replace("top_up_budget: 1000", f"top_up_budget: {Decimal(terms.budget) / USD}")
    )
    if terms.auto:
        rule = f"{{share: {terms.auto_share}, per_period: {terms.auto}}}"
        written = written.replace("requests:\n", f"requests:\n  auto_approve: {rule}\n")
    return written + (
        f"lending: {{least: 0, keep_share: {terms.keep}, max_open_as_borrower: {terms.most_loans}, "
        f"max_borrowed_share: {terms.borrowed}, repay_share: {terms.repay}}}\n"
        f"carry_over: {{share: {terms.carry}{'' if terms.cap is None else f', cap: {Decimal(terms.cap) / USD}'}}}\n"
    )


def terms_of(base: int, engineer: int, budget: int, **more: Any) -> Terms:
    return Terms({"*": base, "pia": engineer, "quinn": engineer, "dan": 0}, budget, **more)


TERMS = (
    terms_of(100 * USD, 500 * USD, 1000 * USD, auto=1, auto_share=Decimal("0.2")),
    terms_of(
        100 * USD,
        500 * USD,
        1000 * USD,
        carry=Decimal("0.333333"),
        keep=Decimal("0.1"),
        repay=Decimal("0.3"),
        auto=2,
        auto_share=Decimal("0.25"),
    ),
    terms_of(33_333_333, 60 * USD, 50 * USD, carry=Decimal(1), cap=7 * USD, most_loans=1),
    terms_of(
        250 * USD,
        90 * USD,
        0,
        keep=Decimal(0),
        borrowed=Decimal("0.5"),
        repay=Decimal(1),
        carry=Decimal("0.5"),
    ),
    terms_of(0, 1, 2000 * USD, keep=Decimal(1)),
)
