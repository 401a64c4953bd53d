"""What must hold (rules §9 and §10): the books at every COMMIT, what people are told against them, and the end.

`Laws.look` reads within the transaction, just before its COMMIT: a sentence is compared with the books of its own moment.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection
from sqlmodel import Session, col, select

from handlers.words import texts
from models.ledger.account import AccountKind
from models.ledger.amount import Unit, shown
from models.ledger.audit import audit
from models.ledger.transfer import Kind
from models.messages.outbox import Effect
from models.people.member import Member
from models.quota.ask import Ask, AskState
from models.quota.chain import seal_next, verify
from models.quota.period import Period, PeriodState
from models.quota.request import Request
from models.quota.request_state import UNCONFIRMED, RequestState
from models.quota.wallet import wallet_of
from models.statement import Statement
from tests.simulation.world import World

TOLD = (Kind.LEND, Kind.RETURN, Kind.REPAY, Kind.GRANT, Kind.REVOKE, Kind.CUT)
"""Changes of a balance that its owner hears of. Use is shown by the balance; openings tell what they carried over."""
OWN = (AccountKind.ALLOCATION, AccountKind.TOP_UP, AccountKind.LOAN)
PATIENCE = timedelta(days=2)
"""A gateway or a messenger may be away for so long, and a mailing takes its time."""
AMOUNT = r"\**(-?\$[\d,]+(?:\.\d+)?)"
LEFT = re.compile(rf"(?:You have |你还剩 |你现在有 ){AMOUNT}")
LIVE = re.compile(r"is live at the gateway\. Try again now|已在网关生效，现在可以重试了")
ENDED = {
    RequestState.DECLINED: re.compile(r"declined your request|拒绝了你的申请"),
    RequestState.EXPIRED: re.compile(r"Nobody answered your request|一直没人处理"),
}
UNKNOWN = {str(texts.UNKNOWN_YET(locale)) for locale in ("en", "zh")}


class Moved(NamedTuple):
    """An entry of a member's own account."""

    id: int
    member: int
    kind: str
    transfer: int
    what: str
    amount: int
    actor: str
    reason: str
    period: int | None


class Said(NamedTuple):
    id: int
    kind: str
    payload: dict[str, Any]


class Kept(NamedTuple):
    key: str
    answer: dict[str, Any] | None
    member: int | None


class Marks(NamedTuple):
    entry: int
    effect: int


_MARKS = Statement(
    "SELECT COALESCE((SELECT MAX(id) FROM entry), 0), COALESCE((SELECT MAX(id) FROM effect), 0)", row=Marks
)
_MOVED = Statement(
    "SELECT e.id, a.member_id, a.kind, t.id, t.kind, t.amount, t.actor, t.reason, t.period_id "
    "FROM entry e JOIN account a ON a.id = e.account_id JOIN transfer t ON t.id = e.transfer_id "
    "JOIN member m ON m.id = a.member_id AND m.left_at IS NULL WHERE e.id > :after ORDER BY e.id",
    row=Moved,
)
_SAID = Statement(
    "SELECT id, kind, payload FROM effect WHERE id > :after AND kind = 'say' ORDER BY id", row=Said
)
_KEPT = Statement(
    "SELECT key, answer, member_id FROM receipt WHERE at = :at AND answer IS NOT NULL", row=Kept
)
_CAUSED = Statement("SELECT COUNT(*) FROM transfer WHERE cause = :key", row=int)


