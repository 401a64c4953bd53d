"""Whose quota a request may move: the gateway is read for them before, so that nothing burnt is taken back."""

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
    """Own quota may leave the asker."""
    return {ctx.me.id}


def borrowers(ctx: RequestContext, command: Command) -> set[int]:
    """Whoever is named; else everybody to whom the asker lent something."""
    named = arguments.maybe_person(ctx, command)
    if named is not None:
        return {named.id}
    mine = loans_of(ctx.session, ctx.me.id)
    return {loan.borrower_id for loan, _ in mine if loan.lender_id == ctx.me.id}


def borrower_of_loan(ctx: RequestContext, command: Command) -> set[int]:
    """The borrower of the loan that a button of its lender names."""
    return {Loan.numbered(ctx.session, command.code, ctx.me, taken=False).borrower_id}


def requester(ctx: RequestContext, command: Command) -> set[int]:
    """Whoever was granted the request of this CODE."""
    return {find(ctx.session, arguments.code(ctx, command), ctx.me).member_id}
