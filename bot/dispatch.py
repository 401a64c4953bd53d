"""One request, one transaction, one answer. The answer is given after the commit; the same key gets the same answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar
from uuid import uuid4

import structlog
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, select

from bot.database import Database
from bot.hearing import hear
from bot.messenger import Messenger, Profile, Request
from handlers import echoes, lending, refusals, requests, texts
from handlers.arguments import STATUS_KEPT, Said, require_here
from handlers.context import Context, Reader
from handlers.routes import BUTTONS, COMMANDS, CONFIRM, FORMS, HOME, Route
from handlers.wording import Shown
from models import policy as rules
from models import receipt
from models.member import HERE, Address, Member
from models.message import Form, Message
from models.outbox import Effect, promise_once
from models.refusal import (
    NoPolicyYet,
    NotAColleague,
    NotUnderstood,
    Refusal,
    TooSlow,
    UnknownSender,
    WrongUsage,
)

log = structlog.get_logger()

PATIENCE = 2.0
"""Seconds until a request that has not committed is rolled back: Slack gives up at three."""
READING = 0.8
"""Seconds that reading a profile or the gateway may take before the transaction."""

T = TypeVar("T")
FreshSpend = Callable[[int], Awaitable[None]]


@dataclass(frozen=True)
class Outcome:
    """The answer; `refused` tells a form that it stays open."""

    message: Message | Form
    refused: bool = False


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
        self._met: set[str] = set()

    async def handle(self, request: Request) -> Outcome:
        """Do what is asked, once, and return the answer; where `answer_by` is set it is promised as an effect, too."""
        said, route = self._route(request)
        try:
            profiles = await self._before(request, said, route)
            outcome = await self._committed(
                partial(self._once, request=request, said=said, route=route, profiles=profiles)
            )
        except Refusal as no:
            outcome = await self._refuse(request, no)
        except Exception as error:
            reference = uuid4().hex[:6].upper()
            log.exception("request failed", key=request.key, reference=reference, error=type(error).__name__)
            outcome = await self._directly(request, Message(text=texts.BROKE("en", ref=Shown(reference))))
        self.wake()
        return outcome

    async def refuse(self, request: Request, no: Refusal) -> Outcome:
        """Say no to what a messenger can tell already, in the asker's language; the same key hears the same no."""
        outcome = await self._refuse(request, no)
        self.wake()
        return outcome

    async def home(self, address: str) -> Message:
        """Somebody's page as it is now; a stranger's says how to get in."""
        try:
            return await self.database.run(lambda session: self._home(session, address))
        except Refusal as no:
            return await self.database.run(
                partial(self._no, request=Request(f"home:{address}", address, ()), no=no)
            )

    async def opened_home(self, address: str, key: str) -> None:
        """Somebody looks at their page: promise to publish it, and to keep it fresh for a week."""
        await self.database.run(lambda session: self._opened(session, address, key), within=PATIENCE)
        self.wake()

    async def _committed(self, work: Callable[[Session], Outcome]) -> Outcome:
        """Run it once more when the connection broke: whether it was committed or not, the receipt knows."""
        try:
            return await self.database.run(work, within=PATIENCE)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            return await self.database.run(work, within=PATIENCE / 2)

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

    async def _before(self, request: Request, said: Said, route: Route | None) -> dict[str, Profile]:
        """Profiles of whom it concerns, and the newest spend where own quota may leave; none of it later than `READING`."""
        checks = route is None or route.checks
        wanted = [(request.sender, checks)] if checks or request.sender not in self._met else []
        if checks and said.handle:
            wanted.append((f"{_messenger(request)}:{said.handle}", True))
        messenger = self.messengers.get(_messenger(request))
        reads: list[Awaitable[Any]] = (
            [_patiently(messenger.profile(one, urgent=urgent)) for one, urgent in wanted] if messenger else []
        )
        if route is not None and route.away and self.fresh_spend is not None:
            reads.append(_patiently(self._read_spend(request.sender)))
        found = await asyncio.gather(*reads) if reads else []
        return {
            one: profile
            for (one, _), profile in zip(wanted, found, strict=False)
            if isinstance(profile, Profile)
        }

    async def _read_spend(self, sender: str) -> None:
        member = await self.database.run(lambda session: _member_id(session, sender), within=READING)
        if member is not None and self.fresh_spend is not None:
            await self.fresh_spend(member)

    # In the transaction

    def _once(
        self,
        session: Session,
        request: Request,
        said: Said,
        route: Route | None,
        profiles: dict[str, Profile],
    ) -> Outcome:
        print_ = receipt.fingerprint(
            request.sender, (*request.words, *map(str, sorted(request.fields.items())))
        )
        known = receipt.answered(session, request.key, print_)
        if known is not None:
            return self._known(known)
        now = self.clock()
        self._learn(session, profiles, now)
        ctx = self._context(session, request, profiles, now)
        if (route is not None and route.checks) or said.intent in ("yes", "no"):
            require_here(ctx, ctx.me)
        answer = self._answer(ctx, request, said, route, print_)
        if isinstance(answer, Form) and not request.can_open:
            raise WrongUsage(answer.typed.split()[0] if answer.typed else "help")
        moved = route is not None and route.moves and not answer_is_echo(answer)
        self._keep(
            session,
            request,
            print_,
            answer if isinstance(answer, Message) else None,
            now,
            ctx.me.id,
            moved=moved,
        )
        return Outcome(answer)

    def _answer(
        self, ctx: Context, request: Request, said: Said, route: Route | None, print_: str
    ) -> Message | Form:
        if said.intent in ("yes", "no"):
            return self._confirmed(ctx, said)
        if route is None:
            raise NotUnderstood(request.words[0] if request.words else "")
        if request.fields or request.words[0] in BUTTONS:
            return (
                route.form(ctx, *([said.code] if said.code else []))
                if route.form and request.can_open and not request.fields
                else route(ctx, said)
            )
        if route.moves and (echo := echoes.needed(ctx, said, print_)) is not None:
            return echo
        return route(ctx, said)

    def _confirmed(self, ctx: Context, said: Said) -> Message | Form:
        if said.code and lending.is_asked(ctx, said.code):
            return BUTTONS["borrow.accept" if said.intent == "yes" else "borrow.decline"](ctx, said)
        meant = echoes.take(ctx, said)
        if said.intent == "no":
            return Message(text=texts.NOTHING_DONE(ctx.reader.locale))
        return COMMANDS[meant.intent](ctx, meant)

    def _context(
        self, session: Session, request: Request, profiles: dict[str, Profile], now: datetime
    ) -> Context:
        me = self._sender(session, request, profiles)
        address = session.get_one(Address, request.sender)
        address.seen_at = (
            now if address.seen_at is None or now - address.seen_at > timedelta(hours=1) else address.seen_at
        )
        current = rules.current(session)
        if current is None:
            raise NoPolicyYet
        self._met.add(request.sender)
        return Context(
            session=session, now=now, key=request.key, version=current[0], policy=current[1], live=self.live,
            actor=f"member:{me.id}", me=me, messenger=_messenger(request), place=request.place, thread=request.thread,
            command=self.command, as_of=self.as_of(), statuses={one: profile.status for one, profile in profiles.items()},
        )  # fmt: skip

    def _sender(self, session: Session, request: Request, profiles: dict[str, Profile]) -> Member:
        """The human who asks; linked by e-mail when that is switched on and exactly one is known by it."""
        profile = profiles.get(request.sender)
        if profile is not None and profile.status != HERE:
            raise NotAColleague(profile.name or request.sender)
        try:
            return Member.at(session, request.sender)
        except UnknownSender:
            if not self.link_by_email or profile is None or not profile.email:
                raise
            return _link(session, request.sender, profile)

    def _learn(self, session: Session, profiles: dict[str, Profile], now: datetime) -> None:
        """Keep what the messenger said: status for an hour, language and zone where nobody chose any."""
        for one, profile in profiles.items():
            address = session.get(Address, one)
            if address is None:
                continue
            if (
                address.status != profile.status
                or address.status_at is None
                or (now - address.status_at).total_seconds() > STATUS_KEPT / 2
            ):
                address.status, address.status_at = profile.status, now
            member = session.get_one(Member, address.member_id)
            member.locale = member.locale or _language(profile.locale)
            member.timezone = member.timezone or profile.zone

    def _opened(self, session: Session, address: str, key: str) -> None:
        now, row = self.clock(), session.get(Address, address)
        if row is not None:
            row.home_seen_at = now
        promise_once(
            session,
            Effect(key=f"home:{key}", kind="home", payload={"address": address}, lane=address, due_at=now),
        )

    def _home(self, session: Session, address: str) -> Message:
        current, now = rules.current(session), self.clock()
        me = Member.at(session, address)
        if current is None:
            raise NoPolicyYet
        ctx = Context(
            session=session, now=now, key=f"home:{address}", version=current[0], policy=current[1], live=self.live, me=me,
            messenger=address.split(":", 1)[0], command=self.command, as_of=self.as_of(),
        )  # fmt: skip
        return HOME(ctx)

    # Answers

    def _known(self, known: receipt.Receipt) -> Outcome:
        if known.answer is None:
            return Outcome(Message(text=""))
        return Outcome(Message.from_json(known.answer["message"]), refused=bool(known.answer["refused"]))

    def _keep(
        self, session: Session, request: Request, print_: str, answer: Message | None, now: datetime, member: int | None,
        *, moved: bool = False, refused: bool = False,
    ) -> None:  # fmt: skip
        """The receipt; and, where the vendor takes the answer separately, the promise to give it."""
        said = {"message": answer.as_json(), "refused": refused} if answer is not None else None
        session.add(
            receipt.Receipt(
                key=request.key, fingerprint=print_, answer=said, member_id=member, moved=moved, at=now
            )
        )
        if request.answer_by is not None and answer is not None and not (refused and request.fields):
            payload = {"messenger": _messenger(request), "by": request.answer_by, "message": answer.as_json()}
            lane = str(request.answer_by.get("lane", request.sender))
            promise_once(
                session,
                Effect(key=f"answer:{request.key}", kind="answer", payload=payload, lane=lane, due_at=now),
            )

    async def _refuse(self, request: Request, no: Refusal) -> Outcome:
        """Say no: whatever it had begun is rolled back, and the same key hears the same no again."""
        try:
            return await self.database.run(
                lambda session: self._refused(session, request, no), within=PATIENCE / 2
            )
        except Exception:
            if not isinstance(no, TooSlow):
                log.exception("a refusal could not be kept", key=request.key)
            return await self._directly(
                request, Message(text=refusals.words(no, "en", lambda n: Shown(str(n)), {}))
            )

    def _refused(self, session: Session, request: Request, no: Refusal) -> Outcome:
        print_ = receipt.fingerprint(
            request.sender, (*request.words, *map(str, sorted(request.fields.items())))
        )
        current, now = rules.current(session), self.clock()
        try:
            known = receipt.answered(session, request.key, print_)
        except Refusal:
            known = None
        else:
            if known is not None:
                return self._known(known)
        me = _member(session, request.sender)
        message = self._no(session, request, no)
        if session.get(receipt.Receipt, request.key) is None and not isinstance(no, TooSlow):
            self._keep(session, request, print_, message, now, me.id if me else None, refused=True)
        elif request.answer_by is not None and not request.fields:
            payload = {
                "messenger": _messenger(request),
                "by": request.answer_by,
                "message": message.as_json(),
            }
            promise_once(
                session,
                Effect(
                    key=f"no:{uuid4().hex}", kind="answer", payload=payload, lane=request.sender, due_at=now
                ),
            )
        return Outcome(message, refused=True)

    def _no(self, session: Session, request: Request, no: Refusal) -> Message:
        """A refusal in the asker's language, as far as one knows it."""
        me, current, now = _member(session, request.sender), rules.current(session), self.clock()
        if me is None or current is None:
            admins = ", ".join(current[1].admins) if current else "–"
            extra = (
                {"admins": admins}
                if isinstance(no, UnknownSender)
                else {"usage": Shown("`help`")}
                if isinstance(no, WrongUsage)
                else {}
            )
            locale = me.locale if me and me.locale else _guess(request)
            return Message(text=refusals.words(no, locale, lambda n: Shown(str(n)), extra))
        reader = Reader(me.locale or _guess(request), me.zone(current[1].timezone), current[1].unit)
        extra = {"usage": _usage(no.command, reader.locale)} if isinstance(no, WrongUsage) else {}
        ctx = Context(
            session=session,
            now=now,
            key=request.key,
            version=current[0],
            policy=current[1],
            me=me,
            messenger=_messenger(request),
        )
        return Message(
            text=refusals.words(no, reader.locale, reader.amount, extra | requests.explain(ctx, no))
        )

    async def _directly(self, request: Request, message: Message) -> Outcome:
        """Answer without the database, as well as one can."""
        messenger = self.messengers.get(_messenger(request))
        if request.answer_by is not None and messenger is not None and not request.fields:
            try:
                await messenger.answer(request.answer_by, message)
            except Exception:
                log.exception("an answer could not be given", key=request.key)
        return Outcome(message, refused=True)


