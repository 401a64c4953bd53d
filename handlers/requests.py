"""Requests for more quota: request, approve, decline, cancel, revoke, delegate."""

from __future__ import annotations

from datetime import date
from functools import partial

from handlers import forms
from handlers.admins import to_admins
from handlers.approval import approval, cards, ending
from handlers.ask_card import withdraw_covered
from handlers.context import Context, Reader, RequestContext
from handlers.quota_lines import meanwhile, until_calls_pass
from handlers.words import texts
from handlers.words.text import SafeText, listed, one_line
from models.ledger.amount import All, Unit, parse
from models.messages.approval import approvals
from models.messages.message import Button, Form, Message, clean, escape
from models.messages.outbox import copies, withdraw
from models.metering.gateway_state import free_models
from models.metering.outlook import needed, outlook
from models.people.member import Member
from models.policy.calendar import end_of_day
from models.quota import approvers, auto_approval
from models.quota.approvers import Standing
from models.quota.loan import loans_of
from models.quota.request import Request, find
from models.quota.request_state import RequestState
from models.quota.status import QuotaStatus
from models.quota.wallet import wallet_of
from models.refusal import (
    AlreadyDecided,
    BadDate,
    OverCeiling,
    Refusal,
    TooManyMessages,
    WrongUsage,
)


def request(
    ctx: RequestContext, amount: int | None, reason: str = "", until: date | None = None
) -> Message | Form:
    if amount is None:
        return forms.request_form(ctx)
    if until is not None and end_of_day(until, ctx.policy.zone) <= ctx.now:
        raise BadDate(until.isoformat())
    asked, old = Request.ask(
        ctx.session, ctx.me, amount, reason=clean(reason), until=until, thread=ctx.thread, smaller=lasting(ctx, ctx.me.id),
        policy=(ctx.version, ctx.policy), now=ctx.now,
    )  # fmt: skip
    if old is not None:
        withdraw(ctx.session, [f"request:{old}"], ctx.now, f"{asked.code} took its place")
        ctx.retell(f"request:{old}", lambda _, to: cards.replaced_card(ctx, asked, to))
    auto = _approved_by_policy(ctx, asked)
    if auto is not None:
        return auto
    standing = asked.standing(ctx.session, ctx.policy, ctx.now)
    sent = _sent(ctx, asked, old, standing)
    tell_asked(ctx, asked, standing)
    if asked.thread and not approvals(ctx.session, asked.about):
        ctx.post(
            asked.thread, cards.request_card(ctx, asked, "small", None), about=asked.about, shape="small"
        )
    ctx.refresh_home(ctx.me)
    return sent


def lasting(ctx: Context, member_id: int) -> int:
    """The amount that lasts to the end of the period, at this member's pace."""
    status = QuotaStatus.of(ctx.session, member_id)
    step = 1000 if ctx.policy.unit is Unit.TOKENS else ctx.policy.unit.scale
    return needed(outlook(ctx.session, status, ctx.now), status.has, step)


def _sent(ctx: RequestContext, asked: Request, old: str | None, standing: Standing) -> Message:
    # With the faster ways: recalling a loan, free models.
    reader = ctx.reader
    say = reader.locale
    if asked.state == RequestState.UNROUTABLE:
        first = texts.REQUEST_UNROUTABLE(say, amount=reader.amount(asked.amount), code=SafeText(asked.code))
    else:
        who = cards.asked_names(ctx.session, asked, reader)
        first = texts.REQUEST_SENT(
            say, amount=reader.amount(asked.amount), code=SafeText(asked.code), approver=who
        )
    lines = [first]
    most = standing.less_than(asked.amount)
    if most is not None and asked.state == RequestState.PENDING:
        lines.append(texts.NOBODY_GRANTS_ALL(say, most=reader.amount(most)))
    if old is not None:
        lines.append(texts.REQUEST_AMENDED(say, old=SafeText(old)))
    recallable = sum(
        sums.unspent for loan, sums in loans_of(ctx.session, ctx.me.id) if loan.lender_id == ctx.me.id
    )
    if recallable:
        lines.append(texts.MEANWHILE_RECALL(say, amount=reader.amount(recallable)))
    lines += meanwhile(ctx, reader, ctx.me)
    if free := free_models(ctx.session, ctx.policy):
        lines.append(texts.MEANWHILE_FREE(say, models=listed(free, say)))
    cancel_button = Button(
        texts.CANCEL_BUTTON(say), "request.cancel", asked.code, typed=f"cancel {asked.code}"
    )
    return Message(text="\n".join(lines), buttons=(cancel_button,))


