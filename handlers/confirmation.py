"""Confirm before anything moves: a plain sentence, a typed name, or the same command again within a minute."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

from handlers import arguments, asking, deciding, emergency, giving, lending, requests
from handlers.command import Command, Person
from handlers.context import RequestContext
from handlers.routes import BUTTONS, COMMANDS, CONFIRM, ROUTES
from handlers.words import texts
from handlers.words.text import SafeText, Text
from models.ledger.amount import Reading, parse, plain
from models.messages import confirmation
from models.messages.message import Button, Form, Message, clean, escape
from models.messages.receipt import moved_lately
from models.people.member import Member
from models.quota.code import new_code
from models.quota.request import Request
from models.refusal import NothingToConfirm

AGAIN = timedelta(seconds=60)
WHOLE = ("lend", "repay", "recall", "forgive")
"""Commands that mean everything when no number is given."""
BRAKE = ("pause", "resume")
DATED = ("lend", "borrow", "request")
YES, NO = CONFIRM
ANSWERS = ("yes", "no", YES, NO)

WHAT: dict[str, Text] = {
    "lend": texts.CONFIRM_LEND,
    "borrow": texts.CONFIRM_BORROW,
    "repay": texts.CONFIRM_REPAY,
    "recall": texts.CONFIRM_RECALL,
    "forgive": texts.CONFIRM_FORGIVE,
    "request": texts.CONFIRM_REQUEST,
    "approve": texts.CONFIRM_APPROVE,
    "decline": texts.CONFIRM_DECLINE,
    "cancel": texts.CONFIRM_CANCEL,
    "revoke": texts.CONFIRM_REVOKE,
    "delegate": texts.CONFIRM_DELEGATE,
    "undelegate": texts.CONFIRM_UNDELEGATE,
    "emergency": texts.CONFIRM_EMERGENCY,
    "pause": texts.CONFIRM_PAUSE,
    "resume": texts.CONFIRM_RESUME,
    "withdraw": texts.CONFIRM_WITHDRAW,
    "nudge": texts.CONFIRM_NUDGE,
    "ask": texts.CONFIRM_ASK,
    "mute": texts.CONFIRM_MUTE,
    "unmute": texts.CONFIRM_UNMUTE,
    "no_asks": texts.CONFIRM_NO_ASKS,
    "allow_asks": texts.CONFIRM_ALLOW_ASKS,
}
_FORMS = {"request.other": "approve", "request.approve_all": "approve_all", "lend.new": "lend"}
"""Forms and buttons that are confirmed as the command that they stand for."""
_GIFTS = ("give", "give.team")
"""What is given does not come back, so it is always said back, with its number."""
_LOAN_BUTTONS = {"loan.return": "repay", "loan.recall": "recall", "loan.forgive": "forgive"}
"""Buttons of a loan, which are confirmed as the verb typed with the other one's name."""


def needed(ctx: RequestContext, command: Command, fingerprint: str) -> Message | None:
    """The question with its two buttons; None when the command may run at once."""
    if command.intent in _GIFTS:
        return _gift(ctx, command)
    pressed, command = command.intent in _LOAN_BUTTONS, _typed(ctx, command)
    if command.intent == "approve_all":
        return _many(ctx, command)
    if command.intent == "emergency" and (no := emergency.why_not(ctx, arguments.maybe_amount(ctx, command))):
        return no
    # a CODE settles once and a pause is one pause, so the same command again is answered at once
    once = command.code or command.intent in BRAKE
    again = not once and moved_lately(ctx.session, ctx.me.id, fingerprint, ctx.now, AGAIN)
    above = _above_asked(ctx, command)
    whole = _everything(ctx, command)
    if whole is not None and not whole[1]:
        return None  # it is refused, also after a guess: a yes to nothing would promise something
    final = whole is not None and (_ends_a_debt if pressed else _is_final)(ctx, command, *whole)
    sure = _sure(ctx, command) and not again and not final
    if above is None and (_harmless(command) or sure):
        return None
    member = arguments.maybe_person(ctx, command)
    if whole is not None:
        member, command = whole[0], _settled(ctx, command, whole[1])
    code = new_code(ctx.session)
    _keep(ctx, command, member, code)
    question = texts.CONFIRM_AGAIN if again else texts.CONFIRM
    if above is not None:
        what = _more_than_asked(ctx, command, above)
    else:
        what = _what(ctx, command, member, whole[1] if whole else None)
    return _question(ctx, question, SafeText(what + _reason(command)), code)


