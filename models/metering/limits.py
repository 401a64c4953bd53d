"""Limits: the ones that stand at the gateway, the ones that ought to stand there, and which to write."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from sqlalchemy import ColumnElement, func, text
from sqlmodel import Session, col, select

from models.ledger.account import Account, AccountKind
from models.ledger.transfer import AUTOMATIC, Cause, Entry, Transfer
from models.metering.accounts import accounts_of_members, at_gateway
from models.metering.gateway_account import GatewayAccount
from models.metering.gateway_state import GatewayState
from models.metering.ladder import Ladder, WantedList
from models.metering.owners import linked_members
from models.metering.reading import Rate
from models.people.member import Member
from models.policy.document import Policy
from models.quota.grant import give, take
from models.quota.request import Request
from models.quota.request_state import UNCONFIRMED, RequestState
from models.statement import Statement

CHUNK = 5_000
CENT = 10_000
"""The coarsest unit of a gateway, in micro-USD: what one cannot hold is rounded down."""
OWN = (AccountKind.ALLOCATION, AccountKind.TOP_UP, AccountKind.LOAN, AccountKind.OVERDRAFT)
"""What somebody can spend, less what they overspent."""
_UNCONFIRMED = ", ".join(f"'{state}'" for state in UNCONFIRMED)


class StaleReading(Exception):  # noqa: N818 - what it found
    """The reading is too old to write by: read the account again first."""


@dataclass(frozen=True)
class GatewayTraits:
    """`holds`: the nearest limit that the gateway can hold (micro-USD). `wallet`: it keeps wallets, from which a
    call in flight is taken off before it counts as spent. `per_key`: an account is a key, so people have several. `name`: of a gateway of
    GATEWAYS_FILE.
    """

    holds: Callable[[int], int]
    wallet: bool = False
    per_key: bool = False
    name: str = ""


@dataclass(frozen=True)
class Limit:
    """An account, and the limit (micro-USD) and list of models that ought to stand for it; None: any list.

    `closed`: the member's allocation names models, and the account cannot be limited to them.
    """

    account: GatewayAccount
    wanted: int
    wallet: bool = False
    models: WantedList | None = None
    closed: bool = False

    @property
    def stands(self) -> bool:
        return self._total_stands and self.listed

    @property
    def _total_stands(self) -> bool:
        return self.account.total == self.wanted and not self.account.unseen

    @property
    def listed(self) -> bool:
        """The list stands as it ought."""
        if self.models is None:
            return True
        known = self.account.model_list
        return known.stands == self.models.words and not (known.meant and self.account.unread)

    @property
    def total_writable(self) -> bool:
        """The limit is wrong, and nobody edited it by hand."""
        if self._total_stands:
            return False
        # A decision does not wait for a call in flight.
        return not self.account.differs or (self.wallet and self.account.dips_below(self.wanted))

    @property
    def writable(self) -> bool:
        return self.total_writable or self.list_writable

    @property
    def list_writable(self) -> bool:
        return not self.listed and not self.account.model_list.differs

    @property
    def widens(self) -> bool:
        """Off the fallback again. What of it is left must not be spent on other models, so the total comes first."""
        return self.account.model_list.fallback and not (self.models and self.models.fallback)

    @property
    def edited(self) -> bool:
        """Somebody edited the limit or the list by hand: left alone and reported."""
        if self.stands or self.writable:
            return False
        return self.account.edited or self.account.model_list.edited


@dataclass(frozen=True)
class LimitWrite:
    """A limit to write. Order: decisions, then lowering before raising, then the latest spender.

    `total`: None where only `models` is to be written; `models`: None where the list stands.
    """

    account: str
    member: int
    total: int | None
    raises: bool
    urgent: bool
    spent_at: datetime | None = None
    models: WantedList | None = None
    widens: bool = False

    @property
    def order(self) -> tuple[bool, bool, float]:
        return not self.urgent, self.raises, -(self.spent_at.timestamp() if self.spent_at else 0.0)


def entitled(session: Session, accounts: Sequence[GatewayAccount], rate: Rate) -> dict[str, int]:
    """{account: micro-USD that own quota lets it spend in all}, never below zero."""
    found: dict[str, int] = {}
    for part in _chunks(accounts):
        ids = {one.member_id for one in part}
        available, stopped = available_to(session, ids), _stopped(session, ids)
        found |= {
            one.id: _total(one, available.get(one.member_id, 0), rate, closed=one.member_id in stopped)
            for one in part
        }
    return found


def _chunks(accounts: Sequence[GatewayAccount]) -> Iterator[Sequence[GatewayAccount]]:
    return (accounts[start : start + CHUNK] for start in range(0, len(accounts), CHUNK))


def _total(account: GatewayAccount, has: int, rate: Rate, *, closed: bool) -> int:
    # Paused or gone: just below what was spent, because that was rounded up.
    has, below = (min(has, 0), 1) if closed else (has, 0)
    return max(0, account.origin + rate.enforced(account.booked + has) - below)


def available_to(session: Session, ids: Collection[int]) -> dict[int, int]:
    query = select(Account.member_id, func.sum(col(Account.balance)))
    query = query.where(col(Account.member_id).in_(ids), col(Account.kind).in_(OWN))
    rows = session.exec(query.group_by(col(Account.member_id))).all()
    return {member: int(available) for member, available in rows if member is not None}


def _stopped(session: Session, ids: Collection[int]) -> set[int]:
    stopped: ColumnElement[bool] = col(Member.paused_at).is_not(None) | col(Member.left_at).is_not(None)
    return set(session.exec(select(Member.id).where(col(Member.id).in_(ids), stopped)).all())


def limits_of(
    session: Session, accounts: Sequence[GatewayAccount], rate: Rate, traits: GatewayTraits
) -> list[Limit]:
    """To the gateway's own smallest unit, with the ladder. Changes nothing."""
    found: list[Limit] = []
    for part in _chunks(accounts):
        ids = {one.member_id for one in part}
        available, stopped = available_to(session, ids), _stopped(session, ids)
        ladder = Ladder.of(session, part, available)
        for one in part:
            has, models = available.get(one.member_id, 0), None if ladder is None else ladder.wanted(one)
            closed = ladder is not None and models is None
            if ladder is not None and (left := ladder.left(one, models)):
                has = left
            total = traits.holds(_total(one, has, rate, closed=closed or one.member_id in stopped))
            found.append(Limit(one, total, traits.wallet, models, closed))
    return found


