"""What must hold after every step: rules §9 and §10, read from the books and from what people were told."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from handlers.context import Context
from models.ledger.account import Account, AccountKind
from models.ledger.audit import audit
from models.ledger.transfer import Entry, Kind, Transfer
from models.messages.message import Message
from models.messages.outbox import Effect
from models.people.member import Member
from models.quota.request import Request
from models.quota.request_state import UNCONFIRMED
from models.quota.wallet import wallet_of
from tests.simulation.world import World

OWN = (AccountKind.ALLOCATION, AccountKind.TOP_UP, AccountKind.LOAN)
TOLD = (Kind.LEND, Kind.RETURN, Kind.REPAY, Kind.GRANT, Kind.REVOKE, Kind.CUT)
"""Changes of a balance that its owner hears of. Use is shown by the balance; openings tell what they carried over."""
PATIENCE = timedelta(days=2)
"""A gateway or a messenger may be away for so long, and a mailing takes its time."""
LEFT = re.compile(r"(?:You have \**|你还剩 \**|你现在有 \**)(-?\$[\d,.]+)")


@dataclass
class Laws:
    """`owed`: who has still to be told of a transfer, and since when."""

    world: World
    entry: int = 0
    effect: int = 0
    owed: dict[tuple[int, int], tuple[datetime, str]] = field(default_factory=dict)

    def start(self) -> None:
        self.world.read(self._mark)

    def _mark(self, session: Session) -> None:
        self.entry = session.exec(select(Entry.id).order_by(col(Entry.id).desc()).limit(1)).first() or 0
        self.effect = session.exec(select(Effect.id).order_by(col(Effect.id).desc()).limit(1)).first() or 0

    def look(self) -> None:
        """Read what is new in the books and in the outbox."""
        self.world.read(self._look)

    def _look(self, session: Session) -> None:
        self._figures(session, turned=self._moved(session))
        self._heard(session)
        for (member, transfer), (since, what) in list(self.owed.items()):
            if self.world.now - since > PATIENCE:
                name = session.get_one(Member, member).name
                self.world.fail(f"{name} was not told of {what} (transfer {transfer})")
                del self.owed[member, transfer]
        self._mark(session)

    def _moved(self, session: Session) -> set[int]:
        """Whose balance changed is owed a message, unless they did it themselves. Returns those whose period turned."""
        query = (
            select(Account.member_id, Account.kind, Transfer)
            .join(Entry, col(Entry.account_id) == Account.id)
            .join(Transfer, col(Transfer.id) == Entry.transfer_id)
            .where(col(Entry.id) > self.entry, col(Account.member_id).is_not(None))
        )
        turned: set[int] = set()
        for member_id, kind, transfer in session.exec(query).all():
            assert member_id is not None
            if transfer.period_id is not None or transfer.kind == Kind.ALLOCATE:
                turned.add(member_id)
            own = transfer.actor == f"member:{member_id}"
            here = session.get_one(Member, member_id).active
            if kind in OWN and transfer.kind in TOLD and not own and here and transfer.period_id is None:
                what = f"{transfer.kind} of {transfer.amount} by {transfer.actor}: {transfer.reason}"
                self.owed.setdefault((member_id, transfer.id), (self.world.now, what))
        return turned

    def _heard(self, session: Session) -> None:
        """Who was written to is owed nothing older any more."""
        for one in self._new_says(session):
            for member, transfer in list(self.owed):
                if member == one.payload["reader"]:
                    del self.owed[member, transfer]

    def _new_says(self, session: Session) -> Iterable[Effect]:
        query = select(Effect).where(col(Effect.id) > self.effect, Effect.kind == "say")
        return session.exec(query.order_by(col(Effect.id))).all()

    def _figures(self, session: Session, turned: set[int]) -> None:
        """*You have $5 left* is what the books say; of several new messages the last one, unless a period turned after it."""
        last: dict[int, str] = {}
        for one in self._new_says(session):
            reader, message = one.payload["reader"], Message.from_json(one.payload["message"])
            if reader and (found := LEFT.search(message.text)):
                last[reader] = found[1]
        ctx = Context.of(session, self.world.now, "laws")
        assert ctx is not None
        for member_id, said in last.items():
            member = session.get_one(Member, member_id)
            has = str(ctx.reader_of(member).left(wallet_of(session, member_id).available))
            if has != said and member.active and member_id not in turned:
                self.world.fail(f"{member.name} was told {said} left and has {has}")

    # At the end

    def end(self) -> None:
        self.world.read(self._end)

    def _end(self, session: Session) -> None:
        for problem in audit(session).wrong:
            self.world.fail(f"audit: {problem}")
        for request in session.exec(select(Request).where(col(Request.state).in_(UNCONFIRMED))).all():
            member = session.get_one(Member, request.member_id)
            if member.email in self.world.meter.totals and member.active:
                self.world.fail(f"{request.code} is still {request.state}")
        for effect in session.exec(select(Effect).where(col(Effect.parked_at).is_not(None))).all():
            if effect.error and "took its place" not in effect.error and "withdrawn" not in effect.error:
                self.world.fail(f"parked: {effect.kind} {effect.error}")
        self._gateway(session)
        for chat in self.world.chats.values():
            for one in chat.twice:
                self.world.fail(one)

    def _gateway(self, session: Session) -> None:
        """What can be spent at the gateway is what the books say is available."""
        meter = self.world.meter
        for member in session.exec(select(Member)).all():
            if member.gateway_id not in meter.totals or not member.active:
                continue
            has, left = max(wallet_of(session, member.id).available, 0), max(meter.left(member.email), 0)
            has = 0 if member.paused_at else has
            if has != left:
                self.world.fail(f"{member.name} can spend {left} and has {has}")


def broken(world: World) -> int:
    """How many requests broke."""
    samples = [one for family in world.dispatcher.metrics.registry.collect() for one in family.samples]
    return int(sum(one.value for one in samples if one.labels.get("outcome") == "broken"))
