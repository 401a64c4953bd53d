"""For the gateway loop: the limits to write, and the result of a write."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from handlers.context import Context
from handlers.gateway import alerts, restored, spend
from handlers.words import texts
from models.ledger.amount import Unit
from models.metering import limits
from models.metering.accounts import accounts_of_members, every_account
from models.metering.gateway_account import GatewayAccount
from models.metering.gateway_state import rate_in_use
from models.metering.holds import holds_on, release_holds
from models.metering.ladder import WantedList
from models.metering.limits import GatewayTraits, LimitWrite, StaleReading
from models.metering.model_list import Words
from models.metering.reading import Reading
from models.refusal import PeriodClosing


@dataclass(frozen=True)
class Step:
    """One write: a limit (micro-USD), or a list of models. `more`: another follows at once."""

    total: int | None = None
    models: WantedList | None = None
    more: bool = False


def all_writes(ctx: Context, traits: GatewayTraits) -> list[LimitWrite]:
    for member in limits.waiting_without_account(ctx.session):
        alerts.not_live(ctx, member, texts.NO_ACCOUNT)
    accounts = [one for one in every_account(ctx.session, traits.name) if not one.gone]
    restored.settle(ctx, accounts, traits)
    return compare(ctx, accounts, traits)


def writes_since(ctx: Context, entry_id: int, traits: GatewayTraits) -> tuple[list[LimitWrite], int]:
    """The wrong limits of members with a decision after that entry, and the newest entry."""
    session = ctx.session
    decided, newest = limits.decided_since(session, entry_id)
    urgent = decided | limits.waiting_members(session) | limits.due_members(session, traits.name)
    return compare(ctx, accounts_of_members(session, urgent, traits.name), traits, urgent), newest


def compare(
    ctx: Context,
    accounts: Sequence[GatewayAccount],
    traits: GatewayTraits,
    urgent: Collection[int] = frozenset(),
) -> list[LimitWrite]:
    """The limits to write. Right ones are confirmed, and grants that waited for them are live.

    A limit edited by hand is left alone; members whose grant waits behind it are told.
    """
    if ctx.policy.unit is Unit.TOKENS:
        return []  # a gateway counts money
    try:
        rate = rate_in_use(ctx.session, ctx.policy)
    except PeriodClosing:
        return []
    found = limits.limits_of(ctx.session, accounts, rate, traits)
    waiting = limits.waiting_members(ctx.session)
    writes = limits.to_write(found, waiting.union(urgent))
    for limit in found:
        if limit.models is not None and limit.listed:
            _confirm_models(limit.account, limit.models, limit.models.words)
        if limit.stands:
            limit.account.confirm(ctx.now)
        elif limit.edited:
            limit.account.settle()  # until an admin decides
            if limit.account.member_id in waiting:
                alerts.not_live(ctx, limit.account.member_id, texts.CHANGED_BY_HAND)
    _tell_live(ctx, waiting & {one.member_id for one in accounts}, traits)
    return writes


def _tell_live(ctx: Context, members: set[int], traits: GatewayTraits, *, back: bool = False) -> None:
    if not members:
        return
    try:
        rate = rate_in_use(ctx.session, ctx.policy)
    except PeriodClosing:
        return
    for member in limits.live_members(ctx.session, members, rate, traits):
        alerts.live(ctx, member, back=back)


def begin_write(ctx: Context, account_id: str, traits: GatewayTraits, oldest: datetime | None) -> Step | None:
    """What to write now, noted before the write; None when all is right meanwhile.

    A limit is lowered first; a list is narrowed before the limit is raised, and widened after that. Raises `StaleReading` when the account was read before `oldest`.
    """
    account = GatewayAccount.locked(ctx.session, account_id)
    if account is not None and oldest is not None and account.as_of < oldest:
        raise StaleReading
    if account is None or account.gone or not (writes := compare(ctx, [account], traits)):
        return None
    (write,) = writes
    account.settle()
    narrows = write.models is not None and not write.widens and (write.total is None or write.raises)
    total = None if narrows else _total(ctx, account, write.total, traits)
    if total is not None:
        account.begin_write(total, ctx.now)
        return Step(total=total, more=write.models is not None)
    if write.models is not None:
        account.begin_models(write.models.words, ctx.now)
        return Step(models=write.models, more=True)
    return None


def _total(ctx: Context, account: GatewayAccount, total: int | None, traits: GatewayTraits) -> int | None:
    """None where nothing is to be written, or a raise has to wait."""
    if total is None or account.total is None:
        return total
    # Spend elsewhere may lower a limit that a loan raises, so what was lent may also stand in a lower one.
    held = traits.holds(max(0, total - _held_back(ctx, account, traits)))
    total = max(account.total, held) if total > account.total else held
    return None if total == account.total and not account.unseen else total


def _held_back(ctx: Context, account: GatewayAccount, traits: GatewayTraits) -> int:
    # Lower before raising; see models/metering/holds.py.
    rate = rate_in_use(ctx.session, ctx.policy)
    found = holds_on(ctx.session, account.member_id, rate, traits)
    for hold in (one for one in found if one.stuck):
        alerts.held_back(ctx, account.member_id, hold.member, rate.worth(hold.amount))
    return sum(one.amount for one in found)


def written(ctx: Context, reading: Reading, step: Step, traits: GatewayTraits) -> bool:
    """The step was written and read back, so it counts as live. Returns whether another has to follow at once."""
    account = ctx.session.get_one(GatewayAccount, reading.id)
    held, fell = account.in_flight, account.model_list.fallback
    lowered = step.total is not None and (account.total is None or step.total < account.total)
    for member in spend.book_page(ctx, [reading]).spenders:
        alerts.alert(ctx, member)
    if step.total is not None:
        account.confirm_write(reading.total, step.total, held)
    if step.models is not None:
        _confirm_models(account, step.models, reading.models or ())
    if lowered:
        release_holds(ctx.session, account.member_id)
    back = step.models is not None and not step.models.fallback and fell
    _tell_live(ctx, {account.member_id}, traits, back=back)
    if account.model_list.fallback:
        alerts.alert(ctx, account.member_id)
    return step.more and bool(compare(ctx, [account], traits))


def _confirm_models(account: GatewayAccount, wanted: WantedList, read_back: Words) -> None:
    account.confirm_models(read_back, ours=wanted.ours, fallback=wanted.fallback)


def failed(ctx: Context, account_id: str, why: str) -> None:
    account = ctx.session.get(GatewayAccount, account_id)
    if account is not None:
        account.fail(why)
        alerts.not_live(ctx, account.member_id, texts.GATEWAY_SAID, why=why[:200])
        if ctx.policy.fallback is not None:
            alerts.alert(ctx, account.member_id, failed=True)


def missing(ctx: Context, account_id: str) -> None:
    account = ctx.session.get(GatewayAccount, account_id)
    if account is not None:
        account.mark_missing()
