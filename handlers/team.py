"""A team in sums and bars for managers and owners; never a ranking of people."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import func
from sqlmodel import col, select

from handlers.context import RequestContext
from handlers.words import texts
from handlers.words.text import listed
from models.ledger.account import Account, AccountKind
from models.messages.message import Chart, Message, escape
from models.metering.usage import Usage
from models.people.member import Member
from models.quota.allocation import Allowance
from models.quota.period import Period
from models.quota.pool import funded, pool_of
from models.refusal import NotForYou
from models.reports.kept import year_of


def team(ctx: RequestContext) -> Message:
    """The teams that the sender owns, or their reports. Raises `NotForYou`."""
    period = Period.current(ctx.session)
    names = [one.name for one in ctx.policy.teams if one.owner == ctx.me.email]
    people = _members(ctx, names)
    count = ctx.session.exec(select(func.count()).select_from(people.subquery())).one()
    if not count:
        raise NotForYou
    reader = ctx.reader
    title = (
        texts.TEAM_TITLE(reader.locale, team=listed(names, reader.locale))
        if names
        else texts.TEAM_REPORTS(reader.locale)
    )
    facts = [(texts.TEAM_PEOPLE(reader.locale), str(count)), *_sums(ctx, period, people)]
    for one in names:
        pool = pool_of(ctx.session, one, period.id)
        if pool is not None:
            left = texts.TEAM_BUDGET_OF(
                reader.locale,
                left=reader.amount(pool.balance),
                budget=reader.amount(funded(ctx.session, pool.id)),
            )
            which = f" · {escape(one)}" if len(names) > 1 else ""
            facts.append((texts.TEAM_BUDGET(reader.locale) + which, left))
    facts += _year(ctx)
    chart = _by_model(ctx, period.starts_at.astimezone(ctx.policy.zone).date(), people)
    return Message(
        title=title,
        text="",
        facts=tuple((str(a), str(b)) for a, b in facts),
        chart=chart,
    )


def _year(ctx: RequestContext) -> list[tuple[str, str]]:
    # For admins and owners of teams.
    say = ctx.reader.locale
    concerns = ctx.me.email in ctx.policy.admins or any(one.owner == ctx.me.email for one in ctx.policy.teams)
    kept = year_of(ctx.session, ctx.policy, ctx.now) if concerns else None
    if kept is None:
        return []
    found = kept.year
    numbers = {"spent": found.spent, "budget": found.budget, "projected": found.projected}
    said = texts.TEAM_YEAR_OF(say, **{name: ctx.reader.amount(number) for name, number in numbers.items()})
    return [(texts.TEAM_YEAR(say), said)]


def _members(ctx: RequestContext, teams: list[str]) -> Any:
    # A query, because a statement cannot take 100,000 ids as values.
    query = select(Member.id).where(col(Member.left_at).is_(None))
    if teams:
        inside = [
            one for one in _team_names(ctx) if any(up.name in teams for up in ctx.policy.team_chain(one))
        ]
        return query.where(col(Member.team).in_(inside))
    return query.where(Member.manager_id == ctx.me.id)


def _team_names(ctx: RequestContext) -> list[str]:
    return list(ctx.session.exec(select(Member.team).distinct()).all())


def _sums(ctx: RequestContext, period: Period, people: Any) -> list[tuple[str, str]]:
    reader = ctx.reader
    held = dict(
        ctx.session.exec(
            select(Account.kind, func.sum(col(Account.balance)))
            .where(col(Account.member_id).in_(people))
            .group_by(col(Account.kind))
        ).all()
    )
    before = ctx.session.exec(
        select(func.coalesce(func.sum(col(Allowance.used_before)), 0)).where(
            Allowance.period_id == period.id, col(Allowance.member_id).in_(people)
        )
    ).one()
    own = (AccountKind.ALLOCATION, AccountKind.TOP_UP, AccountKind.LOAN, AccountKind.OVERDRAFT)
    left = sum(int(held.get(kind, 0) or 0) for kind in own)
    return [
        (texts.TEAM_SUM(reader.locale), reader.amount(int(held.get(AccountKind.USED, 0) or 0) - int(before))),
        (texts.TEAM_LEFT(reader.locale), reader.amount(left)),
        (texts.TEAM_LENT(reader.locale), reader.amount(int(held.get(AccountKind.LOAN, 0) or 0))),
    ]


def _by_model(ctx: RequestContext, since: date, people: Any) -> Chart | None:
    spent = func.sum(col(Usage.amount))
    query = (
        select(Usage.model, spent)
        .where(col(Usage.member_id).in_(people), Usage.day >= since)
        .group_by(col(Usage.model))
        .order_by(spent.desc())
        .limit(6)
    )
    reader, scale = ctx.reader, ctx.policy.unit.scale
    bars = tuple(
        (model, float(amount) / scale, str(reader.amount(int(amount))))
        for model, amount in ctx.session.exec(query).all()
        if amount
    )
    return Chart(texts.BY_WHAT(reader.locale), bars) if bars else None
