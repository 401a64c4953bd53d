"""Read the books with queries of our own, in the shape of `ReferenceLedger.picture`."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from models.quota.wallet import wallet_of


def picture(session: Session) -> dict[str, Any]:
    """The database in the shape of `ReferenceLedger.picture`, read with queries of our own."""
    names = dict(session.execute(text("SELECT id, email FROM member")).all())  # type: ignore[arg-type]
    name = {number: email.split("@")[0] for number, email in names.items()}
    seen: dict[str, Any] = {
        "issued": 0,
        "expired": 0,
        "alloc": {},
        "over": {},
        "used": {},
        "top_ups": [],
        "pools": {},
    }
    short = {"allocation": "alloc", "overdraft": "over", "used": "used"}
    for kind, member, team, period, balance in session.execute(
        text("SELECT kind, member_id, team, period_id, balance FROM account WHERE balance <> 0")
    ):
        if kind in short:
            seen[short[kind]][name[member]] = balance
        elif kind == "top_up":
            seen["top_ups"].append((name[member], balance))
        elif kind == "pool":
            seen["pools"][team, period] = balance
        elif kind != "loan":
            seen[kind] = balance
    seen["top_ups"].sort()
    return seen | loans(session, name)


def loans(session: Session, name: dict[int, str]) -> dict[str, Any]:
    sums = {
        (loan, kind): int(amount)
        for loan, kind, amount in session.execute(
            text(
                "SELECT loan_id, kind, SUM(amount) FROM transfer WHERE loan_id IS NOT NULL GROUP BY loan_id, kind"
            )
        )
    }
    rows = session.execute(
        text("SELECT id, lender_id, borrower_id, forgiven, closed_at FROM loan ORDER BY id")
    ).all()
    kinds = ("lend", "return", "use", "repay")
    return {
        "loans": [
            (
                name[row.lender_id],
                name[row.borrower_id],
                *(sums.get((row.id, kind), 0) for kind in kinds),
                row.forgiven,
            )
            for row in rows
        ],
        "open": [i for i, row in enumerate(rows) if row.closed_at is None],
    }


def came_and_went(session: Session) -> tuple[dict[int, int], dict[int, Any]]:
    """From the transfers alone: in from others less out to others, other than by use."""
    ids = [row.id for row in session.execute(text("SELECT id FROM member"))]
    own = dict.fromkeys(ids, 0)
    for amount, giver, taker in session.execute(
        text(
            "SELECT SUM(t.amount), s.member_id, g.member_id FROM transfer t JOIN account s ON s.id = t.source_id "
            "JOIN account g ON g.id = t.target_id GROUP BY s.member_id, g.member_id"
        )
    ):
        if giver != taker:
            if giver is not None:
                own[giver] -= int(amount)
            if taker is not None:
                own[taker] += int(amount)
    return own, {member: wallet_of(session, member) for member in ids}
