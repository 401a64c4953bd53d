"""Answers beside the commands: small talk, a missing amount, and buttons for what was probably meant."""

from __future__ import annotations

from dataclasses import replace

from handlers import arguments, confirmation
from handlers.command import Command
from handlers.context import RequestContext
from handlers.language.reader import offers
from handlers.words import texts
from handlers.words.text import Text
from models.messages.message import Button, Message

SILENCE = Message(text="")
"""In a channel nobody is bothered with what may not have been meant for the bot."""

_OFFERS: dict[str, tuple[Text, str, Text]] = {
    "balance": (texts.BALANCE_BUTTON, "balance.open", texts.BALANCE_WORD),
    "request": (texts.ASK_BUTTON, "request.open", texts.REQUEST_WORD),
    "lend": (texts.LEND_BUTTON, "lend.open", texts.LEND_WORD),
    "borrow": (texts.BORROW_BUTTON, "borrow.open", texts.BORROW_WORD),
    "loans": (texts.LOANS_BUTTON, "loans.open", texts.LOANS_WORD),
    "history": (texts.HISTORY_BUTTON, "history.open", texts.HISTORY_WORD),
    "team": (texts.TEAM_BUTTON, "team.open", texts.TEAM_WORD),
    "help": (texts.HELP_BUTTON, "help.open", texts.HELP_WORD),
}
_SHOWN_AS = {"repay": "loans", "recall": "loans", "forgive": "loans"}
"""A loan is given back, taken back and let off at its row; whatever else needs a CODE or a day, and help says how."""
_USUAL = ("balance", "request", "lend")
_QUESTIONS = {"lend": texts.HOW_MUCH_FOR, "borrow": texts.HOW_MUCH_FROM}


def one_tap(meant: list[str]) -> set[str]:
    """What the buttons for these intents lead to."""
    shown = {_SHOWN_AS.get(one, one) for one in meant} & set(_OFFERS)
    return shown | {one for one, row in _SHOWN_AS.items() if row in shown}


def answer(ctx: RequestContext, command: Command) -> Message:
    if ctx.place:
        return SILENCE
    say = ctx.reader.locale
    if command.intent in ("yes", "no", "thanks"):
        return Message(text=texts.THUMB(say))
    meant = offers(command.text, ctx.now.date())
    text = texts.HELLO if command.intent == "hello" else texts.MAYBE_MEANT
    rows = dict.fromkeys(_SHOWN_AS.get(one, one if one in _OFFERS else "help") for one in meant or _USUAL)
    return Message(text=text(say), buttons=tuple(_button(say, one) for one in rows))


def asks_amount(ctx: RequestContext, command: Command) -> Message | None:
    """Ask for a missing amount; the command waits for the number. None when nothing is missing."""
    if command.amount or command.exact or not command.text:
        return None
    member = arguments.maybe_person(ctx, command) if command.intent in _QUESTIONS else None
    if member is not None:
        confirmation.wait_for_amount(ctx, command, member)
        return Message(text=_QUESTIONS[command.intent](ctx.reader.locale, name=member.name))
    if command.intent != "request":
        return None
    confirmation.wait_for_amount(ctx, command, None)
    say = ctx.reader.locale
    return Message(text=texts.HOW_MUCH_MORE(say), buttons=(_button(say, "request"),))


def with_amount(ctx: RequestContext, number: Command) -> Command | None:
    """The command that waits for this number, to be confirmed; None when none waits."""
    waiting = confirmation.take_for_amount(ctx)
    if waiting is None:
        return None
    return replace(waiting, amount=number.amount, confidence="clear", text=number.text)


def _button(locale: str, intent: str) -> Button:
    label, action, typed = _OFFERS[intent]
    return Button(label(locale), action, typed=typed(locale))
