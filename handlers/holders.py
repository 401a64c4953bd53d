"""Members whose quota a request may move. Their spend is read at the gateway first, so that none is taken back."""

from __future__ import annotations

from collections.abc import Callable

from handlers import arguments
from handlers.command import Command
from handlers.context import RequestContext
from models.quota.loan import Loan, loans_of
from models.quota.request import find

Holders = Callable[[RequestContext, Command], set[int]]
"""The ids of members. May raise a refusal, which the request itself will meet as well."""


def asker(ctx: RequestContext, _: Command) -> set[int]:
    return {ctx.me.id}


def borrowers(ctx: RequestContext, command: Command) -> set[int]:
    # Without a name, everybody who borrowed from the sender.
    named = arguments.maybe_person(ctx, command)
    if named is not None:
        return {named.id}
    mine = loans_of(ctx.session, ctx.me.id)
    return {loan.borrower_id for loan, _ in mine if loan.lender_id == ctx.me.id}


def borrower_of_loan(ctx: RequestContext, command: Command) -> set[int]:
    return {Loan.numbered(ctx.session, command.code, ctx.me, taken=False).borrower_id}


def requester(ctx: RequestContext, command: Command) -> set[int]:
    return {find(ctx.session, arguments.code(ctx, command), ctx.me).member_id}
