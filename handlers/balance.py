"""Balance, history, help, language."""

from __future__ import annotations

from handlers.changes import changes, opened
from handlers.context import Reader, RequestContext
from handlers.quota_lines import bar, days_left, going_on, how_long, missing, models_named, used_of
from handlers.rules import RULES
from handlers.words import texts
from handlers.words.text import SafeText, listed
from models.messages.message import Button, Message, escape
from models.metering.quota_view import QuotaView
from models.people.member import Member
from models.people.messenger import traits_of
from models.quota.history import Line, page

PAGE = 8


def balance(ctx: RequestContext) -> Message:
    return balance_of(ctx, ctx.view_of(ctx.me))


def balance_of(ctx: RequestContext, view: QuotaView) -> Message:
    reader, status, free = ctx.reader, view.status, view.free_models
    has = status.has
    facts = [*_use(reader, view), *_models(ctx, reader, view), *_loans(reader, view)]
    if free:
        facts.append((texts.FREE_MODELS(reader.locale), listed(free, reader.locale)))
    out, some = has.available <= 0, bool(status.used or has.available > 0)
    lines = [
        _first_line(ctx, reader, view),
        *_paused(ctx),
        *((bar(reader, status, ctx.now),) if some else ()),
        *(_recallable(reader, view) if out else ()),
        *opened(reader, view),
        *changes(ctx, reader, view),
    ]
    text = SafeText("\n".join(lines))
    note = texts.AS_OF(reader.locale, time=reader.time(ctx.as_of)) if ctx.as_of else ""
    return Message(
        text=text,
        facts=tuple((str(a), str(b)) for a, b in facts),
        buttons=buttons(reader, out=out),
        footnote=note,
    )


def _first_line(ctx: RequestContext, reader: Reader, view: QuotaView) -> SafeText:
    # The answer to the question comes first: how much is left and for how long, or how much is missing.
    say, status, left = reader.locale, view.status, view.status.has.available
    if left > 0:
        until = how_long(reader, view.outlook, status, ctx.now)
        return texts.BALANCE(say, left=reader.amount(left), until=until)
    if view.fallback is not None and view.fallback.goes_on and ctx.me.paused_at is None:
        return going_on(reader, view.fallback)
    if left < 0:
        lacks = (missing(ctx, reader, -left),) if ctx.live else ()
        return SafeText("\n".join((texts.BALANCE_OVER(say, over=reader.amount(-left)), *lacks)))
    if status.base or status.used:
        return texts.BALANCE_NONE(say)
    return (texts.BALANCE_FREE_ONLY if view.free_models else texts.BALANCE_NO_QUOTA)(say)


def _models(ctx: RequestContext, reader: Reader, view: QuotaView) -> list[tuple[str, str]]:
    """The only models of an allocation that names some, and what was spent on the fallback's."""
    say, below, facts = reader.locale, view.fallback, list[tuple[str, str]]()
    if named := ctx.policy.base_for(ctx.me.columns()).models:
        facts.append((texts.YOUR_MODELS(say), models_named(reader, named)))
    if below is not None and (below.spent or below.goes_on):
        named_ = models_named(reader, below.models)
        spent, amount = reader.amount(below.spent), reader.amount(max(below.amount, below.spent))
        facts.append(
            (texts.FALLBACK_USED(say), texts.FALLBACK_USED_OF(say, spent=spent, amount=amount, models=named_))
        )
    return facts


def _paused(ctx: RequestContext) -> tuple[SafeText, ...]:
    me, reader = ctx.me, ctx.reader
    if me.paused_at is None:
        return ()
    if not me.pause_stands:
        return (texts.PAUSED_TILL_CONTINUE(reader.locale),)
    by = ctx.session.get(Member, me.paused_by_id) if me.paused_by_id else None
    name = by.name if by is not None else texts.AN_ADMIN(reader.locale)
    return (texts.PAUSED_TILL_RESUME(reader.locale, by=name, word=me.word),)


def _recallable(reader: Reader, view: QuotaView) -> tuple[SafeText, ...]:
    amount = sum(sums.unspent for sums in view.given)
    return (texts.ALERT_RECALL(reader.locale, amount=reader.amount(amount)),) if amount else ()


def buttons(reader: Reader, *, out: bool = False) -> tuple[Button, ...]:
    borrow = Button(texts.BORROW_BUTTON(reader.locale), "borrow.open", typed="borrow")
    return (
        Button(texts.ASK_BUTTON(reader.locale), "request.open", style="primary", typed="request"),
        borrow if out else Button(texts.LEND_BUTTON(reader.locale), "lend.open", typed="lend"),
        Button(texts.HISTORY_BUTTON(reader.locale), "history.open", typed="history"),
    )


