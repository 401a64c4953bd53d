"""Team pools follow the policy's budgets, and the nearest budget above pays."""

from __future__ import annotations

from sqlmodel import Session

from bot.database import Database
from models.ledger.account import AccountKind, open_account
from models.ledger.transfer import Kind, transfer
from models.policy import document
from models.policy.document import Policy
from models.quota.period import Period
from models.quota.pool import fit_pools, funded, pool_for, pool_of
from tests.actions import DECEMBER, USD, cause
from tests.company import POLICY, who


def budget(usd: float) -> Policy:
    """The town's policy with another budget for the payments team."""
    return document.parse(POLICY.replace("top_up_budget: 1000", f"top_up_budget: {usd}"))


def fit(session: Session, usd: int) -> tuple[int, int]:
    """What the pool was given, and what is left of it, after the budget became `usd`; in USD."""
    period = Period.current(session)
    fit_pools(session, period, budget(usd), cause())
    pool = pool_of(session, "payments", period.id)
    assert pool is not None
    session.refresh(pool)
    return funded(session, pool.id) // USD, pool.balance // USD


def grant(session: Session, usd: int) -> None:
    pool = pool_of(session, "payments", Period.current(session).id)
    assert pool is not None
    pia = who(session, "pia").id
    target = open_account(
        session, AccountKind.TOP_UP, DECEMBER, member_id=pia, paid_by_id=pool.id, ends_at=DECEMBER
    )
    transfer(session, Kind.GRANT, usd * USD, source=pool.id, target=target, cause=cause())


def test_a_pool_follows_its_budget_up_and_down(company: Database) -> None:
    assert company.transact(lambda session: fit(session, 1000)) == (1000, 1000)
    assert company.transact(lambda session: fit(session, 1500)) == (1500, 1500)
    assert company.transact(lambda session: fit(session, 200)) == (200, 200)


def test_a_smaller_budget_takes_back_at_most_what_is_left(company: Database) -> None:
    company.transact(lambda session: grant(session, 900))
    assert company.transact(lambda session: fit(session, 300)) == (900, 0)


def test_a_grant_leaves_what_the_pool_was_given(company: Database) -> None:
    company.transact(lambda session: grant(session, 400))
    assert company.transact(lambda session: fit(session, 1000)) == (1000, 600)


def test_a_team_without_a_budget_has_no_pool(session: Session) -> None:
    assert pool_of(session, "engineering", Period.current(session).id) is None
    assert (
        pool_for(session, who(session, "carol"), document.parse(POLICY), Period.current(session).id) is None
    )


def test_the_nearest_budget_above_pays(session: Session) -> None:
    below = POLICY.replace("teams:\n", "teams:\n  - {name: cards, parent: payments}\n")
    pia = who(session, "pia")
    pia.team = "cards"
    pool = pool_for(session, pia, document.parse(below), Period.current(session).id)
    assert pool is not None
    assert pool.team == "payments"


def test_the_last_bit_of_a_budget_is_given_and_taken_back(session: Session) -> None:
    period = Period.current(session)
    pool = pool_of(session, "payments", period.id)
    assert pool is not None
    for usd in (1000.000001, 1000, 999.999999):
        fit_pools(session, period, budget(usd), cause())
        session.refresh(pool)
        assert pool.balance == round(usd * USD)
