"""Gateway accounts: the owner of each, what was read at the gateway, what was written there.

Readings are micro-USD in the gateway's own window; `booked` is the part of them that is in the ledger, in stored units.
The limit that is enforced is derived: origin + booked + available. Booking spend does not change that number, so it is
immune to concurrent use; and a counter that the gateway sets back moves into `origin` and mints nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Self

from sqlalchemy import JSON, BigInteger, Column
from sqlmodel import Field, Session, SQLModel, col, update

from models.db import partial_index, ref
from models.ledger.overdraft import clear_overdraft
from models.ledger.spend import record
from models.ledger.transfer import Cause
from models.metering.model_list import ModelList, Words
from models.metering.reading import News, Rate, Reading, Window, readable
from models.people.member import Member, lock_members
from models.policy.document import Policy
from models.quota import fallback
from models.quota.period import Period

BUSY = timedelta(minutes=5)
"""An account that was used this lately may have a call in flight."""
MOST_MEANT = 8
"""Amounts of lost writes that are remembered."""


class GatewayAccount(SQLModel, table=True):
    """One account at the gateway that belongs to a member. A member may have several.

    Read: `spent`, `total` (the limit), `before` (the limit of the reading before), `window`, `as_of`; `suspect`:
    a lower figure of `spent` that a second reading has to confirm; `spent_at`: when `spent` last grew; `gone`:
    the gateway does not know the account; `missed`: whole rounds in a row without it; `name`: the gateway's name
    for it; `reached_at`: since when a limit of ours is spent completely.
    Adopted: `settled`: a whole round has ended since; a later account of the same member is no part of the adoption.
    Booked: `origin`: the part of `spent` that is not ours to book; `booked`: the rest, in stored units.
    Limits: `found`: before our first write; `written`: as read back last; `meant`: what we tried to write since,
    because a lost reply must not look like an edit by hand, and edits that an admin wants overwritten; `held`:
    what calls in flight held back during the last write; `due`: to be compared now; `error`: why the last write
    failed; `news`: for admins; `meant_at`: when the last write began.
    `gateway`: its name in GATEWAYS_FILE, with which the id then begins. `used`: booked in the period `used_in`. `models`: its list.
    """

    __table_args__ = (
        partial_index(
            "ix_gatewayaccount_due",
            "due",
            where="due",
        ),
        partial_index(
            "ix_gatewayaccount_trouble",
            "error",
            where="error IS NOT NULL",
        ),
        partial_index(
            "ix_gatewayaccount_news",
            "news",
            where="news IS NOT NULL",
        ),
    )

    id: str = Field(primary_key=True)
    member_id: int = ref("member.id", index=True)
    origin: int = Field(default=0, sa_type=BigInteger)
    booked: int = Field(default=0, sa_type=BigInteger)
    spent: int = Field(default=0, sa_type=BigInteger)
    total: int | None = Field(default=None, sa_type=BigInteger)
    found: int | None = Field(default=None, sa_type=BigInteger)
    written: int | None = Field(default=None, sa_type=BigInteger)
    before: int | None = Field(default=None, sa_type=BigInteger)
    window: str = ""
    suspect: int | None = Field(default=None, sa_type=BigInteger)
    as_of: datetime
    adopted_at: datetime
    error: str | None = None
    meant: list[int | None] = Field(default_factory=list, sa_type=JSON)
    meant_at: datetime | None = None
    held: int = Field(default=0, sa_type=BigInteger)
    spent_at: datetime | None = None
    due: bool = False
    gone: bool = False
    missed: int = 0
    name: str = ""
    settled: bool = False
    reached_at: datetime | None = None
    news: str | None = None
    gateway: str = ""
    used: int = Field(default=0, sa_type=BigInteger)
    used_in: int | None = Field(default=None, sa_type=BigInteger)
    models: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))

    @classmethod
    def link(cls, session: Session, reading: Reading, member: Member, *, forgive: bool = True) -> Self:
        """Take an account over as it is; the limit found can be put back.

        `forgive`: spend before this reading is nobody's debt. Otherwise all of it is booked.
        """
        origin = reading.spent if forgive else 0
        account = cls(
            id=reading.id, member_id=member.id, origin=origin, spent=origin, total=reading.total, found=reading.total,
            window=reading.window, as_of=reading.as_of, adopted_at=reading.as_of, name=reading.name,
            gateway=reading.gateway, models=ModelList().read(reading.models or ()).kept,
        )  # fmt: skip
        session.add(account)
        session.flush()
        return account

    @classmethod
    def locked(cls, session: Session, account_id: str) -> Self | None:
        # Nobody else books between reading `booked` and what is available.
        return session.get(cls, account_id, with_for_update=True)

    @classmethod
    def mark_due(cls, session: Session, member_id: int) -> None:
        """Compare this member's limits at once, after a change that the ledger does not show."""
        query = update(cls).where(col(cls.member_id) == member_id).values(due=True)
        session.execute(query.execution_options(synchronize_session=False))

    @property
    def label(self) -> str:
        """What people call the account: its name, else an id that can be read."""
        return self.name or readable(self.id)

    @property
    def model_list(self) -> ModelList:
        return ModelList.of(self.models)

    def keep_models(self, known: ModelList) -> None:
        self.models = known.kept

    @property
    def differs(self) -> bool:
        """The gateway's limit is not one we wrote."""
        # A missing limit is no edit: accounts that are made again and databases that are reset look like that.
        if self.written is None or self.total is None or self.total in (self.written, *self.meant):
            return False
        # A wallet rises by what a call in flight held back: that is no edit.
        return not 0 < self.total - self.written <= self.held

    @property
    def unseen(self) -> bool:
        """A limit of ours may stand there that no reading shows yet: a write is under way, or its reply was lost."""
        return bool(self.meant) and self.unread

    @property
    def unread(self) -> bool:
        return self.meant_at is not None and self.as_of <= self.meant_at

    @property
    def lifted(self) -> bool:
        """The limit we wrote is not there any more: it is written again."""
        return self.written is not None and self.total is None

    @property
    def edited(self) -> bool:
        """Two readings agree that somebody else changed the limit. It is reported, not overwritten."""
        return self.differs and self.before == self.total

    @property
    def ours(self) -> bool:
        return self.written is not None or bool(self.meant)

    @property
    def in_flight(self) -> int:
        # Calls in flight hold quota back in a wallet; it comes on top of the limit when they end.
        if self.written is None or self.total is None:
            return self.held
        return max(0, self.held + self.written - self.total)

    def dips_below(self, wanted: int) -> bool:
        """Whether only a call in flight keeps the limit from standing at `wanted`."""
        dip = self.written is not None and self.total is not None and self.total < self.written
        return dip and wanted != self.written and not self.edited

    def absorb(
        self, session: Session, reading: Reading, rate: Rate, cause: Cause, policy: Policy | None = None
    ) -> int:
        """Book the spend since the last reading, and return it in stored units. An older reading is ignored.

        With `policy`, its fallback pays for what was spent on the fallback's list of models.
        """
        if reading.is_older(self.as_of, cause.at):
            return 0
        edited, listed = self.edited, self.model_list
        lifted = self.written is not None and self.total is not None and reading.total is None
        self.before, self.total, self.as_of, self.gone = self.total, reading.total, reading.as_of, False
        self.name = reading.name
        if not self.ours:
            self.found = reading.total
        if reading.ours and reading.total not in self.meant:
            self.meant = [*self.meant[-MOST_MEANT:], reading.total]
        # Limit and spend are gone: the account was made again, and counts from zero.
        if lifted and reading.spent < self.spent:
            self.origin, self.booked, self.spent, self.suspect = 0, 0, 0, None
        counts = _counts(self, reading)
        changed = self._note_models(reading, lost=lifted) or (self.edited and not edited)
        if lifted or changed:
            self.news = News.LIFTED if lifted else News.EDITED
        if not counts:
            return 0
        if reading.spent > self.spent:
            self.spent_at = reading.as_of
        self._note_reached(reading)
        self.spent, self.window, self.suspect = reading.spent, reading.window, None
        new = rate.booked(self.spent - self.origin) - self.booked
        if new > 0:
            lock_members(session, [self.member_id])
            beyond = record(session, self.member_id, new, cause=cause)
            if policy is not None and listed.fallback and not listed.differs:
                fallback.pay(session, self.member_id, beyond, policy, cause)
            clear_overdraft(session, self.member_id, cause)
            self._note_used(session, new)
        return max(new, 0)

    def _note_used(self, session: Session, new: int) -> None:
        period = Period.current(session).id
        self.booked += new
        self.used, self.used_in = (self.used if self.used_in == period else 0) + new, period

    def _note_models(self, reading: Reading, *, lost: bool) -> bool:
        """Whether somebody is seen now to have changed our list of models. `lost`: the account was made again."""
        before = self.model_list
        now = before if reading.models is None else before.read(reading.models)
        # A missing list is no edit where the limit is missing, too.
        self.keep_models(now.restore() if lost and now.differs else now)
        return self.model_list.edited and not before.edited

    def _note_reached(self, reading: Reading) -> None:
        # Spend that grows long after the limit was reached: the gateway does not enforce it.
        if not self.ours or reading.total is None or reading.spent < reading.total:
            self.reached_at = None
        elif self.reached_at is None:
            self.reached_at = reading.as_of
        elif reading.spent > self.spent and abs(reading.as_of - self.reached_at) > BUSY:
            self.news = News.UNENFORCED

    def set_back(self, by: int, *, wallet: bool) -> None:
        """The counter changed `by` so much that nobody spent or got back. A wallet's limits count from it, too."""
        self.origin += by
        if wallet:
            self.found, self.written = (
                None if one is None else one + by for one in (self.found, self.written)
            )

    def void(self, amount: int, rate: Rate) -> int:
        """Take back up to `amount` (stored units) of what was booked; returns how much. The gateway goes on counting it."""
        # It becomes part of the origin, rounded up, so that it is not booked again.
        taken = min(amount, self.booked)
        self.origin, self.booked = self.origin + rate.counted(taken), self.booked - taken
        self.used = max(0, self.used - taken)
        self.due = True
        return taken

    def succeed(self, account_id: str) -> None:
        # A replaced key has the same counter, so everything known goes on under the new id.
        self.id = account_id

    def hand_over(self, member: Member) -> None:
        # Spend until now stays with the earlier member.
        self.member_id, self.origin, self.booked, self.due = member.id, self.spent, 0, True

    def settle(self) -> None:
        self.due = False  # it was compared; whatever holds it back makes it due again

    def begin_write(self, total: int, now: datetime) -> None:
        # The reply may be lost, and the gateway then shows a limit that is not `written`.
        self.meant_at = now
        self.meant = [*(one for one in self.meant[-MOST_MEANT:] if one != total), total]

    def confirm_write(self, read_back: int | None, total: int, held: int) -> None:
        """`total` was written and read back. `held`: `in_flight` before the write."""
        self.total, self.written, self.held = read_back, total, held
        self.meant, self.error = [], None  # `due` may have come since the write began

    def begin_models(self, words: Words, now: datetime) -> None:
        self.meant_at = now
        self.keep_models(self.model_list.begin(words))

    def confirm_models(self, read_back: Words, *, ours: bool, fallback: bool) -> None:
        self.keep_models(self.model_list.confirm(read_back, ours=ours, fallback=fallback))

    def confirm(self, now: datetime) -> None:
        """The limit that stands there is right, whoever wrote it."""
        busy = self.spent_at is not None and abs(now - self.spent_at) < BUSY
        held = self.held if busy else 0
        if self.due or self.meant or self.held != held or self.error or self.written != self.total:
            self.written, self.meant, self.held, self.due, self.error = self.total, [], held, False, None

    def fail(self, why: str) -> None:
        self.error = why[:500]

    def mark_missing(self) -> None:
        # Nothing is written, and nothing waits for it. It may come back, with a limit of ours whose reply was lost.
        self.news = self.news if self.gone else News.GONE
        self.gone, self.due, self.error = True, False, None

    def adopt(self) -> None:
        """Take the limit that somebody set by hand as ours."""
        self.written, self.meant, self.due = self.total, [], True

    def restore(self) -> None:
        """Let what somebody set by hand be overwritten."""
        self.meant, self.due = [*self.meant, self.total], True
        if self.model_list.differs:
            self.keep_models(self.model_list.restore())

    def release(self, reading: Reading | None) -> None:
        """Our limit was taken off, as `reading` shows; None: the account is missing."""
        self.written, self.meant, self.held, self.error, self.news = None, [], 0, None, None
        if reading is not None:
            self.total = reading.total
            found = self.model_list.found
            self.keep_models(ModelList().read(found if reading.models is None else reading.models))


def _counts(account: GatewayAccount, reading: Reading) -> bool:
    """Tell resets from late readings. False when this reading's `spent` proves nothing yet."""
    window, dropped = reading.window_after(account.window, account.spent), reading.spent < account.spent
    if window is Window.NEW:
        account.origin, account.booked = 0, 0
    elif window is Window.OTHER_COUNTER:
        # Nobody knows what of this figure is booked, so only later spend is.
        account.set_back(reading.spent - account.spent, wallet=reading.refunds)
    elif window is Window.UNKNOWN or (dropped and reading.unsure):
        return False
    elif dropped and (account.suspect is not None or not _is_refund(account, reading)):
        if account.suspect is None or reading.spent < account.suspect:
            account.suspect = reading.spent
            return False
        # Two readings agree on a lower figure. Nobody knows what it counts from, so only later spend is booked.
        account.set_back(account.suspect - account.spent, wallet=reading.refunds)
    return True


def _is_refund(account: GatewayAccount, reading: Reading) -> bool:
    """Whether a wallet got back what its counter lost: then its total is the same; a counter set back lowers it."""
    kept = (
        account.before is None
        or reading.total is None
        or reading.total > account.before + reading.spent - account.spent
    )
    return reading.refunds and kept
