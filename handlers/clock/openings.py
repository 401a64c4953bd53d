"""Job: tell everybody for whom a close moved more than the rest that expires and the base that is given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from handlers.clock.grants import name_of
from handlers.context import Context, Reader
from handlers.quota_lines import missing
from handlers.words import texts
from handlers.words.text import SafeText, Text, listed, one_line
from models.ledger.account import Account, AccountKind
from models.ledger.transfer import Kind
from models.messages.message import Button, Message
from models.messages.outbox import Mailing
from models.people.member import Member
from models.quota.opening import Turned, turned
from models.quota.period import Period

PIECE = 500
"""People a transaction: other writers wait meanwhile."""
NAMED = 3
"""Colleagues who are named; more are counted."""


def tell_of_openings(ctx: Context) -> bool:
    """One message each, in the morning after the night of the close: debts, loans and grants that it settled or ended."""
    period = Period.to_tell(ctx.session)
    if period is None:
        return False
    found, last = turned(ctx.session, period, period.told or 0, PIECE)
    mailing = Mailing(ctx.now)
    for one in found:
        if not one.plain:
            member = ctx.session.get_one(Member, one.member_id)
            ctx.tell(member, _message(ctx, member, period, one), mailing=mailing, when_awake=True)
    period.mark_told(ctx.session, last)
    return True


def _message(ctx: Context, member: Member, period: Period, what: Turned) -> Message:
    reader = ctx.reader_of(member)
    lines = [
        _beginning(ctx, reader, period, what),
        *_loans_ended(ctx, reader, what),
        *_grants_ended(ctx, reader, what),
    ]
    lines += _still_over(ctx, reader, what)
    return Message(text=SafeText("\n".join(lines)), buttons=_buttons(reader, what))


def _beginning(ctx: Context, reader: Reader, period: Period, what: Turned) -> SafeText:
    """What there was at the start, and the sum that it is."""
    say, day, own = reader.locale, reader.day(period.starts_at), what.begins_with()
    given, own_account = what.given(), AccountKind.ALLOCATION
    moves = [_signed("+", texts.OPENED_GIVEN(say, amount=reader.amount(given)))] if given else []
    if carried := what.carried():
        moves.append(_signed("+", texts.OPENED_CARRIED(say, amount=reader.amount(carried))))
    opening = what.opening()
    parties = (
        opening.sums(Kind.REPAY, own_account, inward=True),
        opening.sums(Kind.REPAY, own_account, inward=False),
    )
    moves += [_signed("+", one) for one in _each(ctx, reader, texts.REPAID_BY, parties[0])]
    moves += [_signed("−", one) for one in _each(ctx, reader, texts.REPAID_TO, parties[1])]
    if filled := sum(opening.sums(Kind.FILL, own_account, inward=False).values()):
        moves.append(_signed("−", texts.OPENED_FILLED(say, amount=reader.amount(filled))))
    if own is None or not moves:
        return texts.PERIOD_BEGAN(say, day=day)
    return texts.BEGINS_WITH(say, day=day, amount=reader.amount(own), moves=SafeText(listed(moves, say)))


def _signed(sign: str, words: SafeText) -> SafeText:
    return SafeText(f"{sign} {words}")


def _loans_ended(ctx: Context, reader: Reader, what: Turned) -> Iterator[SafeText]:
    """What was lent and not used; and what came of it."""
    back = what.sums(Kind.RETURN, AccountKind.ALLOCATION, inward=True)
    kept = ctx.policy.carry_over.share > 0
    yield from _each(ctx, reader, texts.CAME_BACK if kept else texts.CAME_BACK_AND_ENDED, back)
    covered = what.closing().sums(Kind.FILL, AccountKind.ALLOCATION, inward=False)
    if covered:
        yield texts.BACK_FOR_OVERSPENT(reader.locale, amount=reader.amount(sum(covered.values())))
    yield from _each(ctx, reader, texts.WENT_BACK, what.sums(Kind.RETURN, AccountKind.LOAN, inward=False))


def _grants_ended(ctx: Context, reader: Reader, what: Turned) -> Iterator[SafeText]:
    for number, amount in what.sums(Kind.EXPIRE, AccountKind.TOP_UP, inward=False).items():
        name = name_of(ctx, ctx.session.get_one(Account, number))
        yield texts.GRANT_ENDED(reader.locale, what=name, amount=reader.amount(amount))


def _still_over(ctx: Context, reader: Reader, what: Turned) -> Iterator[SafeText]:
    if over := what.still_over():
        said = [texts.STILL_OVER(reader.locale, over=reader.amount(over))]
        said += [missing(ctx, reader, over)] if ctx.live else []
        yield one_line(said, reader.locale)


def _each(ctx: Context, reader: Reader, text: Text, sums: Mapping[int | None, int]) -> Iterator[SafeText]:
    """A sentence about each colleague, or one about all of them where they are many."""
    if len(sums) > NAMED:
        many = texts.COLLEAGUES(reader.locale, count=len(sums))
        yield text(reader.locale, names=many, amount=reader.amount(sum(sums.values())))
        return
    for number, amount in sums.items():
        name = ctx.session.get_one(Member, number).name
        yield text(reader.locale, names=name, amount=reader.amount(amount))


def _buttons(reader: Reader, what: Turned) -> tuple[Button, ...]:
    say, loans = reader.locale, any(one.lender_id is not None for one in what.touches)
    ask = Button(texts.ASK_BUTTON(say), "request.open", style="primary", typed="request")
    mine = Button(texts.LOANS_BUTTON(say), "loans.open", typed=texts.LOANS_WORD(say))
    return (ask, mine) if loans else (ask,)
