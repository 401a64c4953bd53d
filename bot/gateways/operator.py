"""What an operator does at the gateway from the command line: look, plan, link, adopt, restore, release."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import aiohttp
from sqlmodel import Session, select

from bot.database import Database
from bot.dispatch import utc_now
from bot.gateways.port import GatewayError, GatewayRefused, NoSuchAccount
from bot.gateways.reconcile import Reconciler
from bot.gateways.registry import open_gateway
from bot.gateways.sight import in_words
from bot.settings import Settings
from handlers.gateway import alerts, limits
from models.metering import gateway_account
from models.metering.gateway_account import GatewayAccount
from models.metering.gateway_state import GatewayState, rate_now, refuse_unmetered
from models.metering.reading import Reading
from models.people.member import Member
from models.policy import versions
from models.quota.grant import give, take
from models.quota.period import Period
from models.refusal import NoPolicyYet

T = TypeVar("T")
IN_FLIGHT = 2.0
"""Seconds that a running bot may need to finish the one write it is at, once somebody else has taken over."""
CALLS = {"cap": 3, "wallet": 4}
"""Calls that one limit takes, with the readings before and after."""


class CannotDo(Exception):  # noqa: N818 - what is said to the operator
    """It cannot be done, and why; nothing was changed."""


@dataclass(frozen=True)
class Limit:
    """One account's limit, micro-USD; None is no limit at all."""

    email: str
    account: str
    found: int | None
    wanted: int | None
    why: str = ""


@dataclass
class Links:
    """Whose the accounts are: newly linked, passed on to somebody else, people without any, accounts of nobody."""

    new: list[tuple[str, str]] = field(default_factory=list)
    passed_on: list[tuple[str, str, str]] = field(default_factory=list)
    people: list[str] = field(default_factory=list)
    strangers: list[tuple[str, str, int]] = field(default_factory=list)


@dataclass
class Status:
    """All that `gateway status` says."""

    kind: str
    mode: str
    read_at: datetime | None
    took: float
    problem: str | None
    released_at: datetime | None
    people: list[str]
    strangers: list[tuple[str, str, int]]
    edited: list[Limit]
    errors: list[Limit]
    pending: int
    seconds: float
    findings: list[str] = field(default_factory=list)


class _Undo(Exception):  # noqa: N818 - carries what was found out of a transaction that must not happen
    def __init__(self, found: Any) -> None:
        self.found = found


