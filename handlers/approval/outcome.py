"""Results of a messenger's own approval: its request, the next look, and decisions that do not count."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from handlers.admins import to_admins
from handlers.approval import cards
from handlers.context import Context, Reader
from handlers.requests import tell_asked
from handlers.words import texts
from handlers.words.text import SafeText
from models.messages import approval
from models.messages.approval import Approval
from models.messages.message import Message
from models.messages.outbox import Effect
from models.people.member import Member
from models.quota.code import Code
from models.quota.request import Request
from models.quota.request_state import RequestState
from models.refusal import UnknownSender

FIRST_LOOK = timedelta(minutes=15)
"""The first look at an approval without news; each next one after twice the time, as every look is a metered call."""


@dataclass(frozen=True)
class Found:
    """The request of an approval. `wanted`: we still wait for it. `locale`: the requester's.

    `early`: the approval is being started, and the vendor's id is not known yet.
    """

    wanted: bool
    locale: str
    early: bool = False


@dataclass(frozen=True)
class Verdict:
    """A decision at the messenger that changes nothing. `address`, `name`: the decider's, empty where nobody
    decided.

    `words`: the reason, in the decider's language.
    """

    agreed: bool
    address: str = ""
    name: str = ""
    words: str = ""


def look_again(ctx: Context, request: Request) -> None:
    """Promise a look in case an event was lost. The longer an approval waits, the later the next look."""
    for copy in approval.approvals(ctx.session, request.about):
        times = ((ctx.now - copy.due_at) // FIRST_LOOK).bit_length()
        found = Approval.of(copy)
        if times and copy.ref and found and not found.over:
            messenger = copy.payload["address"].split(":", 1)[0]
            approval.promise_review(
                ctx.session, messenger, copy.ref, f"look{times}", ctx.now, code=found.code
            )


def recognise(session: Session, code: str, ref: str) -> Found | None:
    """The request of an approval that the messenger has finished; None when we did not start it."""
    about = f"request:{code}"
    copy = approval.find_approval(session, about, ref) or approval.starting_approval(session, about)
    if copy is None:
        return None
    approval.conclude(session, copy)
    requester = session.get_one(Member, _request(session, code).member_id)
    form = approval.approval_form(session)
    usual = form.locale if form else "en"
    return Found(_wanted(copy), requester.locale or usual, early=copy.ref is None)


def ended(session: Session, messenger: str, code: str, ref: str, now: datetime) -> None:
    """We ended it there; the event about it is no news."""
    recognise(session, code, ref)
    approval.promise_review(session, messenger, ref, "terminate", now, known=True)


def set_aside(session: Session, code: str, ref: str, now: datetime, why: str) -> bool:
    """The approval ended without a decision: the request goes out as a card. False when we do not wait for it."""
    copy = approval.find_approval(session, f"request:{code}", ref)
    if copy is None or not _wanted(copy):
        return False
    approval.set_aside(session, copy, now, why)
    return True


def not_counted(session: Session, code: str, ref: str, verdict: Verdict, now: datetime) -> None:
    """Tell everybody concerned that a decision there changed nothing. An open request becomes a card."""
    ctx = Context.of(session, now, f"approval:{ref}")
    if ctx is None:
        return
    request = _request(session, code)
    if not request.open or request.code != code:
        _too_late(ctx, request, code, verdict)
    elif set_aside(session, code, ref, now, f"decided there by {verdict.address or 'nobody'}"):
        _nothing_granted(ctx, request, verdict)
        tell_asked(ctx, request)
    else:  # others were asked meanwhile, in an approval of their own
        _tell_decider(ctx, verdict)


def _too_late(ctx: Context, request: Request, code: str, verdict: Verdict) -> None:
    # Nothing to tell when the same person decided the same here.
    member, approved = _member(ctx.session, verdict), request.state != RequestState.DECLINED
    if member is not None and member.id == request.decided_by_id and approved == verdict.agreed:
        return
    _tell_decider(ctx, verdict)
    requester = ctx.session.get_one(Member, request.member_id)
    reader = ctx.reader_of(requester)
    if request.code == code:
        state: str = cards.request_state(ctx.session, request, reader)
    else:
        state = cards.replaced_card(ctx, request, requester).text
    text = texts.APPROVAL_AGREED_LATE if verdict.agreed else texts.APPROVAL_REFUSED_LATE
    facts = {"who": verdict.name, "code": SafeText(code), "state": SafeText(state)}
    ctx.tell(requester, Message(text=text(reader.locale, **facts)))


def _nothing_granted(ctx: Context, request: Request, verdict: Verdict) -> None:
    _tell_decider(ctx, verdict)
    requester = ctx.session.get_one(Member, request.member_id)

    def said(reader: Reader, *, to_admin: bool = True) -> Message:
        facts = {
            "who": verdict.name or texts.APPROVAL_NOBODY(reader.locale),
            "name": requester.name,
            "amount": reader.amount(request.amount),
            "code": SafeText(request.code),
            "approver": cards.asked_names(ctx.session, request, reader),
        }
        text = texts.APPROVAL_NOT_COUNTED_ADMIN if to_admin else texts.APPROVAL_NOT_COUNTED
        return Message(text=text(reader.locale, **facts))

    ctx.tell(requester, said(ctx.reader_of(requester), to_admin=False))
    to_admins(ctx, said, but=requester.id)


def _tell_decider(ctx: Context, verdict: Verdict) -> None:
    # The words that a click on a card would have got.
    member = _member(ctx.session, verdict)
    if member is not None and verdict.words:
        ctx.tell(member, Message(text=verdict.words))


def _member(session: Session, verdict: Verdict) -> Member | None:
    try:
        return Member.at(session, verdict.address)
    except UnknownSender:
        return None


def _request(session: Session, code: str) -> Request:
    return session.get_one(Request, session.get_one(Code, code).request_id)


def _wanted(copy: Effect) -> bool:
    return bool(copy.payload["message"]["buttons"])
