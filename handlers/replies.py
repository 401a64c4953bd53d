"""A reply to a card means that card: a quoted message on DingTalk, a thread on Slack."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from sqlmodel import Session

from handlers.command import Command, Quoted
from handlers.language.replies import by_approver, by_lender, by_requester
from models.messages import confirmation
from models.messages.outbox import about_at
from models.people.member import Member
from models.policy import versions
from models.quota.ask import Ask
from models.quota.code import Code
from models.quota.question import Question
from models.quota.request import Request, find
from models.refusal import NothingToConfirm, Refusal


def meant(session: Session, sender: str, command: Command, quoted: Quoted, now: datetime) -> Command:
    """The command with the CODE of the card that it replies to; unchanged where the words say something else."""
    with suppress(Refusal):
        me = Member.at(session, sender)
        about = _about(session, quoted)
        if about is None or _answers_a_question(session, me, quoted, now):
            return command
        of = _of_ask if about[0] == "ask" else _of_request
        return of(session, me, command, about[1], now) or command
    return command


def _about(session: Session, quoted: Quoted) -> tuple[str, str] | None:
    """What the card shows: `ask`, `request` or `question`, and its CODE."""
    if (about := about_at(session, ref=quoted.ref, address=quoted.thread)) is not None:
        kind, _, code = about.partition(":")
        return kind, code
    if not quoted.code:
        return None
    return "request" if session.get(Code, quoted.code) is not None else "ask", quoted.code


def _answers_a_question(session: Session, me: Member, quoted: Quoted, now: datetime) -> bool:
    """Whether our last question to them was asked under the same card: then they answer that one."""
    with suppress(NothingToConfirm):
        return (
            bool(quoted.place)
            and confirmation.waiting(session, me.id, now).command.get("under") == quoted.place
        )
    return False


def _of_request(session: Session, me: Member, command: Command, code: str, now: datetime) -> Command | None:
    try:
        request = find(session, code, me)
    except Refusal:  # replaced, decided or not theirs: the decision itself is answered so
        return by_approver(command, code, now.date())
    if request.member_id != me.id:
        found = by_approver(command, request.code, now.date())
        vain = (
            found is not None
            and found.intent in ("approve", "decline")
            and not _may_decide(session, request, me, now)
        )
        return (
            replace(found, confidence="exact") if found and vain else found
        )  # refused at once, not asked back
    waits = any(one.answered_at is None for one in Question.on(session, request.id))
    return by_requester(command, request.code, now.date(), asked=request.open and waits)


def _may_decide(session: Session, request: Request, me: Member, now: datetime) -> bool:
    current = versions.current(session)
    with suppress(Refusal):
        return current is not None and bool(request.require_decider(session, me, current[1], now))
    return False


def _of_ask(session: Session, me: Member, command: Command, code: str, _: datetime) -> Command | None:
    return by_lender(command, Ask.named(session, code, me).code)
