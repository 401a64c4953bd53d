"""Answers to requests: the receipt behind a repeated key, the words of a refusal, the promise to deliver."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import uuid4

import structlog
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from bot.messengers.port import Messenger, MessengerError, Request
from bot.notes import Note
from handlers import confirmation, requests
from handlers.context import Reader, RequestContext
from handlers.routes import ROUTES
from handlers.words import refusals, texts
from handlers.words.text import SafeText, listed
from models.messages import receipt
from models.messages.confirmation import waiting
from models.messages.message import Form, Message
from models.messages.outbox import Effect, promise_new
from models.messages.tally import count_refusal
from models.people.member import Member
from models.people.messenger import traits_of
from models.policy import versions
from models.policy.document import Policy
from models.policy.meeting import meet_request
from models.refusal import (
    CannotLendNow,
    HoldsBorrowed,
    InsufficientQuota,
    KeyReused,
    NothingToConfirm,
    NotLendable,
    OverdueLoans,
    Refusal,
    TooManyLoans,
    TooMuchBorrowed,
    TooSlow,
    UnknownSender,
    WrongUsage,
)

log = structlog.get_logger()

# Seconds before an answer that no effect promises is tried again.
SAID_AGAIN = (1.0, 5.0, 25.0)
# Refusals that reveal somebody's balance, debts or loans; attempts at them are counted.
TELLING = (
    CannotLendNow,
    HoldsBorrowed,
    InsufficientQuota,
    NotLendable,
    OverdueLoans,
    TooManyLoans,
    TooMuchBorrowed,
)


@dataclass(frozen=True)
class Outcome:
    """`refused`: nothing was done, so a form stays open. `refusal`: the reason, for callers that act on it."""

    message: Message | Form
    refused: bool = False
    refusal: Refusal | None = None


def fingerprint(request: Request) -> str:
    """Equal for requests that differ only in their key."""
    return _fingerprint(request.sender, request.command.words)


_fingerprint = lru_cache(maxsize=100)(receipt.fingerprint_of)  # a move asks for it five times


def keys(request: Request) -> tuple[str, ...]:
    """Under which a receipt of it may stand."""
    return tuple(dict.fromkeys((request.key, request.refusal_key)))


def arrived(session: Session, request: Request, now: datetime) -> Outcome | None:
    """Read in one statement what a request needs to begin with; return its kept answer. Raises `KeyReused`."""
    meet_request(session, request.sender, request.named, keys(request), fingerprint(request), now)
    return answered(session, request)


def answered(session: Session, request: Request) -> Outcome | None:
    """The kept answer of this request. Raises `KeyReused` if the key came with another command."""
    for key in keys(request):
        known, answer = receipt.answered(session, key, fingerprint(request))
        if known:
            return _kept(answer)
    return None


def _kept(answer: dict[str, Any] | None) -> Outcome:
    if answer is None:
        return Outcome(Message(text=""))
    return Outcome(Message.from_json(answer["message"]), refused=bool(answer["refused"]))


def keep(
    session: Session, request: Request, answer: Message | Form, now: datetime, member: int | None, *,
    moved: bool = False, refused: bool = False,
) -> None:  # fmt: skip
    """Write the receipt; promise a delivery if the acknowledgement does not carry the answer."""
    message = answer if isinstance(answer, Message) else None
    kept = {"message": message.as_json(), "refused": refused} if message is not None else None
    receipt.keep(session, request.key, fingerprint(request), kept, member=member, moved=moved, at=now)
    if message is not None:
        deliver(session, request, message, f"answer:{request.key}", now)


def deliver(session: Session, request: Request, message: Message, key: str, now: datetime) -> None:
    if request.answer_by is not None and (message.text or message.title):  # an empty answer is not sent
        payload = {"messenger": request.messenger, "by": request.answer_by, "message": message.as_json()}
        lane = str(request.answer_by.get("lane", request.sender))
        promise_new(session, Effect(key=key, kind="answer", payload=payload, lane=lane, due_at=now))


def refuse(session: Session, request: Request, refusal: Refusal, now: datetime) -> Outcome:
    # A form may be corrected and a passing refusal may be repeated, so their refusals get no lasting
    # receipt.
    message = refused(session, request, refusal, now)
    outcome = Outcome(message, refused=True, refusal=refusal)
    if request.from_form:
        _count_try(session, request, refusal, now)
        return outcome
    if isinstance(refusal, (TooSlow, KeyReused)):
        deliver(session, request, message, f"no:{uuid4().hex}", now)
        return outcome
    kept = answered(session, request)
    if kept is not None:
        return kept
    _count_try(session, request, refusal, now)
    me, this_push = _member_at(session, request.sender), replace(request, key=request.refusal_key)
    keep(session, this_push, message, now, me.id if me else None, refused=True)
    return outcome


def _count_try(session: Session, request: Request, refusal: Refusal, now: datetime) -> None:
    me = _member_at(session, request.sender)
    if me is None or not isinstance(refusal, TELLING):
        return
    intent = request.command.intent
    with suppress(NothingToConfirm):
        if intent in confirmation.ANSWERS:
            intent = waiting(session, me.id, now).command["intent"]
        route = ROUTES.get(intent)
        if route is not None and route.tries:
            count_refusal(session, me.id, route.tries, now)


async def say(messenger: Messenger, request: Request, message: Message) -> None:
    """Answer without the database. A messenger that cannot take it now is asked again a few times."""
    for pause in (*SAID_AGAIN, None):
        try:
            await messenger.answer(request.answer_by or {}, message)
            break
        except MessengerError as error:
            if pause is None:
                log.warning("an answer could not be given", key=request.key, reason=str(error))
            else:
                await asyncio.sleep(error.retry_after or pause)
        except Exception:
            log.exception("an answer could not be given", key=request.key)
            break


def broken(request: Request, error: Exception, locale: str) -> Message:
    """What the sender reads, with a code that finds the error in the log."""
    reference, reason = SafeText(uuid4().hex[:6].upper()), str(error).partition("\n")[0][:200]
    # During an outage of the database a line each has to do.
    trace = None if isinstance(error, OperationalError) else error
    names = {"key": request.key, "reference": reference, "error": type(error).__name__}
    log.error("request failed", **names, reason=reason, exc_info=trace)
    return Message(texts.BROKE(locale, ref=reference), locale=locale)


def unknown(locale: str) -> Message:
    return Message(text=texts.UNKNOWN_YET(locale), locale=locale)


def note_of(request: Request) -> Note:
    promised = request.answer_by is not None
    words = fingerprint(request)
    return Note(request.key, request.sender, words, guessed_locale(request), promised, request.from_form)


def settle(session: Session, note: Note, now: datetime) -> bool:
    """Tell the sender the outcome of a request that was unknown; True if it went through.

    The key gets this answer from now on, so a copy that is still on its way does nothing.
    """
    known, kept = receipt.answered(session, note.key, note.fingerprint)
    me = _member_at(session, note.sender)
    locale = me.locale if me and me.locale else note.locale
    if known:
        receipt.renew(session, note.key, now)
        outcome = _kept(kept)
        if not note.promised or isinstance(outcome.message, Form):
            _write(session, note, me, _settled(outcome, locale), now)
        return not outcome.refused
    message = Message(text=texts.DID_NOT_GO_THROUGH(locale), locale=locale)
    answer = {"message": message.as_json(), "refused": True}
    # Waits for a COMMIT that the server has and has not done yet: its transaction holds the key.
    member = me.id if me else None
    receipt.keep(session, note.key, note.fingerprint, answer, member=member, moved=False, at=now)
    if note.from_form:
        receipt.drop(session, note.key)  # a form may be sent again unchanged
    _write(session, note, me, message, now)
    return False


def _settled(outcome: Outcome, locale: str) -> Message:
    assert isinstance(outcome.message, Message)
    intro = texts.DID_NOT_GO_THROUGH if outcome.refused else texts.WENT_THROUGH
    return replace(outcome.message, text=f"{intro(locale)}\n\n{outcome.message.text}".strip(), locale=locale)


def _write(session: Session, note: Note, me: Member | None, message: Message, now: datetime) -> None:
    payload = {
        "address": note.sender,
        "message": message.as_json(),
        "shape": "",
        "reader": me.id if me else None,
    }
    key = f"settled:{note.key}"
    promise_new(session, Effect(key=key, kind="say", payload=payload, lane=note.sender, due_at=now))


def refused(session: Session, request: Request, refusal: Refusal, now: datetime) -> Message:
    """A refusal in the asker's language, if it is known."""
    me, current = _member_at(session, request.sender), versions.current(session)
    locale = me.locale if me and me.locale else guessed_locale(request)
    amount: Callable[[int], SafeText] = stored_number
    facts = _facts(refusal, locale, current[1] if current else None)
    if me is not None and current is not None:
        version, policy = current
        amount = Reader(locale, me.zone(policy.timezone), policy.unit).amount
        ctx = RequestContext(
            session=session, now=now, key=request.key, version=version, policy=policy, me=me,
            messenger=request.messenger,
        )  # fmt: skip
        facts |= requests.explain(ctx, refusal)
    return Message(text=refusals.words(refusal, locale, amount, facts), locale=locale)


def _facts(refusal: Refusal, locale: str, policy: Policy | None) -> dict[str, Any]:
    if isinstance(refusal, WrongUsage):
        return {"usage": ROUTES.get(refusal.command, ROUTES["help"]).usage(locale)}
    if isinstance(refusal, UnknownSender):
        names = listed(policy.admins, locale) if policy else ""
        return {"admins": texts.NAMED_ADMINS(locale, names=names) if names else ""}
    return {}


def stored_number(amount: int) -> SafeText:
    """An amount for a reader whose unit is unknown."""
    return SafeText(str(amount))


def _member_at(session: Session, address: str) -> Member | None:
    try:
        return Member.at(session, address)
    except UnknownSender:
        return None


def guessed_locale(request: Request) -> str:
    """A stranger's language: that of the sentence, else the messenger's default."""
    chinese = any("\u4e00" <= letter <= "\u9fff" for letter in request.command.text)
    return "zh" if chinese else traits_of(request.messenger).language
