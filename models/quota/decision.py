"""The record of decisions on requests: one row each time a request is decided, amended or revoked, never changed."""

from __future__ import annotations

from datetime import date, datetime
from typing import Protocol

from sqlalchemy import BigInteger, insert, update
from sqlmodel import Field, Session, SQLModel, col, select

from models.db import id_field, ref
from models.ledger.transfer import Cause
from models.words import sealed

AMENDED = "amended"
REVOKED = "revoked"


class Decision(SQLModel, table=True):
    """The terms that were decided. `for_id`: the member in whose place a delegate decided.

    An amendment keeps the terms that it replaced. `reason` and `answer` can be erased; nothing can be changed.
    """

    id: int = id_field()
    request_id: int = ref("request.id", index=True)
    code: str
    outcome: str
    amount: int = Field(sa_type=BigInteger)
    granted: int = Field(default=0, sa_type=BigInteger)
    until: date | None = None
    decider_id: int | None = ref("member.id", nullable=True)
    for_id: int | None = ref("member.id", nullable=True)
    at: datetime
    actor: str
    cause: str
    policy: int | None = None
    reason: str = ""
    answer: str = ""
    salt: str = ""
    digest: str = ""


class Terms(Protocol):
    id: int
    code: str
    amount: int
    granted: int
    until: date | None
    reason: str
    answer: str


def record_decision(
    session: Session, terms: Terms, outcome: str, cause: Cause, decider_id: int | None = None, for_id: int | None = None
) -> None:  # fmt: skip
    row = {
        "request_id": terms.id, "code": terms.code, "outcome": outcome, "amount": terms.amount, "granted": terms.granted,
        "until": terms.until, "decider_id": decider_id, "for_id": for_id if for_id != decider_id else None, "at": cause.at,
        "actor": cause.actor, "cause": cause.key, "policy": cause.policy, "reason": terms.reason, "answer": terms.answer,
    }  # fmt: skip
    session.execute(insert(Decision), [row | sealed(terms.reason, terms.answer)])


def decisions_on(session: Session, request_id: int) -> list[Decision]:
    query = select(Decision).where(Decision.request_id == request_id)
    return list(session.exec(query.order_by(col(Decision.id))).all())


def erase_reasons(session: Session, request_ids: list[int]) -> None:
    # Terms, times and deciders stay. Without the salt the digest tells nothing about the words.
    rows = update(Decision).where(col(Decision.request_id).in_(request_ids))
    session.execute(rows.values(reason="", answer="", salt=""))