def tell_asked(ctx: Context, asked: Request, standing: Standing | None = None) -> None:
    """Offer an approval, or send the card to approvers without one; tell the admins when nobody can decide."""
    if asked.state == RequestState.UNROUTABLE:
        name = ctx.session.get_one(Member, asked.member_id).name

        def nobody_decides(reader: Reader) -> Message:
            facts = {"name": name, "amount": reader.amount(asked.amount), "code": SafeText(asked.code)}
            return Message(text=texts.REQUEST_UNROUTABLE_ADMIN(reader.locale, **facts))

        to_admins(ctx, nobody_decides)
        return
    standing = standing or asked.standing(ctx.session, ctx.policy, ctx.now)
    _tell_too_much(ctx, asked, standing)
    in_approval = approval.offer(ctx, asked)
    told = {copy.payload["reader"] for copy in copies(ctx.session, asked.about)}
    for one in standing.asked:
        entry = standing.today.get(one.member_id)
        if entry is not None and one.member_id not in told:
            to = ctx.session.get_one(Member, one.member_id)
            if not in_approval:
                card = cards.request_card(ctx, asked, "full", to, entry)
                ctx.tell(to, card, about=asked.about, shape="full")
            ctx.refresh_home(to)


def _tell_too_much(ctx: Context, asked: Request, standing: Standing) -> None:
    most = standing.less_than(asked.amount) if asked.state == RequestState.PENDING else None
    if most is None or not ctx.first_time(f"{asked.about}:too-much"):
        return
    name = ctx.session.get_one(Member, asked.member_id).name

    def nobody_grants_all(reader: Reader) -> Message:
        facts = {"amount": reader.amount(asked.amount), "most": reader.amount(most)}
        text = texts.NOBODY_GRANTS_ALL_ADMIN(reader.locale, name=name, code=SafeText(asked.code), **facts)
        return Message(text=text)

    to_admins(ctx, nobody_grants_all)


def _approved_by_policy(ctx: RequestContext, asked: Request) -> Message | None:
    # Everybody who was asked may still revoke it.
    if not auto_approval.allows(ctx.session, asked, ctx.policy):
        return None
    cause = ctx.cause(actor="policy")
    asked.approve_by_policy(ctx.session, policy=ctx.policy, live=ctx.live, cause=cause)
    for one in _asked_members(ctx, asked):
        reader = ctx.reader_of(one)
        text = texts.AUTO_APPROVED(
            reader.locale, name=ctx.me.name, amount=reader.amount(asked.granted), code=SafeText(asked.code)
        )
        button = Button(
            texts.REVOKE_BUTTON(reader.locale), "request.revoke", asked.code, typed=f"revoke {asked.code}"
        )
        ctx.tell(one, Message(text=text, buttons=(button,)))
    return granted_message(ctx, asked, withdraw_covered(ctx, ctx.me, asked.granted))


def _asked_members(ctx: Context, asked: Request) -> list[Member]:
    entries = approvers.entries(ctx.session, asked.id)
    return [ctx.session.get_one(Member, one.member_id) for one in entries]


def approve(ctx: RequestContext, code: str, amount: int | None = None) -> Message:
    return _approve(ctx, find(ctx.session, code, ctx.me), amount)


def approve_shown(ctx: RequestContext, value: str) -> Message:
    """`value`: the CODE, or CODE:amount of a button that grants less than was asked."""
    code, amount = _shown_amount(ctx, value)
    return approve(ctx, code, amount)


