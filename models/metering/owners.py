"""Find the owner of a gateway account by the hints of its reading."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import String, cast
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from models.metering.gateway_account import GatewayAccount
from models.metering.reading import Reading
from models.people.member import Member
from models.statement import parts

Hint = tuple[str, str]
"""A column of people.csv, and its value for the owner."""


def owners_of(session: Session, readings: Iterable[Reading]) -> dict[str, Member]:
    """{account: its owner}: the one active member found by gateway id, e-mail or the key's owner.

    An account without an owner, or with several candidates, is left out.
    """
    hints = {one.id: _hints(one) for one in readings}
    members = _members_by_hint(session, {hint for several in hints.values() for hint in several})
    found: dict[str, Member] = {}
    for account, several in hints.items():
        only = next((members[hint][0] for hint in several if len(members[hint]) == 1), None)
        if only is not None:
            found[account] = only
    return found


def _hints(reading: Reading) -> list[Hint]:
    """The surest first."""
    column = f"gateway_id.{reading.gateway}" if reading.gateway else "gateway_id"
    hints = [(column, one) for one in _spellings(reading.own_id)]
    hints += [("email", reading.email.lower())]
    hints += [(column, one) for one in _spellings(reading.owner)]
    hints += [("email", reading.owner.lower())]
    return [hint for hint in hints if hint[1]]


def _spellings(account_id: str) -> tuple[str, ...]:
    """An id as it is; a UUID also in small and in capital letters, as either is the same."""
    try:
        UUID(account_id)
    except ValueError:
        return (account_id,)
    return tuple(dict.fromkeys((account_id, account_id.lower(), account_id.upper())))


def _members_by_hint(session: Session, hints: set[Hint]) -> defaultdict[Hint, list[Member]]:
    found: defaultdict[Hint, list[Member]] = defaultdict(list)
    for name, column in (("gateway_id", col(Member.gateway_id)), ("email", col(Member.email))):
        for part in parts(value for of, value in hints if of == name):
            wanted = select(Member).where(column.in_(part), col(Member.left_at).is_(None))
            for member in session.exec(wanted).all():
                found[name, getattr(member, name)].append(member)
    for name in {of for of, _ in hints if of.startswith("gateway_id.")}:
        for member in _with_column(session, name):
            if (hint := (name, str(member.extra[name]))) in hints:
                found[hint].append(member)
    return found


def _with_column(session: Session, name: str) -> list[Member]:
    """Active members for whom people.csv fills this column, which is kept beside our own."""
    active = select(Member).where(col(Member.left_at).is_(None), cast(Member.extra, String).contains(name))
    return [one for one in session.exec(active).all() if one.extra.get(name)]


def linked_members() -> SelectOfScalar[int]:
    """A query: members with an account that the gateway still knows."""
    return select(GatewayAccount.member_id).where(col(GatewayAccount.gone).is_(False))


def members_without_account(session: Session) -> list[Member]:
    query = select(Member).where(col(Member.left_at).is_(None), col(Member.id).not_in(linked_members()))
    return list(session.exec(query.order_by(Member.email)).all())
