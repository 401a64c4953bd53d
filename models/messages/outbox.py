"""Effects: promised in a transaction, done after it. The only background mechanism.

An effect is claimed under a lease. Its fence is `attempts`: an earlier claimer cannot mark it later. An effect that
cannot be done is parked with its reason and delays nothing.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import JSON, func, tuple_
from sqlmodel import Field, Session, SQLModel, col, select, update

from models.db import id_field, partial_index
from models.messages.message import clean
from models.messages.outgoing import as_json, leave
from models.statement import SqlFile, Statement, is_postgres

LEASE = timedelta(seconds=5)
"""Who works longer prolongs it; what a killed process had taken comes after this time."""
AT_A_TIME = 100
"""Most effects in one claim."""
MOST_ATTEMPTS = 12
UNKNOWN = "unknown: "
"""How the error of an attempt begins that may have succeeded."""
EVERY = timedelta(seconds=1)
"""Between two messages of a mailing: what a messenger bears."""


class Effect(SQLModel, table=True):
    """`kind`: say, replace, review, answer, home, mark, or the name of a job. `lane`: paced and kept in order
    together.

    `ref`: the vendor's id of the message. `about`: the subject (`request:7F3K`), so that every copy can be found.
    """

    __table_args__ = (
        partial_index(
            "ix_effect_due",
            "due_at",
            "id",
            where="done_at IS NULL AND parked_at IS NULL",
        ),
        partial_index(
            "ix_effect_about",
            "about",
            where="about IS NOT NULL",
        ),
    )

    id: int = id_field()
    key: str = Field(unique=True)
    kind: str
    payload: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    lane: str = ""
    about: str | None = None
    ref: str | None = None
    due_at: datetime
    attempts: int = 0
    leased_until: datetime | None = None
    done_at: datetime | None = None
    parked_at: datetime | None = None
    error: str | None = None

    def reword(self, session: Session, message: dict[str, Any]) -> None:
        """Show `message` from now on; a copy that was sent needs a `replace` besides."""
        self.payload = self.payload | {"message": message}
        session.add(self)


class Claim(NamedTuple):
    """An effect as it was when this process took it. It is changed by `mark` alone."""

    id: int
    key: str
    kind: str
    payload: dict[str, Any]
    lane: str
    due_at: datetime
    attempts: int
    leased_until: datetime
    ref: str | None
    error: str | None

    @property
    def unsure(self) -> bool:
        """Whether an earlier attempt may have succeeded."""
        return (self.error or "").startswith(UNKNOWN)


def promise(session: Session, effect: Effect) -> bool:
    """False when its key is known, also when another transaction promises it at this moment."""
    words = {name: getattr(effect, name) for name in ("key", "kind", "lane", "about", "due_at", "done_at")}
    return bool(_PROMISE.changed(session, **words, payload=json.dumps(effect.payload)))


def promise_new(session: Session, effect: Effect) -> None:
    """Promise an effect whose key is the transaction's own, with the next flush."""
    names = ("key", "kind", "payload", "lane", "about", "due_at", "done_at")
    leave(session, "effect", {name: getattr(effect, name) for name in names})


_PROMISE = Statement(
    "INSERT INTO effect (key, kind, payload, lane, about, due_at, done_at, attempts) "
    "VALUES (:key, :kind, :payload, :lane, :about, :due_at, :done_at, 0) ON CONFLICT (key) DO NOTHING"
)


def claim(
    session: Session, now: datetime, most: int = AT_A_TIME, held: Collection[int] = frozenset()
) -> list[Claim]:
    """Take due effects for `LEASE`, oldest first. `held`: ids at work in this process."""
    kept: Any = list(held) if is_postgres(session) else json.dumps(list(held))
    words = {"now": now, "ahead": now + 2 * LEASE, "until": now + LEASE, "most": most, "held": kept}
    rows = _CLAIM.all(session, **words, died=f"{UNKNOWN}its process ended")
    return sorted(rows, key=lambda one: (one.due_at, one.id))


def prolong(session: Session, effects: Collection[Claim], now: datetime) -> set[int]:
    """Hold them for another `LEASE`. Returns the ids that nobody else has taken."""
    ours = tuple_(col(Effect.id), col(Effect.attempts)).in_([(one.id, one.attempts) for one in effects])
    longer = (
        update(Effect)
        .where(ours, col(Effect.leased_until).is_not(None))
        .values(leased_until=now + LEASE)
        .returning(col(Effect.id))
        .execution_options(synchronize_session=False)
    )
    return set(session.scalars(longer))


Mark = dict[str, Any]
"""What became of an effect, for `mark`."""


def done(effect: Claim, now: datetime, ref: str | None = None) -> Mark:
    """`ref`: the vendor's id of the message."""
    return _became(effect, done_at=now, ref=ref, error=None)


def again(effect: Claim, now: datetime, error: str, after: timedelta | None = None) -> Mark:
    """Try later: after the time the other side asked for, or twice the last wait, at most an hour."""
    if effect.attempts >= MOST_ATTEMPTS:
        return park(effect, now, error)
    wait = after or min(timedelta(hours=1), timedelta(seconds=2.0 ** min(effect.attempts, 12)))
    return _became(effect, due_at=now + wait, error=clean(error))


def release(effect: Claim, due_at: datetime) -> Mark:
    # It was not its turn: the attempt does not count.
    return _became(effect, due_at=due_at, attempts=effect.attempts - 1)


def park(effect: Claim, now: datetime, error: str) -> Mark:
    """It cannot succeed, and must not delay others."""
    return _became(effect, parked_at=now, error=clean(error))


