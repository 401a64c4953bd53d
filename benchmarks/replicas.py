"""Replicas under kills: several `quotabot run` on one Postgres, one of them killed every few seconds, under load.

    python -m benchmarks.replicas [--replicas 2] [--seconds 60] [--rate 10] [--kill-every 10]

Half of the load are slash commands, half are messages, which Slack sends again until they are acknowledged. Each lends $1 with
a reason of its own, so that the books tell how often it was done. Printed: acknowledged and lost (goal 0), done twice (goal 0),
messages never done (goal 0), and how long acknowledgements took.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session, select

from benchmarks.measure import Postgres, quantile
from bot.clock import utc_now
from bot.database import Database
from bot.migrate import migrate
from models.ledger.audit import audit
from models.ledger.transfer import Kind, Transfer
from models.people.member import Address, Member
from models.policy import document, versions
from models.quota.closing import advance, open_first
from sandbox.slack.transport import Ack, Timing
from sandbox.slack.workspace import Person, Workspace

PEOPLE = 400
POLICY = """\
unit: USD
timezone: UTC
allocations: [{match: {}, amount: 10000}]
carry_over: {share: 1}
lending: {keep_share: 0, max_open_as_borrower: 100000, max_borrowed_share: 1}
"""
# Seconds after the last kill in which everything that was begun must be done.
QUIET = 30.0


@dataclass
class Load:
    """The requests: {reason: acknowledgement}. `messages`: those that Slack sends again; `share` of all.

    `lenders`: {reason: the number of the person}.
    """

    slack: Workspace
    share: float = 0.5
    lenders: dict[str, int] = field(default_factory=dict)
    acks: dict[str, Ack] = field(default_factory=dict)
    messages: set[str] = field(default_factory=set)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    stopped: bool = False
    name: str = "r"

    async def run(self, rate: float, seconds: float, dice: random.Random) -> None:
        until, number = time.monotonic() + seconds, 0
        while time.monotonic() < until and not self.stopped:
            number += 1
            task = asyncio.create_task(self._ask(f"{self.name}{number}", dice))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
            await asyncio.sleep(dice.expovariate(rate))
        await asyncio.gather(*self.tasks)

    async def _ask(self, reason: str, dice: random.Random) -> None:
        lender, borrower = dice.sample(range(PEOPLE), 2)
        self.lenders[reason] = lender
        words = f"lend <@U{borrower:05}> 1 for {reason}"
        if dice.random() < self.share:
            self.messages.add(reason)
            self.acks[reason] = await self.slack.say(f"U{lender:05}", words)
        else:
            self.acks[reason] = await self.slack.command(f"U{lender:05}", words)


class Replicas:
    """Processes of the bot."""

    def __init__(self, url: str, slack: Workspace, **more: str) -> None:
        self.settings = os.environ | {
            "DATABASE_URL": url, "SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token,
            "SLACK_API_URL": slack.api_url, "HTTP_PORT": "0", "LOG_LEVEL": "ERROR",
        } | more  # fmt: skip
        self.running: list[asyncio.subprocess.Process] = []
        self.kills = 0

    async def start(self, *under: str, **how: Any) -> asyncio.subprocess.Process:
        """`under`: a command that runs it. `how`: of the process, such as its folder or where it logs."""
        words = (*under, sys.executable, "-m", "bot", "run")
        more = {"env": self.settings, "start_new_session": True} | how
        self.running.append(await asyncio.create_subprocess_exec(*words, **more))
        return self.running[-1]

    async def kill(self, one: asyncio.subprocess.Process) -> None:
        self.running.remove(one)
        signal_all(one, signal.SIGKILL)
        await one.wait()
        self.kills += 1

    async def kill_every(self, seconds: float, dice: random.Random) -> None:
        while True:
            await asyncio.sleep(seconds)
            await self.kill(dice.choice(self.running))
            await self.start()

    async def stop(self) -> None:
        for one in self.running:
            signal_all(one, signal.SIGTERM)
        await asyncio.gather(*(one.wait() for one in self.running))


def signal_all(one: asyncio.subprocess.Process, what: signal.Signals) -> None:
    """To the process and to what it runs: a wrapper does not pass a signal on."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(one.pid, what)


