"""How much may be lent, recalled or forgiven, by what there is and what policy says."""

from __future__ import annotations

from models.people.member import Member
from models.policy.document import Policy
from models.quota.status import QuotaStatus
from models.refusal import HoldsBorrowed, LoanTooSmall, MoreThanDue, NothingOwed, NotLendable


def lendable(status: QuotaStatus, amount: int | None, policy: Policy) -> int:
    """`amount`, or all that is lendable (None). Raises the refusal."""
    most = status.has.lendable(policy, status.base)
    if status.has.asked:
        raise HoldsBorrowed
    if (amount or most or 1) > most:
        raise NotLendable(amount or 0, most)
    require_enough(amount or most, policy)
    return amount or most


def require_enough(amount: int, policy: Policy) -> None:
    if amount < policy.least_loan:
        raise LoanTooSmall(policy.least_loan)


def at_most(amount: int | None, there: int, borrower: Member) -> int:
    """`amount`, or everything that is there (None). Raises `NothingOwed` or `MoreThanDue`."""
    if not there:
        raise NothingOwed(borrower.name)
    if amount is not None and amount > there:
        raise MoreThanDue(amount, there)
    return there if amount is None else amount
