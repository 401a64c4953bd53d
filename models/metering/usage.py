"""What the gateway metered: cumulative per person, day and model; pace and run-out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, text
from sqlmodel import Field, Session, SQLModel

from models.db import Statement, is_postgres, stored_time
from models.ledger.bulk import larger, post_all, smaller, temporary
from models.ledger.transfer import SPEND_ORDER, SPENDABLE, Cause
from models.people.member import lock_members
from models.quota.period import Period
from models.quota.wallet import clear_overdraft


class Usage(SQLModel, table=True):
    """What one member spent on one day with one model, so far. `amount` in stored units."""

    member_id: int = Field(primary_key=True, foreign_key="member.id", sa_type=BigInteger)
    day: date = Field(primary_key=True)
    model: str = Field(primary_key=True)
    amount: int = Field(default=0, sa_type=BigInteger)
    input_tokens: int = Field(default=0, sa_type=BigInteger)
    output_tokens: int = Field(default=0, sa_type=BigInteger)


class ActiveAgent(SQLModel, table=True):
    """An agent of somebody that had a call on a day: a key by its name, an account, or `""` where nobody said which."""

    __tablename__ = "active_agent"

    day: date = Field(primary_key=True)
    member_id: int = Field(primary_key=True, foreign_key="member.id", sa_type=BigInteger)
    agent: str = Field(primary_key=True)


@dataclass(frozen=True)
class Reading:
    """A cumulative figure: however often and in whatever order it arrives, the largest one counts, once.

    `agents`: whose calls it sums, where that is known.
    """

    member_id: int
    day: date
    model: str
    amount: int
    input_tokens: int = 0
    output_tokens: int = 0
    agents: tuple[str, ...] = ("",)


def book(session: Session, readings: Iterable[Reading], *, zone: ZoneInfo, cause: Cause) -> int:
    """Book what is new in `readings` and return the sum. Late usage belongs to the period that is open now.

    Set-based: a page takes as many statements as one reading. What a leaver spent late is the organisation's to clear.
    """
    period, page = Period.current(session), _largest(readings)
    lock_members(session, {reading.member_id for reading in page})
    if not _stage(session, page, lambda day: _event_time(day, period, zone, cause.at)):
        return 0
    _keep(session)
    connection = session.connection()
    total = int(connection.execute(_TOTAL).scalar_one())
    if total:
        connection.execute(_OPEN, {"at": stored_time(session, cause.at)})
        post_all(session, _MOVES, {}, cause, each="m.at, m.model")
    for member_id in connection.execute(_GONE_IN_DEBT).scalars().all():
        clear_overdraft(session, member_id, cause)
    connection.execute(_CLEAN)
    return total


def keep(session: Session, readings: Iterable[Reading], at: datetime) -> None:
    """Keep figures for breakdowns and book nothing: they only grow."""
    _stage(session, _largest(readings), lambda _: at)
    _keep(session)
    session.connection().execute(_CLEAN)


def _largest(readings: Iterable[Reading]) -> list[Reading]:
    """One a person, day and model: its largest figures."""
    found: dict[tuple[int, date, str], Reading] = {}
    for new in readings:
        key = new.member_id, new.day, new.model
        old = found.setdefault(key, new)
        amount, put, out = map(max, _figures(new), _figures(old))
        if (amount, put, out) != _figures(old):
            agents = tuple(dict.fromkeys(old.agents + new.agents))
            found[key] = Reading(*key, amount, put, out, agents)
    return list(found.values())


def _stage(session: Session, page: list[Reading], moment: Callable[[date], datetime]) -> int:
    """Set apart what of a page is news, and return how many rows that is; `grown` is by how much an amount did."""
    connection = session.connection()
    connection.execute(text(temporary(session, _PAGE)))
    at = {day: str(stored_time(session, moment(day))) for day in {reading.day for reading in page}}
    rows = [vars(one) | {"day": one.day.isoformat(), "at": at[one.day]} for one in page]
    put = _PUT_PG if is_postgres(session) else _PUT_LITE  # one value: a thousand rows are one statement
    return connection.execute(put, {"page": json.dumps(rows, ensure_ascii=False)}).rowcount


def _keep(session: Session) -> None:
    """Take over the news, and who had a call."""
    session.connection().execute(_AGENTS_PG if is_postgres(session) else _AGENTS_LITE)
    session.connection().execute(_KEEP)


def _figures(reading: Reading) -> tuple[int, int, int]:
    return reading.amount, reading.input_tokens, reading.output_tokens


_COLUMNS = "member_id BIGINT, day DATE, model TEXT, at {moment}, amount BIGINT, input_tokens BIGINT, output_tokens BIGINT, agents JSON"
_PAGE = f"CREATE TEMPORARY TABLE IF NOT EXISTS metered ({_COLUMNS}, grown BIGINT)"
_READ_PG = (
    f"SELECT * FROM json_to_recordset(CAST(:page AS json)) AS p ({_COLUMNS.format(moment='TIMESTAMPTZ')})"
)
_EXTRACT = ", ".join(
    "json_extract(p.value, '$.{0}') AS {0}".format(column.split()[0]) for column in _COLUMNS.split(", ")
)
_READ_LITE = f"SELECT {_EXTRACT} FROM json_each(:page) p"
_FIGURES = ("amount", "input_tokens", "output_tokens")
_PUT = (
    "INSERT INTO metered SELECT r.*, r.amount - COALESCE(u.amount, 0) FROM ({read}) r "
    "LEFT JOIN usage u ON u.member_id = r.member_id AND u.day = r.day AND u.model = r.model "
    f"WHERE u.member_id IS NULL OR {' OR '.join(f'r.{name} > u.{name}' for name in _FIGURES)}"
)
_PUT_PG, _PUT_LITE = text(_PUT.format(read=_READ_PG)), text(_PUT.format(read=_READ_LITE))
_TOTAL = text("SELECT COALESCE(SUM(grown), 0) FROM metered WHERE grown > 0")
_AGENTS = (
    "INSERT INTO active_agent (day, member_id, agent) SELECT DISTINCT m.day, m.member_id, a.value FROM metered m, {agents} "
    "WHERE m.amount + m.input_tokens + m.output_tokens > 0 ON CONFLICT DO NOTHING"
)
_AGENTS_PG = text(_AGENTS.format(agents="json_array_elements_text(m.agents) a (value)"))
_AGENTS_LITE = text(_AGENTS.format(agents="json_each(m.agents) a"))
_LARGER = ", ".join(f"{name} = {larger(f'excluded.{name}', f'usage.{name}')}" for name in _FIGURES)
_KEEP = text(
    "INSERT INTO usage (member_id, day, model, amount, input_tokens, output_tokens) "
    "SELECT member_id, day, model, amount, input_tokens, output_tokens FROM metered WHERE TRUE "
    f"ON CONFLICT (member_id, day, model) DO UPDATE SET {_LARGER}"
)
# Where it goes, and a debt for whom what is there does not suffice
_OPEN = text(
    "INSERT INTO account (kind, balance, member_id, opened_at) SELECT k.kind, 0, s.member_id, :at "
    "FROM (SELECT member_id, SUM(grown) AS spent FROM metered WHERE grown > 0 GROUP BY member_id) s "
    "CROSS JOIN (SELECT 'used' AS kind UNION ALL SELECT 'overdraft') k "
    "WHERE NOT EXISTS (SELECT 1 FROM account o WHERE o.member_id = s.member_id AND o.kind = k.kind) AND (k.kind = 'used' "
    f"OR s.spent > (SELECT COALESCE(SUM(a.balance), 0) FROM account a WHERE a.member_id = s.member_id AND {SPENDABLE}))"
)
# Spend and what it is taken from, laid side by side: where the two lines overlap is what moves. The overdraft has no end.
_ENDLESS = 2**62
_MOVES = f"""
SELECT 'use' AS kind, {smaller("s.upto", "h.upto")} - {larger("s.since", "h.since")} AS amount, h.id AS source_id,
  u.id AS target_id, h.loan_id, s.at, s.model