def _use(reader: Reader, view: QuotaView) -> list[tuple[str, str]]:
    say, status, outlook = reader.locale, view.status, view.outlook
    facts: list[tuple[str, str]] = [(texts.USED(say), used_of(reader, status))]
    if what := _by_model(reader, view):
        facts.append((texts.BY_WHAT(say), what))
    if what := _by_gateway(reader, view):
        facts.append((texts.BY_GATEWAY(say), what))
    if outlook.pace:
        day = outlook.runs_out
        runs_out = texts.RUNS_OUT_ON(say, day=reader.day(day)) if day else texts.LASTS(say)
        facts += [(texts.PACE(say), texts.PACE_A_DAY(say, pace=reader.amount(outlook.pace)))]
        facts += [(texts.RUNS_OUT(say), runs_out)] if status.has.available > 0 else []
    ends = texts.ENDS_ON(say, day=reader.last_day(status.span.end), left=days_left(reader, outlook.left))
    return [*facts, (texts.ENDS(say), ends)]


def _by_gateway(reader: Reader, view: QuotaView) -> SafeText:
    # Where it went, for members who spent at more than one of several gateways.
    if len(view.by_gateway) < 2:
        return SafeText("")
    used = (f"{escape(name)} {reader.amount(amount)}" for name, amount in view.by_gateway if name)
    return SafeText(" · ".join(used))


def _by_model(reader: Reader, view: QuotaView) -> SafeText:
    # The three largest and the rest add up to what was used. While the breakdown runs ahead of the sum, it is left out.
    spent = view.by_model[:3]
    rest = view.status.used - sum(amount for _, amount in spent)
    if not spent or rest < 0:
        return SafeText("")
    lines = [f"{escape(model)} {reader.amount(amount)}" for model, amount in spent]
    if rest:
        lines.append(f"{texts.OTHER_MODELS(reader.locale)} {reader.amount(rest)}")
    return SafeText(" · ".join(lines))


def _loans(reader: Reader, view: QuotaView) -> list[tuple[str, str]]:
    amounts = (
        (texts.TOP_UPS, view.status.has.top_ups),
        (texts.BORROWED, view.status.has.borrowed),
        (texts.LENT_OUT, sum(sums.open for sums in view.given)),
        (texts.OWED_TO_OTHERS, sum(sums.owed for sums in view.taken)),
    )
    return [(text(reader.locale), reader.amount(amount)) for text, amount in amounts if amount]


def history(ctx: RequestContext, before: str = "") -> Message:
    """Newest first, a page at a time. `before`: the last row of the page before."""
    reader, say = ctx.reader, ctx.reader.locale
    number = int(before) if before.isascii() and before.isdigit() and len(before) < 18 else 0
    # One row more than a page holds tells whether there is an older page.
    rows = page(ctx.session, ctx.me.id, before=number, limit=PAGE + 1)
    title = texts.HISTORY_TITLE(say)
    if not rows:
        return Message(title=title, text=texts.HISTORY_NONE(say))
    text = "\n".join(_line(reader, row) for row in rows[:PAGE])
    if len(rows) <= PAGE:
        return Message(title=title, text=text)
    last = rows[PAGE - 1].id
    older = Button(texts.OLDER_BUTTON(say), "history.open", str(last), typed=f"history {last}")
    return Message(title=title, text=text, buttons=(older,))


def _line(reader: Reader, row: Line) -> SafeText:
    say, account = reader.locale, row.account
    sign = "+" if row.amount > 0 else "−"
    left = reader.amount(abs(row.balance) if account == "overdraft" else row.balance)
    if account in texts.OTHER_ACCOUNTS:
        left = texts.OTHER_ACCOUNTS[account](say, left=left)
    return texts.HISTORY_LINE(
        say,
        day=reader.moment(row.at),
        what=_what(say, row),
        amount=SafeText(f"{sign}{reader.amount(abs(row.amount))}"),
        balance=left,
    )


def _what(say: str, row: Line) -> SafeText:
    if row.kind == "use":
        return texts.MOVES[row.kind](say, model=row.reason)
    what = texts.MOVES["borrow" if row.taken and row.kind == "lend" else row.kind](say)
    return what if row.other is None else texts.WITH_PERSON(say, what=what, name=row.other)


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
