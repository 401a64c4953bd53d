"""Saying back before moving: what was not an exact command, a typed name, or the same command again within a minute."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from handlers import arguments
from handlers.arguments import Said
from handlers.context import RequestContext
from handlers.words import texts
from handlers.words.text import SafeText, Text
from models.ledger.amount import Reading, parse
from models.messages import confirmation
from models.messages.message import Button, Message
from models.messages.receipt import said_lately
from models.people.member import Member
from models.quota.code import new_code

AGAIN = timedelta(seconds=60)

WHAT: dict[str, Text] = {
    "lend": texts.ECHO_LEND,
    "borrow": texts.ECHO_BORROW,
    "repay": texts.ECHO_REPAY,
    "recall": texts.ECHO_RECALL,
    "forgive": texts.ECHO_FORGIVE,
    "request": texts.ECHO_REQUEST,
    "approve": texts.ECHO_APPROVE,
    "decline": texts.ECHO_DECLINE,
    "cancel": texts.ECHO_CANCEL,
    "revoke": texts.ECHO_REVOKE,
    "delegate": texts.ECHO_DELEGATE,
}


def needed(ctx: RequestContext, said: Said, fingerprint: str) -> Message | None:
    """The echo with its two buttons, kept till the answer; None when the command may run as it stands.

    A request without an amount opens a form, and an ask of nobody is a question back: neither moves anything. A CODE
    settles once, so whoever says it twice hears at once what became of it.
    """
    again = not said.code and said_lately(ctx.session, ctx.me.id, fingerprint, ctx.now, AGAIN)
    if (said.exact and not said.name and _sure(ctx, said) and not again) or _harmless(said):
        return None
    who = arguments.maybe_person(ctx, said)
    meant = replace(
        said, exact=True, name=None, handle=None, member=who.id if who else None, thread=ctx.thread
    )
    code = new_code(ctx.session)
    confirmation.keep(ctx.session, ctx.me.id, code, meant.as_json(), ctx.now)
    reader = ctx.reader
    ask = (texts.ECHO_AGAIN if again else texts.ECHO)(reader.locale, what=_what(ctx, said, who))
    yes = Button(
        texts.YES_BUTTON(reader.locale),
        "confirm.yes",
        code,
        "primary",
        "yes" if not reader.chinese else "确认",
    )
    no = Button(
        texts.NO_BUTTON(reader.locale), "confirm.no", code, typed="no" if not reader.chinese else "取消"
    )
    return Message(text=ask, buttons=(yes, no))


def take(ctx: RequestContext, answer: Said) -> Said:
    """What the yes or no answers; a button's code must be that of the newest echo."""
    return Said.from_json(confirmation.take(ctx.session, ctx.me.id, ctx.now, answer.code or None))


def is_echo(answer: object) -> bool:
    """Whether an answer asks for a yes, so that nothing has moved yet."""
    return isinstance(answer, Message) and any(button.action == "confirm.yes" for button in answer.buttons)


def _sure(ctx: RequestContext, said: Said) -> bool:
    if not said.amount:
        return True
    read = parse(said.amount, ctx.policy.unit)
    return read.sure if isinstance(read, Reading) else said.exact


def _harmless(said: Said) -> bool:
    return (said.intent == "request" and not said.amount) or (
        said.intent == "borrow" and not (said.handle or said.name)
    )


def _what(ctx: RequestContext, said: Said, who: Member | None) -> SafeText:
    reader = ctx.reader
    number = arguments.amount_or_all(ctx, said)
    asked = texts.AS_ASKED if said.intent == "approve" else texts.EVERYTHING
    day = arguments.until(ctx, said)
    facts = {
        "amount": asked(reader.locale) if number is None else reader.amount(number),
        "name": who.name if who else "?",
        "team": texts.IN_TEAM(reader.locale, team=who.team) if who and who.team else SafeText(""),
        "code": SafeText(said.code.upper()) if said.code.isalnum() else said.code,
        "day": reader.day(datetime(day.year, day.month, day.day, 12, tzinfo=reader.zone)) if day else "?",
    }
    return WHAT[said.intent](reader.locale, **facts)
