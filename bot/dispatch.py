"""One request, one transaction, one answer.

The answer is given after the commit; the same key gets the same answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TypeVar

import structlog
from sqlmodel import Session

from bot import answers
from bot.answers import Outcome
from bot.database import Database
from bot.look import WouldWrite
from bot.messengers.port import Messenger, Request, with_profiles
from bot.metrics import Metrics
from bot.notes import Notes
from bot.patience import Patience, in_time
from bot.quoted import with_quoted
from bot.transactions import OutcomeUnknown
from bot.unsettled import Unsettled, run_until
from handlers import confirmation, conversation
from handlers.arguments import ProfileNeeded
from handlers.command import Command
from handlers.context import RequestContext
from handlers.home import home
from handlers.links import tell_of_link
from handlers.routes import ROUTES, Route
from handlers.words import refusals
from models.messages.message import Form, Message
from models.messages.outbox import Effect, promise
from models.metering.quota_view import QuotaView
from models.people.member import HERE, Address, Member, found_at
from models.people.profile import Profile, learn, mark_home_opened, mark_seen
from models.policy import meeting
from models.refusal import (
    NoPolicyYet,
    NotUnderstood,
    OnlyColleagues,
    Refusal,
    SeveralPeople,
    StatusUnknown,
    TooSlow,
    UnknownSender,
    WrongUsage,
)

log = structlog.get_logger()
T = TypeVar("T")
FreshSpend = Callable[[int], Awaitable[None]]
ProfilesRead = dict[str, Profile | None]  # by address; None if it could not be read in time


class Dispatcher:
    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime],
        messengers: dict[str, Messenger] | None = None,
        *,
        live: bool = False,
        command: str = "/quota",
        link_by_email: bool = False,
        wake: Callable[[], None] = lambda: None,
        fresh_spend: FreshSpend | None = None,
        as_of: Callable[[], datetime | None] = lambda: None,
        patience: Patience = Patience(),  # noqa: B008  (frozen)
        metrics: Metrics | None = None,
        notes: Notes | None = None,
    ) -> None:
        self.patience, self.metrics = patience, metrics or Metrics()
        self.database, self.clock = database, clock
        self.live, self.command, self.link_by_email = live, command, link_by_email
        self.wake, self.fresh_spend, self.as_of = wake, fresh_spend, as_of
        self.messengers = {} if messengers is None else messengers
        self._locales: dict[str, str] = {}
        self.unsettled = Unsettled(database, clock, wake, notes or Notes(None, database.engine.url))
        self.saying: set[asyncio.Task[None]] = set()

    async def handle(self, request: Request) -> Outcome:
        """Do the request once, and return its answer. With `answer_by`, the answer is also promised as an effect."""
        with self.metrics.acknowledging(request.messenger, request.command):
            return await self._handle(request)

    async def _handle(self, request: Request) -> Outcome:
        until = time.monotonic() + self.patience.commit
        try:
            if await self.unsettled.meets(request, self.patience.commit / 2):
                return self._say_unknown(request)
            outcome = await self._decide(request, until)
        except OutcomeUnknown:
            self.unsettled.add(answers.note_of(request))
            return self._say_unknown(request)
        except Refusal as refusal:
            return await self.refuse(request, refusal)
        except Exception as error:  # noqa: BLE001 - `broken` logs it
            self.metrics.answer(request.messenger, "broken")
            return self.say_directly(request, answers.broken(request, error, self.locale(request)))
        self.metrics.answer(request.messenger, "refused" if outcome.refused else "answered")
        return outcome

    def _say_unknown(self, request: Request) -> Outcome:
        self.metrics.answer(request.messenger, "unknown")
        return self.say_directly(request, answers.unknown(self.locale(request)))

    async def refuse(self, request: Request, refusal: Refusal) -> Outcome:
        """Refuse in the asker's language. The refusal is kept, so that the same key gets it again."""
        self.metrics.answer(request.messenger, "refused", refusal)
        if not isinstance(refusal, TooSlow):
            work = partial(answers.refuse, request=request, refusal=refusal, now=self.clock())
            try:
                return await self._commit(work, time.monotonic() + self.patience.commit / 4)
            except TooSlow:
                log.warning("a refusal came too late to be kept", key=request.key)
            except Exception:
                log.exception("a refusal could not be kept", key=request.key)
        locale = self.locale(request)
        text = refusals.words(TooSlow(), locale, answers.stored_number, {})
        return self.say_directly(request, Message(text=text, locale=locale))

    async def home(self, address: str) -> Message:
        return await self.database.read(partial(self._home, address=address))

    async def opened_home(self, address: str, key: str) -> None:
        """Promise to publish the home page, and to keep it fresh for a week."""
        work = partial(_home_opened, address=address, key=key, now=self.clock())
        await self._commit(work, time.monotonic() + self.patience.commit)

    async def _decide(self, request: Request, until: float) -> Outcome:
        """Read what the network knows, then answer in one transaction.

        A command that only reads does not wait for the writer and needs no receipt. A CODE or a button may
        name a person whose profile is needed as well: then a second transaction follows.
        """
        request = await with_quoted(self.database, request, self.clock(), until)
        route = ROUTES.get(request.command.intent)
        profiles = await self._read_ahead(request, route)
        answer: Callable[[Session], Outcome] | None = None
        if route is not None and route.reads_only and request.answer_by is None:
            question = route.question(request.sender, self.clock())
            answer = partial(self._look, request=request, route=route, profiles=profiles)
            ask = partial(self.database.look, question, answer, single=route.single)
            with contextlib.suppress(WouldWrite):
                return await run_until(lambda left: ask(within=left), until)
            until -= self.patience.commit / 2  # what is known anew can wait, the answer cannot
        for _ in range(2):
            work = partial(self._transact, request=request, route=route, profiles=profiles)
            try:
                return await self._commit(work, until)
            except ProfileNeeded as needed:
                missing = [one for one in needed.addresses if one not in profiles]
                profiles |= await self._profiles(dict.fromkeys(missing, True))
            except (TooSlow, OutcomeUnknown):
                if answer is None:
                    raise
                look, last = question.before(answer), self.patience.commit / 4
                return await self.database.read(look, within=last, dropping=True)
        raise StatusUnknown

    async def _commit(self, work: Callable[[Session], T], until: float) -> T:
        result = await run_until(lambda left: self.database.write(work, within=left), until)
        self.wake()  # the worker delivers the promised effects
        return result

    # Before the transaction: what has to be read from the network

    async def _read_ahead(self, request: Request, route: Route | None) -> ProfilesRead:
        concerned = self._concerned(request, route)
        if not concerned and self.fresh_spend is None:
            return {}
        profiles, _ = await asyncio.gather(self._profiles(concerned), self._read_spend(request, route))
        return profiles

    def _concerned(self, request: Request, route: Route | None) -> dict[str, bool]:
        """{address: urgent} of the profiles to read; urgent if the answer depends on it."""
        if route is None or route.colleagues_only:
            return dict.fromkeys(filter(None, (request.sender, request.named)), True)
        return {} if request.sender in self._locales else {request.sender: False}

    async def _profiles(self, wanted: dict[str, bool]) -> ProfilesRead:
        reads = {
            address: in_time(messenger.profile(address, urgent=urgent), self.patience.read)
            for address, urgent in wanted.items()
            if (messenger := with_profiles(self.messengers.get(address.split(":", 1)[0]))) is not None
        }
        return dict(zip(reads, await asyncio.gather(*reads.values()), strict=True))

    async def _read_spend(self, request: Request, route: Route | None) -> None:
        takes = request.command.intent in confirmation.ANSWERS if route is None else route.holders is not None
        if takes and self.fresh_spend is not None:
            await in_time(self._read_spend_of_holders(request, self.fresh_spend), self.patience.read)

    async def _read_spend_of_holders(self, request: Request, fresh_spend: FreshSpend) -> None:
        find = partial(self._holders, request=request)
        holders = await self.database.read(find, within=self.patience.read)
        await asyncio.gather(*map(fresh_spend, holders))

    def _holders(self, session: Session, request: Request) -> set[int]:
        """Members whose quota may be taken; empty if the request will be refused anyway."""
        try:
            meeting.question(request.sender, request.named).ask(session)
            me = Member.at(session, request.sender)
            ctx = RequestContext.of(session, self.clock(), request.key, me=me, messenger=request.messenger)
            return confirmation.holders(ctx, request.command) if ctx is not None else set()
        except Refusal:
            return set()

    # In the transaction

    def _transact(
        self, session: Session, request: Request, route: Route | None, profiles: ProfilesRead
    ) -> Outcome:
        kept = answers.arrived(session, request, self.clock())
        if kept is not None:
            return kept
        ctx = self._context(session, request, profiles)
        answer = _shown(ctx, request, _answer(ctx, request, route))
        moved = route is not None and route.moves and not confirmation.is_question(answer)
        answers.keep(session, request, answer, ctx.now, ctx.me.id, moved=moved)
        return Outcome(answer)

    def _look(self, session: Session, request: Request, route: Route, profiles: ProfilesRead) -> Outcome:
        ctx = self._context(session, request, profiles)
        return Outcome(_shown(ctx, request, route.run(ctx, request.command)))

    def _context(self, session: Session, request: Request, profiles: ProfilesRead) -> RequestContext:
        """Store the profiles, then find the asker and the policy, which were read already."""
        now, known = self.clock(), {one: profile for one, profile in profiles.items() if profile is not None}
        linked = [
            one
            for one, profile in known.items()
            if learn(session, one, profile, now, link_by_email=self.link_by_email)
        ]
        me, address = _asker(session, request.sender, known.get(request.sender))
        mark_seen(session, address, now)
        ctx = RequestContext.of(
            session, now, request.key, live=self.live, actor=f"member:{me.id}", me=me, messenger=request.messenger,
            thread=request.thread, place=request.place, under=request.quoted.place if request.quoted else "", command=self.command, as_of=self.as_of(),
            has_profiles=request.messenger in self.messengers,
            statuses={one: profile.status for one, profile in known.items()},
        )  # fmt: skip
        if ctx is None:
            raise NoPolicyYet
        for one in linked:
            tell_of_link(ctx, Member.at(session, one), one)
        self._locales[request.sender] = me.locale or ""
        return ctx

    def _home(self, session: Session, address: str) -> Message:
        now, request = self.clock(), Request(f"home:{address}", address, Command("home"))
        try:
            QuotaView.question(address, now).ask(session)
            ctx = RequestContext.of(
                session, now, request.key, live=self.live, me=Member.at(session, address),
                messenger=request.messenger, command=self.command, as_of=self.as_of(),
            )  # fmt: skip
        except Refusal as refusal:
            return answers.refused(session, request, refusal, now)
        return home(ctx) if ctx is not None else answers.refused(session, request, NoPolicyYet(), now)

    # Without the database

    def say_directly(self, request: Request, message: Message) -> Outcome:
        """Answer without the database, as well as possible; the acknowledgement does not wait for it."""
        messenger = self.messengers.get(request.messenger)
        if request.answer_by is not None and messenger is not None and not request.from_form:
            task = asyncio.create_task(answers.say(messenger, request, message))
            self.saying.add(task)
            task.add_done_callback(self.saying.discard)
        return Outcome(message, refused=True)

    def locale(self, request: Request) -> str:
        """The asker's language, as far as it is known without the database."""
        return self._locales.get(request.sender) or answers.guessed_locale(request)


