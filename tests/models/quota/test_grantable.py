"""How much of a request can be granted: ceiling and pool may allow less."""

from __future__ import annotations

import pytest
from sqlmodel import Session

from models.ledger.account import AccountKind, organisation
from models.ledger.transfer import Kind, transfer
from models.policy import document
from models.quota.grantable import Grantable
from models.quota.period import Period
from models.quota.pool import pool_of
from models.quota.request import Request
from models.quota.request_state import RequestState
from tests.actions import USD, cause
from tests.company import NOW, POLICY, who

TERMS = document.parse(POLICY)


def request(session: Session, name: str, usd: int) -> Request:
    return Request(
        code="7F3K", member_id=who(session, name).id, amount=usd * USD, state=RequestState.PENDING, asked_at=NOW, policy=1
    )  # fmt: skip


def drain(session: Session, left: int) -> None:
    """Leave so many micro-USD in the pool of the payments team."""
    pool = pool_of(session, "payments", Period.current(session).id)
    assert pool is not None
    issued = organisation(session, AccountKind.ISSUED, NOW)
    transfer(session, Kind.CUT, pool.balance - left, source=pool.id, target=issued, cause=cause())
    session.expire_all()


@pytest.mark.parametrize(
    ("ceiling", "left", "expected"),
    [
        (None, 1000, Grantable(300 * USD)), (500, 1000, Grantable(300 * USD)), (200, 1000, Grantable(200 * USD, "ceiling")),
        (200, 150, Grantable(150 * USD, "pool")), (100, 150, Grantable(100 * USD, "ceiling")), (None, 0, Grantable(0, "pool")),
    ],
)  # fmt: skip
def test_the_lower_of_ceiling_and_pool_is_the_limit(
    session: Session, ceiling: int | None, left: int, expected: Grantable
) -> None:
    if left < 1000:
        drain(session, left * USD)
    most = None if ceiling is None else ceiling * USD
    assert Grantable.of(session, request(session, "pia", 300), TERMS, most) == expected


def test_a_pool_is_rounded_down_to_what_an_amount_shows(session: Session) -> None:
    drain(session, 12_349_999)
    assert Grantable.of(session, request(session, "pia", 300), TERMS, None) == Grantable(12_340_000, "pool")


def test_a_team_without_a_budget_is_paid_by_the_organisation(session: Session) -> None:
    assert Grantable.of(session, request(session, "alice", 300), TERMS, None) == Grantable(300 * USD)