def mark(session: Session, marks: Sequence[Mark]) -> int:
    """Write the results of effects. Returns how many were still ours."""
    return len(_MARK.all(session, marks=as_json(session, marks)))


def set_aside(session: Session, marks: Sequence[Mark]) -> list[Effect]:
    """Those of `marks` that are parked now."""
    parked = [one["id"] for one in marks if one["parked_at"]]
    if not parked:
        return []
    query = select(Effect).where(col(Effect.id).in_(parked), col(Effect.parked_at).is_not(None))
    return list(session.exec(query.execution_options(populate_existing=True)).all())


def _became(effect: Claim, **change: Any) -> Mark:
    kept = {"due_at": effect.due_at, "attempts": effect.attempts, "ref": effect.ref, "error": effect.error}
    return {"id": effect.id, "attempt": effect.attempts, **kept, "done_at": None, "parked_at": None, **change}


def copies(session: Session, about: str) -> list[Effect]:
    """Every message about `about`, sent or waiting, locked: none is claimed meanwhile with its old text."""
    query = select(Effect).where(Effect.about == about, Effect.kind == "say", col(Effect.parked_at).is_(None))
    query = query.order_by(col(Effect.id)).with_for_update().execution_options(populate_existing=True)
    return list(session.exec(query).all())


def backlog(session: Session, now: datetime) -> tuple[int, float]:
    """How many effects are due and not done, and for how many seconds the oldest of them is due."""
    query = select(func.count(), func.min(Effect.due_at)).where(*_OPEN, Effect.due_at <= now)
    number, oldest = session.exec(query).one()
    return number, (now - oldest).total_seconds() if oldest else 0.0


def about_at(session: Session, *, ref: str = "", address: str = "") -> str | None:
    """What the newest message about a CODE shows: of those that landed at `ref`, or that were sent to `address`.

    A messenger that quotes its messages by another name keeps that name behind the last `@` of the ref.
    """
    if not ref and not address:
        return None
    landed = (col(Effect.ref) == ref) | col(Effect.ref).endswith(f"@{ref}", autoescape=True)
    there = landed if ref else col(Effect.payload)["address"].as_string() == address
    query = (
        select(Effect.about).where(Effect.kind == "say", there, _OF_A_CODE).order_by(col(Effect.id).desc())
    )
    return session.exec(query).first()


def unreached(session: Session, about: str) -> set[int]:
    """Members for whom every copy is set aside."""
    query = select(Effect.payload, Effect.parked_at).where(Effect.about == about, Effect.kind == "say")
    said = [(what["reader"], parked is None) for what, parked in session.exec(query).all() if what["reader"]]
    return {reader for reader, _ in said} - {reader for reader, goes in said if goes}


class Mailing:
    """Many messages at once: one a second on each messenger, in a lane of its own."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self._next: dict[str, datetime] = {}

    def turn(
        self, session: Session, messenger: str, not_before: datetime | None = None
    ) -> tuple[str, datetime]:
        """The lane of the next message, and when it is due."""
        # Messages that wait for a morning are a mailing of that morning, in a lane of their own.
        first = max(self.now, not_before or self.now)
        lane = messenger if first == self.now else f"{messenger}@{first:%Y-%m-%dT%H:%MZ}"
        at = self._next.get(lane)
        if at is None:
            last = session.exec(
                select(func.max(Effect.due_at)).where(Effect.lane == lane, *_OPEN)
            ).one_or_none()
            at = max(first, last + EVERY) if last else first
        self._next[lane] = at + EVERY
        return lane, at

    def waiting(self, session: Session) -> tuple[int, timedelta]:
        """The number of messages that wait, and the time until the last one is sent."""
        query = select(func.count(), func.max(Effect.due_at)).where(
            col(Effect.lane).in_(list(self._next)), *_OPEN
        )
        number, last = session.exec(query).one()
        return number, max(last - self.now, timedelta()) + EVERY if last else timedelta()


def withdraw(
    session: Session, abouts: Collection[str], now: datetime, why: str, readers: Collection[int] | None = None
) -> int:
    """Set aside unsent messages about `abouts`, for `readers` if given. Returns how many."""
    which = [col(Effect.about).in_(abouts), *([] if readers is None else [_READER.in_(readers)])]
    unsaid = (
        update(Effect)
        .where(*which, col(Effect.kind) == "say", col(Effect.attempts) == 0, *_OPEN)
        .values(parked_at=now, error=why)
        .execution_options(synchronize_session=False)
    )
    return int(session.execute(unsaid).rowcount)  # type: ignore[attr-defined]


def last_word(session: Session, abouts: Collection[str]) -> dict[int, str]:
    """{member id: the one of `abouts` they were told last, or are going to be told}."""
    query = select(_READER, Effect.about).where(
        col(Effect.about).in_(abouts),
        Effect.kind == "say",
        col(Effect.parked_at).is_(None) | (Effect.attempts > 0),
    )
    rows = session.exec(query.order_by(col(Effect.id))).all()
    return {int(reader): about for reader, about in rows if reader is not None and about is not None}


_OPEN = (col(Effect.done_at).is_(None), col(Effect.parked_at).is_(None))
_OF_A_CODE = (
    col(Effect.about).like("request:%")
    | col(Effect.about).like("ask:%")
    | col(Effect.about).like("question:%")
)
_READER = col(Effect.payload)["reader"].as_integer()

_SQL = SqlFile("models.messages", "sql/outbox.sql")
_CLAIM = Statement(_SQL.text("claim"), row=Claim)
_MARK = Statement(_SQL.text("mark"), row=int)
