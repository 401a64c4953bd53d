"""Accounts: one of a kind for a member, a source for the organisation, and an owner for each."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from bot.database import Database
from models.ledger.account import Account, AccountKind, account_of, open_account, organisation
from tests.actions import USD
from tests.company import NOW, who


def test_an_account_is_opened_once_and_found_from_then_on(session: Session) -> None:
    alice, bob = who(session, "alice").id, who(session, "bob").id
    first = account_of(session, AccountKind.OVERDRAFT, alice, NOW)
    assert account_of(session, AccountKind.OVERDRAFT, alice, NOW) == first
    assert account_of(session, AccountKind.OVERDRAFT, bob, NOW) != first
    assert session.get_one(Account, first).balance == 0


def test_the_organisation_has_one_source_and_one_place_for_what_expired(session: Session) -> None:
    issued, expired = (organisation(session, kind, NOW) for kind in (AccountKind.ISSUED, AccountKind.EXPIRED))
    assert issued != expired
    assert organisation(session, AccountKind.EXPIRED, NOW) == expired
    with pytest.raises(IntegrityError):
        open_account(session, AccountKind.EXPIRED, NOW)


def test_issued_is_the_only_source_without_a_floor(company: Database) -> None:
    def held(session: Session) -> int:
        return session.exec(select(Account.balance).where(Account.kind == AccountKind.ISSUED)).one()

    assert company.transact(held) == -(1000 + 2 * 500 + 9 * 100) * USD


def test_nobody_has_two_allocations(company: Database) -> None:
    with pytest.raises(IntegrityError):
        company.transact(
            lambda session: open_account(
                session, AccountKind.ALLOCATION, NOW, member_id=who(session, "alice").id
            )
        )


@pytest.mark.parametrize("owner", [{}, {"team": "payments"}])
def test_an_account_of_nobody_cannot_be_written_down(company: Database, owner: dict[str, str]) -> None:
    with pytest.raises(IntegrityError):
        company.transact(lambda session: open_account(session, AccountKind.OVERDRAFT, NOW, **owner))
