"""Usage by member, day and model: cumulative figures, of which only the growth is booked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger
from sqlmodel import Field, Session, SQLModel

from models.ledger.overdraft import clear_overdrafts
from models.ledger.spend import record_all
from models.ledger.transfer import Cause
from models.people.member import lock_members
from models.quota.period import Period
from models.statement import SqlFile, Statement, fill, stored_time


class Usage(SQLModel, table=True):
    """Usage of one member on one day with one model, so far. `amount` in stored units.

    On Postgres no key holds it and `ActiveAgent` to the member, but the audit does (docs/decisions/0011).
    """

    member_id: int = Field(primary_key=True, foreign_key="member.id", sa_type=BigInteger)
    day: date = Field(primary_key=True)
    model: str = Field(primary_key=True)
    amount: int = Field(default=0, sa_type=BigInteger)
    input_tokens: int = Field(default=0, sa_type=BigInteger)
    output_tokens: int = Field(default=0, sa_type=BigInteger)


class ActiveAgent(SQLModel, table=True):
    """A member's agent with a call on a day: the name of a key, an account, or `""` where that is not known."""

    __tablename__ = "active_agent"

    day: date = Field(primary_key=True)
    member_id: int = Field(primary_key=True, foreign_key="member.id", sa_type=BigInteger)
    agent: str = Field(primary_key=True)


@dataclass(frozen=True)
class MemberUsage:
    """A cumulative figure: figures arrive in any order, and the largest one counts, once.

    `agents`: the keys or accounts in it, `""` where they are not known.
    """

    member_id: int
    day: date
    model: str
    amount: int
    input_tokens: int = 0
    output_tokens: int = 0
    agents: tuple[str, ...] = ("",)


def book(session: Session, readings: Iterable[MemberUsage], *, zone: ZoneInfo, cause: Cause) -> int:
    """Book the growth in `readings`, and return the sum. Late usage belongs to the period that is open now."""
    period, page = Period.current(session), _largest(readings)
    lock_members(session, {reading.member_id for reading in page})
    # Set-based: a page takes as many statements as one reading.
    if not _stage(session, page, lambda day: _event_time(day, period, zone, cause.at)):
        return 0
    _keep(session)
    grown = _GROWN.one(session)
    if grown.total:
        record_all(session, SQL.text("spends"), cause)
        if grown.leavers:
            # A leaver's late usage is the organisation's.
            clear_overdrafts(session, f"o.member_id IN ({SQL.text('members')})", cause)
    _CLEAN.changed(session)
    return grown.total


def keep(session: Session, readings: Iterable[MemberUsage], at: datetime) -> None:
    """Keep figures for breakdowns without booking."""
    if _stage(session, _largest(readings), lambda _: at):
        _keep(session)
        _CLEAN.changed(session)


def _largest(readings: Iterable[MemberUsage]) -> list[MemberUsage]:
    """One figure for each member, day and model."""
    found: dict[tuple[int, date, str], MemberUsage] = {}
    for new in readings:
        key = new.member_id, new.day, new.model
        old = found.setdefault(key, new)
        if old is not new:
            found[key] = _larger(old, new)
    return list(found.values())


def _larger(old: MemberUsage, new: MemberUsage) -> MemberUsage:
    amount, put, out = map(max, _figures(new), _figures(old))
    if (amount, put, out) == _figures(old):
        return old
    agents = tuple(dict.fromkeys(old.agents + new.agents))
    return replace(old, amount=amount, input_tokens=put, output_tokens=out, agents=agents)


def _stage(session: Session, page: list[MemberUsage], moment: Callable[[date], datetime]) -> int:
    """Put what is new of a page into a temporary table, and return how many rows."""
    if not page:
        return 0
    days = {
        day: (day.isoformat(), str(stored_time(session, moment(day)))) for day in {one.day for one in page}
    }
    agents = {names: json.dumps(names, ensure_ascii=False) for names in {one.agents for one in page}}
    _OPEN_PAGE.changed(session)
    _OPEN_NEWS.changed(session)
    fill(
        session,
        "page",
        [
            (
                one.member_id, one.model, one.amount, one.input_tokens, one.output_tokens, *days[one.day],
                agents[one.agents],
            )
            for one in page
        ],
    )  # fmt: skip
    found = _STAGE.changed(session)
    _CLEAN_PAGE.changed(session)
    return found


def _keep(session: Session) -> None:
    _KEEP_AGENTS.changed(session)
    _KEEP.changed(session)


def _figures(reading: MemberUsage) -> tuple[int, int, int]:
    return reading.amount, reading.input_tokens, reading.output_tokens


class _Grown(NamedTuple):
    total: int
    leavers: int


SQL = SqlFile("models.metering", "sql/usage.sql")
_OPEN_PAGE = Statement(SQL.text("open_page"))
_OPEN_NEWS = Statement(SQL.text("open_news"))
_STAGE = Statement(SQL.text("stage"))
_CLEAN_PAGE = Statement(SQL.text("clean_page"))
_KEEP_AGENTS = Statement(SQL.text("keep_agents"))
_KEEP = Statement(SQL.text("keep"))
_GROWN = Statement(SQL.text("grown"), row=_Grown)
_CLEAN = Statement(SQL.text("clean"))


def by_model(session: Session, member_id: int, since: date) -> list[tuple[str, int]]:
    """Spend by model since a day, the largest first."""
    return [(one.model, one.amount) for one in _BY_MODEL.all(session, member=member_id, since=since)]


class _Went(NamedTuple):
    model: str
    amount: int


_BY_MODEL = Statement(SQL.text("by_model"), row=_Went)


def _event_time(day: date, period: Period, zone: ZoneInfo, now: datetime) -> datetime:
    # The end of that day, but within the open period and not in the future.
    end = datetime.combine(day + timedelta(days=1), time(), zone) - timedelta(seconds=1)
    return min(max(end, period.starts_at), max(now, period.starts_at))
