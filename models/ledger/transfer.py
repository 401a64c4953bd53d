"""Accounts, transfers, entries: the ledger. Double entry, append-only, integers only.

A transfer has one positive amount and two ends, so an unbalanced one cannot be written down. A balance is a sum
kept in the same transaction; `audit` adds everything up again. Amounts are integers in the stored unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import BigInteger, CheckConstraint, Index, text
from sqlmodel import Field, Session, SQLModel, col, select

from models.db import Statement, id_field, is_postgres, ref
from models.ledger.account import Account, AccountKind, account_of
from models.refusal import InsufficientQuota


class Kind(StrEnum):
    """Why something moved."""

    FUND = "fund"  # issued -> pool
    ALLOCATE = "allocate"  # issued -> allocation
    CUT = "cut"  # allocation -> issued: policy, or a negative grant
    GRANT = "grant"  # pool or issued -> top_up
    REVOKE = "revoke"  # top_up -> whoever paid, or expired
    LEND = "lend"  # allocation -> loan
    RETURN = "return"  # loan -> allocation
    REPAY = "repay"  # the borrower's quota, a pool or issued -> the lender's allocation
    USE = "use"  # quota -> used
    FILL = "fill"  # allocation or top_up -> overdraft; issued for a leaver
    EXPIRE = "expire"  # allocation, top_up or pool -> expired


class Transfer(SQLModel, table=True):
    """One positive amount, two ends, and why: who acted, on which message or click, under which policy."""

    __table_args__ = (
        CheckConstraint("amount > 0", name="moves_something"),
        CheckConstraint("source_id <> target_id", name="moves_somewhere"),
        Index(
            "ix_transfer_loan",
            "loan_id",
            sqlite_where=text("loan_id IS NOT NULL"),
            postgresql_where=text("loan_id IS NOT NULL"),
        ),
        Index(
            "ix_transfer_fund",
            "target_id",
            sqlite_where=text("kind = 'fund'"),
            postgresql_where=text("kind = 'fund'"),
        ),
        Index(
            "ix_transfer_cut",
            "source_id",
            sqlite_where=text("kind = 'cut'"),
            postgresql_where=text("kind = 'cut'"),
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


class Entry(SQLModel, table=True):
    """One end of a transfer, with the account's balance after it. `member_id` and `at` make a statement one index range."""

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
    """What every change carries: when, who (`member:7`, `policy`, `gateway`, `admin`, `clock`), by which message, why."""

    at: datetime
    actor: str
    key: str
    reason: str = ""
    policy: int | None = None


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
    """Move `amount` from account `source` to account `target`, or raise `InsufficientQuota` and move nothing."""
    posted = _post(session, kind, amount, source, target, cause, loan_id)
    if posted is None:
        held = session.exec(select(Account.balance).where(Account.id == source)).one()
        raise InsufficientQuota(wanted=amount, available=held)
    return posted


def record(session: Session, member_id: int, amount: int, *, cause: Cause) -> None:
    """Book `amount` that was already burnt. Never refused: what is not there lands in the overdraft.

    Spend takes allocation, then top-ups by earliest end, then loans (oldest first), then overdraft.
    """
    if amount <= 0:
        return
    used = account_of(session, AccountKind.USED, member_id, cause.at)
    for account_id, balance, loan_id in spendable(session, member_id):
        part = min(amount, balance)
        transfer(session, Kind.USE, part, source=account_id, target=used, cause=cause, loan_id=loan_id)
        amount -= part
        if not amount:
            return
    overdraft = account_of(session, AccountKind.OVERDRAFT, member_id, cause.at)
    transfer(session, Kind.USE, amount, source=overdraft, target=used, cause=cause)


SPENDABLE = "a.kind IN ('allocation', 'top_up', 'loan') AND a.balance > 0"
SPEND_ORDER = "CASE a.kind WHEN 'allocation' THEN 0 WHEN 'top_up' THEN 1 ELSE 2 END, a.ends_at, a.id"
_SPEND = Statement(
    "SELECT a.id, a.balance, l.id AS loan_id FROM account a LEFT JOIN loan l ON l.account_id = a.id "
    f"WHERE a.member_id = :member AND {SPENDABLE} ORDER BY {SPEND_ORDER}"
)


def spendable(session: Session, member_id: int) -> list[tuple[int, int, int | None]]:
    """(account, balance, loan) of everything a member can spend, in the order in which it is spent."""
    return _SPEND.all(session, member=member_id)


# One round trip on Postgres; on SQLite four statements in the single writer. Check and change are one step on both.

