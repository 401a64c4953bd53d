"""The ledger for the gateway loop: transactions under the policy in force."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import datetime
from itertools import count
from typing import TypeVar

from sqlmodel import Session

from bot.database import Database
from handlers.context import Context
from models.metering.gateway_state import refuse_unmetered
from models.policy import versions
from models.refusal import NoPolicyYet

T = TypeVar("T")


class GatewayLedger:
    """`enforce`: limits are written, so a grant counts only after its limit was read back."""

    def __init__(self, database: Database, clock: Callable[[], datetime], *, enforce: bool) -> None:
        self.database, self.clock, self.enforce = database, clock, enforce
        self._numbers = count(1)

    def context(self, session: Session, key: str) -> Context:
        """Raises `NoPolicyYet`, and `NoRate` where the policy has no rate."""
        current = versions.current(session)
        if current is None:
            raise NoPolicyYet
        versions.keep(session, current)
        version, policy = current
        refuse_unmetered(policy, enforce=False)
        return Context(
            session=session, now=self.clock(), key=key, version=version, policy=policy, live=self.enforce, actor="gateway",
        )  # fmt: skip

    async def write(self, key: str, work: Callable[[Context], T]) -> T | None:
        """Run `work` in a transaction; None before there is a policy that a gateway can follow."""
        # Effects are promised once for a key: with `key` alone, the second message of this kind would be dropped.
        once = f"{key}:{self.clock().isoformat()}:{next(self._numbers)}"
        with contextlib.suppress(NoPolicyYet):
            return await self.database.write(lambda session: work(self.context(session, once)))
        return None
