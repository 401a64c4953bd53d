"""Buttons under a limit that was changed by hand: write ours again, or take theirs as right. For admins."""

from __future__ import annotations

from handlers.admins import policy_admins
from handlers.context import RequestContext
from handlers.gateway.trouble import label, usd
from handlers.words import texts
from models.messages.message import Message
from models.metering.gateway_account import GatewayAccount
from models.metering.gateway_state import rate_now
from models.metering.limits import adopt_edit
from models.quota.wallet import wallet_of
from models.refusal import NotEdited, OnlyAdmins


def restore(ctx: RequestContext, account_id: str) -> Message:
    account = _edited(ctx, account_id)
    account.restore()
    return Message(text=texts.RESTORED(ctx.reader.locale, account=label(ctx, account)))


def adopt(ctx: RequestContext, account_id: str) -> Message:
    account = _edited(ctx, account_id)
    if not account.differs:  # a list of models is the policy's
        raise NotEdited
    found = account.total or 0
    cause = ctx.cause("the gateway's limit was adopted")
    adopt_edit(ctx.session, account, found, rate_now(ctx.session, ctx.policy), ctx.policy, cause)
    left = wallet_of(ctx.session, account.member_id).available
    reader = ctx.reader
    facts = {"found": usd(reader, found), "available": reader.amount(left)}
    return Message(text=texts.ADOPTED(reader.locale, account=label(ctx, account), **facts))


def _edited(ctx: RequestContext, account_id: str) -> GatewayAccount:
    if ctx.me.id not in {one.id for one in policy_admins(ctx.session, ctx.policy)}:
        raise OnlyAdmins
    account = GatewayAccount.locked(ctx.session, account_id)
    if account is None or account.gone or not (account.differs or account.model_list.edited):
        raise NotEdited
    return account
