"""Actions of people and of the clock, for tests: say a command, spend, end the month. Amounts are in USD."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text
from sqlmodel import Session, col, select

from bot.database import Database
from handlers import asking, lending, requests
from handlers.clock.requests import requests_due
from handlers.context import Context
from models.ledger.audit import audit
from models.ledger.transfer import Cause
from models.messages.message import Message
from models.messages.outbox import Effect
from models.metering.usage import MemberUsage, book
from models.policy import document, versions
from models.quota.allocation import adjust
from models.quota.approvers import Asked
from models.quota.ask import Ask
from models.quota.closing import advance, begin_turn
from models.quota.grant import top_up
from models.quota.loan import Loan, loans_of
from models.quota.loan_sums import Sums
from models.quota.period import Period
from models.quota.pool import fit_pools
from models.quota.request import Request, open_request
from models.quota.wallet import Wallet, wallet_of
from tests.company import CAST, NOW, POLICY, asks, who

USD = 1_000_000
ZONE = ZoneInfo("Asia/Shanghai")
DECEMBER = datetime(2026, 11, 30, 16, 0, tzinfo=UTC)
"""Midnight in Shanghai: November closes."""
NEW_YEAR = datetime(2026, 12, 31, 16, 0, tzinfo=UTC)

_numbers = count(1)


def cause(now: datetime = NOW, actor: str = "admin") -> Cause:
    return Cause(now, actor, f"action{next(_numbers)}")


def say(
    database: Database, handler: Callable[..., Any], name: str, *words: Any, now: datetime = NOW, **more: Any
) -> Any:
    """Run a command as `name`; names of the cast become members. Raises the refusal."""

    def run(session: Session) -> Any:
        looked_up = [who(session, word) if isinstance(word, str) and word in CAST else word for word in words]
        return handler(asks(session, name, now, f"action{next(_numbers)}", **more), *looked_up)

    return database.transact(run)


def spend(database: Database, name: str, usd: float, now: datetime = NOW) -> None:
    """The gateway reports new usage."""
    database.transact(lambda session: spent(session, name, usd, now))


def spent(session: Session, name: str, usd: float, now: datetime = NOW) -> None:
    """The same within a transaction."""
    model = f"m{next(_numbers)}"
    book(
        session, [MemberUsage(who(session, name).id, now.astimezone(ZONE).date(), model, int(usd * USD))], zone=ZONE,
        cause=cause(now, "gateway"),
    )  # fmt: skip


def gift(database: Database, name: str, usd: float, ends: datetime = DECEMBER, now: datetime = NOW) -> int:
    """An admin's grant, paid by the organisation."""
    from models.ledger.account import AccountKind, organisation  # noqa: PLC0415

    return database.transact(
        lambda session: top_up(
            session, who(session, name).id, int(usd * USD), source=organisation(session, AccountKind.ISSUED, now),
            ends_at=ends, cause=cause(now),
        )
    )  # fmt: skip


def has(database: Database, name: str) -> Wallet:
    return database.transact(lambda session: wallet_of(session, who(session, name).id))


def available(database: Database, name: str) -> float:
    return has(database, name).available / USD


