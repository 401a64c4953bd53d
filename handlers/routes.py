"""The whole bot on one page: commands, buttons, forms and jobs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from handlers import (
    asking,
    balance,
    brake,
    budget,
    deciding,
    delegations,
    emergency,
    forms,
    giving,
    holders,
    lending,
    muting,
    questions,
    requests,
    searching,
    team,
    waiting,
)
from handlers.arguments import (
    ArgumentReader,
    amount,
    amount_or_all,
    code,
    language,
    lendable,
    maybe_amount,
    maybe_person,
    person,
    reason,
    require_here,
    until,
    value,
)  # fmt: skip
from handlers.clock import (
    asks,
    budgets,
    closing,
    figures,
    grants,
    loans,
    openings,
    receipts,
    seals,
    unused,
    weekly,
)
from handlers.clock.requests import requests_due
from handlers.command import Command
from handlers.context import RequestContext
from handlers.gateway import edits, surges
from handlers.holders import Holders
from handlers.words import usage
from handlers.words.text import Text
from models.messages.message import Form, Message
from models.messages.tally import require_tries
from models.metering.quota_view import QuotaView
from models.policy.meeting import question
from models.statement import Question

_HELP = usage.HELP


@dataclass(frozen=True)
class Route:
    """One thing that can be asked, and its conditions.

    `arguments`: a reader for each argument of the handler.
    `usage`: shown when an argument is missing.
    `moves`: changes quota or authority, so only an exact command runs without a confirmation.
    `reads_only`: needs no receipt and does not wait for the writer.
    `view`: shows what the asker has. `single`: the statement that reads the asker reads all that it shows.
    `holders`: members whose quota may be taken; their newest spend is read at the gateway first.
    `colleagues_only`: the sender and every named person must be members of the workspace.
    `form`: shown instead of the handler, where the messenger can open one.
    `reaches`: its messages to colleagues answer nothing, so they are counted and limited.
    `tries`: its refusals are counted under this name; after five in an hour it rests.
    """

    handler: Callable[..., Message | Form]
    arguments: tuple[ArgumentReader, ...] = ()
    usage: Text = _HELP
    moves: bool = False
    reads_only: bool = False
    view: bool = False
    single: bool = False
    holders: Holders | None = None
    colleagues_only: bool = False
    form: Callable[..., Form] | None = None
    reaches: bool = False
    tries: str = ""

    def question(self, sender: str, now: datetime) -> Question:
        """The asker and the policy, and where it shows it their quota."""
        return QuotaView.question(sender, now) if self.view else question(sender)

    def run(self, ctx: RequestContext, command: Command) -> Message | Form:
        self.admit(ctx)
        return self.handle(ctx, command, self.read(ctx, command))

    def handle(self, ctx: RequestContext, command: Command, arguments: list[Any]) -> Message | Form:
        # Everything may be taken or given back at any time; it ends what could be told again.
        whole = command.intent in ("recall", "repay", "forgive") and not command.amount
        ctx.counts = self.reaches and not whole
        return self.handler(ctx, *arguments)

    def admit(self, ctx: RequestContext) -> None:
        if self.tries:
            require_tries(ctx.session, ctx.me.id, self.tries, ctx.now)
        ctx.colleagues_only = self.colleagues_only and ctx.has_profiles
        require_here(ctx, ctx.me)

    def read(self, ctx: RequestContext, command: Command) -> list[Any]:
        return [read(ctx, command) for read in self.arguments]


COMMANDS: dict[str, Route] = {
    "balance": Route(balance.balance, reads_only=True, view=True, single=True),
    "lend": Route(
        lending.lend,
        (person, lendable, reason, until),
        usage.LEND,
        moves=True,
        holders=holders.asker,
        colleagues_only=True,
        reaches=True,
        tries="lend",
    ),
    "borrow": Route(
        asking.borrow,
        (maybe_person, amount, reason, until),
        usage.BORROW,
        moves=True,
        colleagues_only=True,
        reaches=True,
        tries="borrow",
    ),
    "needs": Route(searching.who_needs, usage=usage.NEEDS, colleagues_only=True),
    "mute": Route(muting.mute, (person,), usage.MUTE),
    "unmute": Route(muting.unmute, (person,), usage.UNMUTE),
    "no_asks": Route(muting.no_asks, usage=usage.NO_ASKS),
    "allow_asks": Route(muting.allow_asks, usage=usage.ALLOW_ASKS),
    "give": Route(
        giving.give_to_team, (lendable,), usage.GIVE, moves=True, holders=holders.asker, reaches=True
    ),
    "withdraw": Route(asking.withdraw, (maybe_person,), usage.WITHDRAW),
    "repay": Route(
        lending.repay,
        (maybe_person, amount_or_all),
        usage.REPAY,
        moves=True,
        holders=holders.asker,
        reaches=True,
    ),
    "recall": Route(
        lending.recall,
        (maybe_person, amount_or_all),
        usage.RECALL,
        moves=True,
        holders=holders.borrowers,
        reaches=True,
    ),
    "forgive": Route(
        lending.forgive, (maybe_person, amount_or_all, reason), usage.FORGIVE, moves=True, reaches=True
    ),
    "request": Route(
        requests.request, (maybe_amount, reason, until), usage.REQUEST, moves=True, reaches=True
    ),
    "approve": Route(requests.approve, (code, maybe_amount), usage.APPROVE, moves=True, colleagues_only=True),
    "approve_all": Route(deciding.approve_all, (value,), usage.APPROVE_ALL, moves=True, colleagues_only=True),
    "decline": Route(requests.decline, (code, reason), usage.DECLINE, moves=True, colleagues_only=True),
    "cancel": Route(requests.cancel, (code,), usage.CANCEL, moves=True),
    "revoke": Route(
        requests.revoke, (code,), usage.REVOKE, moves=True, holders=holders.requester, colleagues_only=True
    ),
    "delegate": Route(
        delegations.delegate, (person, until), usage.DELEGATE, moves=True, colleagues_only=True, reaches=True
    ),
    "undelegate": Route(delegations.undelegate, usage=usage.UNDELEGATE, moves=True),
    "pending": Route(waiting.pending, usage=usage.PENDING, reads_only=True),
    "ask": Route(questions.ask, (code, reason), usage.ASK, colleagues_only=True, reaches=True),
    "answer": Route(questions.answer, (code, reason), usage.ANSWER),
    "nudge": Route(waiting.nudge, (value,), usage.NUDGE),
    "emergency": Route(
        emergency.take, (maybe_amount, reason), usage.EMERGENCY, moves=True, colleagues_only=True
    ),
    "loans": Route(lending.loans, reads_only=True, view=True, single=True),
    "history": Route(balance.history, (value,), reads_only=True),
    "team": Route(team.team),
    "budget": Route(budget.budget, usage=usage.BUDGET, reads_only=True),
    "pause": Route(brake.pause, (maybe_person, reason), usage.PAUSE, moves=True),
    "resume": Route(brake.resume, (maybe_person,), usage.PAUSE, moves=True),
    "help": Route(balance.help_, (value,), reads_only=True, single=True),
    "lang": Route(balance.lang, (language,), usage.LANG),
}

_ANSWER = Route(questions.answer, (code, reason), usage.ANSWER, form=questions.answer_form)
_OTHER_AMOUNT = Route(
    requests.approve,
    (code, amount),
    usage.APPROVE,
    moves=True,
    colleagues_only=True,
    form=forms.other_form,
)

BUTTONS: dict[str, Route] = {
    "request.approve": Route(requests.approve_shown, (code,), usage.APPROVE, colleagues_only=True),
    "request.approve_less": Route(requests.approve_less, (code,), usage.APPROVE, colleagues_only=True),
    "request.approve_all": Route(
        deciding.approve_all, (value,), usage.APPROVE_ALL, moves=True, colleagues_only=True
    ),
    "request.other": _OTHER_AMOUNT,
    "request.decline": Route(
        requests.decline, (code, reason), usage.DECLINE, colleagues_only=True, form=forms.decline_form
    ),
    "request.open": Route(forms.request_form, usage=usage.REQUEST, form=forms.request_form),
    "request.cancel": Route(requests.cancel, (code,), usage.CANCEL),
    "request.answer": _ANSWER,
    "request.emergency": Route(emergency.take, usage=usage.EMERGENCY, colleagues_only=True),
    "request.nudge": Route(waiting.nudge, (code,), usage.NUDGE),
    "delegate.end": Route(delegations.undelegate, usage=usage.UNDELEGATE),
    "request.revoke": Route(
        requests.revoke, (code,), usage.REVOKE, holders=holders.requester, colleagues_only=True
    ),
    "borrow.accept": Route(asking.accept, (code,), usage.LEND, holders=holders.asker, colleagues_only=True),
    "borrow.withdraw": Route(asking.withdraw_ask, (code,), usage.WITHDRAW),
    "borrow.decline": Route(asking.not_now, (code,), usage.LEND),
    "loan.return": Route(lending.return_loan, (code,), usage.REPAY, moves=True, holders=holders.asker),
    "loan.recall": Route(
        lending.recall_loan, (code,), usage.RECALL, moves=True, holders=holders.borrower_of_loan
    ),
    "loan.forgive": Route(lending.forgive_loan, (code,), usage.FORGIVE, moves=True),
    "give.team": Route(giving.give_what_expires, usage=usage.GIVE, moves=True, holders=holders.asker),
    "needs.open": Route(searching.who_needs, usage=usage.NEEDS, colleagues_only=True),
    "lend.open": Route(forms.lend_form, usage=usage.LEND, form=forms.lend_form),
    "history.open": Route(balance.history, (value,)),
    "balance.open": Route(balance.balance),
    "loans.open": Route(lending.loans),
    "team.open": Route(team.team),
    "pending.open": Route(waiting.pending, usage=usage.PENDING),
    "budget.open": Route(budget.budget, usage=usage.BUDGET),
    "help.open": Route(balance.help_),
    "meant.open": Route(balance.help_),
    "borrow.open": Route(asking.borrow_how, usage=usage.BORROW),
    "surge.continue": Route(brake.resume_pressed, (value,)),
    "surge.pause": Route(brake.pause_pressed, (value,)),
    "gateway.restore": Route(edits.restore, (value,)),
    "gateway.adopt": Route(edits.adopt, (value,)),
}

FORMS: dict[str, Route] = {
    "request.new": Route(requests.request, (amount, reason, until), usage.REQUEST, reaches=True),
    "lend.new": Route(
        lending.lend,
        (person, lendable, reason, until),
        usage.LEND,
        moves=True,
        holders=holders.asker,
        colleagues_only=True,
        reaches=True,
        tries="lend",
    ),
    "request.other": _OTHER_AMOUNT,
    "request.answer": _ANSWER,
    "request.decline": Route(requests.decline, (code, reason), usage.DECLINE, colleagues_only=True),
}

ROUTES = COMMANDS | FORMS | BUTTONS
"""Every intent that has a handler. `request.decline`, `request.other` and `request.answer` are the same routes as forms and as buttons."""
CONFIRM = ("confirm.yes", "confirm.no")
"""The buttons of a confirmation; its typed answers are `yes` and `no`."""


@dataclass(frozen=True)
class Job:
    """Work of the clock, due once in each slot of `every`. `run` is called, a transaction each, until it returns
    False.

    `look`: what is read first, beside the writer, because it takes long; `run` gets the result. None ends the slot.
    `always`: also while the clock is more than one period ahead, where everything else waits for an operator.
    """

    run: Callable[..., bool]
    every: timedelta
    always: bool = False
    look: Callable[[Any], object | None] | None = None


JOBS: dict[str, Job] = {
    "turn": Job(closing.turn, timedelta(minutes=1), always=True),
    "openings": Job(openings.tell_of_openings, timedelta(minutes=1)),
    "requests": Job(requests_due, timedelta(minutes=1)),
    "asks": Job(asks.end_asks, timedelta(minutes=1)),
    "searches": Job(asks.ask_around, timedelta(minutes=1)),
    "grants": Job(grants.end_grants, timedelta(minutes=1)),
    "loans": Job(loans.warn_of_returns, timedelta(hours=1)),
    "unused": Job(unused.warn_of_unused, timedelta(hours=1)),
    "loan_ends": Job(loans.end_loans, timedelta(minutes=1)),
    "pools": Job(budgets.warn_of_pools, timedelta(minutes=5)),
    "year": Job(budgets.warn_of_the_year, timedelta(days=1)),
    "alarms": Job(surges.unanswered, timedelta(minutes=1), always=True),
    "weekly": Job(weekly.write_to_owners, timedelta(hours=1)),
    "figures": Job(figures.keep, timedelta(hours=1), look=figures.count),
    "seal": Job(seals.seal, timedelta(minutes=1), always=True),
    "tidy": Job(receipts.forget, timedelta(days=1)),
}
