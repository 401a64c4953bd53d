"""An operator's access to gateway and ledger, beside the running bot or in its place."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Self, TypeVar

import aiohttp
from sqlmodel import Session, select

from bot.clock import utc_now
from bot.database import Database
from bot.gateways.configured import GatewayConfig
from bot.gateways.reconcile import Reconciler
from models.metering.gateway_account import GatewayAccount
from models.metering.gateway_state import refuse_unmetered
from models.metering.model_list import Words
from models.metering.reading import Reading
from models.people.member import Member
from models.policy import versions

T = TypeVar("T")
# Seconds that a running bot gets to finish its current write after an operator has taken over.
IN_FLIGHT = 2.0


class CannotDo(Exception):  # noqa: N818 - what is said to the operator
    """The reason why the command is refused; nothing was changed."""


@dataclass(frozen=True)
class LimitLine:
    """One account's limit in a list, micro-USD; None is no limit at all. `called`: the account as people call it.

    `models`: the list of models that stands there, and ours; None where the list is right.
    """

    email: str
    account: str
    found: int | None
    wanted: int | None
    why: str = ""
    called: str = ""
    spent: int = 0
    models: tuple[Words, Words] | None = None

    @classmethod
    def of(
        cls, account: GatewayAccount, email: str, found: int | None, wanted: int | None, why: str = ""
    ) -> Self:
        return cls(email, account.id, found, wanted, why, account.label, account.spent)

    @property
    def label(self) -> str:
        return f"{self.email} ({self.called or self.account})"


class _Undo(Exception):  # noqa: N818 - carries a result out of a transaction that must not happen
    def __init__(self, found: Any) -> None:
        self.found = found


class GatewayOperator:
    def __init__(self, loop: Reconciler) -> None:
        self.loop, self.database, self.gateway, self.ledger = loop, loop.database, loop.gateway, loop.ledger
        self.name = loop.name

    def key(self, what: str) -> str:
        return f"{what}:{self.ledger.clock().isoformat()}"

    async def pages(self) -> list[list[Reading]]:
        await self.loop.offers.read()
        return [page async for page in self.gateway.accounts()]

    async def undone(self, work: Callable[[Session], T]) -> T:
        """The result of a transaction that is rolled back."""

        def pretend(session: Session) -> None:
            raise _Undo(work(session))

        try:
            await self.database.write(pretend)
        except _Undo as undo:
            found: T = undo.found
            return found
        raise AssertionError

    @contextlib.asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Write in place of the running bot, which continues afterwards."""
        if await self.database.write(self.loop.leader.take_over):
            await asyncio.sleep(IN_FLIGHT)
        beat = asyncio.create_task(self.loop.leader.beat(), name="lead")
        try:
            yield
        finally:
            beat.cancel()
            await self.database.write(self.loop.leader.let_go)


@contextlib.asynccontextmanager
async def open_operator(
    config: GatewayConfig, database: Database, *, live: bool = False
) -> AsyncIterator[GatewayOperator]:
    """Raises `GatewayRefused`, and a `Refusal` where the gateway cannot follow the policy.

    `live`: some gateway enforces limits, if not this one.
    """
    async with aiohttp.ClientSession() as http:
        gateway = config.open(http)
        if (current := await database.read(versions.current)) is not None:
            refuse_unmetered(current[1], enforce=config.enforced)
        yield GatewayOperator(
            Reconciler(
                database, gateway, utc_now,
                enforce=config.enforced, kind=config.kind, name=config.name, live=live or config.enforced,
            )
        )  # fmt: skip


def emails(session: Session) -> dict[int, str]:
    return dict(session.exec(select(Member.id, Member.email)).all())
