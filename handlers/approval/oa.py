"""What comes back from DingTalk's own approval: which request an instance is, when to look at it, what does not count.

A form that was started has the ref `oa:CODE:INSTANCE`, and `:over` behind it once DingTalk is through with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from handlers.approval import cards, oa_form
from handlers.context import Context
from handlers.requests import tell_asked
from handlers.words import texts
from handlers.words.text import SafeText
from models.messages.message import Message
from models.messages.outbox import Effect, copies, promise
from models.people.member import Member
from models.policy import versions
from models.quota.code import Code
from models.quota.request import Request
from models.quota.request_state import RequestState
from models.refusal import UnknownSender

OVER = ":over"
FIRST_LOOK = timedelta(minutes=15)
"""The first look at a form that nothing was heard of; each next one after twice the time, as every look is a metered call."""


@dataclass(frozen=True)
class Found:
    """The request that an instance is. `wanted`: we still wait for it. `locale` is the requester's.

    `early`: its form is being started, and we were not told yet as which instance.
    """

    wanted: bool
    locale: str
    early: bool = False


@dataclass(frozen=True)
class Verdict:
    """A decision there that changes nothing: whose it was (DingTalk id and name, empty for nobody's), and why in their words."""

    agreed: bool
    user: str = ""
    name: str = ""
    words: str = ""


def ref_of(code: str, instance: str) -> str:
    return f"oa:{code}:{instance}"


def parts(ref: str) -> tuple[str, str]:
    """CODE and instance."""
    _, code, instance = ref.removesuffix(OVER).split(":", 2)
    return code, instance


def nudge(
    session: Session, instance: str, why: str, now: datetime, *, code: str = "", done: bool = False
) -> None:
    """Promise to look at an instance, once for each reason `why`; `done`: that news is known already."""
    effect = Effect(
        key=f"oa:{instance}:{why}", kind="review", payload={"ref": ref_of(code, instance)}, lane=f"oa:{instance}",
        due_at=now, done_at=now if done else None,
    )  # fmt: skip
    promise(session, effect)


def look_again(ctx: Context, request: Request) -> None:
    """Look at what stands there, should its event be lost: the longer it has waited, the later the next look."""
    for copy in oa_form.forms(ctx.session, request):
        times = ((ctx.now - copy.due_at) // FIRST_LOOK).bit_length()
        if times and copy.ref and not copy.ref.endswith(OVER):
            code, instance = parts(copy.ref)
            nudge(ctx.session, instance, f"look{times}", ctx.now, code=code)


def recognise(session: Session, code: str, instance: str) -> Found | None:
    """The request that an instance is which DingTalk is through with; None when we did not start it."""
    copy = _copy(session, code, instance) or _starting(session, code)
    if copy is None:
        return None
    if copy.ref and not copy.ref.endswith(OVER):
        copy.ref += OVER
        session.add(copy)
    requester = session.get_one(Member, _request(session, code).member_id)
    return Found(_wanted(copy), requester.locale or "zh", early=copy.ref is None)


def ended(session: Session, code: str, instance: str, now: datetime) -> None:
    """We have ended it there: what DingTalk says of that is no news."""
    recognise(session, code, instance)
    nudge(session, instance, "terminate", now, done=True)


def set_aside(session: Session, code: str, instance: str, now: datetime, why: str) -> bool:
    """It ended there without a decision: its request goes out as a card. False when we do not wait for it."""
    copy = _copy(session, code, instance)
    if copy is None or not _wanted(copy):
        return False
    copy.parked_at, copy.error = now, why
    session.add(copy)
    return True


def not_counted(session: Session, code: str, instance: str, verdict: Verdict, now: datetime) -> None:
    """Tell whom it concerns that what was decided there changed nothing; a request that is still open becomes a card."""
    current = versions.current(session)
    if current is None:
        return
    ctx = Context(session=session, now=now, key=f"oa:{instance}", version=current[0], policy=current[1])
    request = _request(session, code)
    if not request.open or request.code != code:
        _too_late(ctx, request, code, verdict)
    elif set_aside(session, code, instance, now, f"decided there by {verdict.user or 'nobody'}"):
        _nothing_granted(ctx, request, verdict)
        tell_asked(ctx, request)
    else:  # others were asked meanwhile, on a form of their own
        _tell_decider(ctx, verdict)


def _too_late(ctx: Context, request: Request, code: str, verdict: Verdict) -> None:
    """Both hear who was first, unless it was the same word from the same person."""
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
    text = texts.OA_AGREED_LATE if verdict.agreed else texts.OA_REFUSED_LATE
    facts = {"who": verdict.name, "code": SafeText(code), "state": SafeText(state)}
    ctx.tell(requester, Message(text=text(reader.locale, **facts)))


def _nothing_granted(ctx: Context, request: Request, verdict: Verdict) -> None:
    _tell_decider(ctx, verdict)
    requester = ctx.session.get_one(Member, request.member_id)
    for one in dict.fromkeys((requester.id, *(a.id for a in cards.policy_admins(ctx.session, ctx.policy)))):
        reader = ctx.reader_of(ctx.session.get_one(Member, one))
        facts = {
            "who": verdict.name or texts.OA_NOBODY(reader.locale),
            "name": requester.name,
            "amount": reader.amount(request.amount),
            "code": SafeText(request.code),
            "approver": cards.asked_names(ctx.session, request, reader),
        }
        text = texts.OA_NOT_COUNTED if one == requester.id else texts.OA_NOT_COUNTED_ADMIN
        ctx.tell(ctx.session.get_one(Member, one), Message(text=text(reader.locale, **facts)))


def _tell_decider(ctx: Context, verdict: Verdict) -> None:
    """The words that a click on a card would have been answered with."""
    member = _member(ctx.session, verdict)
    if member is not None and verdict.words:
        ctx.tell(member, Message(text=verdict.words))


def _member(session: Session, verdict: Verdict) -> Member | None:
    try:
        return Member.at(session, f"dingtalk:{verdict.user}")
    except UnknownSender:
        return None


def _request(session: Session, code: str) -> Request:
    return session.get_one(Request, session.get_one(Code, code).request_id)


def _wanted(copy: Effect) -> bool:
    return bool(copy.payload["message"]["buttons"])


def _copy(session: Session, code: str, instance: str) -> Effect | None:
    ref = ref_of(code, instance)
    return next((one for one in copies(session, f"request:{code}") if one.ref in (ref, ref + OVER)), None)


def _starting(session: Session, code: str) -> Effect | None:
    every = copies(session, f"request:{code}")
    return next(
        (one for one in every if one.ref is None and one.payload["shape"].startswith(oa_form.SHAPE)), None
    )
