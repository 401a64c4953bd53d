"""Job: write to the owners of teams on Monday morning, where the policy wants it: spend, active agents, forecast, what waits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlmodel import col, select

from handlers.context import Context, Reader
from handlers.words import texts
from handlers.words.text import listed
from models.messages.message import Button, Message
from models.people.member import Member
from models.policy.calendar import midnight
from models.policy.document import fold
from models.quota.period import Period
from models.quota.queue import waiting_for
from models.quota.request import Request
from models.quota.request_state import OPEN
from models.reports.spending import active_by_day, by_team, used_by_team

FROM, TO = 9, 18
"""Hours of Monday, where the owner is: at nine, or later that day where nothing ran at nine."""
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Week:
    """Figures of all teams together, in stored units. `agents`: of each day that had any. `waits`: open requests."""

    used: int
    before: int
    agents: tuple[int, ...]
    forecast: int
    waits: int

    @property
    def silent(self) -> bool:
        return not (self.used or self.before or self.agents or self.waits)


def write_to_owners(ctx: Context) -> bool:
    period = Period.latest(ctx.session)
    if not ctx.policy.alerts.weekly or period is None:
        return False
    for email in dict.fromkeys(one.owner for one in ctx.policy.teams if one.owner):
        owner = Member.by_email(ctx.session, email)
        if owner is not None and owner.active and (monday := _monday(ctx, owner)):
            _write(ctx, owner, monday, period)
    return False


def _monday(ctx: Context, owner: Member) -> date | None:
    """Today, where it is Monday morning for this owner and they were not written to yet."""
    there = ctx.now.astimezone(owner.zone(ctx.policy.timezone))
    morning = there.weekday() == 0 and FROM <= there.hour < TO
    today = there.date()
    return today if morning and ctx.first_time(f"weekly:{owner.id}:{today}") else None


def _write(ctx: Context, owner: Member, monday: date, period: Period) -> None:
    names = [one.name for one in ctx.policy.teams if one.owner == owner.email]
    teams = _with_those_below(ctx, names)
    week = _week(ctx, teams, monday, period)
    if not week.silent:
        ctx.tell(owner, _message(ctx, owner, names, week, period), when_awake=True)


def _with_those_below(ctx: Context, names: list[str]) -> set[str]:
    """Folded names."""
    known = {*ctx.session.exec(select(Member.team).distinct()).all(), *names}
    return {fold(one) for one in known if any(up.name in names for up in ctx.policy.team_chain(one))}


def _week(ctx: Context, teams: set[str], monday: date, period: Period) -> Week:
    """The seven days before this Monday, in the policy's zone."""
    last, before = monday - WEEK, monday - 2 * WEEK
    start, middle, end = (midnight(day, ctx.policy.zone) for day in (before, last, monday))
    lines = [
        one for one in by_team(ctx.session, period, ctx.now) if not one.model and fold(one.team) in teams
    ]
    return Week(
        _used(ctx, teams, middle, end),
        _used(ctx, teams, start, middle),
        tuple(active_by_day(ctx.session, teams, last, monday)),
        sum(one.forecast for one in lines),
        _waits(ctx, teams),
    )


def _used(ctx: Context, teams: set[str], start: datetime, end: datetime) -> int:
    return sum(amount for team, amount in used_by_team(ctx.session, start, end).items() if team in teams)


def _waits(ctx: Context, teams: set[str]) -> int:
    waiting = select(Member.team).join(Request, col(Request.member_id) == Member.id)
    found = ctx.session.exec(waiting.where(col(Request.state).in_(OPEN))).all()
    return sum(fold(team) in teams for team in found)


def _message(ctx: Context, owner: Member, names: list[str], week: Week, period: Period) -> Message:
    reader = ctx.reader_of(owner)
    say, mine = reader.locale, len(waiting_for(ctx.session, ctx.policy, owner.id, ctx.now))
    buttons = [Button(texts.BUDGET_BUTTON(say), "budget.open", typed=texts.BUDGET_WORD(say))]
    if mine:
        buttons.append(Button(texts.PENDING_BUTTON(say), "pending.open", typed=texts.PENDING_WORD(say)))
    return Message(
        title=texts.WEEK_TITLE(say, teams=listed(names, say)),
        text="",
        facts=_facts(reader, week, period, mine),
        buttons=tuple(buttons),
    )


def _facts(reader: Reader, week: Week, period: Period, mine: int) -> tuple[tuple[str, str], ...]:
    say = reader.locale
    spent = texts.WEEK_SPEND_OF(say, used=reader.amount(week.used), before=reader.amount(week.before))
    facts = [(texts.WEEK_SPEND(say), spent)]
    if week.agents:
        average = round(sum(week.agents) / 7)
        said = texts.WEEK_AGENTS_OF(say, average=max(1, average), most=max(week.agents))
        facts.append((texts.WEEK_AGENTS(say), said))
    day = reader.last_day(period.ends_at)
    facts.append((texts.WEEK_FORECAST(say, day=day), reader.amount(week.forecast)))
    if week.waits or mine:
        facts.append((texts.WEEK_WAITS(say), texts.WEEK_WAITS_OF(say, count=week.waits, mine=mine)))
    return tuple((str(name), str(value)) for name, value in facts)
