"""One chain of hashes over transfers, decisions, forgivenesses and changes of authority.

Rows are sealed in batches, after they were written, so that posting waits for nobody. A seal covers a range of ids of one
table and the seal before it: whoever changes, removes or adds a sealed row, or a seal, breaks the chain from there on.
The chain does not show that its newest seals were cut off with their rows, or that a row was changed before it was
sealed; for that, keep a hash that was printed earlier and look for it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Index, Table, select, text
from sqlmodel import Field, Session, SQLModel, col
from sqlmodel import select as select_row

from models.ledger.transfer import Transfer
from models.people.authority import Authority
from models.quota.decision import Decision
from models.quota.forgiveness import Forgiveness
from models.statement import Statement, is_postgres, moment
from models.words import digest

ROWS = 500
"""Rows under one seal: a broken link names that many at most."""
AT_ONCE = 4
"""Seals of one transaction: it holds SQLite's writer, and people wait behind it."""

COVERED: dict[str, tuple[str, ...]] = {
    "authority": ("id", "at", "actor", "what", "member_id", "digest"),
    "decision": (
        "id", "request_id", "code", "outcome", "amount", "granted", "until", "decider_id", "for_id", "at", "actor", "cause",
        "policy", "digest",
    ),
    "forgiveness": ("id", "loan_id", "amount", "at", "actor", "cause", "reason"),
    "transfer": (
        "id", "kind", "amount", "source_id", "target_id", "loan_id", "at", "actor", "cause", "reason", "policy", "period_id",
    ),
}  # fmt: skip
"""The tables of the chain, and the columns that a seal covers. A column that is added later begins a chain of its own."""
TABLES: dict[str, Any] = {
    "authority": Authority,
    "decision": Decision,
    "forgiveness": Forgiveness,
    "transfer": Transfer,
}
"""Named here, so that a command that imports little has every table of the chain."""
ERASABLE = {"authority": ("was", "becomes"), "decision": ("reason", "answer")}
"""Words that `digest` covers. They may be erased, then their salt is empty."""


class Seal(SQLModel, table=True):
    """Covers the rows of `source` with `after` < id <= `upto`, and the seal before."""

    __table_args__ = (Index("ix_seal_source", "source", "upto"),)

    id: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    source: str
    after: int = Field(sa_type=BigInteger)
    upto: int = Field(sa_type=BigInteger)
    count: int
    hash: str = Field(index=True)
    at: datetime


class Head(NamedTuple):
    seal: int
    hash: str

    @property
    def line(self) -> str:
        return f"chain: seal {self.seal}, {self.hash}"


@dataclass(frozen=True)
class Broken:
    seal: int
    source: str
    after: int
    upto: int
    why: str

    @property
    def line(self) -> str:
        return f"the chain breaks at seal {self.seal}: {self.source} {self.after + 1}–{self.upto}: {self.why}"


@dataclass(frozen=True)
class Verified:
    """The result of `verify`. `head`: the last hash that holds."""

    seals: int
    rows: int
    unsealed: int
    head: Head | None
    broken: Broken | None


def head(session: Session) -> Head | None:
    newest = _newest(session)
    return Head(newest.id, newest.hash) if newest else None


def knows(session: Session, hash_: str) -> bool:
    return session.exec(select_row(Seal.id).where(Seal.hash == hash_.strip().lower())).first() is not None


def seal_next(session: Session, now: datetime) -> bool:
    """Seal the next rows. True while there are more."""
    new = [one for one in _UNSEALED.all(session) if one.sealed < one.newest]
    newest, sealed = _newest(session) if new else None, 0
    for source, sealed_upto, _ in new:
        after = sealed_upto
        while sealed < AT_ONCE and (rows := _settled_rows(session, source, after)):
            upto = int(rows[-1][0])
            # Of two sealers at once, the primary key refuses the second; it runs again.
            number, before = (newest.id + 1, newest.hash) if newest else (1, "")
            newest = Seal(id=number, source=source, after=after, upto=upto, count=len(rows), hash="", at=now)
            newest.hash = _link(before, newest, rows)
            session.add(newest)
            session.flush()
            after, sealed = upto, sealed + 1
    return sealed == AT_ONCE


