"""Transfers and their entries: double entry, append-only, integers only.

A transfer has one positive amount and two ends, so an unbalanced one cannot be written. A balance is kept in the same
transaction as its entries; `audit` adds everything up again. Amounts are integers in the stored unit.

`transfer` posts one, `post_all` posts a job's; both give the same books (sql/post.sql).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlmodel import Field, Session, SQLModel, select

from models.db import id_field, partial_index, ref
from models.ledger.account import Account
from models.messages.outgoing import leave
from models.refusal import InsufficientQuota
from models.statement import SqlFile, Statement, is_postgres


class Kind(StrEnum):
    FUND = "fund"  # issued -> pool
    ALLOCATE = "allocate"  # issued -> allocation
    CUT = "cut"  # allocation -> issued: policy, or a negative grant
    GRANT = "grant"  # pool or issued -> top_up
    GIVE = "give"  # allocation -> pool or issued: for good
    REVOKE = "revoke"  # top_up -> whoever paid, or expired
    LEND = "lend"  # allocation -> loan
    RETURN = "return"  # loan -> allocation
    REPAY = "repay"  # the borrower's quota, a pool or issued -> the lender's allocation
    USE = "use"  # quota -> used
    VOID = "void"  # used -> overdraft, then allocation: a gateway booked it by mistake
    FILL = "fill"  # allocation or top_up -> overdraft; issued for a leaver
    FALLBACK = "fallback"  # issued -> overdraft: spend on the models that go on when own quota is used up; back if void
    EXPIRE = "expire"  # allocation, top_up or pool -> expired


class Transfer(SQLModel, table=True):
    """One positive amount, two ends, and its cause.

    `period_id`: set where a close posted it; any other transfer belongs to the period of its time.
    On Postgres no key holds it to its accounts, loan and period, but the audit does (docs/decisions/0011).
    """

    __table_args__ = (
        CheckConstraint("amount > 0", name="moves_something"),
        CheckConstraint("source_id <> target_id", name="moves_somewhere"),
        partial_index(
            "ix_transfer_loan",
            "loan_id",
            where="loan_id IS NOT NULL",
        ),
        partial_index(
            "ix_transfer_fund",
            "target_id",
            where="kind = 'fund'",
        ),
        partial_index(
            "ix_transfer_cut",
            "source_id",
            where="kind = 'cut'",
        ),
    )

    id: int = id_field()
    kind: str
    amount: int = Field(sa_type=BigInteger)
    source_id: int = ref("account.id")
    target_id: int = ref("account.id")
    loan_id: int | None = ref("loan.id", nullable=True)
    at: datetime
    actor: str
    cause: str
    reason: str = ""
    policy: int | None = None
    period_id: int | None = ref("period.id", nullable=True)


class Entry(SQLModel, table=True):
    """One end of a transfer. `member_id` and `at` stand here, too, so that a statement is one index range.

    On Postgres no key holds it to its transfer and its account, but the audit does.
    """

    __table_args__ = (Index("ix_entry_statement", "member_id", "at", "id"),)

    id: int = id_field()
    transfer_id: int = ref("transfer.id")
    account_id: int = ref("account.id")
    member_id: int | None = Field(default=None, sa_type=BigInteger)
    amount: int = Field(sa_type=BigInteger)
    balance_after: int = Field(sa_type=BigInteger)
    at: datetime


@dataclass(frozen=True)
class Cause:
    """Why a row changes. `actor`: `member:7`, `policy`, `gateway`, `admin` or `clock`; `key`: the message or click.

    `period_id`: where the time does not say the period: a close runs in the period that opens.
    """

    at: datetime
    actor: str
    key: str
    reason: str = ""
    policy: int | None = None
    period_id: int | None = None

    @property
    def words(self) -> dict[str, Any]:
        return {
            "at": self.at, "actor": self.actor, "cause": self.key, "reason": self.reason, "policy": self.policy,
            "period": self.period_id,
        }  # fmt: skip


AUTOMATIC = ("policy", "gateway", "clock")
"""Actors that are no person: nobody decided what they post."""


class Posted(NamedTuple):
    transfer_id: int
    source_balance: int
    target_balance: int


def transfer(
    session: Session,
    kind: Kind,
    amount: int,
    *,
    source: int,
    target: int,
    cause: Cause,
    loan_id: int | None = None,
) -> Posted:
    """Move `amount` between two accounts. Raises `InsufficientQuota`, and then nothing moved."""
    posted = _post(session, kind, amount, source, target, cause, loan_id)
    if posted is None:
        held = session.exec(select(Account.balance).where(Account.id == source)).one()
        raise InsufficientQuota(wanted=amount, available=held)
    return posted


def post(
    session: Session,
    kind: Kind,
    amount: int,
    *,
    source: int,
    target: int,
    cause: Cause,
    loan_id: int | None = None,
) -> None:
    """`transfer` with the next flush, for an amount that was judged while its members were held.

    On Postgres one statement posts those of all requests that share a commit; a floor that is crossed all the same is an
    error there.
    """
    if not is_postgres(session):
        transfer(session, kind, amount, source=source, target=target, cause=cause, loan_id=loan_id)
        return
    row = {"kind": kind, "amount": amount, "source_id": source, "target_id": target, "loan_id": loan_id}
    leave(session, "move", row | cause.words | {"period_id": cause.period_id})


# One transfer. Check and change are one step on both databases: on Postgres a function of one round trip, on SQLite
# three statements of its only writer.

SQL = SqlFile("models.ledger", "sql/post.sql")
_POST = Statement(SQL.text("post"), row=Posted)
_MOVE: Statement[Any] = Statement(SQL.text("move"))
_TRANSFER = Statement(SQL.text("transfer"), row=int)
_ENTRIES = Statement(SQL.text("entries"))


def _post(
    session: Session, kind: Kind, amount: int, source: int, target: int, cause: Cause, loan_id: int | None
) -> Posted | None:
    """None, and nothing written, when `source` holds too little."""
    if amount <= 0:
        raise ValueError(f"a transfer moves a positive amount, not {amount}")
    words = {
        "kind": kind, "amount": amount, "source": source, "target": target, "loan": loan_id, **cause.words,
    }  # fmt: skip
    session.flush()  # what is to be posted comes first
    if is_postgres(session):
        posted = _POST.one(session, **words)
        return posted if posted.transfer_id is not None else None
    held = dict(_MOVE.all(session, **words))
    if not held:
        return None
    number = _TRANSFER.one(session, **words)
    _ENTRIES.changed(session, **words, transfer=number)
    return Posted(number, held[source], held[target])


# All transfers of a job over many people

# before its rows get numbers: `chain` leaves out rows that an open transaction may put one before
_NUMBER_TRANSACTION = Statement("SELECT CAST(pg_current_xact_id() AS TEXT)")
_OPEN_MOVES = Statement(SQL.text("open_moves"))
_LOCK_MOVED = Statement(SQL.text("lock_moved"))
_TRANSFERS = Statement(SQL.text("transfers"))
_BALANCES = Statement(SQL.text("balances"))
_ALL_ENTRIES = Statement(SQL.text("all_entries", moved="account"))
_BALANCES_AND_ENTRIES = Statement(SQL.text("balances_and_entries", moved="moved"))
_CLEAN = Statement(SQL.text("clean"))


def post_all(session: Session, moves: str, cause: Cause, **words: Any) -> int:
    """Post each row (kind, amount, source_id, target_id, loan_id) of the query `moves` whose amount is positive.

    All or nothing; the same books as a `transfer` for each row. Returns the number of rows.
    """
    posted = number_moves(session, moves, **words)
    if posted:
        post_moves(session, cause)
    return posted


def number_moves(session: Session, moves: str, *, own: str = "NULL, NULL, NULL", **words: Any) -> int:
    """Put the moves of `post_all` into the table `move`, and return how many.

    `own`: the columns of a row `m` with a time, a reason and a member of its own.
    """
    session.flush()
    if is_postgres(session):
        _NUMBER_TRANSACTION.all(session)
    _OPEN_MOVES.changed(session)
    return _number_moves(moves, own).changed(session, **words)


def post_moves(session: Session, cause: Cause, *, held: bool = False) -> None:
    """Post what stands in `move`, and empty it. `held`: all accounts are of members that this transaction has locked."""
    if is_postgres(session) and not held:
        _LOCK_MOVED.all(session)
    _TRANSFERS.changed(session, **cause.words)
    # The schema's CHECKs refuse a balance below its floor: all or nothing.
    if is_postgres(session):
        _BALANCES_AND_ENTRIES.changed(session, at=cause.at)
    else:
        _BALANCES.changed(session)
        _ALL_ENTRIES.changed(session, at=cause.at)
    _CLEAN.changed(session)


@cache
def _number_moves(moves: str, own: str) -> Statement[Any]:
    return Statement(SQL.text("number_moves", moves=moves, own=own))