def to_write(limits: Sequence[Limit], urgent: Collection[int] = ()) -> list[LimitWrite]:
    """The writes that make these limits stand, in order. `urgent`: members with a decision."""
    writes = [
        LimitWrite(
            account=one.account.id,
            member=one.account.member_id,
            total=one.wanted if one.total_writable else None,
            raises=one.account.total is not None and one.wanted > one.account.total,
            urgent=one.account.member_id in urgent,
            spent_at=one.account.spent_at,
            models=one.models if one.list_writable else None,
            widens=one.widens,
        )
        for one in limits
        if one.writable
    ]
    return sorted(writes, key=lambda one: one.order)


def lower_after_restore(limits: Sequence[Limit]) -> tuple[list[GatewayAccount], list[GatewayAccount]]:
    """Let limits above the ledger be written over, which a ledger older than the gateway did not write.

    Returns their accounts, and those whose limit is below the ledger: raising them is for an admin to decide.
    """
    strange = [one for one in limits if one.account.differs and not one.stands]
    above = [one.account for one in strange if (one.account.total or 0) > one.wanted]
    for account in above:
        account.restore()
    return above, [one.account for one in strange if one.account not in above]


def side_by_side(writes: Sequence[LimitWrite], most: int) -> Iterator[list[LimitWrite]]:
    """Groups to write at once: never lowering beside raising, nothing urgent behind the rest."""
    for _, alike in groupby(writes, key=lambda one: (one.urgent, one.raises)):
        group = list(alike)
        for start in range(0, len(group), most):
            yield group[start : start + most]


def live_members(session: Session, members: Collection[int], rate: Rate, traits: GatewayTraits) -> set[int]:
    """The members for whom every account stands as it ought."""
    limits = limits_of(session, accounts_of_members(session, members, traits.name), rate, traits)
    return {one.account.member_id for one in limits} - {
        one.account.member_id for one in limits if not one.stands
    }


