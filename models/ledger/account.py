"""Accounts: what holds quota, and for whom."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlmodel import Field, Session, SQLModel

from models.db import id_field, partial_index, ref
from models.statement import Statement


class AccountKind(StrEnum):
    ISSUED = "issued"
    """The organisation's source; may go below zero."""
    POOL = "pool"
    """A team's top-up budget for a period."""
    ALLOCATION = "allocation"
    """A member's own quota."""
    TOP_UP = "top_up"
    """One for each grant, with an end."""
    LOAN = "loan"
    """One for each loan, held by the borrower: the unspent part."""
    OVERDRAFT = "overdraft"
    """Spend beyond what was there; never above zero."""
    USED = "used"
    EXPIRED = "expired"


class Account(SQLModel, table=True):
    __table_args__ = (
        CheckConstraint("balance >= 0 OR kind IN ('issued', 'overdraft')", name="floor"),
        CheckConstraint("balance <= 0 OR kind <> 'overdraft'", name="overdraft_is_debt"),
        CheckConstraint(
            "(kind IN ('issued', 'expired')) = (member_id IS NULL AND team IS NULL) AND (kind = 'pool') = (team IS NOT NULL)",
            name="has_its_owner",
        ),
        partial_index(
            "uq_account_one_each",
            "member_id",
            "kind",
            unique=True,
            where="kind IN ('allocation', 'overdraft', 'used')",
        ),
        partial_index(
            "uq_account_organisation",
            "kind",
            unique=True,
            where="kind IN ('issued', 'expired')",
        ),
        Index("uq_account_pool", "team", "period_id", unique=True),
        Index("ix_account_member", "member_id"),
    )

    id: int = id_field()
    kind: str
    balance: int = Field(default=0, sa_type=BigInteger)
    member_id: int | None = ref("member.id", nullable=True)
    team: str | None = None
    period_id: int | None = ref("period.id", nullable=True)
    request_id: int | None = Field(default=None, foreign_key="request.id", sa_type=BigInteger, unique=True)
    paid_by_id: int | None = ref("account.id", nullable=True)
    ends_at: datetime | None = None
    opened_at: datetime


def account_of(session: Session, kind: AccountKind, member_id: int, at: datetime) -> int:
    """The id of a member's only account of this kind; it is opened if there is none."""
    found = _ONE_OF.first(session, member=member_id, kind=kind)
    return open_account(session, kind, at, member_id=member_id) if found is None else found


def organisation(session: Session, kind: AccountKind, at: datetime) -> int:
    found = _ORGANISATION.first(session, kind=kind)
    return open_account(session, kind, at) if found is None else found


# SQLite uses the partial index only where the query repeats its condition word for word
_ORGANISATION = Statement(
    "SELECT id FROM account WHERE kind IN ('issued', 'expired') AND kind = :kind", row=int
)
_ONE_OF = Statement(
    "SELECT id FROM account WHERE member_id = :member AND kind = :kind ORDER BY id LIMIT 1", row=int
)


def open_account(session: Session, kind: AccountKind, at: datetime, **owner: Any) -> int:
    # Not `session.add`: the id is needed at once, and no object has to be kept.
    return _OPEN.one(session, kind=kind, at=at, **(_NOBODY | owner))


_NOBODY = dict.fromkeys(("member_id", "team", "period_id", "request_id", "paid_by_id", "ends_at"))
_OPEN = Statement(
    "INSERT INTO account (kind, balance, opened_at, member_id, team, period_id, request_id, paid_by_id, ends_at) "
    "VALUES (:kind, 0, :at, :member_id, :team, :period_id, :request_id, :paid_by_id, :ends_at) RETURNING id",
    row=int,
)
