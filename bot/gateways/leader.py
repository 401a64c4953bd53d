"""Leadership: one replica drives the gateway; another takes over when its lease runs out."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Callable
from datetime import datetime

from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from bot.database import Database
from bot.transactions import OutcomeUnknown
from models.metering.gateway_state import LEASE, GatewayState


class Leader:
    """This replica's lead, and what the state row tells every replica: the last reading, and a release by an operator.

    `mode`: the settings say that limits are written.
    """

    def __init__(
        self, database: Database, clock: Callable[[], datetime], *, kind: str, enforce: bool, name: str = ""
    ) -> None:
        self.database, self.clock = database, clock
        self.kind, self.mode, self.name = kind, enforce, name
        self.me = f"{socket.gethostname()}:{os.getpid()}:{id(self):x}"
        self.read_at: datetime | None = None
        self._released = False
        self._until = 0.0
        self._leads = False

    @property
    def enforce(self) -> bool:
        """Whether limits are written: the settings say so, and no operator has released them since."""
        return self.mode and not self._released

    @property
    def leads(self) -> bool:
        """Whether this replica led when it last asked."""
        return self._leads

    async def lead(self) -> bool:
        """Whether this replica leads. The lease is renewed at a quarter of its length."""
        if time.monotonic() < self._until:
            return True
        self._leads = leads = await self.database.write(self._ask)
        if leads:
            self._until = time.monotonic() + LEASE.total_seconds() / 4
        return leads

    async def beat(self) -> None:
        # A call to a slow gateway may last longer than the lease, so the lease is renewed beside it.
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 4)
            if self._leads:
                with contextlib.suppress(DBAPIError, OutcomeUnknown, OSError):
                    if not await self.database.write(self._ask):
                        self.doubt()

    def _ask(self, session: Session) -> bool:
        leads = GatewayState.lead(session, self.me, self.clock(), self.name)
        state = GatewayState.of(session, self.name)  # as the row is now: nothing has read it before
        if leads:
            state.begin(self.kind, enforce=self.mode)
        self.note(state)
        return leads

    def note(self, state: GatewayState) -> None:
        """In a transaction that writes: a ledger that was put back under this process is marked."""
        state.compare(self.read_at, self.clock())
        self.read_at, self._released = state.read_at, state.released

    def outdated(self, *, released: bool) -> bool:
        """Whether an operator has released the limits, or undone a release, since the state row was read."""
        return released != self._released

    def may_write(self, session: Session) -> bool:
        # Read again inside the writing transaction: an operator may have taken over or released the limits
        # since `lead`.
        state = GatewayState.of(session, self.name)
        self.note(state)
        if state.held_by_another(self.me):
            self.doubt()
            return False
        return self.enforce

    def doubt(self) -> None:
        self._until, self._leads = 0.0, False

    def take_over(self, session: Session) -> bool:
        """Take the lead from the replica that has it. Returns whether there was one."""
        now = self.clock()
        busy = GatewayState.of(session, self.name).leased(now)
        GatewayState.take_over(session, self.me, now, self.name)
        self._leads = True
        return busy

    def let_go(self, session: Session) -> None:
        self._leads = False
        GatewayState.let_go(session, self.me)