def settle(database: Database) -> None:
    def people(session: Session) -> None:
        members = [
            Member(
                name=f"P{n}", email=f"p{n}@corp.example", gateway_id=f"p{n}", locale="en", joined_at=utc_now()
            )
            for n in range(PEOPLE)
        ]
        session.add_all(members)
        session.flush()
        for one in members[1:]:
            one.manager_id = members[0].id
        for number, one in enumerate(members):
            Address.give(session, one, f"slack:U{number:05}")

    migrate(database.engine)
    now = utc_now()
    database.transact(people)
    version = database.transact(lambda session: versions.record_version(session, POLICY, now, "bench"))
    database.transact(lambda session: open_first(session, now, version, document.parse(POLICY)) and None)
    while database.transact(lambda session: advance(session, now)):
        pass


def done(session: Session) -> Counter[str]:
    lends = session.exec(select(Transfer.reason).where(Transfer.kind == Kind.LEND)).all()
    return Counter(lends)


async def measure(options: argparse.Namespace) -> int:
    dice = random.Random(options.seed)
    url = Postgres().create("replicas")
    database = Database(url)
    settle(database)
    people = [Person(f"U{n:05}", f"p{n}", f"P{n}", f"p{n}@corp.example") for n in range(PEOPLE)]
    async with Workspace(people=people, timing=Timing(event_retries=(0.0, 1.0, 5.0, 10.0))) as slack:
        replicas, load = Replicas(url, slack), Load(slack)
        for _ in range(options.replicas):
            await replicas.start()
        await slack.wait_for(lambda: slack.connections >= options.replicas)
        killing = asyncio.create_task(replicas.kill_every(options.kill_every, dice))
        telling = asyncio.create_task(tell(load, replicas))
        await load.run(options.rate, options.seconds, dice)
        killing.cancel(), telling.cancel()
        await asyncio.sleep(QUIET)
        found = database.transact(done)
        wrong = database.transact(audit).wrong
        await replicas.stop()
    return report(load, found, wrong, replicas.kills)


async def tell(load: Load, replicas: Replicas) -> None:
    """A line of progress every ten seconds."""
    began = time.monotonic()
    while True:
        await asyncio.sleep(10)
        passed, answered = time.monotonic() - began, sum(ack.ok for ack in load.acks.values())
        print(
            f"{passed:4.0f} s  {answered} acknowledged  {replicas.kills} kills", file=sys.stderr, flush=True
        )


def report(load: Load, found: Counter[str], wrong: list[str], kills: int) -> int:
    acknowledged = [reason for reason, ack in load.acks.items() if ack.ok]
    lost = [reason for reason in acknowledged if not found[reason]]
    twice = [reason for reason, times in found.items() if times > 1]
    never = [reason for reason in load.messages if not found[reason]]
    seconds = sorted(load.acks[reason].seconds for reason in acknowledged)
    unanswered = len(load.acks) - len(acknowledged)
    print(
        f"{len(load.acks)} requests, {kills} kills; {unanswered} met a dying process and were not acknowledged"
    )
    print(
        f"acknowledged and lost: {len(lost)}   done twice: {len(twice)}   messages never done: {len(never)}"
    )
    print(
        f"acknowledged in {quantile(seconds, 0.5):.3f} s at half, {quantile(seconds, 0.99):.3f} s at 99 of 100"
    )
    print(f"audit: {wrong or 'clean'}")
    return 1 if lost or twice or never or wrong else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicas", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rate", type=float, default=10)
    parser.add_argument("--kill-every", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    return asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
