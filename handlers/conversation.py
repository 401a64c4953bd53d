"""Answers beside the commands: small talk, a missing amount, and buttons for what was probably meant."""

from __future__ import annotations

from dataclasses import replace

from handlers import arguments, confirmation, meaning
from handlers.command import Command
from handlers.context import RequestContext
from handlers.language.reader import lone_person, offers
from handlers.words import texts
from handlers.words.text import Text
from models.messages.message import Button, Message
from models.refusal import NotUnderstood

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
    "budget": (texts.BUDGET_BUTTON, "budget.open", texts.BUDGET_WORD),
    "pending": (texts.PENDING_BUTTON, "pending.open", texts.PENDING_WORD),
    "help": (texts.HELP_BUTTON, "help.open", texts.HELP_WORD),
}
_OPENS = {action: intent for intent, (_, action, _) in _OFFERS.items()}
_OFFERS |= {
    intent: (label, meaning.ACTION, texts.MEANT_WORDS[intent])
    for intent, label in texts.MEANT_BUTTONS.items()
}
_USUAL = ("balance", "request", "lend")
_SHORT = ("yes", "no", "thanks", "hello")
_QUESTIONS = {"lend": texts.HOW_MUCH_FOR, "borrow": texts.HOW_MUCH_FROM}


def one_tap(meant: list[str]) -> set[str]:
    """What the buttons for these intents lead to."""
    return set(_shown(meant))


def answer(ctx: RequestContext, command: Command) -> Message:
    if ctx.place:
        return SILENCE
    say = ctx.reader.locale
    if command.intent in _SHORT[:3]:
        return Message(text=texts.THUMB(say))
    if command.intent == "hello":
        return Message(text=texts.HELLO(say), buttons=tuple(_button(say, one) for one in _USUAL))
    meant = offers(command.text, ctx.now.date())
    meaning.offer(ctx, meant, command.text)
    buttons = tuple(_button(say, one, whole=_is_whole(meant.get(one))) for one in _shown(list(meant)))
    return Message(text=texts.MAYBE_MEANT(say), buttons=buttons)


def _is_whole(reading: Command | None) -> bool:
    """Whether the sentence says all that this act needs, so that no form has to be filled."""
    if reading is None or not reading.amount:
        return False
    return reading.intent in ("request", "borrow") or (
        reading.intent == "lend" and reading.person is not None
    )


def _shown(meant: list[str]) -> list[str]:
    rows = list(dict.fromkeys(one if one in _OFFERS else "help" for one in meant))
    return [*_USUAL, *rows][:3] if rows in ([], ["help"]) else rows


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
    if not word.text:
        return _pressed(ctx, word)
    if word.confidence != "unclear" or word.intent in _SHORT:
        return None
    if word.intent == "amount":
        waiting = confirmation.take_for(ctx, "amount")
        return waiting and replace(waiting, amount=word.amount, confidence="clear", text=word.text)
    person = lone_person(word.text)
    waiting = confirmation.take_for(ctx, "person") if person is not None else None
    return waiting and replace(waiting, person=person, confidence="clear", text=word.text)


def _pressed(ctx: RequestContext, button: Command) -> Command | None:
    # Without a sentence that waits, the answer says how to type it.
    if button.intent != meaning.ACTION:
        if button.intent in _OPENS:
            meaning.learn(ctx, _OPENS[button.intent])
        return None
    if button.code not in _OFFERS:
        raise NotUnderstood(button.code)
    return meaning.chosen(ctx, button.code) or Command(button.code, confidence="unclear")


def _button(locale: str, intent: str, *, whole: bool = False) -> Button:
    label, action, typed = _OFFERS[intent]
    action = meaning.ACTION if whole else action
    value = intent if action == meaning.ACTION else ""
    return Button(label(locale), action, value, typed=typed(locale))
