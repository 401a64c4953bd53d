"""Balance, history, help, language."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import col, select

from handlers.changes import changes, opened
from handlers.context import Reader, RequestContext
from handlers.quota_lines import bar, days_left, how_long, used_of
from handlers.rules import RULES
from handlers.words import texts
from handlers.words.text import SafeText, listed
from models.ledger.transfer import Entry, Transfer, statement
from models.messages.message import Button, Message, escape
from models.metering.gateway_state import free_models
from models.metering.outlook import Outlook, outlook
from models.metering.usage import by_model
from models.people.member import Member
from models.people.messenger import traits_of
from models.quota.borrowing import unspent_lent
from models.quota.loan import Loan, loans_of
from models.quota.status import QuotaStatus
from models.quota.wallet import Wallet

PAGE = 8


def balance(ctx: RequestContext) -> Message:
    reader, status = ctx.reader, QuotaStatus.of(ctx.session, ctx.me.id)
    has = status.has
    view, free = outlook(ctx.session, status, ctx.now), free_models(ctx.session, ctx.policy)
    facts = [*_use(ctx, reader, status, view), *_loans(ctx, reader, has)]
    if free:
        facts.append((texts.FREE_MODELS(reader.locale), listed(free, reader.locale)))
    out, some = has.available <= 0, bool(status.used or has.available > 0)
    lines = [
        _first_line(ctx, status, view, free=bool(free)),
        *_paused(ctx),
        *((bar(reader, status, ctx.now),) if some else ()),
        *(_recallable(ctx, reader) if out else ()),
        *opened(ctx, status),
        *changes(ctx, status),
    ]
    text = SafeText("\n".join(lines))
    note = texts.AS_OF(reader.locale, time=reader.time(ctx.as_of)) if ctx.as_of else ""
    return Message(
        text=text,
        facts=tuple((str(a), str(b)) for a, b in facts),
        buttons=buttons(reader, out=out),
        footnote=note,
    )


def _first_line(ctx: RequestContext, status: QuotaStatus, view: Outlook, *, free: bool) -> SafeText:
    # The answer to the question comes first: how much is left and for how long, or how much is missing.
    say, left, reader = ctx.reader.locale, status.has.available, ctx.reader
    if left > 0:
        until = how_long(reader, view, status, ctx.now)
        return texts.BALANCE(say, left=reader.amount(left), until=until)
    if left < 0:
        over = reader.amount(-left)
        missing = (texts.MORE_UNTIL(say, over=over),) if ctx.live else ()
        return SafeText("\n".join((texts.BALANCE_OVER(say, over=over), *missing)))
    if status.base or status.used:
        return texts.BALANCE_NONE(say)
    return (texts.BALANCE_FREE_ONLY if free else texts.BALANCE_NO_QUOTA)(say)


def _paused(ctx: RequestContext) -> tuple[SafeText, ...]:
    me, reader = ctx.me, ctx.reader
    if me.paused_at is None:
        return ()
    if not me.pause_stands:
        return (texts.PAUSED_TILL_CONTINUE(reader.locale),)
    by = ctx.session.get(Member, me.paused_by_id) if me.paused_by_id else None
    name = by.name if by is not None else texts.AN_ADMIN(reader.locale)
    return (texts.PAUSED_TILL_RESUME(reader.locale, by=name, word=me.word),)


def _recallable(ctx: RequestContext, reader: Reader) -> tuple[SafeText, ...]:
    amount = unspent_lent(ctx.session, ctx.me.id)
    return (texts.ALERT_RECALL(reader.locale, amount=reader.amount(amount)),) if amount else ()


def buttons(reader: Reader, *, out: bool = False) -> tuple[Button, ...]:
    borrow = Button(texts.BORROW_BUTTON(reader.locale), "borrow.open", typed="borrow")
    return (
        Button(texts.ASK_BUTTON(reader.locale), "request.open", style="primary", typed="request"),
        borrow if out else Button(texts.LEND_BUTTON(reader.locale), "lend.open", typed="lend"),
        Button(texts.HISTORY_BUTTON(reader.locale), "history.open", typed="history"),
    )


def _use(ctx: RequestContext, reader: Reader, status: QuotaStatus, view: Outlook) -> list[tuple[str, str]]:
    say, span, has = reader.locale, status.span, status.has
    facts: list[tuple[str, str]] = [(texts.USED(say), used_of(reader, status))]
    if what := _by_model(ctx, reader, status):
        facts.append((texts.BY_WHAT(say), what))
    if view.pace:
        runs_out = (
            texts.RUNS_OUT_ON(say, day=reader.day(view.runs_out)) if view.runs_out else texts.LASTS(say)
        )
        facts += [(texts.PACE(say), texts.PACE_A_DAY(say, pace=reader.amount(view.pace)))]
        facts += [(texts.RUNS_OUT(say), runs_out)] if has.available > 0 else []
    ends = texts.ENDS_ON(say, day=reader.last_day(span.end), left=days_left(reader, view.left))
    return [*facts, (texts.ENDS(say), ends)]


def _by_model(ctx: RequestContext, reader: Reader, status: QuotaStatus) -> SafeText:
    # The three largest and the rest add up to what was used. While the breakdown runs ahead of the sum, it is left out.
    spent = by_model(ctx.session, ctx.me.id, status.span.start.astimezone(ctx.policy.zone).date())[:3]
    rest = status.used - sum(amount for _, amount in spent)
    if not spent or rest < 0:
        return SafeText("")
    lines = [f"{escape(model)} {reader.amount(amount)}" for model, amount in spent]
    if rest:
        lines.append(f"{texts.OTHER_MODELS(reader.locale)} {reader.amount(rest)}")
    return SafeText(" · ".join(lines))


def _loans(ctx: RequestContext, reader: Reader, has: Wallet) -> list[tuple[str, str]]:
    loans, say, me = loans_of(ctx.session, ctx.me.id), reader.locale, ctx.me.id
    sums = (
        (texts.TOP_UPS, has.top_ups),
        (texts.BORROWED, has.borrowed),
        (texts.LENT_OUT, sum(sums.open for loan, sums in loans if loan.lender_id == me)),
        (texts.OWED_TO_OTHERS, sum(sums.owed for loan, sums in loans if loan.borrower_id == me)),
    )
    return [(text(say), reader.amount(amount)) for text, amount in sums if amount]


def history(ctx: RequestContext, before: str = "") -> Message:
    """Newest first, a page at a time. `before`: the last row of the page before."""
    reader, key = ctx.reader, _key(ctx, before)
    # One row more than a page holds tells whether there is an older page.
    rows = statement(ctx.session, ctx.me.id, before=key, limit=PAGE + 1)
    title = texts.HISTORY_TITLE(reader.locale)
    if not rows:
        return Message(title=title, text=texts.HISTORY_NONE(reader.locale))
    lines = "\n".join(_line(ctx, reader, *row) for row in rows[:PAGE])
    last = rows[PAGE - 1][0] if len(rows) > PAGE else None
    if last is None:
        return Message(title=title, text=lines)
    older = Button(
        texts.OLDER_BUTTON(reader.locale), "history.open", str(last.id), typed=f"history {last.id}"
    )
    return Message(title=title, text=lines, buttons=(older,))


def _key(ctx: RequestContext, text: str) -> tuple[datetime, int] | None:
    # A row of somebody else, or no number, shows the first page.
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 18 else 0
    if not number:
        return None
    last = ctx.session.exec(select(Entry).where(Entry.id == number, Entry.member_id == ctx.me.id)).first()
    return (last.at, last.id) if last else None


def _line(ctx: RequestContext, reader: Reader, entry: Entry, moved: Transfer, kind: str) -> SafeText:
    what = (
        texts.MOVES[moved.kind](reader.locale, model=moved.reason)
        if moved.kind == "use"
        else _what(ctx, reader, moved)
    )
    sign = "+" if entry.amount > 0 else "−"
    amount = SafeText(f"{sign}{reader.amount(abs(entry.amount))}")
    left = reader.amount(abs(entry.balance_after) if kind == "overdraft" else entry.balance_after)
    if kind in texts.OTHER_ACCOUNTS:
        left = texts.OTHER_ACCOUNTS[kind](reader.locale, left=left)
    return texts.HISTORY_LINE(
        reader.locale, day=reader.moment(entry.at), what=what, amount=amount, balance=left
    )


def _what(ctx: RequestContext, reader: Reader, moved: Transfer) -> SafeText:
    loan = ctx.session.get(Loan, moved.loan_id) if moved.loan_id else None
    taken = loan is not None and loan.borrower_id == ctx.me.id
    what = texts.MOVES["borrow" if taken and moved.kind == "lend" else moved.kind](reader.locale)
    if loan is None:
        return what
    other = ctx.session.exec(
        select(Member.name).where(
            col(Member.id) == (loan.lender_id if loan.borrower_id == ctx.me.id else loan.borrower_id)
        )
    ).one()
    return texts.WITH_PERSON(reader.locale, what=what, name=other)


def help_(ctx: RequestContext, question: str = "") -> Message:
    """The commands; for a question about a rule, the rule."""
    say = ctx.reader.locale
    if question in RULES:
        return Message(text=RULES[question](say))
    slash = traits_of(ctx.messenger).slash
    command = SafeText(ctx.command) if slash else texts.BALANCE_TYPED(say)
    text = texts.HELP(say, command=command)
    return Message(
        title=texts.HELP_TITLE(say),
        text=text,
        footnote=(texts.HELP_THREADS if slash else texts.HELP_NAMES)(say),
    )


def lang(ctx: RequestContext, locale: str) -> Message:
    ctx.me.choose_language(ctx.session, locale)
    ctx.refresh_home(ctx.me)
    return Message(text=texts.LANG_SET(locale))
