"""Book what a gateway reports: spend by account, and usage by day, model and key."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

from sqlmodel import Session

from models.ledger.spend import void
from models.ledger.transfer import Cause
from models.metering.accounts import accounts_by_id, accounts_of, accounts_to_book
from models.metering.adoption import adopt
from models.metering.owners import owners_of
from models.metering.reading import KeyUsage, Rate, Reading
from models.metering.usage import MemberUsage, keep
from models.people.member import Member, lock_members, require_colleague
from models.policy.document import Policy
from models.quota import fallback
from models.quota.status import QuotaStatus
from models.quota.wallet import wallet_of
from models.refusal import InsufficientQuota

ModelDay = tuple[int, date, str]
"""Member, day, model."""


@dataclass
class BookedPage:
    """`unlinked`: accounts without an owner. `spenders`: members with new spend.

    `later`: keys that may replace others, which only a whole round shows.
    """

    unlinked: list[Reading] = field(default_factory=list)
    spenders: list[int] = field(default_factory=list)
    later: list[Reading] = field(default_factory=list)


def book_page(
    session: Session,
    page: Sequence[Reading],
    rate: Rate,
    cause: Cause,
    seen: Collection[str] | None = None,
    policy: Policy | None = None,
) -> BookedPage:
    """Book the spend since each account's last reading, and link new accounts that have an owner.

    `seen`: the ids of every account, once all were read. `policy`: pays for what is spent on its fallback.
    """
    booked = BookedPage()
    known = accounts_to_book(session, page)
    owners = owners_of(session, (one for one in page if one.id not in known))
    for reading in page:
        account = known.get(reading.id)
        if account is None and reading.id not in owners:
            booked.unlinked.append(reading)
            continue
        if account is None:
            account = adopt(session, reading, owners[reading.id], seen)
            if account is None:
                booked.later.append(reading)
                continue
            known[reading.id] = account
        key = f"gateway:{reading.id}:{reading.as_of.isoformat()}"
        new = account.absorb(session, reading, rate, replace(cause, key=key), policy)
        if new and account.member_id not in booked.spenders:
            booked.spenders.append(account.member_id)
    return booked


def void_usage(session: Session, member: Member, amount: int, rate: Rate, cause: Cause) -> None:
    """Take back usage of this period that a gateway booked by mistake. Raises `InsufficientQuota` beyond what was used."""
    require_colleague(member)
    lock_members(session, [member.id])
    used = QuotaStatus.of(session, member.id).used
    if amount > used:
        raise InsufficientQuota(amount, used)
    # What never happened was spent last: beyond all quota, then on the fallback, then of one's own.
    fallback.take_back(session, member.id, amount + min(0, wallet_of(session, member.id).overdraft), cause)
    void(session, member.id, amount, cause=cause)
    left = amount
    for account in sorted(accounts_of(session, member.id), key=lambda one: -one.booked):
        left -= account.void(left, rate)


def keep_usage(session: Session, page: Iterable[KeyUsage], rate: Rate, at: datetime) -> None:
    """Keep cumulative usage by member, day and model. Days before an account was linked do not count."""
    page = list(page)
    accounts = accounts_by_id(session, (one.account for one in page))
    sums: dict[ModelDay, list[int]] = {}
    agents: dict[ModelDay, dict[str, None]] = {}
    for one in page:
        account = accounts.get(one.account)
        if account is None or one.day < account.adopted_at.astimezone(UTC).date():
            continue
        where = (account.member_id, one.day, one.model)
        agents.setdefault(where, {})[one.key or one.account] = None
        total = sums.setdefault(where, [0, 0, 0])
        for place, value in enumerate((one.amount, one.input_tokens, one.output_tokens)):
            total[place] += value
    usage = [
        MemberUsage(*where, rate.booked(amount), put, out, tuple(agents[where]))
        for where, (amount, put, out) in sums.items()
    ]
    keep(session, usage, at)
