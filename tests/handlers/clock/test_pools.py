"""The owner of a team hears of a top-up budget that is nearly spent."""

from __future__ import annotations

from sqlmodel import Session

from handlers.clock.pools import warn_of_pools
from models.ledger.account import AccountKind, open_account
from models.ledger.transfer import Cause, Kind, transfer
from models.quota.period import Period
from models.quota.pool import pool_of
from tests.actions import DECEMBER, USD, ctx
from tests.company import NOW, who
from tests.outbox_reader import told


def grant(session: Session, usd: int) -> None:
    """Grant Pia a top-up out of the budget of her team."""
    pool = pool_of(session, "payments", Period.current(session).id)
    assert pool is not None
    top_up = open_account(
        session,
        AccountKind.TOP_UP,
        NOW,
        member_id=who(session, "pia").id,
        paid_by_id=pool.id,
        ends_at=DECEMBER,
    )
    cause = Cause(NOW, "admin", f"grant:{usd}")
    transfer(session, Kind.GRANT, usd * USD, source=pool.id, target=top_up, cause=cause)


def test_the_owner_hears_once_that_four_fifths_of_the_budget_are_granted(session: Session) -> None:
    grant(session, 799)
    warn_of_pools(ctx(session, NOW))
    assert told(session, "lee") == []
    grant(session, 1)
    for _ in range(2):
        warn_of_pools(ctx(session, NOW))
    (message,) = told(session, "lee")
    assert "payments" in message.text
    assert "200" in message.text


def test_a_team_without_a_budget_warns_nobody(session: Session) -> None:
    warn_of_pools(ctx(session, NOW))
    assert all(told(session, name) == [] for name in ("lee", "olga"))
