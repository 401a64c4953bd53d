"""The ledger against a stand-in LiteLLM: a town in which everybody has a key, and the reconciler between them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import aiohttp
from sqlmodel import Session, select

from bot.database import Database
from bot.gateways.reconcile import Reconciler
from bot.gateways.registry import open_gateway
from models.ledger.audit import audit
from models.messages.message import Message
from models.messages.outbox import Effect
from models.metering.gateway_account import GatewayAccount
from models.quota.closing import advance, begin_turn
from models.quota.wallet import Wallet, wallet_of
from sandbox.gateways.litellm import LiteLLM
from tests.company import NOW, asks, who

USD = 1_000_000


class GatewayEnv:
    """A town, a LiteLLM stand-in in which everybody has a key, and the reconciler between them."""

    def __init__(self, database: Database, gateway: LiteLLM, http: aiohttp.ClientSession) -> None:
        self.database, self.gateway, self.http, self.now = database, gateway, http, NOW

    def reconciler(
        self, *, enforce: bool = True, entity: str = "user", calls_per_minute: int = 100_000
    ) -> Reconciler:
        opened = open_gateway(
            "litellm",
            self.gateway.url,
            self.gateway.key,
            self.http,
            clock=self.tick,
            entity=entity,
            calls_per_minute=calls_per_minute,
        )
        return Reconciler(self.database, opened, self.tick, enforce=enforce, kind="litellm")

    def turn(self) -> None:
        """The period turns, as the clock says."""
        self.database.transact(lambda session: begin_turn(session, self.now))
        while self.database.transact(lambda session: advance(session, self.now)):
            pass

    def answer(self, name: str, what: Callable[[Any], Message], **more: Any) -> Message:
        return self.database.transact(lambda session: what(asks(session, name, now=self.now, **more)))

    def tick(self) -> datetime:
        self.now += timedelta(milliseconds=10)
        return self.now

    def wallet(self, name: str) -> Wallet:
        return self.database.transact(lambda session: wallet_of(session, who(session, name).id))

    def limit(self, name: str) -> float | None:
        return self.gateway.users[f"{name}@corp.example"].max_budget

    def row(self, name: str) -> GatewayAccount:
        return self.database.transact(lambda session: session.get_one(GatewayAccount, f"{name}@corp.example"))

    def do(self, name: str, what: Callable[[Any], object]) -> object:
        return self.database.transact(
            lambda session: what(asks(session, name, now=self.now, key=str(self.tick()), live=True))
        )

    def messages(self, name: str) -> list[dict[str, Any]]:
        def said(session: Session) -> list[dict[str, Any]]:
            member = who(session, name).id
            rows = session.exec(select(Effect).where(Effect.kind == "say")).all()
            return [row.payload["message"] for row in rows if row.payload["reader"] == member]

        return self.database.transact(said)

    def told(self, name: str) -> list[str]:
        return [message["text"] for message in self.messages(name)]

    def burn(self, name: str, usd: float) -> None:
        self.gateway.burn(f"{name}@corp.example", usd)
        self.gateway.flush()


async def until(happened: Callable[[], bool], seconds: float = 5) -> None:
    async with asyncio.timeout(seconds):
        while not happened():  # noqa: ASYNC110 - it is a stand-in's state that is waited for
            await asyncio.sleep(0.01)


def clean(session: Session) -> None:
    assert not audit(session).wrong