_POST = Statement(
    "SELECT * FROM ledger_post(:kind, :amount, :source, :target, :loan, :at, :actor, :cause, :reason, :policy)",
    row=Posted,
)
_TAKE = Statement(
    "UPDATE account SET balance = balance - :amount WHERE id = :source "
    "AND (balance >= :amount OR kind IN ('issued', 'overdraft')) RETURNING balance",
    row=int,
)
_PUT = Statement(
    "UPDATE account SET balance = balance + :amount WHERE id = :target RETURNING balance", row=int
)
_TRANSFER = Statement(
    "INSERT INTO transfer (kind, amount, source_id, target_id, loan_id, at, actor, cause, reason, policy) "
    "VALUES (:kind, :amount, :source, :target, :loan, :at, :actor, :cause, :reason, :policy) RETURNING id",
    row=int,
)
_ENTRIES = Statement(
    "INSERT INTO entry (transfer_id, account_id, member_id, amount, balance_after, at) "
    "SELECT :transfer, id, member_id, CASE id WHEN :source THEN -:amount ELSE :amount END, balance, :at "
    "FROM account WHERE id IN (:source, :target) ORDER BY id = :target"
)


def _post(
    session: Session, kind: Kind, amount: int, source: int, target: int, cause: Cause, loan_id: int | None
) -> Posted | None:
    """Both balances, the transfer and its two entries; None, and nothing written, when `source` holds too little."""
    if amount <= 0:
        raise ValueError(f"a transfer moves a positive amount, not {amount}")
    words = {
        "kind": kind, "amount": amount, "source": source, "target": target, "loan": loan_id, "at": cause.at,
        "actor": cause.actor, "cause": cause.key, "reason": cause.reason, "policy": cause.policy,
    }  # fmt: skip
    if is_postgres(session):
        posted = _POST.one(session, **words)
        return posted if posted.transfer_id is not None else None
    taken = _TAKE.first(session, **words)
    if taken is None:
        return None
    put, number = _PUT.one(session, **words), _TRANSFER.one(session, **words)
    _ENTRIES.changed(session, **words, transfer=number)
    return Posted(number, taken, put)


POSTGRES_FUNCTION = """
CREATE OR REPLACE FUNCTION ledger_post(
  p_kind text, p_amount bigint, p_source bigint, p_target bigint, p_loan bigint, p_at timestamptz,
  p_actor text, p_cause text, p_reason text, p_policy bigint,
  OUT transfer_id bigint, OUT source_balance bigint, OUT target_balance bigint
) LANGUAGE plpgsql AS $$
DECLARE r record; source_kind text; source_member bigint; target_member bigint;
BEGIN
  FOR r IN SELECT id, kind, balance, member_id FROM account WHERE id IN (p_source, p_target)
           ORDER BY id FOR NO KEY UPDATE LOOP
    IF r.id = p_source THEN source_kind := r.kind; source_balance := r.balance; source_member := r.member_id;
    ELSE target_balance := r.balance; target_member := r.member_id; END IF;
  END LOOP;
  IF source_balance < p_amount AND source_kind NOT IN ('issued', 'overdraft') THEN RETURN; END IF;
  source_balance := source_balance - p_amount;
  target_balance := target_balance + p_amount;
  UPDATE account SET balance = source_balance WHERE id = p_source;
  UPDATE account SET balance = target_balance WHERE id = p_target;
  INSERT INTO transfer (kind, amount, source_id, target_id, loan_id, at, actor, cause, reason, policy)
    VALUES (p_kind, p_amount, p_source, p_target, p_loan, p_at, p_actor, p_cause, p_reason, p_policy)
    RETURNING id INTO transfer_id;
  INSERT INTO entry (transfer_id, account_id, member_id, amount, balance_after, at) VALUES
    (transfer_id, p_source, source_member, -p_amount, source_balance, p_at),
    (transfer_id, p_target, target_member, p_amount, target_balance, p_at);
END $$
"""


def statement(
    session: Session, member_id: int, *, before: tuple[datetime, int] | None = None, limit: int = 10
) -> list[tuple[Entry, Transfer, str]]:
    """A page of what a member got and gave, and on which kind of account, newest first.

    `before` is the (at, id) of the last row seen.
    """
    query = (
        select(Entry, Transfer, Account.kind)
        .join(Transfer, col(Transfer.id) == Entry.transfer_id)
        .join(Account, col(Account.id) == Entry.account_id)
        .where(Entry.member_id == member_id, Account.kind != AccountKind.USED)
        .order_by(col(Entry.at).desc(), col(Entry.id).desc())
        .limit(limit)
    )
    if before is not None:
        at, number = before
        query = query.where((col(Entry.at) < at) | ((col(Entry.at) == at) & (col(Entry.id) < number)))
    return list(session.exec(query).all())
