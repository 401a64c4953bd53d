"""Ledger and gateway, held equal: what is spent is booked, what somebody may spend is written as their limit.

The playground's small reconciliation, through the real LiteLLM connector. The whole of it is `Mirror.round`, so that the
worker's own reconciliation can take its place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from sqlmodel import Session, col, func, select

from bot.database import Database
from bot.demo.seed import ZONE
from bot.gateways import Gateway, GatewayError, UsageRow
from models.ledger import Account, AccountKind, Cause
from models.member import Member
from models.usage import Reading, book

log = structlog.get_logger()

EVERY = 0.3
"""Seconds between rounds when nothing pokes."""
_HELD = (
    AccountKind.ALLOCATION,
    AccountKind.TOP_UP,
    AccountKind.LOAN,
    AccountKind.OVERDRAFT,
    AccountKind.USED,
)


class Mirror:
    """One gateway, one ledger. `limits` are those last read or written, by the gateway's id, in micro-USD."""

    def __init__(
        self,
        database: Database,
        gateway: Gateway,
        clock: Callable[[], datetime],
        moved: Callable[[], None],
    ) -> None:
        self.database, self.gateway, self.clock, self.moved = database, gateway, clock, moved
        self.limits: dict[str, int | None] = {}
        self._poked = asyncio.Event()

    def poke(self) -> None:
        """Look now: something was spent or decided."""
        self._poked.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await asyncio.wait_for(self._poked.wait(), EVERY)
            except TimeoutError:
                pass
            finally:
                self._poked.clear()
            try:
                await self.round()
            except GatewayError as error:
                log.warning("the gateway did not answer", reason=str(error))

    async def round(self) -> None:
        """Book what was spent, then write the limits that differ: lowering before raising."""
        now = self.clock()
        rows = [
            row
            async for page in self.gateway.usage(now.date() - timedelta(days=1), now.date())
            for row in page
        ]
        booked, wanted = await self.database.run(lambda session: _booked(session, rows, now))
        found = {one.id: one.total async for page in self.gateway.accounts() for one in page}
        differing = [(total, id_) for id_, total in wanted.items() if id_ in found and found[id_] != total]
        for total, id_ in sorted(differing, key=lambda one: one[0] - (found[one[1]] or 0)):
            found[id_] = (await self.gateway.set_total(id_, total)).total
        self.limits = found
        if booked or differing:
            self.moved()


def _booked(session: Session, rows: list[UsageRow], now: datetime) -> tuple[int, dict[str, int]]:
    """The sum that was new in `rows`, and what each may spend in all."""
    ids = {gateway_id: id_ for id_, gateway_id in session.exec(select(Member.id, Member.gateway_id)).all()}
    readings = [
        Reading(ids[row.account], row.day, row.model, row.amount, row.input_tokens, row.output_tokens)
        for row in rows
        if row.account in ids
    ]
    booked = book(session, readings, zone=ZONE, cause=Cause(now, "gateway", f"reading:{now.isoformat()}"))
    held = (
        select(Member.gateway_id, func.sum(Account.balance))
        .join(Account, col(Account.member_id) == Member.id)
        .where(col(Account.kind).in_(_HELD))
        .group_by(Member.gateway_id)
    )
    return booked, {gateway_id: max(0, int(total)) for gateway_id, total in session.exec(held).all()}
