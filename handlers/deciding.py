"""Many requests at once: one list of all that waits, one yes, and what became of each."""

from __future__ import annotations

from collections.abc import Sequence

from handlers.context import Context, Reader, RequestContext
from handlers.words import texts
from handlers.words.text import SafeText, listed
from models.messages.message import Button, Message
from models.people.member import Member, addresses
from models.quota.queue import Waiting, waiting_for
from models.quota.request import Request
from models.refusal import NothingToApprove

MOST = 20
"""Requests of one list, and of one yes."""
FEW = 3
"""So many waiting requests are reminded of one by one."""


def digest(ctx: Context, to: Member, waiting: Sequence[Waiting]) -> Message:
    """All that waits for somebody, as one message."""
    reader = ctx.reader_of(to)
    lines = [line(ctx, reader, one.request) for one in waiting[:MOST]]
    if len(waiting) > MOST:
        lines.append(texts.AND_MORE(reader.locale, count=len(waiting) - MOST))
    one_by_one = Button(
        texts.ONE_BY_ONE_BUTTON(reader.locale), "pending.open", typed=texts.PENDING_WORD(reader.locale)
    )
    return Message(
        title=texts.DIGEST_TITLE(reader.locale, count=len(waiting)),
        text=SafeText("\n".join(lines)),
        buttons=(*all_button(reader, waiting[:MOST]), one_by_one),
    )


def line(ctx: Context, reader: Reader, request: Request) -> SafeText:
    return texts.PENDING_REQUEST(
        reader.locale,
        name=ctx.session.get_one(Member, request.member_id).name,
        amount=reader.amount(request.amount),
        code=SafeText(request.code),
        day=reader.moment(request.asked_at),
    )


def all_button(reader: Reader, shown: Sequence[Waiting]) -> tuple[Button, ...]:
    """Offered from two requests on that can be granted whole; the others need a look of their own."""
    whole = [one.request for one in shown if one.whole]
    if len(whole) < 2:
        return ()
    amount, codes = reader.amount(sum(one.amount for one in whole)), [one.code for one in whole]
    text = texts.APPROVE_ALL_BUTTON if len(whole) == len(shown) else texts.APPROVE_SOME_BUTTON
    label = text(reader.locale, count=len(whole), amount=amount)
    typed = texts.APPROVE_ALL_WORD(reader.locale)
    return (Button(label, "request.approve_all", ",".join(codes), "primary", typed),)


def chosen(ctx: RequestContext, value: str) -> list[Request]:
    """Those of the CODEs shown, or of everything, that still wait and can be granted whole; raises `NothingToApprove`."""
    wanted = {one.strip().upper() for one in value.split(",") if one.strip()}
    waiting = waiting_for(ctx.session, ctx.policy, ctx.me.id, ctx.now)
    found = [one.request for one in waiting if one.whole and (not wanted or one.request.code in wanted)][
        :MOST
    ]
    if not found:
        raise NothingToApprove
    return found


def question(ctx: RequestContext, requests: Sequence[Request]) -> SafeText:
    """What a yes would do: the sum, and each requester with the amount."""
    reader = ctx.reader
    each = [_named(ctx, reader, one) for one in requests]
    total = reader.amount(sum(one.amount for one in requests))
    names = SafeText(listed(each, reader.locale))
    return texts.CONFIRM_APPROVE_ALL(reader.locale, amount=total, names=names)


def _named(ctx: RequestContext, reader: Reader, request: Request) -> SafeText:
    name = ctx.session.get_one(Member, request.member_id).name
    return texts.NAME_AND_AMOUNT(
        reader.locale, name=name, amount=reader.amount(request.amount), code=SafeText(request.code)
    )


def approve_all(ctx: RequestContext, value: str) -> Message:
    """Promise to decide each in a transaction of its own, by the rule of a single click; the results follow as one message."""
    requests, reader = chosen(ctx, value), ctx.reader
    every = addresses(ctx.session, ctx.me.id)
    sender = next((one for one in every if one.messenger == ctx.messenger), every[0]).address
    ctx.decide_later(sender, [one.code for one in requests])
    amount = reader.amount(sum(one.amount for one in requests))
    return Message(text=texts.APPROVING_ALL(reader.locale, amount=amount))


def tell_results(ctx: Context, to: Member, results: Sequence[tuple[str, bool, str]]) -> None:
    """`results`: each CODE, whether it was granted, and what a click on it was answered with."""
    reader = ctx.reader_of(to)
    lines = [SafeText(f"{'✅' if granted else '⚠️'} {code}: {words}") for code, granted, words in results]
    granted = sum(one for _, one, _ in results)
    title = texts.APPROVED_ALL(reader.locale, granted=granted, count=len(results))
    more = Button(
        texts.PENDING_BUTTON(reader.locale), "pending.open", typed=texts.PENDING_WORD(reader.locale)
    )
    buttons = (more,) if granted < len(results) else ()
    ctx.tell(to, Message(title=title, text=SafeText("\n".join(lines)), buttons=buttons))
