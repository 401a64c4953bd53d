"""Refusal: understood, and the answer is no. Types that carry facts; the words live in handlers/words/refusals.py.

Refusal
├── NotUnderstood  WrongUsage  BadAmount  AmbiguousAmount  AllNotAllowed
│   BadDate
├── UnknownSender  UnknownPerson  AmbiguousPerson  SeveralPeople  NotAColleague
│   OnlyColleagues  UnknownMention  StatusUnknown  UnreadableMessage  NotFromHere
│   CallsUsedUp
├── NoPolicyYet (NoRate)  PeriodClosing  TooSlow  KeyReused  NothingToConfirm
│   NotForYou  OnlyAdmins  NotEdited  TokensNotEnforced
├── InsufficientQuota  NotLendable  LoanTooSmall  HoldsBorrowed  LendingIsOff  LendingToOneself
│   CannotLendNow  CannotBorrowNow  TooManyLoans  TooMuchBorrowed  OverdueLoans
├── NoSuchLoan  NothingOwed  MoreThanDue
└── UnknownCode  AlreadyDecided  Replaced  OverCeiling
    PoolTooSmall  NothingToRevoke
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any


class Refusal(Exception):  # noqa: N818 - a refusal is an answer, not an error
    """Expected, shown to the asker, rolled back; never logged as an error."""

    @property
    def facts(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]

    def __str__(self) -> str:
        facts = ", ".join(f"{name}={value!r}" for name, value in self.facts.items())
        return f"{type(self).__name__}({facts})"


@dataclass(eq=False)
class NotUnderstood(Refusal):
    """What was said is none of the things one can ask."""

    text: str


@dataclass(eq=False)
class WrongUsage(Refusal):
    """The command is known; its words are not. `command` names the row of the route table."""

    command: str


@dataclass(eq=False)
class BadAmount(Refusal):
    """No amount that can be moved. `why` is a code: zero, negative, not_a_number, too_precise, too_big, two_numbers, range, wrong_currency, ..."""

    why: str
    text: str


@dataclass(eq=False)
class AmbiguousAmount(Refusal):
    """Two people would read it differently; `choices` in stored units."""

    text: str
    choices: tuple[int, ...]


@dataclass(eq=False)
class AllNotAllowed(Refusal):
    """`all` has no meaning here."""


@dataclass(eq=False)
class BadDate(Refusal):
    """Not a day, or not one to come."""

    text: str


@dataclass(eq=False)
class UnknownSender(Refusal):
    """Somebody wrote whom the directory does not know."""

    address: str


@dataclass(eq=False)
class UnknownPerson(Refusal):
    """Nobody is called that."""

    text: str


@dataclass(eq=False)
class AmbiguousPerson(Refusal):
    """More than one person is called that; `names` with team."""

    text: str
    names: tuple[str, ...]


@dataclass(eq=False)
class SeveralPeople(Refusal):
    """One person at a time."""


@dataclass(eq=False)
class NotAColleague(Refusal):
    """Somebody else who is a guest, a bot, an outsider, or has left: which of these is not told."""

    name: str


@dataclass(eq=False)
class OnlyColleagues(Refusal):
    """The asker is no colleague of this workspace, or a guest who asks to lend, borrow or decide."""


@dataclass(eq=False)
class StatusUnknown(Refusal):
    """The messenger did not say in time whether somebody may take part."""


@dataclass(eq=False)
class NoPolicyYet(Refusal):
    """No policy was applied: nobody has quota."""


@dataclass(eq=False)
class NoRate(NoPolicyYet):
    """The policy does not say what a USD is in its unit, so no gateway can be read or driven by it."""

    unit: str


@dataclass(eq=False)
class TokensNotEnforced(Refusal):
    """The policy counts tokens, and a gateway money: what they cost differs from model to model."""


@dataclass(eq=False)
class PeriodClosing(Refusal):
    """The period is being closed; a minute."""


@dataclass(eq=False)
class TooSlow(Refusal):
    """It did not commit in time; nothing moved."""


@dataclass(eq=False)
class KeyReused(Refusal):
    """The same key came with other words."""


@dataclass(eq=False)
class NothingToConfirm(Refusal):
    """There is no echo to answer, or it is older than ten minutes."""


@dataclass(eq=False)
class NotForYou(Refusal):
    """Only an admin, a manager or an owner may see this."""


@dataclass(eq=False)
class InsufficientQuota(Refusal):
    """The account holds less than what was to move (stored units)."""

    wanted: int
    available: int


@dataclass(eq=False)
class NotLendable(Refusal):
    """The lender may lend less than that (stored units)."""

    wanted: int
    lendable: int


@dataclass(eq=False)
class LoanTooSmall(Refusal):
    """A loan is at least that much (stored units)."""

    least: int


@dataclass(eq=False)
class HoldsBorrowed(Refusal):
    """Who holds unspent quota that they asked to borrow cannot lend."""


@dataclass(eq=False)
class LendingIsOff(Refusal):
    """The policy has lending switched off."""


@dataclass(eq=False)
class LendingToOneself(Refusal):
    """Lender and borrower are one human."""


@dataclass(eq=False)
class CannotLendNow(Refusal):
    """The other one cannot lend just now; never says why."""

    name: str


@dataclass(eq=False)
class CannotBorrowNow(Refusal):
    """The other one cannot borrow just now; never says why."""

    name: str


@dataclass(eq=False)
class TooManyLoans(Refusal):
    """The asker has as many open loans as one may have."""

    most: int


@dataclass(eq=False)
class TooMuchBorrowed(Refusal):
    """The asker may borrow only so much more (stored units)."""

    wanted: int
    left: int


@dataclass(eq=False)
class OverdueLoans(Refusal):
    """The asker owes since two openings."""


@dataclass(eq=False)
class NoSuchLoan(Refusal):
    """Nothing is open between these two."""

    name: str


@dataclass(eq=False)
class NothingOwed(Refusal):
    """The loan has nothing of the kind to give, recall or forgive."""

    name: str


@dataclass(eq=False)
class MoreThanDue(Refusal):
    """More than the loan holds (stored units)."""

    wanted: int
    due: int


@dataclass(eq=False)
class UnknownCode(Refusal):
    """No such request, loan or ask, or not this person's to change: the same answer, so that nobody finds out which."""

    code: str


@dataclass(eq=False)
class AlreadyDecided(Refusal):
    """Somebody, or the clock, was first."""

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
    """Above what this approver may grant (stored units)."""

    ceiling: int


@dataclass(eq=False)
class PoolTooSmall(Refusal):
    """The team's budget holds less than that (stored units)."""

    team: str
    left: int


@dataclass(eq=False)
class NothingToRevoke(Refusal):
    """The grant is spent, ended or already taken back."""

    code: str


@dataclass(eq=False)
class OnlyAdmins(Refusal):
    """The button is for the admins of the policy."""


@dataclass(eq=False)
class NotEdited(Refusal):
    """The limit at the gateway is ours, or the account is not there any more."""


@dataclass(eq=False)
class UnreadableMessage(Refusal):
    """A picture, a file, a sticker: nothing that could be asked."""


@dataclass(eq=False)
class UnknownMention(Refusal):
    """Somebody was mentioned who is no colleague, or whom nobody has told us of."""


@dataclass(eq=False)
class NotFromHere(Refusal):
    """The messenger does not say who of our organisation this is, or says that it is somebody of another one."""


@dataclass(eq=False)
class CallsUsedUp(Refusal):
    """The messenger withholds what was said until the organisation has calls again."""
