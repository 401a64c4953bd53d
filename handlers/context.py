"""`Context`: what a handler needs in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, Self
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_time
from sqlmodel import Session

from handlers.words.text import SafeText
from models.ledger.amount import Unit, shown
from models.ledger.transfer import Cause
from models.messages.approval import Approval
from models.messages.message import Message
from models.messages.outbox import Effect, Mailing, copies, promise, promise_new
from models.messages.tally import count_message
from models.metering.quota_view import QuotaView
from models.people.member import Address, Member, addresses
from models.people.messenger import traits_of
from models.policy import versions
from models.policy.calendar import awake_from
from models.policy.document import Policy


@dataclass(frozen=True)
class Reader:
    """The language, zone and unit in which a person reads."""

    locale: str
    zone: ZoneInfo
    unit: Unit
    today: date | None = None
    """Days of another year are shown with their year."""

    def amount(self, stored: int) -> SafeText:
        return SafeText(shown(stored, self.unit, self.locale))

    def left(self, available: int) -> SafeText:
        # Never below zero.
        return self.amount(max(available, 0))

    def day(self, at: datetime) -> SafeText:
        """`30 Nov`, `11月30日`; with its year when that is another one."""
        there = at.astimezone(self.zone)
        return _written_day(there.date(), self._pattern(there), self._babel)

    def calendar_day(self, day: date) -> SafeText:
        # Noon is on the same date whatever the zone does at midnight.
        return self.day(datetime(day.year, day.month, day.day, 12, tzinfo=self.zone))

    def last_day(self, end: datetime) -> SafeText:
        """The last day before an exclusive end."""
        return self.day(end - timedelta(seconds=1))

    def moment(self, at: datetime) -> SafeText:
        pattern = f"{self._pattern(at.astimezone(self.zone))} HH:mm"
        return SafeText(format_datetime(at, pattern, self.zone, self._babel))

    def time(self, at: datetime) -> SafeText:
        return SafeText(format_time(at, "HH:mm", self.zone, self._babel))

    def _pattern(self, there: datetime) -> str:
        other_year = self.today is not None and there.year != self.today.year
        if self.chinese:
            return "y年M月d日" if other_year else "M月d日"
        return "d MMM y" if other_year else "d MMM"

    @property
    def chinese(self) -> bool:
        return self.locale.startswith("zh")

    @property
    def _babel(self) -> str:
        return "zh_CN" if self.chinese else "en_GB"


@lru_cache(maxsize=1000)
def _written_day(day: date, pattern: str, locale: str) -> SafeText:
    # The same few days stand in every answer: today, the end of the period.
    return SafeText(format_date(day, pattern, locale))


@dataclass(kw_only=True)
class Context:
    """One transaction at one moment, of a request or of a job.

    `key`: the request or the job; the keys of its effects begin with it.
    `live`: a gateway enforces limits, so a grant counts only once it was read back there.
    """

    session: Session
    now: datetime
    key: str
    version: int
    policy: Policy
    live: bool = False
    effects_kept: timedelta = timedelta(days=30)
    actor: str = "clock"
    _promised: int = field(default=0)

    @classmethod
    def of(cls, session: Session, now: datetime, key: str, **more: Any) -> Self | None:
        """Under the policy in force; None before the first policy."""
        current = versions.current(session)
        if current is None:
            return None
        version, policy = current
        return cls(session=session, now=now, key=key, version=version, policy=policy, **more)

    def reader_of(self, member: Member) -> Reader:
        locale = member.locale or self._default_locale(member)
        zone = member.zone(self.policy.timezone)
        return Reader(locale, zone, self.policy.unit, self.now.astimezone(zone).date())

    def _default_locale(self, member: Member) -> str:
        # Without a chosen language, that of the messenger where they were last seen.
        found = self._address(member)
        return traits_of(found.messenger).language if found is not None else "en"

    @property
    def sender(self) -> int | None:
        """The member whose request causes what is told; None where the clock or an operator does."""
        return None

    def view_of(self, member: Member) -> QuotaView:
        """Raises `NoPolicyYet`."""
        tier = self.policy.base_for(member.columns()).models if self.policy.names_models else ()
        return QuotaView.of(self.session, member.id, self.version, self.policy, self.now, tier)

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
        when_awake: bool = False,
    ) -> bool:
        """Promise a message to where the member was last seen. False when they have left or have no address.

        `mailing`: the message is one of many and waits for its turn.
        """
        found = self._address(member)
        if found is None or not member.active:
            return False
        spoken = message.spoken(self.reader_of(member).locale)
        awake = (
            awake_from(self.now, self.policy.quiet, member.zone(self.policy.timezone))
            if when_awake
            else self.now
        )
        turn = mailing.turn(self.session, found.messenger, awake) if mailing else (found.address, awake)
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
        """Promise a message to an address: a person's, a channel's or a thread's.

        `turn`: its lane and time. `approval`: an approval's form is sent instead.
        """
        payload = {
            "address": address,
            "message": message.as_json(),
            "shape": shape,
            "reader": reader,
            "sender": self.sender,
        }
        payload |= {"approval": approval.as_json()} if approval else {}
        lane, due = turn or (address, self.now)
        self._promise("say", payload, lane, about=about, due=due)

    def first_time(self, key: str) -> bool:
        """Whether `key` is new."""
        # An effect that is done already is a mark: its unique key is said once, also by two replicas.
        return promise(self.session, Effect(key=key, kind="mark", due_at=self.now, done_at=self.now))

    def retell(self, about: str, show: Callable[[Effect, Member | None], Message]) -> None:
        """Show every copy of `about` in its new state: a sent one is replaced, an unsent one reworded."""
        for copy in copies(self.session, about):
            reader = self.session.get(Member, copy.payload["reader"]) if copy.payload["reader"] else None
            shown = show(copy, reader)
            message = (shown.spoken(self.reader_of(reader).locale) if reader else shown).as_json()
            copy.reword(self.session, message)
            if copy.attempts:
                self._promise("replace", {"of": copy.id, "message": message}, copy.lane)

    def decide_later(self, sender: str, codes: list[str]) -> None:
        """Promise to approve these requests in the name of whoever is at `sender`, each in a transaction of its own."""
        self._promise("decide", {"sender": sender, "codes": codes}, f"decide:{sender}", prefix="decide")

    def refresh_home(self, member: Member) -> None:
        # Within a week: nobody looks at a page that was opened long ago.
        for one in addresses(self.session, member.id):
            if one.home_seen_at and (self.now - one.home_seen_at).days < 7:
                payload = {"address": one.address, "member": member.id}
                self._promise("home", payload, one.address, prefix="home")

    def _promise(
        self,
        kind: str,
        payload: dict[str, Any],
        lane: str,
        *,
        prefix: str = "",
        about: str | None = None,
        due: datetime | None = None,
    ) -> None:
        # The key counts up within the transaction, so a repeated transaction promises nothing twice.
        self._promised += 1
        key = f"{self.key}#{prefix}{self._promised}"
        effect = Effect(key=key, kind=kind, payload=payload, lane=lane, about=about, due_at=due or self.now)
        promise_new(self.session, effect)

    def _address(self, member: Member) -> Address | None:
        return next(iter(addresses(self.session, member.id)), None)


@dataclass(kw_only=True)
class RequestContext(Context):
    """A request: `me` asks, on `messenger`.

    `thread`: the place of a public card. `place`: the channel or group where others read along.
    `under`: the message that this one replies to.
    `as_of`: the time of the last reading of usage, if that is long ago.
    `has_profiles`: the messenger says who is a colleague; `statuses`: its answers, by address.
    `colleagues_only`: the sender and every named person must be colleagues.
    """

    me: Member
    messenger: str = ""
    thread: str | None = None
    place: str = ""
    under: str = ""
    command: str = "/quota"
    as_of: datetime | None = None
    has_profiles: bool = False
    colleagues_only: bool = False
    counts: bool = False
    statuses: dict[str, str] = field(default_factory=dict)
    _reader: Reader | None = field(default=None, init=False)

    @property
    def reader(self) -> Reader:
        # Made once, and again where the language was chosen meanwhile.
        if self._reader is None or self._reader.locale != (self.me.locale or self._reader.locale):
            self._reader = self.reader_of(self.me)
        return self._reader

    def tell(self, member: Member, message: Message, **more: Any) -> bool:
        """Raises `TooManyMessages` where the sender's messages count and this is one too many."""
        told = super().tell(member, message, **more)
        if told and self.counts and member.id != self.me.id:
            count_message(self.session, self.me.id, member.id, self.now)
        return told

    @property
    def sender(self) -> int | None:
        return self.me.id
