"""Every event with its readers and buttons. tests/test_events.py walks the table.

The actor reads the answer to their own request; the table names everybody else. Each hears it once, in their own
chat and language, as soon as it is committed; reminders and escalations count no quiet hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Who(StrEnum):
    """The part of a person in an event."""

    LENDER = "lender"
    BORROWER = "borrower"
    ASKED = "asked"  # a colleague who is asked to lend
    REQUESTER = "requester"
    APPROVERS = "approvers"  # all who were asked so far
    CHAIN = "everybody who could be asked"
    NEXT = "next approver"
    DELEGATE = "delegate"
    MANAGER = "manager"
    ABOVE = "everybody who may pause the holder"
    SENDER = "sender of a message"
    HOLDER = "holder"  # of a grant or of an allocation
    OWNER = "owner of the team"
    FINANCE = "fallback approvers"
    ADMINS = "admins"  # with their channel


@dataclass(frozen=True)
class Event:
    """`hears`: everybody but the actor. `settles`: copies of a card show the new state. `buttons`: those on the
    message.
    """

    hears: tuple[Who, ...] = ()
    buttons: tuple[str, ...] = ()
    settles: bool = False


EVENTS: dict[str, Event] = {
    "loan": Event((Who.BORROWER,), ("loan.return",)),
    "recall": Event((Who.BORROWER,)),
    "return": Event((Who.LENDER,)),
    "repayment": Event((Who.LENDER,)),
    "forgiveness": Event((Who.BORROWER,)),
    "withdrawal of an ask": Event(settles=True),
    "ask to borrow": Event((Who.ASKED,), ("borrow.accept", "borrow.decline")),
    "ask accepted": Event((Who.BORROWER,), ("loan.return",), settles=True),
    "ask declined": Event((Who.BORROWER,), settles=True),
    "gift to the team": Event((Who.OWNER,)),
    "quota that will expire": Event((Who.HOLDER,), ("needs.open", "lend.open")),
    "asking around": Event((Who.ASKED,), ("borrow.accept", "borrow.decline")),
    "nobody could lend": Event((Who.BORROWER,), ("request.open",)),
    "request": Event((Who.APPROVERS,), ("request.approve", "request.decline")),
    "request nobody can decide": Event((Who.ADMINS,)),
    "approval": Event((Who.REQUESTER,), settles=True),
    "decline": Event((Who.REQUESTER,), ("request.open",), settles=True),
    "grant is live": Event((Who.REQUESTER,)),
    "grant is held up": Event((Who.REQUESTER, Who.ADMINS)),
    "limit waits for a colleague's": Event((Who.BORROWER, Who.LENDER)),
    "cancellation": Event(settles=True),
    "reminder": Event((Who.APPROVERS,)),
    "reminder of many": Event((Who.APPROVERS,), ("request.approve_all", "pending.open")),
    "escalation": Event((Who.NEXT, Who.REQUESTER), ("request.approve", "request.decline")),
    "emergency grant": Event((Who.CHAIN, Who.ADMINS), ("request.revoke",)),
    "revocation": Event((Who.REQUESTER,), settles=True),
    "end of a grant": Event((Who.HOLDER,)),
    "grant by an operator": Event((Who.HOLDER,)),
    "usage taken back": Event((Who.HOLDER,)),
    "cut or raise": Event((Who.HOLDER,)),
    "cut or raise called off": Event((Who.HOLDER,)),
    "joining": Event((Who.HOLDER,)),
    "close settles a debt": Event((Who.BORROWER, Who.LENDER), ("loans.open",)),
    "close returns a loan": Event((Who.BORROWER, Who.LENDER), ("loans.open",)),
    "close ends a grant": Event((Who.HOLDER,), ("request.open",)),
    "budget of a team": Event((Who.OWNER, Who.ADMINS), ("budget.open",)),
    "week of an owner": Event((Who.OWNER,), ("budget.open",)),
    "budget of the year": Event((Who.FINANCE, Who.ADMINS), ("budget.open",)),
    "level of use": Event((Who.HOLDER,), ("request.open", "borrow.open")),
    "fallback goes on": Event((Who.HOLDER,), ("request.open", "borrow.open")),
    "fallback is used up": Event((Who.HOLDER,), ("request.open", "borrow.open")),
    "early end of a quota": Event((Who.HOLDER,), ("request.open", "borrow.open")),
    "surge": Event((Who.HOLDER, Who.MANAGER, Who.ADMINS), ("surge.continue",)),
    "surge nobody answers": Event((Who.ABOVE, Who.ADMINS)),
    "limit edited at the gateway": Event((Who.ADMINS,), ("gateway.restore", "gateway.adopt")),
    "list of models edited at the gateway": Event((Who.ADMINS,), ("gateway.restore",)),
    "message nobody gets": Event((Who.SENDER, Who.ADMINS)),
    "delegation": Event((Who.DELEGATE,)),
    "lender leaves": Event((Who.BORROWER,)),
    "borrower leaves": Event((Who.LENDER,)),
    "asked colleague leaves": Event((Who.BORROWER,), ("borrow.open",), settles=True),
    "requester leaves": Event(settles=True),
    "rehire": Event((Who.HOLDER,)),
    "pause by others": Event((Who.HOLDER,)),
    "end of a pause by others": Event((Who.HOLDER,)),
}
