"""An approver's question before a decision, and the requester's answer on the card."""

from __future__ import annotations

from handlers.approval import cards
from handlers.context import RequestContext
from handlers.requests import settle
from handlers.words import texts
from handlers.words.text import SafeText
from models.messages.message import Button, Field, Form, Message, clean, escape
from models.people.member import Member
from models.quota.question import Question
from models.quota.request import Request, find
from models.refusal import UnknownCode, WrongUsage


def ask(ctx: RequestContext, code: str, text: str = "") -> Message:
    found, question = find(ctx.session, code, ctx.me), clean(text)
    found.require_decider(ctx.session, ctx.me, ctx.policy, ctx.now)
    if not question:
        raise WrongUsage("ask")
    Question.put(ctx.session, found.id, ctx.me.id, question, ctx.now)
    requester = ctx.session.get_one(Member, found.member_id)
    theirs = ctx.reader_of(requester)
    told = texts.QUESTION(
        theirs.locale, by=ctx.me.name, amount=theirs.amount(found.amount), code=SafeText(found.code)
    )
    button = Button(
        texts.ANSWER_BUTTON(theirs.locale), "request.answer", found.code, "primary", f"answer {found.code}"
    )
    message = Message(text=SafeText(f"{told}\n> {escape(question)}"), buttons=(button,))
    ctx.tell(requester, message, about=f"question:{found.code}")
    settle(ctx, found)
    return Message(
        text=texts.QUESTION_SENT(ctx.reader.locale, name=requester.name, code=SafeText(found.code))
    )


def answer_form(ctx: RequestContext, code: str) -> Form:
    found, say = _own(ctx, code), ctx.reader.locale
    waiting = [one.text for one in Question.on(ctx.session, found.id) if one.answered_at is None]
    if not waiting:
        raise WrongUsage("answer")
    field = Field("reason", texts.ANSWER_FIELD(say), "long", hint=waiting[-1])
    return Form(
        "request.answer", texts.ANSWER_FORM(say), texts.SEND(say), texts.BACK(say), (field,), value=found.code,
        typed=f"answer {found.code}",
    )  # fmt: skip


def answer(ctx: RequestContext, code: str, text: str = "") -> Message:
    found, said = _own(ctx, code), clean(text)
    if not said:
        raise WrongUsage("answer")
    answered = Question.answer_all(ctx.session, found.id, said, ctx.now)
    if not answered:
        return Message(text=texts.NOTHING_ASKED(ctx.reader.locale, code=SafeText(found.code)))
    settle(ctx, found)
    askers = [ctx.session.get_one(Member, one) for one in dict.fromkeys(one.asker_id for one in answered)]
    for one in askers:
        _tell(ctx, found, one, said)
    return Message(text=texts.ANSWER_SENT(ctx.reader.locale, code=SafeText(found.code)))


def _tell(ctx: RequestContext, request: Request, to: Member, said: str) -> None:
    # Nothing for an approver who may not decide any more.
    card = cards.request_card(ctx, request, "full", to)
    if not card.buttons:
        return
    told = texts.ANSWERED(ctx.reader_of(to).locale, name=ctx.me.name, code=SafeText(request.code))
    message = Message(text=SafeText(f"{told}\n> {escape(said)}"), buttons=card.buttons)
    ctx.tell(to, message, about=request.about, shape="full")


def _own(ctx: RequestContext, code: str) -> Request:
    """The sender's own open request. Raises `UnknownCode`, `AlreadyDecided`."""
    found = find(ctx.session, code, ctx.me)
    if found.member_id != ctx.me.id:
        raise UnknownCode(found.code)
    if not found.open:
        raise found.already_decided(ctx.session)
    return found
