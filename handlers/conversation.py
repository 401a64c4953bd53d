"""Answers beside the commands: small talk, a missing amount, and buttons for what was probably meant."""

from __future__ import annotations

from dataclasses import replace

from handlers import arguments, confirmation
from handlers.command import Command
from handlers.context import RequestContext
from handlers.language.reader import lone_person, offers
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
    "pending": (texts.PENDING_BUTTON, "pending.open", texts.PENDING_WORD),
    "help": (texts.HELP_BUTTON, "help.open", texts.HELP_WORD),
}
_SHOWN_AS = {
    **dict.fromkeys(("repay", "recall", "forgive"), "loans"),
    **dict.fromkeys(("approve", "decline", "ask", "nudge", "cancel", "answer", "withdraw"), "pending"),
    "budget": "team",  # budgets are shown to owners and admins
}
"""A loan is given back, taken back and let off at its row, and what is open is decided at its own; help tells the rest."""
_USUAL = ("balance", "request", "lend")
_SHORT = ("yes", "no", "thanks", "hello")
_QUESTIONS = {"lend": texts.HOW_MUCH_FOR, "borrow": texts.HOW_MUCH_FROM}


def one_tap(meant: list[str]) -> set[str]:
    """What the buttons for these intents lead to."""
    shown = {_SHOWN_AS.get(one, one) for one in meant} & set(_OFFERS)
    return shown | {one for one, row in _SHOWN_AS.items() if row in shown}


def answer(ctx: RequestContext, command: Command) -> Message:
    if ctx.place:
        return SILENCE
    say = ctx.reader.locale
    if command.intent in _SHORT[:3]:
        return Message(text=texts.THUMB(say))
    greeted = command.intent == "hello"
    text = texts.HELLO if greeted else texts.MAYBE_MEANT
    meant = [] if greeted else offers(command.text, ctx.now.date())
    rows = list(dict.fromkeys(_SHOWN_AS.get(one, one if one in _OFFERS else "help") for one in meant))
    if rows in ([], ["help"]):
        rows = [*_USUAL, *rows][:3]
    return Message(text=text(say), buttons=tuple(_button(say, one) for one in rows))


def asks_back(ctx: RequestContext, command: Command) -> Message | None:
    """Ask for the one part that is missing, an amount or a person; the command waits for it. None when nothing is missing."""
    if command.exact or not command.text:
        return None
    say = ctx.reader.locale
    if command.intent == "lend" and command.amount and command.person is None:
        confirmation.wait_for(ctx, "person", command)
        return Message(text=texts.TO_WHOM(say, amount=ctx.reader.amount(arguments.amount(ctx, command))))
    if command.amount:
        return None
    member = arguments.maybe_person(ctx, command) if command.intent in _QUESTIONS else None
    if member is not None:
        confirmation.wait_for(ctx, "amount", command, member)
        return Message(text=_QUESTIONS[command.intent](say, name=member.name))
    if command.intent != "request":
        return None
    confirmation.wait_for(ctx, "amount", command)
    return Message(text=texts.HOW_MUCH_MORE(say), buttons=(_button(say, "request"),))


def completed(ctx: RequestContext, word: Command) -> Command | None:
    """The command that waits for this number or this name, to be confirmed; None when none waits."""
    if word.confidence != "unclear" or word.intent in _SHORT:
        return None
    if word.intent == "amount":
        waiting = confirmation.take_for(ctx, "amount")
        return waiting and replace(waiting, amount=word.amount, confidence="clear", text=word.text)
    person = lone_person(word.text)
    waiting = confirmation.take_for(ctx, "person") if person is not None else None
    return waiting and replace(waiting, person=person, confidence="clear", text=word.text)


def _button(locale: str, intent: str) -> Button:
    label, action, typed = _OFFERS[intent]
    return Button(label(locale), action, typed=typed(locale))