def _many(ctx: RequestContext, command: Command) -> Message:
    """Always asked: the sum, and exactly the requests that a yes will decide."""
    chosen, code = deciding.chosen(ctx, command.code), new_code(ctx.session)
    _keep(ctx, replace(command, code=",".join(one.code for one in chosen)), None, code)
    return _question(ctx, texts.CONFIRM, deciding.question(ctx, chosen), code)


def _gift(ctx: RequestContext, command: Command) -> Message:
    amount = arguments.amount_or_all(ctx, command)
    if command.intent == "give.team":
        amount = giving.what_expires(ctx)
    what, settled = giving.said_back(ctx, amount)
    code = new_code(ctx.session)
    command = replace(command, intent="give", amount=plain(settled, ctx.policy.unit), code="")
    _keep(ctx, command, None, code)
    return _question(ctx, texts.CONFIRM, what, code)


def _typed(ctx: RequestContext, command: Command) -> Command:
    """What a form or the button of a loan stands for, as if it had been typed; any other command as it is."""
    if command.intent not in _LOAN_BUTTONS:
        return replace(command, intent=_FORMS.get(command.intent, command.intent))
    other = lending.other_of(ctx, command.code, taken=command.intent == "loan.return")
    return replace(command, intent=_LOAN_BUTTONS[command.intent], person=Person(member=other.id), code="")


def _everything(ctx: RequestContext, command: Command) -> tuple[Member, int] | None:
    """The other member, and how much a money command without a number moves; None when it has one."""
    if command.intent not in WHOLE or arguments.amount_or_all(ctx, command) is not None:
        return None
    return lending.everything(ctx, command.intent, arguments.maybe_person(ctx, command))


def _is_final(ctx: RequestContext, command: Command, _: Member, amount: int) -> bool:
    # More than anybody should do by a slip.
    return command.intent in ("lend", "forgive") or lending.is_large(ctx, amount)


def _ends_a_debt(ctx: RequestContext, command: Command, other: Member, amount: int) -> bool:
    """Whether a button lets a debt go, or pays one: neither can be taken back. Unspent quota may go to and fro."""
    if command.intent == "repay":
        return amount > lending.unspent(ctx, lender=other, borrower=ctx.me)
    return command.intent == "forgive"


def _settled(ctx: RequestContext, command: Command, amount: int) -> Command:
    # Lend and forgive exactly the amount shown. A recall or a return takes what is there at the yes.
    if command.intent not in ("lend", "forgive"):
        return replace(command, amount=None)
    return replace(command, amount=plain(amount, ctx.policy.unit))


def is_question(answer: object) -> bool:
    """Whether an answer asks for a yes, so that nothing has moved yet."""
    return isinstance(answer, Message) and any(button.action == YES for button in answer.buttons)


def is_unsure_act(command: Command) -> bool:
    """Whether a guess would change something: a setting, an ask, a reminder."""
    return command.confidence == "unclear" and command.intent in WHAT


def is_idle(ctx: RequestContext) -> bool:
    """Whether no command waits for a yes or no."""
    return _waiting(ctx) is None


def wait_for(ctx: RequestContext, wants: str, command: Command, member: Member | None = None) -> None:
    """Keep a command without its amount or its person (`wants`), for a word said in the same place."""
    kept = _kept(ctx, command, member) | {"wants": wants, "place": ctx.place}
    confirmation.keep(ctx.session, ctx.me.id, new_code(ctx.session), kept, ctx.now)


def take_for(ctx: RequestContext, wants: str) -> Command | None:
    """The command that waits for an amount or a person, once."""
    kept = _waiting(ctx)
    # Asked in a channel, the word may also come in the sender's own chat.
    if kept is None or kept.get("wants") != wants or ctx.place not in ("", kept.get("place")):
        return None
    return take(ctx, Command(wants))


def _waiting(ctx: RequestContext) -> dict[str, Any] | None:
    with suppress(NothingToConfirm):
        return confirmation.waiting(ctx.session, ctx.me.id, ctx.now).command
    return None


def settle(ctx: RequestContext, answer: Command) -> Message | Form:
    # The CODE of a colleague's ask answers that ask.
    yes = answer.intent in ("yes", YES)
    if answer.code and asking.is_asked(ctx, answer.code):
        return BUTTONS["borrow.accept" if yes else "borrow.decline"].run(ctx, answer)
    kept = _waiting(ctx)
    if yes and kept is not None and kept.get("wants"):
        raise NothingToConfirm  # it waits for a number, not for a yes
    command = take(ctx, answer)
    if not yes:
        return Message(text=texts.NOTHING_DONE(ctx.reader.locale))
    return COMMANDS[command.intent].run(ctx, command)


