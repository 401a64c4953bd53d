"""A request as DingTalk's own approval (OA 审批): when it can be one, and what stands on its form, which is Chinese.

The copy of the request that is a form is an effect like every card: its shape says who asks and who is asked, its `ref`
which instance it became. Set aside, for whatever reason, it makes way for the card. A form cannot be changed once it was
started, so others who are asked get a new one, and the old one is ended.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from sqlmodel import Session, col, select

from handlers.context import Context
from handlers.words import texts
from models.messages.message import Button, Message
from models.messages.outbox import Effect, copies
from models.people.member import HERE, Address, Member, addresses
from models.policy.document import Policy
from models.quota.approvers import Asked, chain
from models.quota.request import Request
from models.quota.request_state import RequestState
from models.quota.wallet import wallet_of

log = logging.getLogger(__name__)

NAME = "额度申请"
LABELS = ("申请额度", "申请理由", "有效期至", "可用额度变化", "申请编号", "说明")
AMOUNT, REASON, UNTIL, CHANGE, CODE, HINT = LABELS
SHAPE = "oa/"
MAKE_IT = "`quotabot dingtalk form` makes it"
NEEDS = (
    "the app needs the permissions Workflow.Form.Write, Workflow.Instance.Write and Workflow.Instance.Read "
    "and the event bpms_instance_change (docs/dingtalk.md, section 6)"
)
_REMEMBERED = "dingtalk:form"


def process_code(session: Session) -> str:
    """DingTalk's name (processCode) of the form that `quotabot dingtalk form` made; empty where it never did."""
    found = session.exec(select(Effect.ref).where(Effect.key == _REMEMBERED)).first()
    return found or ""


def remember(session: Session, code: str, now: datetime) -> None:
    """Keep the form's processCode: a done effect is the mark."""
    found = session.exec(select(Effect).where(Effect.key == _REMEMBERED)).one_or_none()
    found = found or Effect(key=_REMEMBERED, kind="mark", due_at=now, done_at=now)
    found.ref = code
    session.add(found)


def wanting(session: Session, policy: Policy) -> list[str]:
    """What `requests.channel: oa` lacks, for an operator; requests go out as cards meanwhile."""
    if policy.requests.channel != "oa":
        return []
    query = select(Member.name).where(
        col(Member.left_at).is_(None),
        col(Member.id).not_in(select(Address.member_id).where(Address.messenger == "dingtalk")),
    )
    found = []
    if not process_code(session):
        found.append(f"there is no form yet, {MAKE_IT}; {NEEDS}")
    if strangers := len(session.exec(query).all()):
        found.append(
            f"{strangers} people have no DingTalk id; what they ask, or are asked, goes out as a card"
        )
    return found


def put(ctx: Context, request: Request) -> bool:
    """Put the request on a form unless it stands there already; False: cards it is, and the log says why."""
    shape, why = _shape(ctx, request)
    if why:
        log.warning("%s goes out as a card: %s", request.code, why)
    if shape and all(copy.payload["shape"] != shape for copy in forms(ctx.session, request)):
        shown = message(ctx, request, shape, "")
        ctx.post(f"dingtalk:{shape}", shown, about=request.about, shape=shape)
    return bool(shape)


def message(ctx: Context, request: Request, shape: str, state: str) -> Message:
    """The form: its values are the facts. One that is over, or asks others than are asked now, has no button: why is `state`."""
    title, button = f"{NAME} {request.code}", Button("", "request.approve", request.code)
    if request.state != RequestState.PENDING or shape != _shape(ctx, request)[0]:
        return Message(title=title, text=state)
    return Message(title=title, text=state, facts=_values(ctx, request), buttons=(button,))


def forms(session: Session, request: Request) -> list[Effect]:
    """Its forms, promised, started or over, but those that were set aside."""
    return [copy for copy in copies(session, request.about) if copy.payload["shape"].startswith(SHAPE)]


def fell_through(session: Session, request: Request) -> bool:
    """Whether its form was set aside and nobody has a card yet."""
    said = _said(session, request)
    return _set_aside(said) and not any(what["reader"] for what, _ in said)


def _shape(ctx: Context, request: Request) -> tuple[str, str]:
    """`oa/` CODE `/` who asks `/` who is asked, as DingTalk knows them; or nothing, and why where that is news."""
    if ctx.policy.requests.channel != "oa" or _set_aside(_said(ctx.session, request)):
        return "", ""
    if not process_code(ctx.session):
        return "", f"there is no approval form, {MAKE_IT}"
    asked = _deciding(ctx, request)
    people = {
        one: _dingtalk_id(ctx.session, one) for one in (request.member_id, *(a.member_id for a in asked))
    }
    if strangers := [one for one, known in people.items() if not known]:
        names = [ctx.session.get_one(Member, one).name for one in strangers]
        return "", f"no DingTalk id of {', '.join(names)}"
    if any(one.ceiling is not None and one.ceiling < request.amount for one in asked):
        return "", "a form grants all or nothing, and this is above the approver's ceiling"
    whose, *whom = people.values()
    if not whom:
        return "", "nobody who was asked is left"
    return f"{SHAPE}{request.code}/{whose}/{','.join(whom)}", ""


def _deciding(ctx: Context, request: Request) -> list[Asked]:
    """Who was asked, and could still decide by today's directory."""
    today = {one.member.id for one in chain(ctx.session, ctx.policy, request.member_id, ctx.now)}
    query = select(Asked).where(Asked.request_id == request.id)
    asked = ctx.session.exec(query.order_by(col(Asked.asked_at), col(Asked.member_id))).all()
    return [one for one in asked if one.for_id in today and ctx.session.get_one(Member, one.member_id).active]


def _dingtalk_id(session: Session, member_id: int) -> str:
    """Escaped, so that nothing in an id parts the shape."""
    found = (one for one in addresses(session, member_id) if one.messenger == "dingtalk")
    return next(
        (quote(one.address.split(":", 1)[1], safe="") for one in found if one.status in (None, HERE)), ""
    )


def _values(ctx: Context, request: Request) -> tuple[tuple[str, str], ...]:
    """What stands on the form: the requester sees it, too, so it tells nothing of the team's budget."""
    requester = ctx.session.get_one(Member, request.member_id)
    reader = replace(ctx.reader_of(requester), locale="zh")
    has = wallet_of(ctx.session, requester.id).available
    values = {
        AMOUNT: f"{reader.amount(request.amount)} · {reader.unit}",
        REASON: request.reason,
        UNTIL: request.until.isoformat() if request.until else "",
        CHANGE: f"{reader.amount(has)} → {reader.amount(has + request.amount)}",
        CODE: request.code,
        HINT: str(texts.OA_HINT(reader.locale, code=request.code)),
    }
    return tuple((label, value) for label, value in values.items() if value)


def _said(session: Session, request: Request) -> list[tuple[dict[str, Any], datetime | None]]:
    query = select(Effect.payload, Effect.parked_at).where(
        Effect.about == request.about, Effect.kind == "say"
    )
    return [(dict(what), parked) for what, parked in session.exec(query).all()]


def _set_aside(said: list[tuple[dict[str, Any], datetime | None]]) -> bool:
    return any(parked is not None and what["shape"].startswith(SHAPE) for what, parked in said)
