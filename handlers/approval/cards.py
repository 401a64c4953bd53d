"""The card of a request, for each place and each state."""

from __future__ import annotations

from sqlmodel import Session, col, select

from handlers.approval import approval
from handlers.approval.ending import ends_soon
from handlers.context import Context, Reader
from handlers.quota_lines import days_left, models_named, used_of
from handlers.words import texts
from handlers.words.text import SafeText, Text, listed
from models.ledger.amount import plain
from models.messages.approval import Approval
from models.messages.message import Button, Message, escape
from models.messages.outbox import Effect
from models.metering.outlook import Outlook
from models.people.member import Member
from models.policy.calendar import end_of_day
from models.quota import approvers
from models.quota.approvers import Asked
from models.quota.grantable import Grantable
from models.quota.pool import pool_for
from models.quota.question import Question
from models.quota.request import Request
from models.quota.request_state import RequestState
from models.quota.status import QuotaStatus
from models.quota.track_record import TrackRecord

STATES: dict[str, Text] = {
    RequestState.PENDING: texts.STATE_PENDING,
    RequestState.UNROUTABLE: texts.STATE_UNROUTABLE,
    RequestState.APPROVED: texts.STATE_APPROVED,
    RequestState.APPLIED: texts.STATE_APPLIED,
    RequestState.APPLY_FAILED: texts.STATE_APPLY_FAILED,
    RequestState.DECLINED: texts.STATE_DECLINED,
    RequestState.CANCELLED: texts.STATE_CANCELLED,
    RequestState.EXPIRED: texts.STATE_EXPIRED,
    RequestState.VOID: texts.STATE_VOID,
}


def request_state(session: Session, request: Request, reader: Reader) -> SafeText:
    """One line: the decision, the decider and the time; for an open request, the approvers."""
    return STATES[request.state](
        reader.locale,
        amount=reader.amount(request.granted),
        by=decider(session, request, reader),
        time=reader.moment(request.decided_at or request.asked_at),
        approver=asked_names(session, request, reader),
    )


def decider(session: Session, request: Request, reader: Reader) -> str:
    return named(*request.deciders(session), reader)


def named(by: str, behalf: str, reader: Reader) -> str:
    if behalf:
        return texts.BY_DELEGATE(reader.locale, by=by, behalf=behalf)
    return by or texts.BY_POLICY(reader.locale)


def asked_names(session: Session, request: Request, reader: Reader) -> str:
    asked = (
        select(Member.name).join(Asked, col(Asked.for_id) == Member.id).where(Asked.request_id == request.id)
    )
    return listed(dict.fromkeys(session.exec(asked).all()), reader.locale)


def request_card(
    ctx: Context, request: Request, shape: str, to: Member | None, entry: Asked | None = None
) -> Message:
    """The card in its present state. `shape`: `full` for an approver, `small` in a thread. `entry`: theirs today, if it was read."""
    reader = ctx.reader_of(to or ctx.session.get_one(Member, request.member_id))
    if shape == "small" or to is None:
        return _small(ctx, request, reader)
    return _full(ctx, request, reader, to, entry)


def copy_of_request(ctx: Context, request: Request, copy: Effect, to: Member | None) -> Message:
    """The content of this copy, a card or an approval, in the present state."""
    found = Approval.of(copy)
    if found is None:
        return request_card(ctx, request, copy.payload["shape"], to)
    state = request_state(ctx.session, request, approval.form_reader(ctx, request))
    return approval.message(ctx, request, found, state)


def replaced_card(ctx: Context, request: Request, to: Member | None) -> Message:
    reader = ctx.reader_of(to or ctx.session.get_one(Member, request.member_id))
    state = texts.STATE_REPLACED(
        reader.locale, code=SafeText(request.code), amount=reader.amount(request.amount)
    )
    return Message(title=texts.REQUEST_TITLE(reader.locale), text=state)


def _small(ctx: Context, request: Request, reader: Reader) -> Message:
    # Everybody in the thread reads it: no figures, no reason.
    name = ctx.session.get_one(Member, request.member_id).name
    text = texts.SMALL_ASKS(reader.locale, name=name, amount=reader.amount(request.amount))
    state = request_state(ctx.session, request, reader)
    pending = request.state == RequestState.PENDING
    buttons = _decision_in_thread(ctx, request, reader) if pending else ()
    return Message(
        title=f"{texts.REQUEST_TITLE(reader.locale)} {request.code}", text=f"{text}\n{state}", buttons=buttons
    )


