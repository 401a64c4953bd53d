"""Adoption: link new gateway accounts to members, and replaced keys to the account they follow."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlmodel import Session, col, select, update

from models.metering.accounts import at_gateway
from models.metering.gateway_account import GatewayAccount
from models.metering.reading import News, Reading
from models.people.member import Member


def adopt(
    session: Session, reading: Reading, member: Member, seen: Collection[str] | None
) -> GatewayAccount | None:
    """Link a new account to its owner.

    Spend before the link is nobody's debt for a member's first accounts; an account that appears later is booked
    in full. `seen`: every account of the round; without it, None is returned for a key that may replace another.
    """
    everywhere = _accounts(session, member)
    known = [one for one in everywhere if one.gateway == reading.gateway]
    alike = [one for one in known if one.name and one.name == reading.name and one.spent <= reading.spent]
    # A replaced key keeps name and counter. Only a whole round shows whether the old one is gone.
    if alike and seen is None:
        return None
    for old in alike:
        if old.id not in (seen or ()):
            old.succeed(reading.id)
            session.flush()
            return old
    return GatewayAccount.link(session, reading, member, forgive=not _later(session, everywhere, reading))


def _later(session: Session, known: Sequence[GatewayAccount], reading: Reading) -> bool:
    """Whether the member had accounts when this gateway was taken over: then one that appears later is no part of that."""
    if any(one.settled for one in known if one.gateway == reading.gateway):
        return True
    taken_over = select(GatewayAccount.id).where(GatewayAccount.settled, at_gateway(reading.gateway)).limit(1)
    return any(one.settled for one in known) and session.exec(taken_over).first() is not None


def _accounts(session: Session, member: Member) -> list[GatewayAccount]:
    # With accounts that are gone; the one seen last comes first.
    query = select(GatewayAccount).where(GatewayAccount.member_id == member.id)
    return list(session.exec(query.order_by(col(GatewayAccount.as_of).desc())).all())


def end_round(session: Session, seen: Collection[str], gateway: str = "") -> list[str]:
    """`seen`: the accounts of a whole round. Returns the ids that were missing for the second time in a row."""
    settle = update(GatewayAccount).where(col(GatewayAccount.settled).is_(False), at_gateway(gateway))
    settle = settle.values(settled=True)
    session.execute(settle.execution_options(synchronize_session=False))
    known = select(GatewayAccount.id, GatewayAccount.missed).where(
        col(GatewayAccount.gone).is_(False), at_gateway(gateway)
    )
    missing = []
    for account_id, missed in session.exec(known).all():
        now = 0 if account_id in seen else missed + 1
        if now != missed:
            session.execute(
                update(GatewayAccount).where(col(GatewayAccount.id) == account_id).values(missed=now)
            )
        if now > 1:
            missing.append(account_id)
    return missing


def take_news(session: Session, gateway: str = "") -> dict[News, list[GatewayAccount]]:
    """The accounts with news for admins. The news counts as told."""
    found: dict[News, list[GatewayAccount]] = {}
    query = select(GatewayAccount).where(col(GatewayAccount.news).is_not(None), at_gateway(gateway))
    for one in session.exec(query.order_by(GatewayAccount.id)).all():
        found.setdefault(News(str(one.news)), []).append(one)
        one.news = None
    return found