def approve_less(ctx: RequestContext, value: str) -> Message:
    code, amount = _shown_amount(ctx, value)
    found = find(ctx.session, code, ctx.me)
    smaller = amount or found.smaller_for(_require_decider(ctx, found).ceiling)
    if not smaller:  # nobody was shown such a button
        raise WrongUsage("approve")
    return _approve(ctx, found, smaller)


def _shown_amount(ctx: RequestContext, value: str) -> tuple[str, int | None]:
    # An old button may show more than an amended request asks for.
    code, _, number = value.partition(":")
    if not number:
        return code, None
    read = parse(number, ctx.policy.unit)
    if isinstance(read, All) or read.amount > find(ctx.session, code, ctx.me).amount:
        raise WrongUsage("approve")
    return code, read.amount


def _require_decider(ctx: RequestContext, found: Request) -> approvers.Asked:
    return found.require_decider(ctx.session, ctx.me, ctx.policy, ctx.now)


def above_asked(ctx: RequestContext, code: str, amount: int) -> Request | None:
    """The request of this CODE if `amount` is more than it asks for. Refused as approving would be."""
    found = find(ctx.session, code, ctx.me)
    ceiling = _require_decider(ctx, found).ceiling
    if ceiling is not None and amount > ceiling:
        raise OverCeiling(ceiling)
    return found if amount > found.amount else None


def _approve(ctx: RequestContext, found: Request, amount: int | None) -> Message:
    if found.until is not None and end_of_day(found.until, ctx.policy.zone) <= ctx.now:
        return _ask_back(ctx, found, found.until)
    cause = ctx.cause(found.reason)
    found.approve(ctx.session, ctx.me, amount, policy=ctx.policy, live=ctx.live, cause=cause)
    requester = ctx.session.get_one(Member, found.member_id)
    covered = withdraw_covered(ctx, requester, found.granted)
    ctx.tell(requester, granted_message(ctx, found, covered))
    settle(ctx, found)
    reader = ctx.reader
    text = texts.YOU_APPROVED(
        reader.locale,
        name=requester.name,
        amount=reader.amount(found.granted),
        code=SafeText(found.code),
        until=ending.until_words(ctx, found, reader),
    )
    return Message(
        text=one_line((text, ending.ends_soon(ctx, found, reader, texts.GRANT_ENDS_SOON)), reader.locale)
    )


def _ask_back(ctx: RequestContext, found: Request, until: date) -> Message:
    # The day asked for has passed: nothing is decided, and the requester is asked for another day.
    _require_decider(ctx, found)
    requester = ctx.session.get_one(Member, found.member_id)
    theirs, mine, code = ctx.reader_of(requester), ctx.reader, SafeText(found.code)
    if ctx.first_time(f"{found.about}:until"):
        day = theirs.calendar_day(until)
        told = texts.UNTIL_PASSED_ASK(
            theirs.locale, by=ctx.me.name, code=code, day=day, amount=theirs.amount(found.amount)
        )
        again = Button(texts.ASK_AGAIN_BUTTON(theirs.locale), "request.open", typed="request")
        ctx.tell(requester, Message(text=told, buttons=(again,)))
    day = mine.calendar_day(until)
    return Message(text=texts.UNTIL_PASSED(mine.locale, name=requester.name, code=code, day=day))


def granted_message(ctx: Context, done: Request, covered: SafeText) -> Message:
    """The requester's message. "Usable now" only when the gateway has confirmed."""
    requester = ctx.session.get_one(Member, done.member_id)
    reader = ctx.reader_of(requester)
    available = wallet_of(ctx.session, requester.id).available
    facts = {
        "by": cards.decider(ctx.session, done, reader),
        "amount": reader.amount(done.granted),
        "until": ending.until_words(ctx, done, reader),
        "left": reader.left(available),
    }
    if done.granted < done.amount:
        text = texts.GRANTED_LESS(reader.locale, asked=reader.amount(done.amount), **facts)
    else:
        text = texts.GRANTED(reader.locale, **facts)
    missing = until_calls_pass(ctx, reader, available)
    text = one_line(
        (text, missing, covered, ending.ends_soon(ctx, done, reader, texts.GRANT_ENDS_SOON_YOU)),
        reader.locale,
    )
    note = texts.GRANT_ACTIVATING(reader.locale) if done.state == RequestState.APPROVED else ""
    return Message(text=text, footnote=note)