class Laws:
    """`owed`: who has still to be told of a transfer, and since when."""

    def __init__(self, world: World) -> None:
        self.world, self.marks = world, Marks(0, 0)
        self.owed: dict[tuple[int, int], tuple[datetime, str]] = {}
        self._receipts = set[str]()

    def start(self) -> None:
        self.marks = self.world.read(_MARKS.one)

    def look(self, connection: Connection) -> None:
        """Read what this transaction wrote."""
        session = Session(connection)
        marks = _MARKS.one(session)
        if marks.entry > self.marks.entry:
            self._note_owed(session)
        told = _SAID.all(session, after=self.marks.effect) if marks.effect > self.marks.effect else []
        answers = [one for one in _KEPT.all(session, at=self.world.clock()) if one.key not in self._receipts]
        # Requests that share a COMMIT: what the first said is right when it is said, and not when we look.
        said = Counter(one.payload["reader"] for one in told) + Counter(one.member for one in answers)
        once = {reader for reader, times in said.items() if times == 1}
        last = {
            one.payload["reader"]: one
            for one in told
            if one.payload["reader"] not in {a.member for a in answers}
        }
        for one in told:
            self._hears(session, one, compared=last.get(one.payload["reader"]) is one)
        for kept in answers:
            self._receipts.add(kept.key)
            self._answers(session, kept, compared=kept.member in once)
        self.marks = marks

    def _note_owed(self, session: Session) -> None:
        """Whose balance changed is owed a message, unless they did it themselves, or an opening did it."""
        for one in _MOVED.all(session, after=self.marks.entry):
            own = one.actor == f"member:{one.member}"
            if one.kind in OWN and one.what in TOLD and not own and one.period is None:
                what = f"{one.what} of {one.amount} by {one.actor}: {one.reason}"
                self.owed.setdefault((one.member, one.transfer), (self.world.now, what))

    def _hears(self, session: Session, said: Said, *, compared: bool) -> None:
        """Who is written to is owed nothing older any more."""
        reader = said.payload["reader"]
        if reader is not None:
            if compared:
                self._compare(session, reader, said.payload["message"])
            self.owed = {key: value for key, value in self.owed.items() if key[0] != reader}

    def _answers(self, session: Session, kept: Kept, *, compared: bool) -> None:
        assert kept.answer is not None
        if kept.member is not None and compared:
            self._compare(session, kept.member, kept.answer["message"])
        if kept.answer["refused"] and (count := _CAUSED.one(session, key=kept.key)):
            self.world.fail(f"{kept.key} was refused and moved quota {count} times")

    def _compare(self, session: Session, reader: int, message: dict[str, Any]) -> None:
        """*You have $5 left* is what the books say; *live* is said to who can spend."""
        text = message["text"]
        if found := LEFT.search(text):
            member = session.get_one(Member, reader)
            has = shown(max(wallet_of(session, reader).available, 0), Unit.USD, member.locale or "en")
            if has != found[1]:
                self.world.fail(f"{member.name} is told {found[1]} left and has {has}: {text}")
        if LIVE.search(text) and wallet_of(session, reader).available <= 0:
            self.world.fail(f"{reader} is told to try again and has nothing: {text}")

    def untold(self) -> None:
        """After a step: nobody has waited for longer than `PATIENCE` to hear of a change."""
        for key, (since, what) in list(self.owed.items()):
            if self.world.now - since > PATIENCE:
                del self.owed[key]
                if self.world.read(lambda session, who=key[0]: session.get_one(Member, who).active):
                    self.world.fail(f"member {key[0]} was not told of {what} (transfer {key[1]})")

    def end(self) -> None:
        """After peace: everybody who waits was answered, the books add up, and the gateways hold what they say."""
        self.world.read(self._end)
        self.world.database.transact(self._seal)
        self.world.read(self._chain)

    def _end(self, session: Session) -> None:
        for problem in audit(session).wrong:
            self.world.fail(f"audit: {problem}")
        for line in (*self._waiting(session), *self._parked(session), *self._gateways(session)):
            self.world.fail(line)
        for line in (*self._decisions(session), *self._answered()):
            self.world.fail(line)
        for chat in self.world.chats.values():
            for line in chat.twice:
                self.world.fail(line)

    def _seal(self, session: Session) -> None:
        while seal_next(session, self.world.now):
            pass

    def _chain(self, session: Session) -> None:
        found = verify(session)
        if found.broken is not None or found.unsealed:
            self.world.fail(f"chain: {found.broken.line if found.broken else f'{found.unsealed} not sealed'}")

    def _waiting(self, session: Session) -> Iterator[str]:
        """Nobody waits for an answer that will not come."""
        seats = {email for meter in self.world.meters.values() for email in meter.totals}
        for request in session.exec(select(Request).where(col(Request.state).in_(UNCONFIRMED))).all():
            member = session.get_one(Member, request.member_id)
            if member.email in seats and member.active:
                yield f"{request.code} is still {request.state}"
        period = Period.latest(session)
        if period is None or period.state != PeriodState.OPEN or period.ends_at <= self.world.now:
            yield "no period is open that has not ended"
        over = select(Ask).where(Ask.state == AskState.PENDING, Ask.expires_at < self.world.now)
        yield from (f"the ask {one.code} is open after its end" for one in session.exec(over).all())
        left = select(Effect).where(
            col(Effect.done_at).is_(None), col(Effect.parked_at).is_(None), Effect.due_at <= self.world.now
        )
        yield from (f"not done: {one.key} {one.error}" for one in session.exec(left).all())

    def _parked(self, session: Session) -> Iterator[str]:
        for effect in session.exec(select(Effect).where(col(Effect.parked_at).is_not(None))).all():
            if effect.error and "took its place" not in effect.error and "withdrawn" not in effect.error:
                yield f"parked: {effect.kind} {effect.error}"

    def _gateways(self, session: Session) -> Iterator[str]:
        """What can be spent at a gateway is what the books say is available, to the gateway's smallest unit."""
        for member in session.exec(select(Member).where(col(Member.left_at).is_(None))).all():
            for name, meter in self.world.meters.items():
                if member.email not in meter.totals:
                    continue
                has = max(wallet_of(session, member.id).available, 0) if member.paused_at is None else 0
                left = max(meter.left(member.email), 0)
                if not 0 <= has - left < meter.step:
                    yield f"{member.name} can spend {left} at {name or 'the gateway'} and has {has}"

    def _decisions(self, session: Session) -> Iterator[str]:
        """Who asked hears once that it was declined, or that nobody answered."""
        heard = Counter(
            (state, code)
            for chat in self.world.chats.values()
            for one in chat.sent.values()
            for state, words in ENDED.items()
            if words.search(one.first.text)
            for code in re.findall(r"[(（]([0-9A-Z]{4})[)）]", one.first.text)
        )
        for one in session.exec(select(Request).where(col(Request.state).in_(ENDED))).all():
            count = heard[one.state, one.code]
            if count != 1 and session.get_one(Member, one.member_id).active:
                yield f"{one.code} is {one.state}, and its requester heard it {count} times"

    def _answered(self) -> Iterator[str]:
        """The same key got the same answer; *I will write to you* was kept."""
        for chat in self.world.chats.values():
            for key, answers in chat.answers.items():
                known = [one.text for one in answers if one.text not in UNKNOWN]
                if len(set(known)) > 1:
                    yield f"{key} got several answers: {known}"
                if not known and f"settled:{key}" not in chat.sent:
                    yield f"{key} was told to wait, and nobody wrote"
                if len(known) > 1 and not (self.world.kills or self.world.network.lost):
                    yield f"{key} was answered {len(known)} times"
        for key, home in self.world.expected.items():
            if key not in self.world.chats[home.split(":")[0]].answers:
                yield f"{key} of {home} was never answered"
