"""Add up the whole ledger again and check the rules that always hold."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import text
from sqlmodel import Session

_OWED = (
    "SELECT l.id, l.closed_at, l.forgiven, l.lender_id, l.borrower_id, a.balance AS unspent, "
    "COALESCE(SUM(CASE WHEN t.kind = 'lend' THEN t.amount END), 0) AS principal, "
    "COALESCE(SUM(CASE WHEN t.kind = 'return' THEN t.amount END), 0) AS returned, "
    "COALESCE(SUM(CASE WHEN t.kind = 'use' THEN t.amount END), 0) AS used, "
    "COALESCE(SUM(CASE WHEN t.kind = 'repay' THEN t.amount END), 0) AS repaid "
    "FROM loan l JOIN account a ON a.id = l.account_id LEFT JOIN transfer t ON t.loan_id = l.id "
    "GROUP BY l.id, l.closed_at, l.forgiven, l.lender_id, l.borrower_id, a.balance"
)

CHECKS: dict[str, str] = {
    "all accounts together are zero": "SELECT 0 AS id, SUM(balance) AS found FROM account HAVING SUM(balance) <> 0",
    "a transfer has two entries that cancel out": (
        "SELECT t.id, SUM(e.amount) AS found FROM transfer t LEFT JOIN entry e ON e.transfer_id = t.id "
        "GROUP BY t.id HAVING COUNT(e.id) <> 2 OR SUM(e.amount) <> 0"
    ),
    "an entry is an end of its transfer": (
        "SELECT e.id, e.amount AS found FROM entry e JOIN transfer t ON t.id = e.transfer_id "
        "WHERE NOT ((e.account_id = t.source_id AND e.amount = -t.amount) OR (e.account_id = t.target_id AND e.amount = t.amount))"
    ),
    "a balance is the sum of its entries": (
        "SELECT a.id, a.balance AS found FROM account a LEFT JOIN "
        "(SELECT account_id, SUM(amount) AS total FROM entry GROUP BY account_id) e ON e.account_id = a.id "
        "WHERE a.balance <> COALESCE(e.total, 0)"
    ),
    "a balance is what its last entry left": (
        "SELECT a.id, a.balance AS found FROM account a JOIN "
        "(SELECT account_id, MAX(id) AS last FROM entry GROUP BY account_id) m ON m.account_id = a.id "
        "JOIN entry e ON e.id = m.last WHERE e.balance_after <> a.balance"
    ),
    "only issued and overdraft are below zero": (
        "SELECT id, balance AS found FROM account WHERE (balance < 0 AND kind NOT IN ('issued', 'overdraft')) "
        "OR (balance > 0 AND kind = 'overdraft')"
    ),
    "nobody has an overdraft beside own quota": (  # but between two steps of a close, where the next one fills it
        "SELECT o.id, o.balance AS found FROM account o WHERE o.kind = 'overdraft' AND o.balance < 0 AND EXISTS ("
        "SELECT 1 FROM account a WHERE a.member_id = o.member_id AND a.kind IN ('allocation', 'top_up') AND a.balance > 0) "
        "AND NOT EXISTS (SELECT 1 FROM period WHERE state = 'turning')"
    ),
    "the equations of every loan": (
        f"SELECT id, principal AS found FROM ({_OWED}) l WHERE principal <> returned + unspent + used "
        "OR unspent < 0 OR used - repaid - forgiven < 0 OR lender_id = borrower_id "
        "OR (closed_at IS NOT NULL AND (unspent > 0 OR used - repaid - forgiven <> 0))"
    ),
    "what was forgiven has its rows": (
        "SELECT l.id, l.forgiven AS found FROM loan l LEFT JOIN (SELECT loan_id, SUM(amount) AS total FROM forgiveness "
        "GROUP BY loan_id) f ON f.loan_id = l.id WHERE l.forgiven <> COALESCE(f.total, 0)"
    ),
    "nothing borrowed or granted leaves by a loan": (
        "SELECT t.id, t.amount AS found FROM transfer t JOIN account s ON s.id = t.source_id "
        "WHERE t.kind = 'lend' AND s.kind <> 'allocation'"
    ),
    "a grant equals its decision": (
        "SELECT r.id, r.granted AS found FROM request r WHERE r.state IN ('approved', 'applied', 'apply_failed') AND r.granted <> "
        "(SELECT COALESCE(SUM(t.amount), 0) FROM transfer t JOIN account a ON a.id = t.target_id "
        "WHERE a.request_id = r.id AND t.kind = 'grant')"
    ),
    "without a yes there is no grant": (
        "SELECT r.id, r.amount AS found FROM request r JOIN account a ON a.request_id = r.id "
        "WHERE r.state NOT IN ('approved', 'applied', 'apply_failed')"
    ),
    "nobody decides for themselves": (
        "SELECT id, amount AS found FROM request WHERE decided_by_id = member_id AND state <> 'cancelled'"
    ),
    "a yes has somebody who said it": (
        "SELECT id, amount AS found FROM request WHERE state IN ('approved', 'applied', 'apply_failed') AND decided_by_id IS NULL "
        "AND answer <> 'policy'"
    ),
    "a pool gave no more than it had": (
        "SELECT p.id, p.balance AS found FROM account p WHERE p.kind = 'pool' AND p.balance < 0"
    ),
    "only one period is open": "SELECT 0 AS id, COUNT(*) AS found FROM period WHERE state <> 'closed' HAVING COUNT(*) > 1",
    "who has left has nothing": (
        "SELECT a.id, a.balance AS found FROM account a JOIN member m ON m.id = a.member_id "
        "WHERE m.left_at IS NOT NULL AND a.kind <> 'used' AND a.balance <> 0"
    ),
}


@dataclass(frozen=True)
class Report:
    """`counts`: rows added up. `wrong`: (rule, row id, number found)."""

    counts: dict[str, int]
    wrong: list[tuple[str, int, int]] = field(default_factory=list)


def audit(session: Session, most: int = 20) -> Report:
    """At most `most` rows are listed for each rule."""
    connection = session.connection()
    wrong = [
        (name, int(row.id), int(row.found or 0))
        for name, query in CHECKS.items()
        for row in connection.execute(text(f"{query} LIMIT {most}"))
    ]
    tables = ("member", "account", "transfer", "entry", "loan", "request")
    counts = {
        name: int(connection.execute(text(f"SELECT COUNT(*) FROM {name}")).scalar_one()) for name in tables
    }
    return Report(counts, wrong)
