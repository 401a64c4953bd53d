"""`gateway link`: find the owners of the gateway's accounts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from sqlmodel import Session

from bot.gateways.operator.access import GatewayOperator
from handlers.gateway import alerts, spend
from models.metering.accounts import accounts_by_id
from models.metering.adoption import end_round
from models.metering.gateway_state import GatewayState
from models.metering.owners import members_without_account, owners_of
from models.metering.reading import Reading
from models.people.member import Member
from models.quota.period import Period


@dataclass
class Links:
    """`new`: (account, owner). `passed_on`: (account, old owner, new owner). `people`: members without an account.
    `strangers`: accounts without an owner, as (id, label, micro-USD spent). `called`: linked accounts as people call them.
    """

    new: list[tuple[str, str]] = field(default_factory=list)
    passed_on: list[tuple[str, str, str]] = field(default_factory=list)
    people: list[str] = field(default_factory=list)
    strangers: list[tuple[str, str, int]] = field(default_factory=list)
    called: dict[str, str] = field(default_factory=dict)
    name: str = ""


async def link(operator: GatewayOperator, *, plan: bool) -> Links:
    """Find the owners; link the accounts too, unless it is only a plan."""
    begun, started = operator.ledger.clock(), time.monotonic()
    pages = await operator.pages()
    took = time.monotonic() - started
    work = partial(_link, operator, pages=pages, begun=begun, took=took)
    return await (operator.undone(work) if plan else operator.database.write(work))


def _link(
    operator: GatewayOperator,
    session: Session,
    pages: Sequence[Sequence[Reading]],
    begun: datetime,
    took: float,
) -> Links:
    Period.current(session)  # raises PeriodClosing: nothing can be linked while a month closes
    ctx, links, unlinked = (
        operator.ledger.context(session, f"link:{begun.isoformat()}"),
        Links(),
        list[Reading](),
    )
    seen = {one.id for page in pages for one in page}
    for page in pages:
        known = accounts_by_id(session, (one.id for one in page)).keys()
        booked = spend.book_page(ctx, page, seen)
        for member in booked.spenders:
            alerts.alert(ctx, member)
        unlinked += booked.unlinked
        _note(session, links, page, set(known))
    end_round(session, seen, operator.name)
    GatewayState.finish_round(session, unlinked, begun, took, operator.name)
    links.name = operator.name
    links.people = [member.email for member in members_without_account(session)]
    links.strangers = sorted(((one.id, one.label, one.spent) for one in unlinked), key=lambda one: -one[2])
    return links


def _note(session: Session, links: Links, page: Sequence[Reading], known: set[str]) -> None:
    owners, accounts = owners_of(session, page), accounts_by_id(session, (one.id for one in page))
    for account in (accounts[one.id] for one in page if one.id in accounts):
        links.called[account.id] = account.label
        owner, now = owners.get(account.id), session.get_one(Member, account.member_id)
        if account.id not in known:
            links.new.append((account.id, now.email))
        elif owner is not None and owner.id != account.member_id:
            links.passed_on.append((account.id, now.email, owner.email))
            account.hand_over(owner)
