"""The whole bot on one page: what can be typed, pressed, filled in, and what the clock asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from handlers import arguments as a
from handlers import balance, home, lending, requests, team
from handlers.arguments import ArgumentReader, Said
from handlers.clock import asks, closing, grants, loans, pools, receipts
from handlers.clock.requests import requests_due
from handlers.context import RequestContext
from handlers.gateway import alerts
from handlers.words import usage
from handlers.words.text import Text
from models.messages.message import Form, Message

_HELP = usage.HELP


@dataclass(frozen=True)
class Route:
    """One thing that can be asked. `moves`: it changes quota or authority, so a loose sentence is confirmed first.

    `looks`: it only shows, so asked again it is answered as things are then. `away`: own quota may leave the asker, so the
    gateway is read before. `form`: what is shown instead, where that works.
    """

    handler: Callable[..., Message | Form]
    arguments: tuple[ArgumentReader, ...] = ()
    usage: Text = _HELP
    moves: bool = False
    looks: bool = False
    away: bool = False
    checks: bool = False
    form: Callable[..., Form] | None = None

    def __call__(self, ctx: RequestContext, said: Said) -> Message | Form:
        """Read the arguments and ask the handler."""
        return self.handler(ctx, *self.read(ctx, said))

    def read(self, ctx: RequestContext, said: Said) -> list[Any]:
        """What was said as arguments, or the refusal that says what is wrong with it."""
        return [take(ctx, said) for take in self.arguments]


COMMANDS: dict[str, Route] = {
    "balance": Route(balance.balance, looks=True),
    "lend": Route(
        lending.lend, (a.person, a.lendable, a.reason), usage.LEND, moves=True, away=True, checks=True
    ),
    "borrow": Route(
        lending.borrow, (a.maybe_person, a.amount, a.reason), usage.BORROW, moves=True, checks=True
    ),
    "repay": Route(lending.repay, (a.maybe_person, a.amount_or_all), usage.REPAY, moves=True, away=True),
    "recall": Route(lending.recall, (a.maybe_person, a.amount_or_all), usage.RECALL, moves=True),
    "forgive": Route(lending.forgive, (a.maybe_person, a.amount_or_all), usage.FORGIVE, moves=True),
    "request": Route(requests.request, (a.maybe_amount, a.reason, a.until), usage.REQUEST, moves=True),
    "approve": Route(requests.approve, (a.code, a.maybe_amount), usage.APPROVE, moves=True, checks=True),
    "decline": Route(requests.decline, (a.code, a.reason), usage.DECLINE, moves=True, checks=True),
    "cancel": Route(requests.cancel, (a.code,), usage.CANCEL, moves=True),
    "revoke": Route(requests.revoke, (a.code,), usage.REVOKE, moves=True, checks=True),
    "delegate": Route(requests.delegate, (a.person, a.until), usage.DELEGATE, moves=True, checks=True),
    "loans": Route(lending.loans, looks=True),
    "history": Route(balance.history, (a.value,), looks=True),
    "team": Route(team.team),
    "pause": Route(alerts.pause, usage=usage.PAUSE),
    "resume": Route(alerts.keep_going, usage=usage.PAUSE),
    "help": Route(balance.help_, looks=True),
    "lang": Route(balance.lang, (a.locale,), usage.LANG),
}

BUTTONS: dict[str, Route] = {
    "request.approve": Route(requests.approve, (a.code,), usage.APPROVE, checks=True),
    "request.approve_less": Route(requests.approve_less, (a.code,), usage.APPROVE, checks=True),
    "request.decline": Route(
        requests.decline, (a.code, a.reason), usage.DECLINE, checks=True, form=requests.decline_form
    ),
    "request.open": Route(requests.request_form, usage=usage.REQUEST, form=requests.request_form),
    "request.cancel": Route(requests.cancel, (a.code,), usage.CANCEL),
    "request.revoke": Route(requests.revoke, (a.code,), usage.REVOKE, checks=True),
    "borrow.accept": Route(lending.accept, (a.code,), usage.LEND, away=True, checks=True),
    "borrow.decline": Route(lending.not_now, (a.code,), usage.LEND),
    "loan.return": Route(lending.return_loan, (a.code,), usage.REPAY, away=True),
    "loan.recall": Route(lending.recall_loan, (a.code,), usage.RECALL),
    "loan.forgive": Route(lending.forgive_loan, (a.code,), usage.FORGIVE),
    "lend.open": Route(requests.lend_form, usage=usage.LEND, form=requests.lend_form),
    "history.open": Route(balance.history, (a.value,)),
    "borrow.open": Route(alerts.borrow_how, usage=usage.BORROW),
    "surge.continue": Route(alerts.keep_going),
    "surge.pause": Route(alerts.pause),
}

FORMS: dict[str, Route] = {
    "request.new": Route(requests.request, (a.amount, a.reason, a.until), usage.REQUEST),
    "lend.new": Route(lending.lend, (a.person, a.lendable, a.reason), usage.LEND, away=True, checks=True),
    "request.decline": Route(requests.decline, (a.code, a.reason), usage.DECLINE, checks=True),
}

CONFIRM = ("confirm.yes", "confirm.no")
HOME = home.home


@dataclass(frozen=True)
class Job:
    """Work of the clock: due once a slot of `every`, whoever ticks first. Pieces: run in transactions until it says False."""

    run: Callable[[Any], bool]
    every: timedelta


JOBS: dict[str, Job] = {
    "turn": Job(closing.turn, timedelta(minutes=1)),
    "requests": Job(requests_due, timedelta(minutes=1)),
    "asks": Job(asks.end_asks, timedelta(minutes=1)),
    "grants": Job(grants.end_grants, timedelta(minutes=1)),
    "loans": Job(loans.warn_of_returns, timedelta(hours=1)),
    "pools": Job(pools.warn_of_pools, timedelta(minutes=5)),
    "tidy": Job(receipts.forget, timedelta(days=1)),
}


def route_of(said: Said) -> Route | None:
    return COMMANDS.get(said.intent)