def _answer(ctx: RequestContext, request: Request, route: Route | None) -> Message | Form:
    """Settle a confirmation, show a form, ask for a confirmation, or run the handler."""
    command = request.command
    if (whole := conversation.completed(ctx, command)) is not None:
        return _answer(ctx, replace(request, command=whole), ROUTES[whole.intent])
    if command.intent in confirmation.ANSWERS:
        said_by_the_way = not command.exact and confirmation.is_idle(ctx)
        return conversation.answer(ctx, command) if said_by_the_way else confirmation.settle(ctx, command)
    if route is None:
        return _without_route(ctx, request)
    route.admit(ctx)
    if route.form is not None and request.can_open:
        return route.form(ctx, *([command.code] if command.code else []))
    if (back := conversation.asks_back(ctx, command)) is not None and not request.can_open:
        return back
    arguments = route.read(ctx, command)  # first: an impossible command is refused, not confirmed
    confirms = route.moves or confirmation.is_unsure_act(command)
    question = confirmation.needed(ctx, command, answers.fingerprint(request)) if confirms else None
    return route.handle(ctx, command, arguments) if question is None else question


def _without_route(ctx: RequestContext, request: Request) -> Message | Form:
    command = request.command
    if command.intent == "unread":
        raise RuntimeError(f"a sentence could not be read: {command.reason}")
    if command.intent == "several":
        raise SeveralPeople
    if not command.text:  # a button of another program version
        raise NotUnderstood(command.text)
    return conversation.answer(ctx, command)


def _shown(ctx: RequestContext, request: Request, answer: Message | Form) -> Message | Form:
    # Where no form can be shown, the answer says how to type the command.
    if isinstance(answer, Message):
        return answer.spoken(ctx.reader.locale)
    if not request.can_open:
        raise WrongUsage(answer.typed.split()[0] if answer.typed else "help")
    return answer


def _asker(session: Session, sender: str, profile: Profile | None) -> tuple[Member, Address]:
    """The asking member and the address. Guests may see their balance; routes for colleagues refuse them later."""
    if profile is not None and profile.status not in (HERE, "guest"):
        raise OnlyColleagues
    try:
        return found_at(session, sender)
    except UnknownSender:
        if profile is not None and profile.status != HERE:
            raise OnlyColleagues from None
        raise


def _home_opened(session: Session, address: str, key: str, now: datetime) -> None:
    mark_home_opened(session, address, now)
    payload = {"address": address}
    promise(session, Effect(key=f"home:{key}", kind="home", payload=payload, lane=address, due_at=now))
