"""Gateway accounts looked up: of a member, of a page of readings, edited by hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, true
from sqlmodel import Session, col, func, select, update
from sqlmodel.sql.expression import SelectOfScalar

from models.metering.gateway_account import GatewayAccount
from models.metering.reading import Reading
from models.people.member import lock_members
from models.statement import is_postgres, parts


def accounts_of(session: Session, member_id: int, gateway: str | None = None) -> list[GatewayAccount]:
    return accounts_of_members(session, {member_id}, gateway)


def accounts_of_members(
    session: Session, members: Iterable[int], gateway: str | None = None
) -> list[GatewayAccount]:
    """The accounts that the gateway still knows; None: at every gateway."""
    found = list[GatewayAccount]()
    for part in parts(members):
        theirs = col(GatewayAccount.member_id).in_(part)
        query = select(GatewayAccount).where(theirs, col(GatewayAccount.gone).is_(False), at_gateway(gateway))
        found += session.exec(query.order_by(GatewayAccount.id)).all()
    return found


def at_gateway(gateway: str | None) -> ColumnElement[bool]:
    """A condition for the accounts of one gateway; None: of all."""
    return true() if gateway is None else col(GatewayAccount.gateway) == gateway


def shared_accounts(session: Session, gateway: str) -> dict[int, list[GatewayAccount]]:
    """Member id → their accounts at this gateway, where they have more than one."""
    several = select(GatewayAccount.member_id).where(col(GatewayAccount.gone).is_(False), at_gateway(gateway))
    several = several.group_by(col(GatewayAccount.member_id)).having(func.count() > 1)
    found: dict[int, list[GatewayAccount]] = {}
    for one in accounts_of_members(session, session.exec(several).all(), gateway):
        found.setdefault(one.member_id, []).append(one)
    return found


def every_account(session: Session, gateway: str | None = None) -> list[GatewayAccount]:
    """With accounts that are gone."""
    query = select(GatewayAccount).where(at_gateway(gateway))
    return list(session.exec(query.order_by(GatewayAccount.id)).all())


def accounts_by_id(session: Session, ids: Iterable[str]) -> dict[str, GatewayAccount]:
    return _by_id(session, select(GatewayAccount), ids)


def accounts_to_book(session: Session, page: Sequence[Reading]) -> dict[str, GatewayAccount]:
    """A page's accounts, locked: of several transactions that read the same spend, one books it."""
    found = accounts_by_id(session, (one.id for one in page))
    if not is_postgres(session):
        return found
    spent = {one.id: one.spent for one in page}
    # Members before accounts, as everywhere: no two transactions wait for each other.
    lock_members(session, {one.member_id for one in found.values() if one.spent != spent[one.id]})
    query = select(GatewayAccount).order_by(col(GatewayAccount.id)).with_for_update()
    return _by_id(session, query.execution_options(populate_existing=True), spent)


def _by_id(
    session: Session, query: SelectOfScalar[GatewayAccount], ids: Iterable[str]
) -> dict[str, GatewayAccount]:
    found = dict[str, GatewayAccount]()
    for part in parts(ids):
        rows = session.exec(query.where(col(GatewayAccount.id).in_(part))).all()
        found |= {one.id: one for one in rows}
    return found


def edited_accounts(session: Session, gateway: str | None = None) -> list[GatewayAccount]:
    """With a limit or a list of models of ours that somebody else changed."""
    limit = col(GatewayAccount.written).is_not(None) & col(GatewayAccount.total).is_distinct_from(
        col(GatewayAccount.written)
    )
    query = select(GatewayAccount).where(at_gateway(gateway), limit | col(GatewayAccount.models).is_not(None))
    found = session.exec(query.order_by(GatewayAccount.id)).all()
    return [one for one in found if one.edited or one.model_list.edited]


def change_rate(session: Session) -> None:
    """Later spend is booked at the new rate; booked spend stays as it is. Only at an opening."""
    session.execute(update(GatewayAccount).values(origin=GatewayAccount.spent, booked=0))
    session.expire_all()