def verify(session: Session) -> Verified:
    before, rows, last, upto = "", 0, None, dict.fromkeys(COVERED, 0)
    for number, seal in enumerate(_seals(session), 1):
        found = _rows(session, seal.source, seal.after, seal.upto) if seal.source in COVERED else []
        why = _fault(number, seal, before, upto.get(seal.source), found)
        if why:
            broken = Broken(seal.id, seal.source, seal.after, seal.upto, why)
            return Verified(number - 1, rows, 0, last, broken)
        # The ranges of a table must follow each other without a gap.
        before, last, upto[seal.source] = seal.hash, Head(seal.id, seal.hash), seal.upto
        rows += len(found)
    unsealed = sum(_count_after(session, source, after) for source, after in upto.items())
    return Verified(last.seal if last else 0, rows, unsealed, last, None)


def _fault(number: int, seal: Seal, before: str, upto: int | None, rows: Sequence[Any]) -> str:
    if seal.id != number:
        return f"seal {number} is missing"
    if upto is None or seal.after != upto:
        return "the seal before it is missing, or its range was changed"
    if len(rows) != seal.count:
        return f"{seal.count} rows were sealed, {len(rows)} are there"
    changed = next((one[0] for one in rows if not _words_hold(seal.source, one)), None)
    if changed is not None:
        return f"the words of row {changed} were changed"
    return "" if _link(before, seal, rows) == seal.hash else "a row was changed, or the seal was"


def _words_hold(source: str, row: Any) -> bool:
    # Erased words have no salt, and must be empty.
    words = [getattr(row, name) for name in ERASABLE.get(source, ())]
    if not words:
        return True
    return digest(row.salt, *words) == row.digest if row.salt else not any(words)


def _link(before: str, seal: Seal, rows: Sequence[Any]) -> str:
    # Each row is a line of JSON: two rows cannot be joined or split with the same hash.
    running = hashlib.sha256(
        _line((before, seal.id, seal.source, seal.after, seal.upto, seal.count, seal.at))
    )
    width = len(COVERED[seal.source])
    for row in rows:
        running.update(_line(row[:width]))
    return running.hexdigest()


def _line(values: Any) -> bytes:
    return (json.dumps([_plain(one) for one in values], ensure_ascii=False) + "\n").encode()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return moment(value).isoformat(timespec="microseconds")
    return value.isoformat() if isinstance(value, date) else value


@cache
def _columns(source: str) -> tuple[Table, list[Any]]:
    table = SQLModel.metadata.tables[TABLES[source].__tablename__]
    words = (*ERASABLE[source], "salt") if source in ERASABLE else ()
    return table, [table.c[name] for name in (*COVERED[source], *words)]


def _rows(session: Session, source: str, after: int, upto: int) -> Sequence[Any]:
    table, columns = _columns(source)
    found = select(*columns).where(table.c.id > after, table.c.id <= upto).order_by(table.c.id)
    return session.connection().execute(found).all()


def _settled_rows(session: Session, source: str, after: int) -> Sequence[Any]:
    # A row's id is given out before its transaction commits. On Postgres a row waits until every transaction
    # that may still commit a smaller id has ended.
    table, columns = _columns(source)
    found = select(*columns).where(table.c.id > after)
    if is_postgres(session):
        found = found.where(text(_BEFORE_UNSETTLED.format(source=source)).bindparams(sealed=after))
    return session.connection().execute(found.order_by(table.c.id).limit(ROWS)).all()


# In the same statement as the rows: another one would see what was committed between the two.
_BEFORE_UNSETTLED = """{source}.id < COALESCE((
    SELECT MIN(one.id) FROM {source} AS one WHERE one.id > :sealed
    AND age(one.xmin) <= age(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS xid))
), 9223372036854775807)"""


def _newest(session: Session) -> Seal | None:
    return session.exec(select_row(Seal).order_by(col(Seal.id).desc()).limit(1)).first()


class _Unsealed(NamedTuple):
    source: str
    sealed: int
    newest: int


# Of every table at once: mostly there is nothing new.
_UNSEALED = Statement(
    " UNION ALL ".join(
        f"SELECT '{one}', COALESCE((SELECT MAX(upto) FROM seal WHERE source = '{one}'), 0), "
        f"COALESCE((SELECT MAX(id) FROM {one}), 0)"
        for one in COVERED
    ),
    row=_Unsealed,
)


def _seals(session: Session) -> Iterator[Seal]:
    # In pages, so that memory does not grow with the chain.
    after = 0
    while page := session.exec(
        select_row(Seal).where(Seal.id > after).order_by(col(Seal.id)).limit(1000)
    ).all():
        yield from page
        after = page[-1].id
        session.expunge_all()


def _count_after(session: Session, source: str, after: int) -> int:
    counted = text(f"SELECT COUNT(*) FROM {source} WHERE id > :after")
    return int(session.connection().execute(counted, {"after": after}).scalar_one())