def answer_is_echo(answer: Message | Form) -> bool:
    return isinstance(answer, Message) and any(button.action in CONFIRM for button in answer.buttons)


def _messenger(request: Request) -> str:
    return request.sender.split(":", 1)[0]


def _filled(fields: dict[str, str]) -> dict[str, Any]:
    known = {"person": "handle", "amount": "amount", "reason": "reason", "until": "until"}
    return {known[name]: value for name, value in fields.items() if name in known and value}


def _usage(command: str, locale: str) -> Shown:
    route = COMMANDS.get(command) or BUTTONS.get(command) or FORMS.get(command) or COMMANDS["help"]
    return route.usage(locale)


def _language(locale: str | None) -> str | None:
    return None if not locale else "zh" if locale.lower().startswith("zh") else "en"


def _guess(request: Request) -> str:
    """The language of somebody we know nothing of: that of their words, else of their messenger."""
    chinese = any("\u4e00" <= sign <= "\u9fff" for word in request.words for sign in word)
    return "zh" if chinese or _messenger(request) == "dingtalk" else "en"


def _member(session: Session, sender: str) -> Member | None:
    try:
        return Member.at(session, sender)
    except UnknownSender:
        return None


def _member_id(session: Session, sender: str) -> int | None:
    found = _member(session, sender)
    return found.id if found else None


def _link(session: Session, address: str, profile: Profile) -> Member:

    found = session.exec(select(Member).where(Member.email == (profile.email or "").lower())).one_or_none()
    messenger = address.split(":", 1)[0]
    taken = (
        found
        and session.exec(
            select(Address).where(Address.member_id == found.id, Address.messenger == messenger)
        ).first()
    )
    if found is None or not found.active or taken:
        raise UnknownSender(address)
    Address.give(session, found, address)
    session.flush()
    return found


async def _patiently(reading: Awaitable[T]) -> T | None:
    """What was read in time; None is never an excuse to allow anything."""
    try:
        return await asyncio.wait_for(reading, READING)
    except Exception as error:  # noqa: BLE001 - whatever a vendor does, it is "not read"
        log.warning("not read in time", error=f"{type(error).__name__}: {error}")
        return None


def utc_now() -> datetime:
    return datetime.now(UTC)