def decline(ctx: RequestContext, code: str, reason: str = "") -> Message | Form:
    found = find(ctx.session, code, ctx.me)
    if not clean(reason):
        raise WrongUsage("decline")
    found.decline(ctx.session, ctx.me, clean(reason), policy=ctx.policy, cause=ctx.cause(clean(reason)))
    requester = ctx.session.get_one(Member, found.member_id)
    theirs = ctx.reader_of(requester)
    text = texts.DECLINED(
        theirs.locale,
        by=cards.decider(ctx.session, found, theirs),
        amount=theirs.amount(found.amount),
        code=SafeText(found.code),
    )
    again = Button(texts.ASK_AGAIN_BUTTON(theirs.locale), "request.open", typed="request")
    ctx.tell(requester, Message(text=SafeText(f"{text}\n> {escape(found.answer)}"), buttons=(again,)))
    settle(ctx, found)
    return Message(text=texts.YOU_DECLINED(ctx.reader.locale, code=SafeText(found.code), name=requester.name))


def cancel(ctx: RequestContext, code: str) -> Message:
    found = find(ctx.session, code, ctx.me)
    found.cancel(ctx.session, ctx.me, ctx.cause())
    settle(ctx, found)
    reader = ctx.reader
    return Message(
        text=texts.CANCELLED(reader.locale, amount=reader.amount(found.amount), code=SafeText(found.code))
    )


def revoke(ctx: RequestContext, code: str) -> Message:
    found = find(ctx.session, code, ctx.me)
    amount = found.revoke(ctx.session, ctx.me, policy=ctx.policy, cause=ctx.cause())
    requester = ctx.session.get_one(Member, found.member_id)
    theirs = ctx.reader_of(requester)
    left = theirs.left(wallet_of(ctx.session, requester.id).available)
    told = texts.REVOKED_FROM_YOU(
        theirs.locale, by=ctx.me.name, amount=theirs.amount(amount), code=SafeText(found.code), left=left
    )
    ctx.tell(requester, Message(text=told))
    ctx.refresh_home(requester)
    return Message(
        text=texts.REVOKED(ctx.reader.locale, amount=ctx.reader.amount(amount), code=SafeText(found.code))
    )


def settle(ctx: Context, done: Request) -> None:
    """Bring every copy of the card and every page to the present state of the request."""
    ctx.retell(done.about, partial(cards.copy_of_request, ctx, done))
    ctx.refresh_home(ctx.session.get_one(Member, done.member_id))
    for one in _asked_members(ctx, done):
        ctx.refresh_home(one)


def bring_up_to_date(ctx: Context, open_one: Request) -> None:
    """After a change of approvers: new ones get the card, and the copies of former ones settle."""
    approvers.ask_delegates(ctx.session, ctx.policy, open_one.id, open_one.member_id, ctx.now)
    settle(ctx, open_one)
    if open_one.state == RequestState.PENDING:
        tell_asked(ctx, open_one)


def explain(ctx: RequestContext, no: Refusal) -> dict[str, object]:
    """Facts for the words of a refusal beyond its own."""
    if isinstance(no, AlreadyDecided):
        facts = {
            "amount": ctx.reader.amount(no.granted),
            "by": cards.named(no.by, no.behalf, ctx.reader),
            "time": ctx.reader.moment(no.at),
        }
        return {
            "state": cards.STATES[no.state](ctx.reader.locale, approver="", **facts),
            "code": SafeText(no.code),
        }
    if isinstance(no, TooManyMessages):
        return {"time": ctx.reader.time(no.at)}
    return {}