def holders(ctx: RequestContext, command: Command) -> set[int]:
    """Members whose quota the command may take; for a yes, those of the command that waits."""
    if command.intent in ("yes", YES):
        command = _meant(ctx, command)
    route = ROUTES.get(command.intent)
    return route.holders(ctx, command) if route is not None and route.holders is not None else set()


def _meant(ctx: RequestContext, answer: Command) -> Command:
    # It goes on waiting.
    if answer.code and asking.is_asked(ctx, answer.code):
        return replace(answer, intent="borrow.accept")
    kept = confirmation.waiting(ctx.session, ctx.me.id, ctx.now, answer.code or None)
    return Command.from_json(kept.command)


def take(ctx: RequestContext, answer: Command) -> Command:
    """The command that waits, once, with its thread. A button's code must be that of the newest question."""
    kept = confirmation.take(ctx.session, ctx.me.id, ctx.now, answer.code or None)
    ctx.thread = kept.get("thread") or ctx.thread
    return Command.from_json(kept)


def _keep(ctx: RequestContext, command: Command, member: Member | None, code: str) -> None:
    confirmation.keep(ctx.session, ctx.me.id, code, _kept(ctx, command, member), ctx.now)


def _kept(ctx: RequestContext, command: Command, member: Member | None) -> dict[str, Any]:
    person = Person(member=member.id) if member else None
    meant = replace(command, confidence="exact", person=person, text="")
    return meant.as_json() | {"thread": ctx.thread, "under": ctx.under}


def _question(ctx: RequestContext, question: Text, what: SafeText, code: str) -> Message:
    locale = ctx.reader.locale
    yes = Button(texts.YES_BUTTON(locale), YES, code, "primary", texts.YES_TYPED(locale))
    no = Button(texts.NO_BUTTON(locale), NO, code, typed=texts.NO_TYPED(locale))
    return Message(text=question(locale, what=what), buttons=(yes, no))


def _sure(ctx: RequestContext, command: Command) -> bool:
    """Whether the command is exact: a mention instead of a name, and an amount with one reading."""
    if not command.exact or (command.person and command.person.name):
        return False
    if not command.amount:
        return True
    read = parse(command.amount, ctx.policy.unit)
    return not isinstance(read, Reading) or read.sure


def _above_asked(ctx: RequestContext, command: Command) -> Request | None:
    """The request of which an approval would grant more than was asked."""
    amount = arguments.amount_or_all(ctx, command)
    if command.intent != "approve" or amount is None:
        return None
    return requests.above_asked(ctx, command.code, amount)


def _more_than_asked(ctx: RequestContext, command: Command, request: Request) -> SafeText:
    reader, amount = ctx.reader, arguments.amount_or_all(ctx, command) or 0
    return texts.CONFIRM_APPROVE_MORE(
        reader.locale,
        code=SafeText(request.code),
        amount=reader.amount(amount),
        asked=reader.amount(request.amount),
        name=ctx.session.get_one(Member, request.member_id).name,
    )


def _harmless(command: Command) -> bool:
    # A request without an amount opens a form.
    if command.intent == "request":
        return not command.amount
    return command.intent in BRAKE and command.person is None


def _reason(command: Command) -> str:
    reason = clean(command.reason)
    return f"\n> {escape(reason)}" if reason else ""


def _what(ctx: RequestContext, command: Command, member: Member | None, whole: int | None = None) -> SafeText:
    """The effect of the command, in the reader's language. `whole`: the amount of everything."""
    reader = ctx.reader
    number, day = arguments.amount_or_all(ctx, command), arguments.until(ctx, command)
    number = whole if number is None else number
    words = texts.AS_ASKED if command.intent in ("approve", "emergency") else texts.EVERYTHING
    facts = {
        "amount": words(reader.locale) if number is None else reader.amount(number),
        "name": member.name if member else texts.YOUR_COLLEAGUES(reader.locale),
        "team": texts.IN_TEAM(reader.locale, team=member.team) if member and member.team else SafeText(""),
        "code": SafeText(command.code.upper()) if command.code.isalnum() else command.code,
        "day": reader.calendar_day(day) if day else "?",
    }
    words = texts.CONFIRM_SEARCH if command.intent == "borrow" and member is None else WHAT[command.intent]
    what = words(reader.locale, **facts)
    if day is None or command.intent not in DATED:
        return what
    return SafeText(what + texts.UNTIL_DAY(reader.locale, day=facts["day"]))
