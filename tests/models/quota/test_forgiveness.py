"""What a lender writes off is something, and adds up as the loan says."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from handlers import lending
from models.ledger.transfer import Transfer
from models.quota.forgiveness import TRANSFERRED, Forgiveness
from models.quota.loan import loans_of
from tests.actions import USD, spent
from tests.company import NOW, asks, who


def test_the_orm_adds_up_what_the_statement_adds_up(session: Session) -> None:
    lending.lend(asks(session, "alice"), who(session, "bob"), 10 * USD)
    spent(session, "bob", 1000, NOW)
    ((loan, sums),) = loans_of(session, who(session, "bob").id)
    found = session.exec(select(*TRANSFERRED).where(Transfer.loan_id == loan.id)).one()
    assert tuple(found) == (sums.principal, sums.returned, sums.used, sums.repaid)


def test_nothing_cannot_be_forgiven(session: Session) -> None:
    lending.lend(asks(session, "alice"), who(session, "bob"), 10 * USD)
    ((loan, _),) = loans_of(session, who(session, "bob").id)
    with pytest.raises(IntegrityError), session.begin_nested():
        session.add(Forgiveness(loan_id=loan.id, amount=0, at=NOW, actor="member:1", cause="test"))
