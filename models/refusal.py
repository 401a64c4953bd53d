"""Refusals: understood, and the answer is no. The words are in handlers/words/refusals.py.

In their order: texts, people, the state of the workspace, lending and its limits, loans, requests.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any


class Refusal(Exception):  # noqa: N818 - a refusal is an answer, not an error
    """Expected: shown to the sender, rolled back, never logged as an error."""

    @property
    def facts(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]

    def __str__(self) -> str:
        facts = ", ".join(f"{name}={value!r}" for name, value in self.facts.items())
        return f"{type(self).__name__}({facts})"


@dataclass(eq=False)
class NotUnderstood(Refusal):
    """The text is no command."""

    text: str


@dataclass(eq=False)
class WrongUsage(Refusal):
    """The command is known, its arguments are not. `command` names a row of the route table."""

    command: str


@dataclass(eq=False)
class BadAmount(Refusal):
    """Not an amount that can be moved. `why`: a value of `ledger.amount.Why`."""

    why: str
    text: str


@dataclass(eq=False)
class AmbiguousAmount(Refusal):
    """People read it in different ways; `choices` in stored units."""

    text: str
    choices: tuple[int, ...]


@dataclass(eq=False)
class AllNotAllowed(Refusal):
    """`all` has no meaning here."""


@dataclass(eq=False)
class BadDate(Refusal):
    """Not a date, or not one in the future."""

    text: str


@dataclass(eq=False)
class UnknownSender(Refusal):
    """The sender's address belongs to no member."""

    address: str


@dataclass(eq=False)
class UnknownPerson(Refusal):
    """No member has this name."""

    text: str


@dataclass(eq=False)
class AmbiguousPerson(Refusal):
    """Several members have this name; `names` with their teams."""

    text: str
    names: tuple[str, ...]


@dataclass(eq=False)
class SeveralPeople(Refusal):
    """The command takes one person."""


@dataclass(eq=False)
class NotAColleague(Refusal):
    """The other person is a guest, a bot or an outsider, or has left; which of these is not told."""

    name: str


@dataclass(eq=False)
class OnlyColleagues(Refusal):
    """The sender is not from this workspace, or is a guest who wants to lend, borrow or decide."""


@dataclass(eq=False)
class StatusUnknown(Refusal):
    """The messenger did not answer in time whether the sender may take part."""


@dataclass(eq=False)
class NoPolicyYet(Refusal):
    """No policy was applied, so nobody has quota."""


@dataclass(eq=False)
class NoRate(NoPolicyYet):
    """The policy names no rate to USD, so no gateway can be read or driven."""

    unit: str


@dataclass(eq=False)
class TokensNotEnforced(Refusal):
    """The policy counts tokens, and a gateway counts money: the price differs by model."""


@dataclass(eq=False)
class PeriodClosing(Refusal):
    """The period is being closed, for about a minute."""


@dataclass(eq=False)
class TooSlow(Refusal):
    """The request did not commit in time; nothing moved."""


@dataclass(eq=False)
class KeyReused(Refusal):
    """The same key came with other words."""


@dataclass(eq=False)
class NothingToConfirm(Refusal):
    """No confirmation is open, or it is older than ten minutes."""


@dataclass(eq=False)
class NotForYou(Refusal):
    """Only an admin, a manager or an owner may see this."""


class BudgetNotForYou(NotForYou):
    """Budgets are for owners of teams, admins and the people of finance."""


@dataclass(eq=False)
class InsufficientQuota(Refusal):
    """The account holds less than the amount (stored units)."""

    wanted: int
    available: int


@dataclass(eq=False)
class NotLendable(Refusal):
    """The lender may lend less (stored units)."""

    wanted: int
    lendable: int


@dataclass(eq=False)
class LoanTooSmall(Refusal):
    """Below the least loan of the policy (stored units)."""

    least: int


@dataclass(eq=False)
class HoldsBorrowed(Refusal):
    """The lender holds unspent quota that they asked to borrow."""


@dataclass(eq=False)
class LendingIsOff(Refusal):
    """The policy switches lending off."""


@dataclass(eq=False)
class LendingToOneself(Refusal):
    """Lender and borrower are one member."""


@dataclass(eq=False)
class CannotLendNow(Refusal):
    """The reason is the other one's business and is not told."""

    name: str


class CannotBorrowNow(CannotLendNow):
    """Nor is this one told."""


class TakesNoAsks(CannotLendNow):
    """Nobody may ask them to lend, or the sender may not; which of these is not told."""


@dataclass(eq=False)
class TooManyMessages(Refusal):
    """The sender caused too many messages to colleagues within an hour; possible again from `at`."""

    at: datetime


class TriesUsedUp(TooManyMessages):
    """Too many lends, or asks, were refused within an hour."""


@dataclass(eq=False)
class TooManyLoans(Refusal):
    """The borrower has `most` open loans."""

    most: int


@dataclass(eq=False)
class TooMuchBorrowed(Refusal):
    """The borrower may borrow `left` more (stored units)."""

    wanted: int
    left: int


@dataclass(eq=False)
class OverdueLoans(Refusal):
    """The borrower has owed since two openings."""


@dataclass(eq=False)
class NoSuchLoan(Refusal):
    """No open loan between these two."""

    name: str


class NothingOwed(NoSuchLoan):
    """The loan holds nothing to return, recall or forgive."""


@dataclass(eq=False)
class MoreThanDue(Refusal):
    """The loan holds less (stored units)."""

    wanted: int
    due: int


@dataclass(eq=False)
class UnknownCode(Refusal):
    """No such CODE, or not this person's to change. One answer for both, so that nobody finds out which."""

    code: str


@dataclass(eq=False)
class AlreadyDecided(Refusal):
    """Somebody else, or the clock, was first."""

    code: str
    state: str
    by: str
    at: datetime
    granted: int
    behalf: str = ""
    """In whose place a delegate decided."""


@dataclass(eq=False)
class Replaced(Refusal):
    """The request was amended; `code` is the new one."""

    code: str
    amount: int


@dataclass(eq=False)
class OverCeiling(Refusal):
    """Above the approver's ceiling (stored units)."""

    ceiling: int


@dataclass(eq=False)
class PoolTooSmall(Refusal):
    """The team's budget holds less (stored units)."""

    team: str
    left: int


@dataclass(eq=False)
class NothingToRevoke(Refusal):
    """The grant is spent, over or already revoked."""

    code: str


class OnlyAdmins(NotForYou):
    """The button is for the admins of the policy."""


@dataclass(eq=False)
class NotYoursToPause(Refusal):
    """The asker is no manager of this member, owns no team of theirs and is no admin."""

    name: str


@dataclass(eq=False)
class NotEdited(Refusal):
    """The limit at the gateway is ours, or the account is gone."""


@dataclass(eq=False)
class UnreadableMessage(Refusal):
    """A picture, a file or a sticker."""


@dataclass(eq=False)
class UnknownMention(Refusal):
    """The mentioned person is no colleague, or not known here."""


class NotFromHere(OnlyColleagues):
    """The messenger does not name the sender's member, or names another organisation."""


class CallsUsedUp(UnreadableMessage):
    """The messenger withholds the text until the organisation has calls again."""


@dataclass(eq=False)
class NothingToApprove(Refusal):
    """Of what was shown nothing waits any more that could be granted whole."""
