"""One request, one transaction, one answer. The answer is given after the commit; the same key gets the same answer."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar
from uuid import uuid4

import structlog
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from bot import answers
from bot.answers import Outcome
from bot.database import Database, WouldWrite
from bot.hearing import hear
from bot.messengers.port import Messenger, Request
from handlers import confirmation, lending
from handlers.arguments import ProfileNeeded, Said, require_here
from handlers.context import RequestContext
from handlers.routes import BUTTONS, COMMANDS, CONFIRM, FORMS, HOME, Route
from handlers.words import refusals, texts
from handlers.words.text import SafeText
from models.messages.message import Form, Message
from models.messages.outbox import Effect, promise
from models.people.member import HERE, Address, Member, addresses, found_at, meet
from models.people.profile import Profile, learn
from models.policy import versions
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

PATIENCE = 2.0
"""Seconds until a request that has not committed is rolled back: Slack gives up at three."""
READING = 0.8
"""Seconds that reading a profile or the gateway may take before the transaction."""
SEEN = timedelta(hours=1)
"""How exactly one remembers when somebody was last seen; where, one always knows."""

T = TypeVar("T")
FreshSpend = Callable[[int], Awaitable[None]]


class Dispatcher:
    """Takes a `Request` from a messenger to its handler and back."""

    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime],
        *,
        live: bool = False,
        command: str = "/quota",
        link_by_email: bool = False,
        wake: Callable[[], None] = lambda: None,
        fresh_spend: FreshSpend | None = None,
        as_of: Callable[[], datetime | None] = lambda: None,
    ) -> None:
        self.database, self.clock = database, clock
        self.live, self.command, self.link_by_email = live, command, link_by_email
        self.wake, self.fresh_spend, self.as_of = wake, fresh_spend, as_of
        self.messengers: dict[str, Messenger] = {}
        self._met: dict[str, str] = {}
        self._saying: set[asyncio.Task[None]] = set()

    async def handle(self, request: Request) -> Outcome:
        """Do what is asked, once, and return the answer; where `answer_by` is set it is promised as an effect, too."""
        request = replace(
            request,
            words=tuple(map(_storable, request.words)),
            fields={name: _storable(one) for name, one in request.fields.items()},
        )
        try:
            return await self._judged(request, time.monotonic() + PATIENCE)
        except Refusal as no:
            return await self.refuse(request, no)
        except Exception as error:
            reference = uuid4().hex[:6].upper()
            log.exception("request failed", key=request.key, reference=reference, error=type(error).__name__)
            locale = self.locale(request)
            words = texts.BROKE(locale, ref=SafeText(reference))
            return self.say_directly(request, Message(text=words, locale=locale))

    async def refuse(self, request: Request, no: Refusal) -> Outcome:
        """Say no, in the asker's language: whatever it had begun is rolled back, and the same key hears the same no again."""
        if not isinstance(no, TooSlow):
            try:
                return await self._committed(
                    lambda session: answers.refuse(session, request, no, self.clock()),
                    time.monotonic() + PATIENCE / 4,
                )
            except TooSlow:
                log.warning("a refusal came too late to be kept", key=request.key)
            except Exception:
                log.exception("a refusal could not be kept", key=request.key)
        locale = self.locale(request)
        words = refusals.words(TooSlow(), locale, lambda number: SafeText(str(number)), {})
        return self.say_directly(request, Message(text=words, locale=locale))

    async def home(self, address: str) -> Message:
        """Somebody's page as it is now; a stranger's says how to get in."""
        return await self.database.read(partial(self._page, address=address))

    def _page(self, session: Session, address: str) -> Message:
        try:
            return self._home(session, address)
        except Refusal as no:
            return answers.refusal(session, Request(f"home:{address}", address, ()), no, self.clock())

    async def opened_home(self, address: str, key: str) -> None:
        """Somebody looks at their page: promise to publish it, and to keep it fresh for a week."""
        await self._committed(
            lambda session: self._opened(session, address, key), time.monotonic() + PATIENCE
        )

    async def _judged(self, request: Request, until: float) -> Outcome:
        """Read what the network knows, then decide in one transaction; once more where it asks for one more status."""
        said, route = self._route(request)
        profiles = await self._before(request, said, route)
        once = partial(self._once, request=request, said=said, route=route, profiles=profiles)
        if route is not None and route.looks and request.answer_by is None:
            look = partial(self._looked, request=request, said=said, route=route, profiles=profiles)
            with contextlib.suppress(WouldWrite):
                return await self._patient(lambda left: self.database.read(look, within=left), until)
        try:
            return await self._committed(once, until)
        except ProfileNeeded as more:
            profiles |= await self._profiles([(one, True) for one in more.addresses if one not in profiles])
        try:
            return await self._committed(once, until)
        except ProfileNeeded:
            raise StatusUnknown from None

    async def _committed(self, work: Callable[[Session], T], until: float) -> T:
        """Commit it, and wake whoever does what was promised."""
        done = await self._patient(lambda left: self.database.write(work, within=left), until)
        self.wake()
        return done

    async def _patient(self, run: Callable[[float], Awaitable[T]], until: float) -> T:
        """Run it once more when the connection broke: whether it was committed or not, the receipt knows."""
        try:
            return await run(max(0.1, until - time.monotonic()))
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            return await run(max(0.1, until - time.monotonic()))

    # Before the transaction: what has to be read from the network

    def _route(self, request: Request) -> tuple[Said, Route | None]:
        first = request.words[0] if request.words else ""
        rest = request.words[1] if len(request.words) > 1 else ""
        if request.fields and first in FORMS:
            return Said(intent=first, code=rest, **_filled(request.fields)), FORMS[first]
        if first in BUTTONS:
            return Said(intent=first, code=rest), BUTTONS[first]
        if first in CONFIRM:
            return Said(intent="yes" if first == CONFIRM[0] else "no", code=rest), None
        said = hear(first, self.clock().date())
        return replace(said, exact=said.exact and not request.loose), COMMANDS.get(said.intent)

    async def _before(self, request: Request, said: Said, route: Route | None) -> dict[str, Profile | None]:
        """Profiles of whom it concerns, and the newest spend where own quota may leave; none of it later than `READING`."""
        checks = route is None or route.checks
        wanted = [(request.sender, checks)] if checks or request.sender not in self._met else []
        if checks and (other := _mentioned(request, said)):
            wanted.append((other, True))
        if route is not None and route.away and self.fresh_spend is not None:
            found, _ = await asyncio.gather(
                self._profiles(wanted), _patiently(self._read_spend(request.sender))
            )
            return found
        return await self._profiles(wanted)

    async def _profiles(self, wanted: list[tuple[str, bool]]) -> dict[str, Profile | None]:
        """Who these addresses are, by their messengers' word; None for what could not be read in time."""
        reads = {
            one: _patiently(messenger.profile(one, urgent=urgent))
            for one, urgent in dict(wanted).items()  # who lends to themselves is named twice
            if (messenger := self.messengers.get(one.split(":", 1)[0])) is not None
        }
        return dict(zip(reads, await asyncio.gather(*reads.values()), strict=True))

    async def _read_spend(self, sender: str) -> None:
        member = await self.database.write(lambda session: _member_id(session, sender), within=READING)
        if member is not None and self.fresh_spend is not None:
            await self.fresh_spend(member)

    # In the transaction

    def _once(
        self,
        session: Session,
        request: Request,
        said: Said,
        route: Route | None,
        profiles: dict[str, Profile | None],
    ) -> Outcome:
        known = answers.answered(session, request)
        if known is not None:
            return known
        now = self.clock()
        meet(session, request.sender, _mentioned(request, said))
        self._learn(session, profiles, now)
        ctx = self._context(session, request, profiles, now)
        if route is not None:
            self._check(ctx, route)
        answer = _spoken(self._answer(ctx, request, said, route), ctx)
        if isinstance(answer, Form) and not request.can_open:
            raise WrongUsage(answer.typed.split()[0] if answer.typed else "help")
        moved = route is not None and route.moves and not confirmation.is_echo(answer)
        answers.keep(session, request, answer, now, ctx.me.id, moved=moved)
        return Outcome(answer)

    def _looked(
        self,
        session: Session,
        request: Request,
        said: Said,
        route: Route,
        profiles: dict[str, Profile | None],
    ) -> Outcome:
        """The answer to who only looks: as things are now, so that no receipt has to keep it."""
        now = self.clock()
        self._learn(session, profiles, now)
        ctx = self._context(session, request, profiles, now)
        return Outcome(_spoken(route(ctx, said), ctx))

    def _answer(
        self, ctx: RequestContext, request: Request, said: Said, route: Route | None
    ) -> Message | Form:
        if said.intent in ("yes", "no"):
            return self._confirmed(ctx, said)
        if route is None:
            raise SeveralPeople if said.several else NotUnderstood(request.words[0] if request.words else "")
        if route.form is not None and request.can_open and not request.fields:
            return route.form(ctx, *([said.code] if said.code else []))
        arguments = route.read(ctx, said)  # what cannot be done is not asked back either
        if route.moves and (echo := confirmation.needed(ctx, said, answers.fingerprint(request))) is not None:
            return echo
        return route.handler(ctx, *arguments)

    def _confirmed(self, ctx: RequestContext, said: Said) -> Message | Form:
        if said.code and lending.is_asked(ctx, said.code):
            route, meant = BUTTONS["borrow.accept" if said.intent == "yes" else "borrow.decline"], said
        else:
            meant = confirmation.take(ctx, said)
            if said.intent == "no":
                return Message(text=texts.NOTHING_DONE(ctx.reader.locale))
            route, ctx.thread = COMMANDS[meant.intent], meant.thread or ctx.thread
        self._check(ctx, route)
        return route(ctx, meant)

    def _check(self, ctx: RequestContext, route: Route) -> None:
        """Where only colleagues may take part, whoever asks is the first who has to be one."""
        ctx.checks = route.checks and ctx.messenger in self.messengers
        require_here(ctx, ctx.me)

    def _context(
        self, session: Session, request: Request, profiles: dict[str, Profile | None], now: datetime
    ) -> RequestContext:
        me, address = self._sender(session, request, profiles)
        here = addresses(session, me.id)[0] is address
        if not here or address.seen_at is None or now - address.seen_at > SEEN:
            address.seen_at = now
        current = versions.current(session)
        if current is None:
            raise NoPolicyYet
        self._met[request.sender] = me.locale or ""
        return RequestContext(
            session=session, now=now, key=request.key, version=current[0], policy=current[1], live=self.live,
            actor=f"member:{me.id}", me=me, messenger=request.messenger, place=request.place, thread=request.thread,
            command=self.command, as_of=self.as_of(),
            statuses={one: profile.status for one, profile in profiles.items() if profile is not None},
        )  # fmt: skip

    def _sender(
        self, session: Session, request: Request, profiles: dict[str, Profile | None]
    ) -> tuple[Member, Address]:
        """The human who asks, and where.

        A guest we know sees their balance; what only colleagues may do is refused where the route says so.
        """
        profile = profiles.get(request.sender)
        if profile is not None and profile.status not in (HERE, "guest"):
            raise OnlyColleagues
        try:
            return found_at(session, request.sender)
        except UnknownSender:
            if profile is not None and profile.status != HERE:
                raise OnlyColleagues from None
            raise

    def _learn(self, session: Session, profiles: dict[str, Profile | None], now: datetime) -> None:
        for address, profile in profiles.items():
            if profile is not None:
                learn(session, address, profile, now, link_by_email=self.link_by_email)

    def _opened(self, session: Session, address: str, key: str) -> None:
        now, row = self.clock(), session.get(Address, address)
        if row is not None:
            row.home_seen_at = now
        promise(
            session,
            Effect(key=f"home:{key}", kind="home", payload={"address": address}, lane=address, due_at=now),
        )

    def _home(self, session: Session, address: str) -> Message:
        current, now = versions.current(session), self.clock()
        me = Member.at(session, address)
        if current is None:
            raise NoPolicyYet
        ctx = RequestContext(
            session=session, now=now, key=f"home:{address}", version=current[0], policy=current[1], live=self.live, me=me,
            messenger=address.split(":", 1)[0], command=self.command, as_of=self.as_of(),
        )  # fmt: skip
        return HOME(ctx)

    # When the answer is no

    def say_directly(self, request: Request, message: Message) -> Outcome:
        """Answer without the database, as well as one can; the acknowledgement does not wait for it."""
        messenger = self.messengers.get(request.messenger)
        if request.answer_by is not None and messenger is not None and not request.fields:
            task = asyncio.create_task(_said(messenger, request, message))
            self._saying.add(task)
            task.add_done_callback(self._saying.discard)
        return Outcome(message, refused=True)

    def locale(self, request: Request) -> str:
        """The language of the asker, as far as one knows it without the database."""
        return self._met.get(request.sender) or answers.guessed_locale(request)


