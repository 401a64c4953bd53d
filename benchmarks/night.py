"""The night of the agents: forty keys of one person spend 250,000 an hour while everybody sleeps. Who hears what, and when.

    python -m benchmarks.night [--minutes 540] [--seconds 1] [--without pause|enforcement]

Each minute of the night takes `--seconds`. The gateway is the stand-in LiteLLM, which refuses at a reached budget; the bot
reads it once a minute, as in a slow round.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import aiohttp
from sqlmodel import Session, col, select

from bot.database import Database
from bot.gateways.reconcile import Reconciler
from bot.gateways.registry import open_gateway
from bot.migrate import migrate
from handlers.context import Context
from handlers.routes import JOBS
from models.messages.message import Message
from models.messages.outbox import Effect
from models.people.member import Address, Member
from models.policy import document, versions
from models.quota.closing import advance, open_first
from sandbox.gateways.litellm import LiteLLM

# 22:00 in Shanghai.
EVENING = datetime(2026, 11, 9, 14, tzinfo=UTC)
KEYS, AN_HOUR = 40, 250_000
PEOPLE = {  # who → their manager
    "chen": None,
    "mei": "chen",
    "liu": "mei",
    "ops": None,
}
POLICY = """\
unit: USD
timezone: Asia/Shanghai
admins: [ops@corp.example]
admin_channel: {slack: C0OPS}
allocations:
  - {match: {name: Liu}, amount: 3000000}
  - {match: {}, amount: 100}
teams:
  - {name: research, owner: chen@corp.example}
alerts:
  surge: {share: 0.25, amount: 50000, within: 1h, tell: [person, manager, owner, admins], then_pause_after: 15m}
"""


@dataclass(frozen=True)
class Heard:
    """`minute` of the night at which `who` was told `text`."""

    minute: int
    who: str
    text: str
    buttons: tuple[str, ...]


class Night:
    """`pauses`: the policy pauses when nobody answers. `enforces`: the gateway's limits are written."""

    def __init__(
        self,
        database: Database,
        gateway: LiteLLM,
        http: aiohttp.ClientSession,
        *,
        pauses: bool,
        enforces: bool,
    ) -> None:
        self.database, self.gateway, self.now = database, gateway, EVENING
        self.policy = POLICY if pauses else POLICY.replace(", then_pause_after: 15m", "")
        connector = open_gateway(
            "litellm", gateway.url, gateway.key, http, clock=self.clock, calls_per_minute=10**9
        )
        self.loop = Reconciler(database, connector, self.clock, enforce=enforces, kind="litellm")
        self.enforces = enforces
        self.keys = [
            gateway.add_key("liu@corp.example", key_alias=f"agent-{n:02}") for n in range(1, KEYS + 1)
        ]
        self.spent = self.refused = 0.0
        self._seen = 0

    def clock(self) -> datetime:
        return self.now

    async def settle(self) -> None:
        """People, policy, and the evening's limits at the gateway."""
        self.database.transact(self._people)
        version = self.database.transact(
            lambda session: versions.record_version(session, self.policy, EVENING, "bench")
        )
        parsed = document.parse(self.policy)
        self.database.transact(lambda session: open_first(session, EVENING, version, parsed) and None)
        while self.database.transact(lambda session: advance(session, EVENING)):
            pass
        await self.loop.round()

    def _people(self, session: Session) -> None:
        found: dict[str, Member] = {}
        for name, manager in PEOPLE.items():
            email = f"{name}@corp.example"
            found[name] = Member(
                name=name.title(), email=email, gateway_id=email, team="research", locale="en",
                joined_at=EVENING, manager_id=found[manager].id if manager else None,
            )  # fmt: skip
            session.add(found[name])
            session.flush()
            Address.give(session, found[name], f"slack:{name}")

    async def live(self, minutes: int, seconds: float = 0.0) -> AsyncIterator[Heard]:
        for minute in range(1, minutes + 1):
            began = time.monotonic()
            self.now = EVENING + timedelta(minutes=minute)
            self._burn()
            await self.loop.round()
            self.database.transact(self._ask_the_clock)
            for one in self._news(minute):
                yield one
            await asyncio.sleep(max(0.0, seconds - (time.monotonic() - began)))

    def _ask_the_clock(self, session: Session) -> None:
        # Of its jobs only this one concerns the night.
        ctx = Context.of(session, self.now, f"night:{self.now.isoformat()}", live=self.enforces)
        assert ctx is not None
        JOBS["alarms"].run(ctx)

    def _burn(self) -> None:
        share = round(AN_HOUR / 60 / KEYS, 2)
        for key in self.keys:
            if any(budget.reached for budget in self.gateway.budgets(key).values()):
                self.refused += share
                continue
            self.gateway.burn("liu@corp.example", share, key=key)
            self.spent += share
        self.gateway.flush()

    def _news(self, minute: int) -> list[Heard]:
        query = (
            select(Effect).where(Effect.kind == "say", col(Effect.id) > self._seen).order_by(col(Effect.id))
        )
        rows = self.database.query(lambda session: session.exec(query).all())
        self._seen = max([self._seen, *(row.id for row in rows)])
        return [_heard(minute, row) for row in rows]


def _heard(minute: int, row: Effect) -> Heard:
    message = Message.from_json(row.payload["message"])
    labels = tuple(str(button.label) for button in message.buttons)
    return Heard(minute, row.payload["address"].removeprefix("slack:"), str(message.text), labels)


async def run(minutes: int, seconds: float, *, pauses: bool, enforces: bool) -> None:
    database = Database(f"sqlite:///{tempfile.mkdtemp()}/night.db")
    migrate(database.engine)
    users = {f"{name}@corp.example": f"{name}@corp.example" for name in PEOPLE}
    async with aiohttp.ClientSession() as http, LiteLLM(users=users, clock=lambda: EVENING) as gateway:
        night = Night(database, gateway, http, pauses=pauses, enforces=enforces)
        await night.settle()
        async for one in night.live(minutes, seconds):
            at = (EVENING + timedelta(minutes=one.minute, hours=8)).strftime("%H:%M")
            buttons = f"  [{'] ['.join(one.buttons)}]" if one.buttons else ""
            print(f"{at}  {one.who:<6} {one.text.replace(chr(10), ' ')}{buttons}", flush=True)
        print(f"\nspent {night.spent:,.0f}, refused {night.refused:,.0f}, in {minutes} minutes")
    database.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=int, default=540)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--without", choices=("pause", "enforcement"))
    given = parser.parse_args()
    asyncio.run(
        run(
            given.minutes,
            given.seconds,
            pauses=given.without != "pause",
            enforces=given.without != "enforcement",
        )
    )


if __name__ == "__main__":
    main()
