"""Many transfers at once: every row of a query becomes a transfer with its two entries. For jobs over everybody."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from models.db import is_postgres, stored_time
from models.ledger.transfer import Cause

_TABLE = (
    "CREATE TEMPORARY TABLE IF NOT EXISTS move (id BIGINT, kind TEXT, amount BIGINT, source_id BIGINT, "
    "target_id BIGINT, loan_id BIGINT, at {moment}, reason TEXT)"
)
_NUMBER_PG = "nextval((SELECT CAST(pg_get_serial_sequence('transfer', 'id') AS regclass)))"
_NUMBER_LITE = "(SELECT COALESCE(MAX(id), 0) FROM transfer) + ROW_NUMBER() OVER ()"
_LEGS = (
    "SELECT id AS transfer_id, source_id AS account_id, -amount AS amount, at FROM move "
    "UNION ALL SELECT id, target_id, amount, at FROM move"
)
_LOCK = (
    "SELECT id FROM account WHERE id IN (SELECT source_id FROM move UNION SELECT target_id FROM move) "
    "ORDER BY id FOR NO KEY UPDATE"
)
_TRANSFERS = text(
    "INSERT INTO transfer (id, kind, amount, source_id, target_id, loan_id, at, actor, cause, reason, policy) "
    "SELECT id, kind, amount, source_id, target_id, loan_id, COALESCE(at, :at), :actor, :cause, COALESCE(reason, :reason), "
    ":policy FROM move ORDER BY id"
)
_ENTRIES = text(
    "INSERT INTO entry (transfer_id, account_id, member_id, amount, balance_after, at) "
    "SELECT l.transfer_id, l.account_id, a.member_id, l.amount, "
    "a.balance + SUM(l.amount) OVER (PARTITION BY l.account_id ORDER BY l.transfer_id), COALESCE(l.at, :at) "
    f"FROM ({_LEGS}) l JOIN account a ON a.id = l.account_id ORDER BY l.transfer_id, l.amount"
)
_BALANCES = text(
    "UPDATE account SET balance = balance + d.delta FROM "
    f"(SELECT account_id, SUM(amount) AS delta FROM ({_LEGS}) legs GROUP BY account_id) d "
    "WHERE account.id = d.account_id"
)


def post_all(
    session: Session, moves: str, words: dict[str, Any], cause: Cause, each: str = "NULL, NULL"
) -> int:
    """Post each row (kind, amount, source_id, target_id, loan_id) of the query `moves` with a positive amount.

    All or nothing, like one transfer; returns how many. The schema refuses what would cross a floor. `each`: where a row `m`
    has a time and a reason of its own.
    """
    connection, postgres = session.connection(), is_postgres(session)
    connection.execute(text(temporary(session, _TABLE)))
    number = _NUMBER_PG if postgres else _NUMBER_LITE
    stage = f"INSERT INTO move SELECT {number}, m.kind, m.amount, m.source_id, m.target_id, m.loan_id, {each} FROM ({moves}) m"
    posted = connection.execute(text(stage + " WHERE m.amount > 0"), words).rowcount
    if not posted:
        return 0
    if postgres:
        connection.execute(text(_LOCK))
    at = stored_time(session, cause.at)
    facts = {
        "at": at,
        "actor": cause.actor,
        "cause": cause.key,
        "reason": cause.reason,
        "policy": cause.policy,
    }
    connection.execute(_TRANSFERS, facts)
    connection.execute(_ENTRIES, {"at": at})
    connection.execute(_BALANCES)
    connection.execute(text("DELETE FROM move"))
    return posted


def temporary(session: Session, table: str) -> str:
    """The statement that makes a temporary table, empty in every transaction; `{moment}` is the type of a time."""
    if is_postgres(session):
        return table.format(moment="TIMESTAMPTZ") + " ON COMMIT DELETE ROWS"
    return table.format(moment="TEXT")


def portion(amount: str, numerator: str, denominator: str) -> str:
    """SQL for `amount * numerator / denominator`, rounded down, that cannot overflow 64 bits."""
    return f"(({amount}) / {denominator} * {numerator} + ({amount}) % {denominator} * {numerator} / {denominator})"


def smaller(one: str, other: str) -> str:
    """SQL for the smaller of two numbers: SQLite and Postgres name that differently."""
    return f"CASE WHEN ({one}) < ({other}) THEN ({one}) ELSE ({other}) END"


def larger(one: str, other: str) -> str:
    """SQL for the larger of two numbers."""
    return f"CASE WHEN ({one}) > ({other}) THEN ({one}) ELSE ({other}) END"