async def _said(messenger: Messenger, request: Request, message: Message) -> None:
    try:
        await messenger.answer(request.answer_by or {}, message)
    except Exception:
        log.exception("an answer could not be given", key=request.key)


def _spoken(answer: Message | Form, ctx: RequestContext) -> Message | Form:
    return answer.spoken(ctx.reader.locale) if isinstance(answer, Message) else answer


def _storable(text: str) -> str:
    """Without what no database takes: NUL, and halves of signs (JSON can carry both)."""
    return text.replace("\0", "").encode(errors="replace").decode()


def _mentioned(request: Request, said: Said) -> str | None:
    """The address of the one who is mentioned."""
    return f"{request.messenger}:{said.handle}" if said.handle else None


def _filled(fields: dict[str, str]) -> dict[str, Any]:
    known = {"person": "handle", "amount": "amount", "reason": "reason", "until": "until"}
    return {known[name]: value for name, value in fields.items() if name in known and value}


def _member_id(session: Session, sender: str) -> int | None:
    try:
        return Member.at(session, sender).id
    except UnknownSender:
        return None


async def _patiently(reading: Awaitable[T]) -> T | None:
    """What was read in time; None is never an excuse to allow anything."""
    try:
        return await asyncio.wait_for(reading, READING)
    except Exception as error:  # noqa: BLE001 - whatever a vendor does, it is "not read"
        log.warning("not read in time", error=f"{type(error).__name__}: {error}")
        return None


def utc_now() -> datetime:
    return datetime.now(UTC)
