"""Forms to request, lend and decline."""

from __future__ import annotations

from handlers.context import RequestContext
from handlers.words import texts
from handlers.words.text import SafeText
from models.messages.message import Field, Form
from models.people.member import Member
from models.quota.grantable import Grantable
from models.quota.request import Request, find


def request_form(ctx: RequestContext) -> Form:
    say, unit = ctx.reader.locale, SafeText(ctx.policy.unit)
    fields = (
        Field("amount", texts.AMOUNT_FIELD(say, unit=unit)),
        Field("reason", texts.REASON_FIELD(say), "long", optional=True),
        Field("until", texts.UNTIL_FIELD(say), "date", optional=True),
    )
    return Form(
        "request.new", texts.REQUEST_FORM(say), texts.SEND(say), texts.BACK(say), fields, typed="request"
    )


def lend_form(ctx: RequestContext) -> Form:
    say, unit = ctx.reader.locale, SafeText(ctx.policy.unit)
    fields = (
        Field("person", texts.PERSON_FIELD(say), "person"),
        Field("amount", texts.AMOUNT_FIELD(say, unit=unit)),
        Field("reason", texts.REASON_FIELD(say), optional=True),
        Field("until", texts.UNTIL_FIELD(say), "date", optional=True),
    )
    return Form(
        "lend.new", texts.LEND_FORM(say), texts.LEND_SUBMIT(say), texts.BACK(say), fields, typed="lend"
    )


def decline_form(ctx: RequestContext, code: str) -> Form:
    # Checked here so that nobody writes a reason in vain, and again at the answer.
    found = find(ctx.session, code, ctx.me)
    name, say = ctx.session.get_one(Member, found.member_id).name, ctx.reader.locale
    found.require_decider(ctx.session, ctx.me, ctx.policy, ctx.now)
    fields = (Field("reason", texts.DECLINE_REASON(say, name=name), "long"),)
    return Form(
        "request.decline", texts.DECLINE_FORM(say), texts.DECLINE_SUBMIT(say), texts.BACK(say), fields, value=found.code,
        typed=f"decline {found.code}",
    )  # fmt: skip


def other_form(ctx: RequestContext, code: str) -> Form:
    # Checked here and again at the answer.
    found = find(ctx.session, code, ctx.me)
    asked = found.require_decider(ctx.session, ctx.me, ctx.policy, ctx.now)
    can = Grantable.of(ctx.session, found, ctx.policy, asked.ceiling)
    reader, name = ctx.reader, ctx.session.get_one(Member, found.member_id).name
    label = texts.OTHER_AMOUNT(reader.locale, name=name, unit=SafeText(reader.unit))
    return Form(
        "request.other", texts.OTHER_FORM(reader.locale), texts.OTHER_SUBMIT(reader.locale), texts.BACK(reader.locale),
        (Field("amount", label, hint=_hint(ctx, found, can)),), value=found.code, typed=f"approve {found.code}",
    )  # fmt: skip


def _hint(ctx: RequestContext, found: Request, can: Grantable) -> str:
    facts = {"asked": ctx.reader.amount(found.amount), "most": ctx.reader.amount(can.most)}
    return texts.OTHER_HINT(ctx.reader.locale, **facts)
