"""Everything in the database about one member, table by table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Table, and_, or_, select
from sqlmodel import Session, SQLModel, col

from models.ledger.account import Account
from models.ledger.transfer import Entry, Transfer
from models.messages.outbox import Effect
from models.people.member import Address, Member
from models.people.mute import Mute
from models.policy import versions
from models.quota.ask import Ask
from models.quota.decision import Decision
from models.quota.request import Request
from models.reports.member import overview

_NOT_SHOWN = ("salt", "digest")


def own_data(session: Session, member: Member) -> dict[str, Any]:
    """`overview`, and the rows of every table that names the member; stored units.

    Other people appear in rows by id only; messages to others are left out.
    """
    current = versions.current(session)
    tables = {
        table.name: rows
        for table in SQLModel.metadata.sorted_tables
        if (rows := _rows(session, table, member.id))
    }
    return {
        "overview": overview(session, member),
        "stored_units_per_unit": current[1].unit.scale if current else None,
        "tables": tables,
    }


def _rows(session: Session, table: Table, member_id: int) -> list[dict[str, Any]]:
    found = select(table).where(_about(table, member_id)).order_by(*table.primary_key.columns)
    shown = [column.name for column in table.columns if column.name not in _NOT_SHOWN]
    return [{name: row[name] for name in shown} for row in session.connection().execute(found).mappings()]


def _about(table: Table, member_id: int) -> Any:
    # A new table needs no line here if it points at `member`.
    c = table.c
    if table.name == "member":
        return c.id == member_id
    requests = select(col(Request.id)).where(col(Request.member_id) == member_id)
    accounts = select(col(Account.id)).where(col(Account.member_id) == member_id)
    if table.name == Transfer.__tablename__:
        return or_(c.source_id.in_(accounts), c.target_id.in_(accounts))
    if table.name == Entry.__tablename__:
        return c.member_id == member_id
    if table.name == Decision.__tablename__:
        return or_(c.request_id.in_(requests), c.decider_id == member_id, c.for_id == member_id)
    if table.name == Effect.__tablename__:
        return c.lane.in_(select(col(Address.address)).where(col(Address.member_id) == member_id))
    names = [column for column in c if any(key.column.table.name == "member" for key in column.foreign_keys)]
    named = or_(False, *(column == member_id for column in names))
    return and_(named, *_not_told(table, member_id))


def _not_told(table: Table, member_id: int) -> Iterator[Any]:
    c = table.c
    if table.name == Mute.__tablename__:  # nobody is told who muted them
        yield c.member_id == member_id
    if table.name == Ask.__tablename__:  # nor whom a search asked
        yield or_(c.lender_id == member_id, c.search_id.is_(None))