def loan(database: Database, lender: str, borrower: str) -> Sums:
    """The sums of all loans from `lender` to `borrower`, in USD."""

    def run(session: Session) -> Sums:
        found = [
            sums
            for one, sums in loans_of(session, who(session, borrower).id, closed=True)
            if one.lender_id == who(session, lender).id and one.borrower_id == who(session, borrower).id
        ]
        names = ("principal", "returned", "used", "repaid", "forgiven")
        return Sums(**{name: sum(getattr(one, name) for one in found) // USD for name in names})

    return database.transact(run)


def lend(database: Database, lender: str, borrower: str, usd: float | None, **more) -> None:
    say(database, lending.lend, lender, borrower, None if usd is None else int(usd * USD), **more)


def borrow(database: Database, lender: str, borrower: str, usd: float, **more) -> None:
    """Ask, and the lender says yes."""
    say(database, asking.borrow, borrower, lender, int(usd * USD), **more)
    code = database.transact(
        lambda session: session.exec(select(Ask.code).order_by(col(Ask.id).desc())).first()
    )
    say(database, asking.accept, lender, code, **more)


def refused(database: Database, no: type[Exception], *words, **more) -> Exception:
    """The refusal; and nothing has moved."""
    before = balances(database)
    with pytest.raises(no) as found:
        say(database, *words, **more)
    assert balances(database) == before
    return found.value


def open_loans(database: Database) -> int:
    return len(
        database.transact(
            lambda session: session.exec(select(Loan).where(col(Loan.closed_at).is_(None))).all()
        )
    )


def ask_for(database: Database, name: str, usd: float, now: datetime = NOW, **more: Any) -> str:
    """Request quota and return the CODE."""
    say(
        database,
        requests.request,
        name,
        int(usd * USD),
        more.pop("reason", ""),
        more.pop("until", None),
        now=now,
        **more,
    )
    found = database.transact(lambda session: open_request(session, who(session, name).id))
    assert found is not None
    return found.code


def request(database: Database, code: str) -> Request:
    return database.transact(lambda session: session.exec(select(Request).where(Request.code == code)).one())


def turn(database: Database, now: datetime = DECEMBER) -> None:
    """Close and open whatever is due at `now`."""
    while database.transact(lambda session: begin_turn(session, now)):
        while database.transact(lambda session: advance(session, now)):
            pass


def change(database: Database, *swaps: tuple[str, str], more: str = "", now: datetime = NOW) -> None:
    """Apply the company's policy with some words replaced and some lines added."""
    written = POLICY + more
    for old, new in swaps:
        assert old in written
        written = written.replace(old, new)

    def run(session: Session) -> None:
        version, after = versions.record_version(session, written, now, "ops"), 0
        while after is not None:
            after, _ = adjust(session, now, version, document.parse(written), after)
        fit_pools(session, Period.current(session), document.parse(written), cause(now))

    database.transact(run)


def ctx(session: Session, now: datetime, key: str = "") -> Context:
    """A Context as the clock's jobs get it."""
    found = Context.of(session, now, key or f"clock{next(_numbers)}")
    assert found is not None
    return found


def told(database: Database, name: str) -> list[Message]:
    """What somebody was told so far, oldest first."""
    effects = database.transact(
        lambda session: session.exec(
            select(Effect).where(Effect.kind == "say").order_by(col(Effect.id))
        ).all()
    )
    address = f"slack:{CAST[name][0]}"
    return [Message.from_json(one.payload["message"]) for one in effects if one.payload["address"] == address]


def balances(database: Database) -> list[tuple[Any, ...]]:
    """Every account and what it holds: to see that nothing moved."""
    rows = database.transact(
        lambda session: session.execute(text("SELECT id, balance FROM account ORDER BY id")).all()
    )
    return [tuple(row) for row in rows]


def pool(database: Database, team: str = "payments") -> float:
    held = database.transact(
        lambda session: session.execute(
            text("SELECT SUM(balance) FROM account WHERE team = :team"), {"team": team}
        ).scalar_one()
    )
    return int(held) / USD


def sound(database: Database) -> None:
    """The audit finds nothing."""
    assert database.transact(audit).wrong == []


def after(**span: float) -> datetime:
    return NOW + timedelta(**span)


def clock(company: Database, now: datetime) -> None:
    company.transact(lambda session: requests_due(ctx(session, now)))


def asked(company: Database) -> list[str]:
    """Who was asked so far, in order."""
    rows = company.transact(lambda session: session.exec(select(Asked).order_by(Asked.asked_at)).all())
    names = company.transact(lambda session: {who(session, name).id: name for name in CAST})
    return [names[row.member_id] for row in rows]


def state(company: Database) -> str:
    return company.transact(lambda session: session.exec(select(Request.state)).one())