def _full(ctx: Context, request: Request, reader: Reader, to: Member, entry: Asked | None = None) -> Message:
    # Everything needed to decide, on one phone screen.
    requester = ctx.session.get_one(Member, request.member_id)
    team = texts.IN_TEAM(reader.locale, team=requester.team) if requester.team else SafeText("")
    until = texts.UNTIL_DAY(reader.locale, day=_date(reader, request)) if request.until else SafeText("")
    text = texts.ASKS_FOR(
        reader.locale, name=requester.name, team=team, amount=reader.amount(request.amount), until=until
    )
    if request.reason:
        text = SafeText(f"{text}\n> {escape(request.reason)}")
    text = SafeText("\n".join([text, *_questions(ctx, request, reader)]))
    title, preview = (
        f"{texts.REQUEST_TITLE(reader.locale)} {request.code}",
        texts.REQUEST_TITLE(reader.locale),
    )
    if not request.open:
        state = request_state(ctx.session, request, reader)
        granted = request.state in (RequestState.APPROVED, RequestState.APPLIED)
        mine = granted and request.may_revoke(ctx.session, to, ctx.policy, ctx.now)
        revoke = Button(
            texts.REVOKE_BUTTON(reader.locale), "request.revoke", request.code, typed=f"revoke {request.code}"
        )
        return Message(
            title=title, text=f"{text}\n{state}", preview=preview, buttons=(revoke,) if mine else ()
        )
    asked = entry or _today(ctx, request).get(to.id)
    if asked is None:
        return _not_theirs(request, requester, reader)
    can = Grantable.of(ctx.session, request, ctx.policy, asked.ceiling)
    facts = _figures(ctx, request, requester, reader, asked, can)
    if soon := ends_soon(ctx, request, reader, texts.GRANT_WOULD_END_SOON):
        text = SafeText(f"{text}\n⚠️ {soon}")
    if not can.most:
        text = SafeText(f"{text}\n{texts.CARD_NOTHING_TO_GRANT(reader.locale)}")
    return Message(
        title=title, text=text, facts=facts, buttons=_decision(request, reader, can), preview=preview
    )


def _not_theirs(request: Request, requester: Member, reader: Reader) -> Message:
    # For an approver without authority today: no figures, no reason, no buttons.
    text = texts.SMALL_ASKS(reader.locale, name=requester.name, amount=reader.amount(request.amount))
    return Message(
        title=f"{texts.REQUEST_TITLE(reader.locale)} {request.code}",
        text=f"{text}\n{texts.STATE_NOT_YOURS(reader.locale)}",
        preview=texts.REQUEST_TITLE(reader.locale),
    )


def _figures(
    ctx: Context, request: Request, requester: Member, reader: Reader, asked: Asked, can: Grantable
) -> tuple[tuple[str, str], ...]:
    found, say = ctx.view_of(requester), reader.locale
    status, view = found.status, found.outlook
    left = reader.left(status.has.available)
    facts = [
        (texts.CARD_USED(say), used_of(reader, status)),
        (texts.CARD_LEFT(say), texts.CARD_LEFT_DAYS(say, left=left, days=days_left(reader, view.left))),
        (texts.CARD_RUNS_OUT(say), _at_this_pace(view, status, reader)),
    ]
    pool = pool_for(ctx.session, requester, ctx.policy, status.period_id)
    if pool is not None:
        change = texts.CARD_POOL_CHANGE(
            say, before=reader.amount(pool.balance), after=reader.amount(pool.balance - can.most)
        )
        facts.append((texts.CARD_POOL(say, team=pool.team or ""), change))
    if debt := sum(sums.owed for sums in found.taken):
        facts.append((texts.CARD_DEBT(say), reader.amount(debt)))
    if before := _before(ctx, request, reader):
        facts.append((texts.CARD_BEFORE(say), before))
    if kind := texts.CARD_EMPLOYMENTS.get(requester.employment):
        facts.append((texts.CARD_EMPLOYMENT(say), kind(say)))
    if only := ctx.policy.base_for(requester.columns()).models:
        facts.append((texts.CARD_MODELS(say), texts.CARD_MODELS_ONLY(say, models=models_named(reader, only))))
    facts.append((texts.CARD_WHY(say), texts.WHY[asked.why](say)))
    return tuple((str(name), str(value)) for name, value in facts)