FROM (SELECT member_id, day, model, at, upto - grown AS since, upto FROM (
    SELECT *, SUM(grown) OVER (PARTITION BY member_id ORDER BY day, model) AS upto FROM metered WHERE grown > 0) g) s
JOIN (SELECT a.id, a.member_id, l.id AS loan_id, SUM(a.held) OVER w - a.held AS since, SUM(a.held) OVER w AS upto FROM (
    SELECT *, CASE kind WHEN 'overdraft' THEN {_ENDLESS} ELSE balance END AS held FROM account) a
    LEFT JOIN loan l ON l.account_id = a.id
    WHERE a.member_id IN (SELECT member_id FROM metered) AND ({SPENDABLE} OR a.kind = 'overdraft')
    WINDOW w AS (PARTITION BY a.member_id ORDER BY CASE a.kind WHEN 'overdraft' THEN 1 ELSE 0 END, {SPEND_ORDER})) h
  ON h.member_id = s.member_id AND h.since < s.upto AND s.since < h.upto
JOIN account u ON u.member_id = s.member_id AND u.kind = 'used'
ORDER BY s.member_id, s.since, h.since
"""
_GONE_IN_DEBT = text(
    "SELECT m.id FROM member m JOIN account o ON o.member_id = m.id AND o.kind = 'overdraft' AND o.balance < 0 "
    "WHERE m.left_at IS NOT NULL AND m.id IN (SELECT member_id FROM metered) ORDER BY m.id"
)
_CLEAN = text("DELETE FROM metered")


def by_model(session: Session, member_id: int, since: date) -> list[tuple[str, int]]:
    """What it went on since a day, the largest first."""
    return [(model, int(amount)) for model, amount in _BY_MODEL.all(session, member=member_id, since=since)]


_BY_MODEL = Statement(
    "SELECT model, SUM(amount) AS went FROM usage WHERE member_id = :member AND day >= :since "
    "GROUP BY model HAVING SUM(amount) > 0 ORDER BY went DESC"
)


def _event_time(day: date, period: Period, zone: ZoneInfo, now: datetime) -> datetime:
    """The end of that day, but within the open period and not in the future."""
    end = datetime.combine(day + timedelta(days=1), time(), zone) - timedelta(seconds=1)
    return min(max(end, period.starts_at), max(now, period.starts_at))