def live_at(session: Session, member_id: int, rate: Rate) -> tuple[list[str], list[str]]:
    """Of the gateways that enforce this member's limit: those that have it, and those that are still to take it."""
    enforced = {one.name for one in GatewayState.driven(session) if one.enforced and not one.released}
    accounts = [one for one in accounts_of_members(session, {member_id}) if one.gateway in enforced]
    has: dict[str, bool] = {}
    for one in limits_of(session, accounts, rate, GatewayTraits(lambda total: total)):
        short = one.wanted - (one.account.total or 0)
        seen = one.listed and not one.account.unseen
        here = seen and one.account.total is not None and 0 <= short < CENT
        has[one.account.gateway] = has.get(one.account.gateway, True) and here
    return [name for name, here in has.items() if here], [name for name, here in has.items() if not here]


def adopt_edit(
    session: Session, account: GatewayAccount, total: int, rate: Rate, policy: Policy, cause: Cause
) -> None:
    """Make the ledger follow a limit set by hand: a top-up to the period's end, or a cut."""
    member = session.get_one(Member, account.member_id)
    wanted = entitled(session, [account], rate)[account.id]
    difference = rate.worth(abs(total - wanted))
    if difference and total > wanted:
        give(session, member, difference, until=None, policy=policy, cause=cause)
    elif difference:
        take(session, member, difference, cause=cause)
    account.adopt()


def waiting_members(session: Session) -> set[int]:
    session.flush()
    return set(_WAITING.all(session))


_WAITING = Statement(f"SELECT member_id FROM request WHERE state IN ({_UNCONFIRMED})", row=int)


def waiting_without_account(session: Session) -> list[int]:
    """Members with an approved grant and no account to write it to."""
    query = select(Request.member_id).where(
        Request.state == RequestState.APPROVED, col(Request.member_id).not_in(linked_members())
    )
    return list(session.exec(query).all())


def due_members(session: Session, gateway: str | None = None) -> set[int]:
    due = select(GatewayAccount.member_id).where(GatewayAccount.due, at_gateway(gateway))
    return set(session.exec(due).all())


class Glance(NamedTuple):
    """`newest`: the newest entry. `released`: the limits were put back. `unread`: nothing was booked yet in the open
    period. `due`: a limit has to be compared now, after a decision. `waits`: a grant is not confirmed.
    """

    newest: int
    released: bool
    unread: bool
    due: bool
    waits: bool


def glance(session: Session, gateway: str, entry_id: int) -> Glance:
    """Whether there is anything to do for a gateway, in one statement: every replica asks twice a second."""
    return _GLANCE.one(session, gateway=gateway, after=entry_id)


_GLANCE = Statement(
    "SELECT (SELECT COALESCE(MAX(id), 0) FROM entry), "
    "EXISTS (SELECT 1 FROM gatewaystate WHERE name = :gateway AND released_at IS NOT NULL), "
    "EXISTS (SELECT 1 FROM period p WHERE p.state = 'open' AND NOT EXISTS "
    "(SELECT 1 FROM gatewaystate s WHERE s.id = 1 AND s.period_id = p.id)), "
    "EXISTS (SELECT 1 FROM gatewayaccount WHERE due AND gateway = :gateway) "
    "OR EXISTS (SELECT 1 FROM entry e JOIN transfer t ON t.id = e.transfer_id WHERE e.id > :after "
    f"AND e.member_id IS NOT NULL AND t.actor NOT IN {AUTOMATIC}), "
    f"EXISTS (SELECT 1 FROM request WHERE state IN ({_UNCONFIRMED}))",
    row=Glance,
)


def decided_since(session: Session, entry_id: int) -> tuple[set[int], int]:
    """Members with a decision after that entry, and the newest entry."""
    newest = newest_entry(session)
    if newest <= entry_id:
        return set(), newest
    decided = select(Entry.member_id).join(Transfer, col(Transfer.id) == Entry.transfer_id)
    # The ledger itself is the list of changes; spend and jobs decide nothing.
    decided = decided.where(col(Entry.id) > entry_id, col(Transfer.actor).not_in(AUTOMATIC)).distinct()
    return {member_id for member_id in session.exec(decided).all() if member_id is not None}, newest


def newest_entry(session: Session) -> int:
    return int(session.connection().execute(text("SELECT COALESCE(MAX(id), 0) FROM entry")).scalar_one())