def _questions(ctx: Context, request: Request, reader: Reader) -> list[str]:
    # The newest two fit on the card.
    lines: list[str] = []
    for one in Question.on(ctx.session, request.id)[-2:]:
        by = ctx.session.get_one(Member, one.asker_id).name
        lines.append(texts.QUESTION_OPEN(reader.locale, by=by, text=one.text))
        lines += [f"> {escape(one.answer)}"] if one.answer else []
    return lines


def _before(ctx: Context, request: Request, reader: Reader) -> SafeText:
    record, say, said = TrackRecord.before(ctx.session, request), reader.locale, []
    if record.count:
        said.append(texts.BEFORE_GRANTED(say, count=record.count, amount=reader.amount(record.granted)))
    if record.declined_at is not None:
        said.append(texts.BEFORE_DECLINED(say, day=reader.day(record.declined_at)))
    if record.borrowed:
        said.append(texts.BEFORE_BORROWED(say, amount=reader.amount(record.borrowed)))
    if record.since:
        said.append(texts.BORROWED_SINCE(say, amount=reader.amount(record.since)))
    return SafeText(("；" if reader.chinese else "; ").join(said))


def _decision(request: Request, reader: Reader, can: Grantable) -> tuple[Button, ...]:
    # No button that must fail.
    say, code, buttons = reader.locale, request.code, []
    smaller = request.smaller if request.smaller and request.smaller < can.most else None
    if can.most:
        buttons.append(_approve(request, reader, can, "request.approve" if smaller else ""))
    if smaller:
        label = texts.LESS_BUTTON(say, amount=reader.amount(smaller))
        typed = f"approve {code} {plain(smaller, reader.unit)}"
        buttons.append(Button(label, "request.approve_less", code, typed=typed))
    if can.most:
        buttons.append(Button(texts.OTHER_BUTTON(say), "request.other", code, typed=f"approve {code}"))
    return (*buttons, _decline(code, say))


def _approve(request: Request, reader: Reader, can: Grantable, action: str) -> Button:
    # A button that grants less than asked says why, and carries the amount that it shows.
    code, amount = request.code, reader.amount(can.most)
    if can.limit is None:
        label = texts.APPROVE_BUTTON(reader.locale, amount=amount)
        return Button(label, "request.approve", code, "primary", f"approve {code}")
    number, label = (
        plain(can.most, reader.unit),
        texts.LIMITED_BUTTON[can.limit](reader.locale, amount=amount),
    )
    action = action or "request.approve_less"
    return Button(label, action, f"{code}:{number}", "primary", f"approve {code} {number}")


def _decision_in_thread(ctx: Context, request: Request, reader: Reader) -> tuple[Button, ...]:
    # Everybody sees it: another amount than the asked one would tell of paces, ceilings and budgets.
    say, code, today = reader.locale, request.code, _today(ctx, request)
    most = [Grantable.of(ctx.session, request, ctx.policy, one.ceiling).most for one in today.values()]
    if most and min(most) == request.amount:
        label = texts.APPROVE_BUTTON(say, amount=reader.amount(request.amount))
        approve = Button(label, "request.approve", code, "primary", f"approve {code}")
        return approve, _decline(code, say)
    other = Button(texts.OTHER_BUTTON(say), "request.other", code, typed=f"approve {code}")
    return (other, _decline(code, say)) if any(most) else (_decline(code, say),)


def _today(ctx: Context, request: Request) -> dict[int, Asked]:
    return approvers.entries_today(ctx.session, ctx.policy, request.id, request.member_id, ctx.now)


def _decline(code: str, say: str) -> Button:
    return Button(texts.DECLINE_BUTTON(say), "request.decline", code, "danger", f"decline {code}")


def _date(reader: Reader, request: Request) -> SafeText:
    return reader.last_day(end_of_day(request.until, reader.zone)) if request.until else SafeText("")


def _at_this_pace(view: Outlook, status: QuotaStatus, reader: Reader) -> SafeText:
    pace = reader.amount(view.pace)
    if status.has.available <= 0:
        return texts.CARD_NOTHING_LEFT(reader.locale, pace=pace)
    if view.runs_out is None:
        return texts.CARD_LASTS(reader.locale, pace=pace)
    return texts.CARD_RUNS_OUT_ON(reader.locale, day=reader.day(view.runs_out), pace=pace)
