"""What owners, admins and finance see of budgets: the figures of `quotabot report` and `quotabot budget`. Never of a person."""

from __future__ import annotations

from collections.abc import Iterator

from handlers.context import RequestContext
from handlers.words import texts
from handlers.words.text import SafeText
from models.messages.message import Message, escape
from models.policy.document import fold
from models.policy.sight import Sight
from models.quota.period import Period
from models.refusal import BudgetNotForYou
from models.reports.budget import Budget, organisation, pools
from models.reports.kept import spending
from models.reports.spending import EVERYBODY, Line

MOST = 20
"""Teams of one message."""


def budget(ctx: RequestContext) -> Message:
    """Teams, spend, forecast, top-up budgets and the year: all of them for admins and finance, an owner's own for owners."""
    sight = Sight.of(ctx.policy, ctx.me.email)
    if not sight:
        raise BudgetNotForYou
    period, say = Period.current(ctx.session), ctx.reader.locale
    granted = pools(ctx.session, ctx.policy, period, ctx.now)
    kept = spending(ctx.session, ctx.policy, period, ctx.now)
    lines = [line for line in kept.lines if not line.model]
    known = {fold(line.team) for line in lines}
    lines[-1:-1] = [Line(one.team) for one in granted if fold(one.team) not in known]
    teams = [line for line in lines if sight.shows(line.team)]
    said = [*_year(ctx), *_teams(ctx, period, teams, granted)]
    if kept.at != ctx.now:
        said.append(texts.BUDGET_COUNTED(say, moment=ctx.reader.moment(kept.at)))
    title = texts.BUDGET_TITLE(say)
    return Message(title=title, text=SafeText("\n".join(said)))


def _year(ctx: RequestContext) -> Iterator[SafeText]:
    found, reader = organisation(ctx.session, ctx.policy, ctx.now), ctx.reader
    if found is None:
        return
    amounts = {"spent": found.spent, "budget": found.whole, "projected": found.forecast}
    facts = {name: reader.amount(amount) for name, amount in amounts.items()}
    ends = SafeText("")
    if found.runs_out is not None and found.left > 0:
        ends = texts.YEAR_ENDS(reader.locale, day=reader.calendar_day(found.runs_out))
    text = texts.TEAM_YEAR_OF(reader.locale, **facts)
    yield SafeText(f"**{texts.TEAM_YEAR(reader.locale)}** · {text}{ends}")


def _teams(
    ctx: RequestContext, period: Period, teams: list[Line], granted: list[Budget]
) -> Iterator[SafeText]:
    reader, by_name = ctx.reader, {fold(one.team): one for one in granted}
    yield texts.BUDGET_PERIOD(reader.locale, day=reader.last_day(period.ends_at))
    for line in teams[:MOST]:
        used, forecast = reader.amount(line.used), reader.amount(line.forecast)
        said = [f"**{_name(ctx, line)}**", texts.BUDGET_SPEND(reader.locale, used=used, forecast=forecast)]
        if pool := by_name.get(fold(line.team)):
            spent, whole = reader.amount(pool.spent), reader.amount(pool.whole)
            said.append(texts.BUDGET_TOP_UPS(reader.locale, spent=spent, budget=whole))
        yield SafeText(" · ".join(said))
    if len(teams) > MOST:
        yield texts.AND_MORE(reader.locale, count=len(teams) - MOST)


def _name(ctx: RequestContext, line: Line) -> str:
    if line.team == EVERYBODY:
        return texts.BUDGET_ALL(ctx.reader.locale)
    return escape(line.team) or texts.NO_TEAM(ctx.reader.locale)
