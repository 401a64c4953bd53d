"""What the gateway metered: cumulative per person, day and model; pace and run-out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, bindparam, func
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Field, Session, SQLModel, col, select

from models.base import is_postgres, lock_members
from models.ledger import Account, AccountKind, Cause, record
from models.member import Member
from models.period import Period
from models.wallet import Wallet, burnt, clear_overdraft


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
    """Book what is new in `readings` and return the sum. Late usage belongs to the period that is open now."""
    period, total = Period.current(session), 0
    by_member: dict[int, list[Reading]] = {}
    for reading in readings:
        by_member.setdefault(reading.member_id, []).append(reading)
    lock_members(session, by_member)
    for member_id, own in by_member.items():
        for reading in sorted(own, key=lambda one: one.day):
            new = note(session, reading)
            if new > 0:
                at = _event_time(reading.day, period, zone, cause.at)
                record(
                    session,
                    member_id,
                    new,
                    cause=Cause(at, cause.actor, cause.key, reading.model, cause.policy),
                )
                total += new
    for member_id in _gone_in_debt(session):
        clear_overdraft(session, member_id, cause)
    return total


def _gone_in_debt(session: Session) -> list[int]:
    """Those who have left and spent beyond their quota: only what was booked just now can have done that."""
    query = (
        select(Member.id)
        .join(Account, col(Account.member_id) == Member.id)
        .where(col(Member.left_at).is_not(None), Account.kind == AccountKind.OVERDRAFT, Account.balance < 0)
    )
    return list(session.exec(query).all())


def note(session: Session, reading: Reading) -> int:
    """Keep the figure for breakdowns; returns by how much it grew."""
    key = (reading.member_id, reading.day, reading.model)
    known = session.get(Usage, key) or Usage(member_id=key[0], day=key[1], model=key[2])
    before = (known.amount, known.input_tokens, known.output_tokens)
    grown = max(0, reading.amount - known.amount)
    known.amount += grown
    known.input_tokens = max(known.input_tokens, reading.input_tokens)
    known.output_tokens = max(known.output_tokens, reading.output_tokens)
    session.add(known)
    if before != (known.amount, known.input_tokens, known.output_tokens):
        _note_agents(session, reading)
    return grown


def _note_agents(session: Session, reading: Reading) -> None:
    insert = postgresql.insert if is_postgres(session) else sqlite.insert
    who = {"day": reading.day, "member_id": reading.member_id}
    rows = [who | {"agent": agent} for agent in reading.agents]
    session.connection().execute(insert(ActiveAgent).values(rows).on_conflict_do_nothing())


def by_model(session: Session, member_id: int, since: date) -> list[tuple[str, int]]:
    """What it went on since a day, the largest first."""
    found = session.connection().execute(_BY_MODEL, {"member": member_id, "since": since})
    return [(model, int(amount)) for model, amount in found]


_SPENT = func.sum(col(Usage.amount))
_BY_MODEL = (
    select(Usage.model, _SPENT)
    .where(col(Usage.member_id) == bindparam("member"), col(Usage.day) >= bindparam("since"))
    .group_by(col(Usage.model))
    .having(_SPENT > 0)
    .order_by(_SPENT.desc())
)


@dataclass(frozen=True)
class Outlook:
    """How fast it goes. `pace`: stored units a day; `left`: till the period ends; `runs_out`: None when it lasts."""

    pace: int
    left: timedelta
    runs_out: datetime | None


DAY = 24 * 60 * 60


def outlook(session: Session, member_id: int, has: Wallet, period: Period, now: datetime) -> Outlook:
    """Pace = use of the last 7 days, or since the opening, a day."""
    since = max(period.starts_at, now - timedelta(days=7))
    seconds = max(int((now - since).total_seconds()), 60 * 60)
    pace = rounded(burnt(session, member_id, since, now) * DAY // seconds)
    left = max(period.ends_at - now, timedelta())
    lasts = timedelta(seconds=has.available * DAY // pace) if pace > 0 and has.available > 0 else None
    return Outlook(pace, left, now + lasts if lasts is not None and lasts < left else None)


def rounded(pace: int) -> int:
    """A pace is an estimate: three digits say what there is to say."""
    grain: int = 10 ** max(0, len(str(abs(pace))) - 3)
    return pace // grain * grain


def needed(view: Outlook, has: Wallet, step: int) -> int:
    """Pace × days left − available, rounded up to `step`: what would last to the end; ≤ 0 when nothing is missing."""
    missing = -(-view.pace * int(view.left.total_seconds()) // DAY) - has.available
    return -(-missing // step) * step


def _event_time(day: date, period: Period, zone: ZoneInfo, now: datetime) -> datetime:
    """The end of that day, but within the open period and not in the future."""
    end = datetime.combine(day + timedelta(days=1), time(), zone) - timedelta(seconds=1)
    return min(max(end, period.starts_at), max(now, period.starts_at))
