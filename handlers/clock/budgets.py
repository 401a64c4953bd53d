"""Job: tell owners and admins that a budget passes a threshold, or that it will not last."""

from __future__ import annotations

from collections.abc import Iterable

from handlers.admins import to_admins
from handlers.context import Context, Reader
from handlers.words import texts
from handlers.words.text import SafeText, Text
from models.messages.message import Button, Message
from models.people.member import Member
from models.quota.period import Period, PeriodState
from models.reports.budget import Budget, organisation, pools


def warn_of_pools(ctx: Context) -> bool:
    """Tell the owner of a team and the admins of its top-up budget: each threshold once a period, and once that it will not last."""
    period = Period.latest(ctx.session)
    if period is None or period.state != PeriodState.OPEN:
        return False
    for budget in pools(ctx.session, ctx.policy, period, ctx.now):
        team = ctx.policy.team(budget.team)
        owner = team.owner if team else None
        if news := _news(ctx, budget):
            _tell(ctx, period, budget, filter(None, [owner]), crossed=news[0], overruns=news[1])
    return False


def warn_of_the_year(ctx: Context) -> bool:
    """The same about the organisation's year, for finance and the admins. Its figures are a scan: once a day is enough."""
    period, budget = Period.latest(ctx.session), organisation(ctx.session, ctx.policy, ctx.now)
    if budget is not None and period is not None and (news := _news(ctx, budget)):
        finance = ctx.policy.requests.fallback_approvers
        _tell(ctx, period, budget, finance, crossed=news[0], overruns=news[1])
    return False


def _news(ctx: Context, budget: Budget) -> tuple[bool, bool] | None:
    """Whether a threshold was crossed, and whether the budget will not last; None when both were told already.

    What is reached at once is told at once: the highest threshold, in one message with the forecast.
    """
    reached = budget.reached(ctx.policy.alerts.budget)
    crossed = [ctx.first_time(f"budget:{budget.key}:{level}") for level in reached]
    foreseen = bool(ctx.policy.alerts.budget) and budget.overruns
    overruns = foreseen and ctx.first_time(f"budget:{budget.key}:forecast")
    return (any(crossed), foreseen) if any(crossed) or overruns else None


def _tell(
    ctx: Context, period: Period, budget: Budget, emails: Iterable[str], *, crossed: bool, overruns: bool
) -> None:
    def said(reader: Reader) -> Message:
        lines = _year(reader, budget, crossed=crossed, overruns=overruns)
        if budget.team:
            lines = _pool(reader, period, budget, crossed=crossed, overruns=overruns)
        more = Button(
            texts.BUDGET_BUTTON(reader.locale), "budget.open", typed=texts.BUDGET_WORD(reader.locale)
        )
        return Message(text=SafeText("\n".join(lines)), buttons=(more,))

    found = (Member.by_email(ctx.session, email) for email in emails)
    concerned = {one.id: one for one in found if one is not None}
    for one in concerned.values():
        ctx.tell(one, said(ctx.reader_of(one)))
    to_admins(ctx, said, but=set(concerned))


def _pool(reader: Reader, period: Period, budget: Budget, *, crossed: bool, overruns: bool) -> list[SafeText]:
    facts = _facts(reader, budget) | {"team": budget.team, "day": reader.last_day(period.ends_at)}
    lines = [_first(reader, texts.POOL_GRANTED, texts.POOL_FORECAST, budget, facts, crossed=crossed)]
    if budget.left == 0:
        lines.append(texts.POOL_EMPTY(reader.locale))
    elif overruns:
        lines.append(texts.POOL_OVERRUNS(reader.locale, forecast=reader.amount(budget.forecast)))
    return lines


def _year(reader: Reader, budget: Budget, *, crossed: bool, overruns: bool) -> list[SafeText]:
    facts = _facts(reader, budget)
    if budget.left < 0:
        facts.pop("left")
        return [texts.YEAR_OVERSPENT(reader.locale, over=reader.amount(-budget.left), **facts)]
    lines = [_first(reader, texts.YEAR_SPENT, texts.YEAR_FORECAST, budget, facts, crossed=crossed)]
    if overruns and budget.runs_out:
        day = reader.calendar_day(budget.runs_out)
        lines.append(texts.YEAR_OVERRUNS(reader.locale, forecast=reader.amount(budget.forecast), day=day))
    return lines


def _first(
    reader: Reader, threshold: Text, forecast: Text, budget: Budget, facts: dict[str, str], *, crossed: bool
) -> SafeText:
    if crossed:
        return threshold(reader.locale, percent=budget.percent, **facts)
    return forecast(reader.locale, **facts)


def _facts(reader: Reader, budget: Budget) -> dict[str, str]:
    amounts = {"spent": budget.spent, "budget": budget.whole, "left": budget.left}
    return {name: reader.amount(amount) for name, amount in amounts.items()}