class GatewayOperator:
    """One operator at one gateway."""

    def __init__(self, loop: Reconciler) -> None:
        self.loop, self.database, self.gateway = loop, loop.database, loop.gateway

    async def status(self) -> Status:
        """What is known, and what else binds as the gateway says now."""
        findings, problem = await self._preflight()  # first: what it says of its units decides what differs
        found: Status = await self._undone(self._status)
        found.findings, found.problem = findings, problem or found.problem
        return found

    async def _preflight(self) -> tuple[list[str], str | None]:
        """What else binds, in words, or why nobody knows."""
        current = await self.database.write(versions.current)
        try:
            found = await self.gateway.preflight(current[1].free_models if current else ())
        except (GatewayError, GatewayRefused) as error:
            return [], str(error)
        return [in_words(one) for one in found], None

    def _status(self, session: Session) -> Status:
        state, emails = GatewayState.of(session), _emails(session)
        rows = session.exec(select(GatewayAccount).order_by(GatewayAccount.id)).all()
        trouble = [row for row in rows if row.error]
        pending = len(self._compare(session))
        return Status(
            kind=self.loop.kind,
            mode="released" if state.released_at else "enforce" if self.loop.mode else "observe",
            read_at=state.read_at,
            took=state.took,
            problem=state.problem,
            released_at=state.released_at,
            people=[member.email for member in gateway_account.unlinked(session)],
            strangers=[(one[0], one[1], one[2]) for one in state.strangers],
            edited=[
                Limit(emails[row.member_id], row.id, row.total, row.written)
                for row in gateway_account.edited(session)
            ],
            errors=[
                Limit(emails[row.member_id], row.id, row.total, None, row.error or "") for row in trouble
            ],
            pending=pending,
            seconds=pending * CALLS[self.gateway.family] * 60 / self.gateway.calls_per_minute,
        )

    async def plan(self) -> list[Limit]:
        """Every limit that enforcing would write as things are now. Nothing is changed, neither here nor there."""
        pages = await self._pages()
        found: list[Limit] = await self._undone(partial(self._plan, pages=pages))
        return found

    def _plan(self, session: Session, pages: Sequence[Sequence[Reading]]) -> list[Limit]:
        ctx = self.loop.ctx(session, "plan")
        for page in pages:
            limits.take(ctx, page)
        session.flush()
        emails, before = (
            _emails(session),
            {row.id: row.total for row in session.exec(select(GatewayAccount)).all()},
        )
        return sorted(
            (
                Limit(emails[one.member], one.account, before[one.account], one.total)
                for one in self._compare(session)
            ),
            key=lambda one: (one.email, one.account),
        )

    def _compare(self, session: Session) -> list[limits.LimitWrite]:
        try:
            ctx = self.loop.ctx(session, f"plan:{self.loop.clock().isoformat()}")
        except NoPolicyYet:
            return []
        rows = list(session.exec(select(GatewayAccount)).all())
        return limits.compare(ctx, rows, self.loop.port, set())

    async def link(self, *, plan: bool) -> Links:
        """See whose the gateway's accounts are, and take them over as they are unless it is only a plan."""
        begun, started = self.loop.clock(), time.monotonic()
        pages = await self._pages()
        took = time.monotonic() - started
        work = partial(self._link, pages=pages, begun=begun, took=took)
        found: Links = await (self._undone(work) if plan else self.database.write(work))
        return found

    def _link(
        self, session: Session, pages: Sequence[Sequence[Reading]], begun: datetime, took: float
    ) -> Links:
        Period.current(session)  # or the month is closing, and nothing can be taken over
        ctx, links = self.loop.ctx(session, f"link:{begun.isoformat()}"), Links()
        nobodys: list[Reading] = []
        for page in pages:
            known = gateway_account.rows_by_id(session, (one.id for one in page))
            taken = limits.take(ctx, page)
            for member in taken.alerts:
                alerts.alert(ctx, member)
            strangers = {one.id for one in taken.strangers}
            nobodys += taken.strangers
            owners = gateway_account.owners_of(session, page)
            for reading in page:
                if reading.id not in strangers:
                    self._link_one(session, links, reading.id, known.get(reading.id), owners.get(reading.id))
        limits.finish_round(session, nobodys, begun, took)
        links.people = [member.email for member in gateway_account.unlinked(session)]
        links.strangers = sorted(map(limits.named, nobodys), key=lambda one: -one[2])
        return links

    def _link_one(
        self, session: Session, links: Links, account: str, known: GatewayAccount | None, owner: Member | None
    ) -> None:
        row = session.get_one(GatewayAccount, account)
        now = session.get_one(Member, row.member_id)
        if known is None:
            links.new.append((account, now.email))
        elif owner is not None and owner.id != row.member_id:
            links.passed_on.append((account, now.email, owner.email))
            gateway_account.hand_over(row, owner)
            session.add(row)

    async def adopt(self, email: str) -> list[Limit]:
        """Take the limit that somebody set by hand as right: the ledger follows it."""
        member = await self._read(email)
        await self.database.write(partial(self._adopt, member_id=member))
        return await self._settle(member)

    def _adopt(self, session: Session, member_id: int) -> None:
        ctx, member = (
            self.loop.ctx(session, f"adopt:{member_id}:{self.loop.clock().isoformat()}"),
            session.get_one(Member, member_id),
        )
        row = self._one_edited(session, member)
        if row.total is None:
            raise CannotDo(
                f"{member.email}: the limit was taken off, so there is no amount to adopt; restore it, or grant what they need"
            )
        rate = rate_now(session, ctx.policy)
        ought = gateway_account.wanted(session, [row], rate)[row.id]
        cause = ctx.cause("the gateway's limit was adopted", "admin")
        difference = rate.worth(abs(row.total - ought))
        if difference and row.total > ought:
            give(session, member, difference, until=None, policy=ctx.policy, cause=cause)
        elif difference:
            take(session, member, difference, cause=cause)
        row.written, row.meant, row.due = row.total, [], True
        session.add(row)

    def _one_edited(self, session: Session, member: Member) -> GatewayAccount:
        changed = [row for row in gateway_account.rows_of(session, member.id) if row.differs]
        if not changed:
            raise CannotDo(f"{member.email}: nobody changed the limit by hand")
        if len(changed) > 1:
            names = ", ".join(row.id for row in changed)
            raise CannotDo(
                f"{member.email}: limits of several keys were changed by hand ({names}), and the ledger has one amount: restore them, then grant"
            )
        return changed[0]

    async def restore(self, email: str) -> list[Limit]:
        """Write our limit again over the one that somebody set by hand."""
        member = await self._read(email)
        await self.database.write(partial(self._restore, member_id=member))
        return await self._settle(member)

    def _restore(self, session: Session, member_id: int) -> None:
        member = session.get_one(Member, member_id)
        changed = [row for row in gateway_account.rows_of(session, member_id) if row.differs]
        if not changed:
            raise CannotDo(f"{member.email}: nobody changed the limit by hand")
        for row in changed:
            row.meant, row.due = (
                [*row.meant, row.total],
                True,
            )  # known from now on, so that it is written over
            session.add(row)

    async def _read(self, email: str) -> int:
        """Whose it is, read anew; or raise `CannotDo` when nothing of it can be driven."""
        member = await self.database.write(lambda session: _member(session, email))
        if not self.loop.mode:
            raise CannotDo("GATEWAY_MODE is observe, so the ledger drives no limit: set it to enforce first")
        await self.loop.fresh(member)
        return member

    async def _settle(self, member: int) -> list[Limit]:
        """Write what differs now, in place of the running bot, and show how it stands."""
        before = await self.database.write(
            lambda session: {row.id: row.total for row in gateway_account.rows_of(session, member)}
        )
        async with self._alone():
            writes = await self.database.write(partial(self._writes_of, member=member))
            self.loop.pending = {one.account: one for one in writes}
            await self.loop.write()
        rows = await self.database.write(lambda session: gateway_account.rows_of(session, member))
        emails = await self.database.write(_emails)
        return [Limit(emails[member], row.id, before[row.id], row.total, row.error or "") for row in rows]

    def _writes_of(self, session: Session, member: int) -> list[limits.LimitWrite]:
        ctx = self.loop.ctx(session, f"desk:{self.loop.clock().isoformat()}")
        return limits.compare(ctx, gateway_account.rows_of(session, member), self.loop.port, set())

    async def release(self, done: Callable[[int], None]) -> tuple[int, list[Limit]]:
        """Put back every limit as it was found; how many, and those that were left alone with why. Can be run again."""
        await self.database.write(partial(_release, at=self.loop.clock()))
        left: list[Limit] = []
        async with self._alone():
            rows = await self.database.write(_ours)
            emails = await self.database.write(_emails)
            for row in rows:
                if why := await self._release_one(row):
                    left.append(Limit(emails[row.member_id], row.id, row.total, row.found, why))
                done(1)
        return len(rows) - len(left), left

    async def _release_one(self, row: GatewayAccount) -> str:
        """Why it was left alone, if it was."""
        if row.edited:
            return "somebody changed it by hand"
        await self.loop.lead()
        try:
            found = await self.gateway.release(row.id, row.found)
        except NoSuchAccount as gone:
            await self.database.write(partial(_forget, account=row.id, found=None))
            return str(gone)
        except (GatewayError, GatewayRefused) as error:
            return str(error)
        await self.database.write(partial(_forget, account=row.id, found=found))
        return ""

    async def enforce_again(self) -> None:
        """What `release` stopped may go on."""
        await self.database.write(partial(_release, at=None))

    # Reading

    async def _pages(self) -> list[list[Reading]]:
        return [page async for page in self.gateway.accounts()]

    async def _undone(self, work: Callable[[Session], T]) -> T:
        """What a transaction would find, without anything of it."""

        def pretend(session: Session) -> None:
            raise _Undo(work(session))

        try:
            await self.database.write(pretend)
        except _Undo as undo:
            found: T = undo.found
            return found
        raise AssertionError

    @contextlib.asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Write in place of the running bot, which goes on afterwards."""
        other = await self.database.write(self._take_over)
        if other:
            await asyncio.sleep(IN_FLIGHT)
        try:
            yield
        finally:
            await self.database.write(lambda session: GatewayState.let_go(session, self.loop.me))

    def _take_over(self, session: Session) -> bool:
        state, now = GatewayState.of(session), self.loop.clock()
        busy = state.holder is not None and state.leased_until is not None and state.leased_until > now
        GatewayState.take_over(session, self.loop.me, now)
        return busy


@contextlib.asynccontextmanager
async def desk(settings: Settings, database: Database) -> AsyncIterator[GatewayOperator]:
    """A desk at the gateway that the settings name. Raises `CannotDo`, `GatewayRefused`,
    and a `Refusal` where it cannot follow the policy."""
    if settings.gateway_kind == "none":
        raise CannotDo("GATEWAY_KIND is none: set it, GATEWAY_URL and GATEWAY_KEY first")
    key = settings.gateway_key.get_secret_value() if settings.gateway_key else None
    async with aiohttp.ClientSession() as http:
        gateway = open_gateway(
            settings.gateway_kind, settings.gateway_url, key, http, entity=settings.gateway_entity
        )
        enforce = settings.gateway_mode == "enforce"
        if (current := await database.write(versions.current)) is not None:
            refuse_unmetered(current[1], enforce=enforce)
        yield GatewayOperator(
            Reconciler(database, gateway, utc_now, enforce=enforce, kind=settings.gateway_kind)
        )


def _emails(session: Session) -> dict[int, str]:
    return dict(session.exec(select(Member.id, Member.email)).all())


def _member(session: Session, email: str) -> int:
    found = Member.by_email(session, email)
    if found is None:
        raise CannotDo(f"nobody has the e-mail {email.strip().lower()}")
    return found.id


def _release(session: Session, at: datetime | None) -> None:
    state = GatewayState.of(session)
    state.released_at = at
    session.add(state)


def _ours(session: Session) -> list[GatewayAccount]:
    """Accounts that we wrote to, or tried to."""
    rows = session.exec(select(GatewayAccount).order_by(GatewayAccount.id)).all()
    return [row for row in rows if row.written is not None or row.meant]


def _forget(session: Session, account: str, found: Reading | None) -> None:
    row = session.get_one(GatewayAccount, account)
    row.written, row.meant, row.held, row.error = None, [], 0, None
    row.total = found.total if found is not None else row.total
    session.add(row)
