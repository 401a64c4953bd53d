"""The context of a request: who asks, when, where, in which transaction; and how to tell others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Self
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_time
from sqlmodel import Session

from handlers.words.text import SafeText
from models.ledger.amount import Unit, shown
from models.ledger.transfer import Cause
from models.messages.approval import Approval
from models.messages.message import Message
from models.messages.outbox import Effect, Mailing, copies, promise
from models.people.member import Address, Member, addresses
from models.people.messenger import traits_of
from models.policy import versions
from models.policy.document import Policy


@dataclass(frozen=True)
class Reader:
    """Who reads: language, zone and unit, so that amounts and days look right to them."""

    locale: str
    zone: ZoneInfo
    unit: Unit

    def amount(self, stored: int) -> SafeText:
        return SafeText(shown(stored, self.unit, self.locale))

    def day(self, at: datetime) -> SafeText:
        """A day as one says it: `30 Nov`, `11月30日`."""
        return SafeText(
            format_date(at.astimezone(self.zone), "M月d日" if self.chinese else "d MMM", self._babel)
        )

    def calendar_day(self, day: date) -> SafeText:
        """A day of the calendar, which is the same one everywhere."""
        return self.day(datetime(day.year, day.month, day.day, 12, tzinfo=self.zone))

    def last_day(self, end: datetime) -> SafeText:
        """The last day before an exclusive end."""
        return self.day(end - timedelta(seconds=1))

    def moment(self, at: datetime) -> SafeText:
        pattern = "M月d日 HH:mm" if self.chinese else "d MMM HH:mm"
        return SafeText(format_datetime(at, pattern, self.zone, self._babel))

    def time(self, at: datetime) -> SafeText:
        return SafeText(format_time(at, "HH:mm", self.zone, self._babel))

    @property
    def chinese(self) -> bool:
        return self.locale.startswith("zh")

    @property
    def _babel(self) -> str:
        return "zh_CN" if self.chinese else "en_GB"


@dataclass(kw_only=True)
class Context:
    """The bot speaking in one transaction, at one now: what a job of the clock has, and every request too.

    `live`: a gateway enforces, so a grant counts once it was read back.
    """

    session: Session
    now: datetime
    key: str
    version: int
    policy: Policy
    live: bool = False
    actor: str = "clock"
    _told: int = field(default=0)

    @classmethod
    def of(cls, session: Session, now: datetime, key: str, **more: Any) -> Self | None:
        """The context under the policy in force; None before the first policy."""
        current = versions.current(session)
        if current is None:
            return None
        version, policy = current
        return cls(session=session, now=now, key=key, version=version, policy=policy, **more)

    def reader_of(self, member: Member) -> Reader:
        return Reader(
            member.locale or self._usual(member), member.zone(self.policy.timezone), self.policy.unit
        )

    def _usual(self, member: Member) -> str:
        """The language of a person who never chose one: that of the messenger where they were last seen."""
        found = self._address(member)
        return traits_of(found.messenger).language if found is not None else "en"

    def cause(self, reason: str = "", actor: str | None = None) -> Cause:
        return Cause(self.now, actor or self.actor, self.key, reason, self.version)

    def tell(
        self,
        member: Member,
        message: Message,
        *,
        about: str | None = None,
        shape: str = "",
        mailing: Mailing | None = None,
    ) -> bool:
        """Promise to say something to somebody where they were last seen; False when they have no address.

        `mailing`: it is one of many, and said when its turn comes.
        """
        found = self._address(member)
        if found is None or not member.active:
            return False
        spoken = message.spoken(self.reader_of(member).locale)
        turn = mailing.turn(self.session, found.messenger) if mailing else None
        self.post(found.address, spoken, about=about, shape=shape, reader=member.id, turn=turn)
        return True

    def post(
        self,
        address: str,
        message: Message,
        *,
        about: str | None = None,
        shape: str = "",
        reader: int | None = None,
        turn: tuple[str, datetime] | None = None,
        approval: Approval | None = None,
    ) -> None:
        """Promise to say something at an address: a person's, a channel's or a thread's. `turn`: its lane, and when.

        `approval`: it is no message but the form of an approval.
        """
        self._told += 1
        payload = {"address": address, "message": message.as_json(), "shape": shape, "reader": reader}
        payload |= {"approval": approval.as_json()} if approval else {}
        key = f"{self.key}#{self._told}"
        lane, due = turn or (address, self.now)
        effect = Effect(key=key, kind="say", payload=payload, lane=lane, about=about, due_at=due)
        promise(self.session, effect)

    def first_time(self, key: str) -> bool:
        """Whether this is said for the first time: a done effect is the mark."""
        return promise(self.session, Effect(key=key, kind="mark", due_at=self.now, done_at=self.now))

    def retell(self, about: str, show: Callable[[Effect, Member | None], Message]) -> None:
        """Bring every copy of `about` to its new state: one not sent yet is sent in it, one already sent is replaced."""
        for copy in copies(self.session, about):
            reader = self.session.get(Member, copy.payload["reader"]) if copy.payload["reader"] else None
            shown = show(copy, reader)
            message = (shown.spoken(self.reader_of(reader).locale) if reader else shown).as_json()
            copy.reword(self.session, message)
            if copy.attempts:
                self._told += 1
                payload = {"of": copy.id, "message": message}
                key = f"{self.key}#{self._told}"
                promise(
                    self.session,
                    Effect(key=key, kind="replace", payload=payload, lane=copy.lane, due_at=self.now),
                )

    def refresh_home(self, member: Member) -> None:
        """Publish somebody's page again when they opened it within a week."""
        for address in addresses(self.session, member.id):
            if address.home_seen_at and (self.now - address.home_seen_at).days < 7:
                self._told += 1
                key = f"{self.key}#home{self._told}"
                payload: dict[str, Any] = {"address": address.address, "member": member.id}
                promise(
                    self.session,
                    Effect(key=key, kind="home", payload=payload, lane=address.address, due_at=self.now),
                )

    def _address(self, member: Member) -> Address | None:
        """Where somebody was last seen."""
        return next(iter(addresses(self.session, member.id)), None)


@dataclass(kw_only=True)
class RequestContext(Context):
    """One request: who asks, on which messenger, where. `as_of`: when usage was last read, if that is long ago.

    `has_profiles`: the messenger says who is a colleague; `statuses`: what it said. `colleagues_only`: this request needs it.
    """

    me: Member
    messenger: str = ""
    thread: str | None = None
    command: str = "/quota"
    as_of: datetime | None = None
    has_profiles: bool = False
    colleagues_only: bool = False
    statuses: dict[str, str] = field(default_factory=dict)

    @property
    def reader(self) -> Reader:
        return self.reader_of(self.me)
