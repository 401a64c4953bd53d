"""The whole bot on one page: what can be typed, pressed, filled in, and what the clock asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from handlers import arguments as a
from handlers import balance, changes, home, lending, requests, team
from handlers.arguments import ArgumentReader, Said
from handlers.clock import housekeeping
from handlers.clock.requests import requests_due
from handlers.context import RequestContext
from handlers.gateway import alerts
from handlers.words.text import Text
from models.messages.message import Form, Message

_HELP = Text("`help`", "`帮助`")


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


_LEND = Text("`lend @bob 50 [reason]`", "`借给 @小李 50 [理由]`")
_BORROW = Text("`borrow 50 from @bob [reason]`", "`向 @小李 借 50 [理由]`")
_REPAY = Text("`repay @bob [20]`", "`还 @小李 [20]`")
_RECALL = Text("`recall @bob [20]`", "`收回 @小李 [20]`")
_FORGIVE = Text("`forgive @bob [20]`", "`免还 @小李 [20]`")
_REQUEST = Text("`request 200 [until 15 Dec] [reason]`", "`申请 200 [用到12月15日] [理由]`")
_APPROVE = Text("`approve CODE [amount]`", "`同意 CODE [数额]`")
_DECLINE = Text("`decline CODE reason`", "`拒绝 CODE 理由`")
_CANCEL = Text("`cancel CODE`", "`撤回 CODE`")
_REVOKE = Text("`revoke CODE`", "`收回 CODE`")
_DELEGATE = Text("`delegate @eve until friday`", "`委托 @小王 到周五`")
_PAUSE = Text("`pause` or `continue`", "`暂停` 或 `继续`")
_LANG = Text("`lang en` or `lang zh`", "`lang zh` 或 `lang en`")

COMMANDS: dict[str, Route] = {
    "balance": Route(balance.balance, looks=True),
    "lend": Route(lending.lend, (a.person, a.lendable, a.reason), _LEND, moves=True, away=True, checks=True),
    "borrow": Route(lending.borrow, (a.maybe_person, a.amount, a.reason), _BORROW, moves=True, checks=True),
    "repay": Route(lending.repay, (a.maybe_person, a.amount_or_all), _REPAY, moves=True, away=True),
    "recall": Route(lending.recall, (a.maybe_person, a.amount_or_all), _RECALL, moves=True),
    "forgive": Route(lending.forgive, (a.maybe_person, a.amount_or_all), _FORGIVE, moves=True),
    "request": Route(requests.request, (a.maybe_amount, a.reason, a.until), _REQUEST, moves=True),
    "approve": Route(requests.approve, (a.code, a.maybe_amount), _APPROVE, moves=True, checks=True),
    "decline": Route(requests.decline, (a.code, a.reason), _DECLINE, moves=True, checks=True),
    "cancel": Route(requests.cancel, (a.code,), _CANCEL, moves=True),
    "revoke": Route(requests.revoke, (a.code,), _REVOKE, moves=True, checks=True),
    "delegate": Route(requests.delegate, (a.person, a.until), _DELEGATE, moves=True, checks=True),
    "loans": Route(lending.loans, looks=True),
    "history": Route(balance.history, (a.value,), looks=True),
    "team": Route(team.team),
    "pause": Route(alerts.pause, usage=_PAUSE),
    "resume": Route(alerts.keep_going, usage=_PAUSE),
    "help": Route(balance.help_, looks=True),
    "lang": Route(balance.lang, (a.locale,), _LANG),
}

BUTTONS: dict[str, Route] = {
    "request.approve": Route(requests.approve, (a.code,), _APPROVE, checks=True),
    "request.approve_less": Route(requests.approve_less, (a.code,), _APPROVE, checks=True),
    "request.decline": Route(
        requests.decline, (a.code, a.reason), _DECLINE, checks=True, form=requests.decline_form
    ),
    "request.open": Route(requests.request_form, usage=_REQUEST, form=requests.request_form),
    "request.cancel": Route(requests.cancel, (a.code,), _CANCEL),
    "request.revoke": Route(requests.revoke, (a.code,), _REVOKE, checks=True),
    "borrow.accept": Route(lending.accept, (a.code,), _LEND, away=True, checks=True),
    "borrow.decline": Route(lending.not_now, (a.code,), _LEND),
    "loan.return": Route(lending.return_loan, (a.code,), _REPAY, away=True),
    "loan.recall": Route(lending.recall_loan, (a.code,), _RECALL),
    "loan.forgive": Route(lending.forgive_loan, (a.code,), _FORGIVE),
    "lend.open": Route(requests.lend_form, usage=_LEND, form=requests.lend_form),
    "history.open": Route(balance.history, (a.value,)),
    "borrow.open": Route(alerts.borrow_how, usage=_BORROW),
    "surge.continue": Route(alerts.keep_going),
    "surge.pause": Route(alerts.pause),
}

FORMS: dict[str, Route] = {
    "request.new": Route(requests.request, (a.amount, a.reason, a.until), _REQUEST),
    "lend.new": Route(lending.lend, (a.person, a.lendable, a.reason), _LEND, away=True, checks=True),
    "request.decline": Route(requests.decline, (a.code, a.reason), _DECLINE, checks=True),
}

CONFIRM = ("confirm.yes", "confirm.no")
HOME = home.home


@dataclass(frozen=True)
class Job:
    """Work of the clock: due once a slot of `every`, whoever ticks first. Pieces: run in transactions until it says False."""

    run: Callable[[Any], bool]
    every: timedelta


JOBS: dict[str, Job] = {
    "turn": Job(housekeeping.turn, timedelta(minutes=1)),
    "requests": Job(requests_due, timedelta(minutes=1)),
    "asks": Job(housekeeping.end_asks, timedelta(minutes=1)),
    "grants": Job(housekeeping.end_grants, timedelta(minutes=1)),
    "loans": Job(housekeeping.warn_of_returns, timedelta(hours=1)),
    "pools": Job(changes.warn_of_pools, timedelta(minutes=5)),
    "tidy": Job(housekeeping.tidy, timedelta(days=1)),
}


def route_of(said: Said) -> Route | None:
    return COMMANDS.get(said.intent)
