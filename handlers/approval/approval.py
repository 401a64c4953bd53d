"""A request as a messenger's own approval.

A started approval cannot be changed. When others are asked, a new one is started and the old one is ended. An
approval that is set aside makes way for the card.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime

from sqlmodel import Session

from handlers.context import Context, Reader
from handlers.words import texts
from models.messages.approval import Approval, ApprovalForm, approval_form, approvals, was_set_aside
from models.messages.message import Button, Message
from models.people.member import HERE, Member, addresses
from models.quota import approvers
from models.quota.code import Code
from models.quota.grantable import Grantable
from models.quota.request import Request
from models.quota.request_state import RequestState
from models.quota.wallet import wallet_of

log = logging.getLogger(__name__)


class _Impossible(Exception):  # noqa: N818 - no error: the request goes out as a card
    """The reason why a request cannot be an approval, for the log; empty where that is no news."""


def offer(ctx: Context, request: Request) -> bool:
    """Promise an approval of this request unless it has one. False: the request goes out as cards."""
    try:
        wanted = _wanted(ctx, request)
    except _Impossible as why:
        if str(why):
            log.warning("%s goes out as a card: %s", request.code, why)
        return False
    if all(Approval.of(copy) != wanted for copy in approvals(ctx.session, request.about)):
        shown = message(ctx, request, wanted, "")
        ctx.post(wanted.requester, shown, about=request.about, turn=(wanted.lane, ctx.now), approval=wanted)
    return True


def message(ctx: Context, request: Request, approval: Approval, state: str) -> Message:
    """The form; its values are the facts. `state`: shown where the approval is not wanted any more."""
    title = f"{texts.REQUEST_TITLE(form_reader(ctx, request).locale)} {request.code}"
    if request.state != RequestState.PENDING or not _is_wanted(ctx, request, approval):
        return Message(title=title, text=state)
    button = Button("", "request.approve", request.code)
    return Message(title=title, text=state, facts=_values(ctx, request), buttons=(button,))


def form_reader(ctx: Context, request: Request) -> Reader:
    """The requester as a reader, in the language of the form."""
    reader = ctx.reader_of(ctx.session.get_one(Member, request.member_id))
    form = approval_form(ctx.session)
    return replace(reader, locale=form.locale) if form else reader


def asked_at(session: Session, code: str) -> datetime:
    return session.get_one(Request, session.get_one(Code, code).request_id).asked_at


def _is_wanted(ctx: Context, request: Request, approval: Approval) -> bool:
    try:
        return _wanted(ctx, request) == approval
    except _Impossible:
        return False


def _wanted(ctx: Context, request: Request) -> Approval:
    """The approval that this request should have now. Raises `_Impossible`."""
    if ctx.policy.requests.channel != "oa" or was_set_aside(ctx.session, request.about):
        raise _Impossible
    form = approval_form(ctx.session)
    if form is None:
        raise _Impossible("there is no approval form")
    asked = list(
        approvers.entries_today(ctx.session, ctx.policy, request.id, request.member_id, ctx.now).values()
    )
    requester, *deciders = _addresses(ctx, form, [request.member_id, *(one.member_id for one in asked)])
    limits = [Grantable.of(ctx.session, request, ctx.policy, one.ceiling).limit for one in asked]
    if limit := next(filter(None, limits), None):
        raise _Impossible(f"a form grants all or nothing, and the {limit} allows less")
    if not deciders:
        raise _Impossible("nobody who was asked is left")
    return Approval(request.code, requester, tuple(deciders))


def _addresses(ctx: Context, form: ApprovalForm, members: list[int]) -> list[str]:
    found = {member: _address(ctx.session, form.messenger, member) for member in members}
    if strangers := [member for member, address in found.items() if not address]:
        names = [ctx.session.get_one(Member, one).name for one in strangers]
        raise _Impossible(f"no {form.messenger} id of {', '.join(names)}")
    return list(found.values())


def _address(session: Session, messenger: str, member_id: int) -> str:
    found = (one for one in addresses(session, member_id) if one.messenger == messenger)
    return next((one.address for one in found if one.status in (None, HERE)), "")


def _values(ctx: Context, request: Request) -> tuple[tuple[str, str], ...]:
    # The requester sees them, too, so they tell nothing of the team's budget.
    reader = form_reader(ctx, request)
    has = wallet_of(ctx.session, request.member_id).available
    values = {
        "amount": f"{reader.amount(request.amount)} · {reader.unit}",
        "reason": request.reason,
        "until": request.until.isoformat() if request.until else "",
        "change": f"{reader.amount(has)} → {reader.amount(has + request.amount)}",
        "code": request.code,
        "hint": str(texts.APPROVAL_HINT(reader.locale, code=request.code)),
    }
    return tuple((name, value) for name, value in values.items() if value)
