"""`gateway adopt` and `gateway restore`: decide about a limit that a person set by hand."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sqlmodel import Session, select

from bot.actor import acting_user
from bot.gateways.operator.access import CannotDo, GatewayOperator, LimitLine, emails
from handlers.gateway import limits
from models.metering.accounts import accounts_of, edited_accounts
from models.metering.gateway_account import GatewayAccount
from models.metering.gateway_state import rate_now
from models.metering.limits import LimitWrite, adopt_edit
from models.people.member import Member


async def adopt(operator: GatewayOperator, email: str) -> list[LimitLine]:
    """Accept the limits set by hand: the ledger follows."""
    return await _settle(operator, email, partial(_adopt, operator))


def _adopt(operator: GatewayOperator, session: Session, member: Member) -> None:
    ctx = operator.ledger.context(session, operator.key(f"adopt:{member.id}"))
    account = _one_edited(session, member, operator.name)
    if account.total == account.written:
        raise CannotDo(
            f"{member.email}: the list of models is the policy's: change the policy, or restore it"
        )
    if account.total is None:
        raise CannotDo(
            f"{member.email}: the limit was taken off, so there is no amount to adopt; restore it, or grant what they need"
        )
    cause = ctx.cause("the gateway's limit was adopted", acting_user())
    adopt_edit(session, account, account.total, rate_now(session, ctx.policy), ctx.policy, cause)


def _one_edited(session: Session, member: Member, gateway: str) -> GatewayAccount:
    edited = _edited(session, member, gateway)
    if len(edited) > 1:
        names = ", ".join(one.label for one in edited)
        raise CannotDo(
            f"{member.email}: limits of several keys were changed by hand ({names}), and the ledger has one amount: restore them, then grant"
        )
    return edited[0]


async def restore(operator: GatewayOperator, email: str) -> list[LimitLine]:
    """Overwrite the member's limits set by hand with ours."""
    return await _settle(operator, email, partial(_restore, operator.name))


async def restore_all(operator: GatewayOperator) -> list[LimitLine]:
    """Overwrite all limits set by hand with ours."""
    owners = await operator.database.read(partial(_owners_of_edits, gateway=operator.name))
    return [line for email in owners for line in await restore(operator, email)]


def _owners_of_edits(session: Session, gateway: str) -> list[str]:
    named = emails(session)
    return sorted({named[one.member_id] for one in edited_accounts(session, gateway) if not one.gone})


def _restore(gateway: str, session: Session, member: Member) -> None:
    for account in _edited(session, member, gateway):
        account.restore()


def _edited(session: Session, member: Member, gateway: str) -> list[GatewayAccount]:
    """The member's accounts with a foreign limit, at least one. Raises `CannotDo` otherwise."""
    edited = [
        one
        for one in accounts_of(session, member.id, gateway)
        if one.differs or one.lifted or one.model_list.edited
    ]
    if not edited:
        raise CannotDo(f"{member.email}: nobody changed the limit by hand")
    return edited


async def _settle(
    operator: GatewayOperator, email: str, decide: Callable[[Session, Member], None]
) -> list[LimitLine]:
    """Read the accounts anew, decide, write what differs, and return the limits before and after.

    Raises `CannotDo`.
    """
    loop, database = operator.loop, operator.database
    member = await database.read(lambda session: _member(session, email).id)
    if not loop.leader.mode:
        raise CannotDo("GATEWAY_MODE is observe, so the ledger drives no limit: set it to enforce first")
    await loop.reader.fresh(member)
    await database.write(lambda session: decide(session, session.get_one(Member, member)))
    before = await database.read(
        lambda session: {one.id: one.total for one in accounts_of(session, member, operator.name)}
    )
    async with operator.alone():
        loop.writer.replace(await database.write(partial(_writes_of, operator, member_id=member)))
        await loop.writer.write()
    accounts = await database.read(lambda session: accounts_of(session, member, operator.name))
    named = await database.read(emails)
    return [LimitLine.of(one, named[member], before[one.id], one.total, one.error or "") for one in accounts]


def _writes_of(operator: GatewayOperator, session: Session, member_id: int) -> list[LimitWrite]:
    ctx = operator.ledger.context(session, operator.key("desk"))
    return limits.compare(ctx, accounts_of(session, member_id, operator.name), operator.loop.writer.traits)


def _member(session: Session, email: str) -> Member:
    wanted = email.strip().lower()
    found = session.exec(select(Member).where(Member.email == wanted)).one_or_none()
    if found is None:
        raise CannotDo(f"nobody has the e-mail {wanted}")
    return found
