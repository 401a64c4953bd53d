"""Faults of Slack and of the gateway: repeated, refused, slow, away, nonsense, late."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import os
import random
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from sqlmodel import col, func, select

from models.ledger.account import Account, AccountKind
from models.messages.message import Message
from models.messages.outbox import Effect
from models.metering.usage import Usage
from models.quota.request import Request
from models.quota.request_state import RequestState
from sandbox.gateways.litellm import LiteLLM
from tests.chaos.processes import ASKED, decided_once, requests_of
from tests.chaos.scene import SEED, Scene, Stage, fault, require, under_load


@fault(
    "Slack delivers twice, and again without an acknowledgement",
    "probe on a minimal ledger: one effect, the same answer",
)
async def duplicates(stage: Stage) -> str:
    async with stage.scene(replicas=2) as scene:
        scene.slack.faults.duplicate(times=None)
        scene.slack.faults.lose_ack("events_api", after=2, times=20)
        load = await under_load(scene, lambda: asyncio.sleep(6), rate=20, share=0.5)
        return f"everything twice at once, 20 acknowledgements lost; {await scene.judge(load)}"


@fault("two managers click in the same moment", "probe on a minimal ledger: one winner")
async def two_clicks(stage: Stage) -> str:
    async with stage.scene(replicas=2) as scene:
        await scene.command(0, "delegate <@U00100> until 31 Dec")
        codes = await requests_of(scene)
        losers = 0
        for code in codes:
            acks = await asyncio.gather(*(scene.command(one, f"approve {code}") for one in (0, 100)))
            words = [ack.message.shown if ack.message else "" for ack in acks]
            if all(words) and not any("too long" in one for one in words):
                late = [one for one in words if "settled" in one]
                require(len(late) == 1 and "approved by" in late[0], f"not one loser: {words}")
                losers += 1
        while left := list(scene.query(select(Request.code).where(Request.state == RequestState.PENDING))):
            await scene.command(0, f"approve {left[0]}")  # a busy machine is too slow at times, and says so
        decided_once(scene)
        await scene.quiet()
        scene.audit()
    return f"{ASKED} requests, two clicks each at two processes: one grant each, {losers} losers told who decided"


@fault(
    "Slack answers 429 and 500, hangs, or resets",
    "while it was down, commands were acknowledged and lost (7 of 7)",
)
async def slack_fails(stage: Stage) -> str:
    async with stage.scene() as scene:
        plan, method = scene.slack.faults, "chat.postMessage"
        plan.rate_limit(method, retry_after=2, times=6)
        plan.fail(method, times=6)
        plan.lose_request(method, times=4)
        plan.lose_reply(method, times=4)
        plan.cut_reply(method, times=4)
        plan.never_answer(method, times=2)
        load = await under_load(scene, lambda: asyncio.sleep(4), rate=20)
        plan.fail("*", times=40)  # the whole Web API, while commands go on arriving
        more = await under_load(scene, lambda: asyncio.sleep(4), rate=10, share=0.5, name="s")
        for one in (load, more):
            await scene.judge(one)
        parked = scene.query(select(Effect.key).where(col(Effect.parked_at).is_not(None)))
        require(not parked, f"set aside: {parked[:3]}")
        sent = scene.query(select(func.count()).where(Effect.kind == "say"))[0]
    return f"66 failures: {len(load.acks) + len(more.acks)} requests none lost, {sent} messages each once"


@fault("poison: messages that cannot be delivered, payloads that make no sense", "not tried")
async def poison(stage: Stage) -> str:
    async with stage.scene() as scene:
        scene.database.transact(_poisoned)

        async def nonsense() -> None:
            for kind, payload in _nonsense():
                await scene.slack.deliver(kind, payload)

        load = await under_load(scene, nonsense, rate=20, share=0.5)
        judged = await scene.judge(load)
        reasons = scene.query(select(Effect.error).where(col(Effect.key).startswith("poison")))
        require(all(reasons) and len(reasons) == POISONED, f"not set aside with a reason: {reasons}")
    return f"{POISONED} set aside with their reason, {len(_nonsense())} odd payloads refused; {judged}"


POISONED = 8


def _poisoned(session: object) -> None:
    payload = {"message": Message(text="x").as_json(), "shape": "", "reader": None, "sender": None}
    for number in range(POISONED):
        lane, key = f"slack:C0NOWHERE{number}", f"poison{number}"
        one = Effect(
            key=key, kind="say", lane=lane, due_at=datetime.now(UTC), payload=payload | {"address": lane}
        )
        session.add(one)  # type: ignore[attr-defined]


def _nonsense() -> list[tuple[str, dict[str, object]]]:
    user = {"user": {"id": "U00001"}, "team": {"id": "T0ACME"}}
    return [
        ("slash_commands", {"text": "x" * 3_000_000, "user_id": "U00001", "command": "/quota"}),
        ("interactive", {"type": "block_actions", "actions": []} | user),
        (
            "interactive",
            {"type": "block_actions", "actions": [{"action_id": "no.such", "value": "\0"}]} | user,
        ),
        ("interactive", {"type": "view_submission", "view": {}} | user),
        ("interactive", {}),
        ("events_api", {"event": {}}),
        ("events_api", {"type": "event_callback", "event": {"type": "message", "channel": 7}}),
    ]


@fault("websocket reconnect storm", "not tried")
async def storm(stage: Stage) -> str:
    async with stage.scene() as scene:
        opened = [0]

        async def close_all() -> None:
            began = len(_opens(scene))
            until = time.monotonic() + 20
            while time.monotonic() < until:
                with contextlib.suppress(ConnectionError):  # the socket may be closed already
                    await scene.slack.disconnect()
                await asyncio.sleep(0.2)
                scene.slack.drop_sockets()
            opened[0] = len(_opens(scene)) - began

        load = await under_load(scene, close_all, rate=20, share=1.0)
        judged = await scene.judge(load)
        require(scene.slack.connections == 1, f"{scene.slack.connections} sockets are open afterwards")
    return f"sockets closed every 0.2 s for 20 s, {opened[0]} opened anew; {judged}"


def _opens(scene: Scene) -> list[object]:
    return [one for one in scene.slack.calls if one.method == "apps.connections.open"]


@fault("the gateway is away, and spend goes on", "not tried")
async def gateway_away(stage: Stage) -> str:
    users = {f"p{n}": f"p{n}@corp.example" for n in range(400)}
    gateway = LiteLLM(users=users)
    async with gateway:
        settings = {"GATEWAY_KIND": "litellm", "GATEWAY_URL": gateway.url, "GATEWAY_KEY": gateway.key}
        async with stage.scene(GATEWAY_MODE="enforce", GATEWAY_SYNC_SECONDS="1", **settings) as scene:
            limits = gateway.users.values()
            await scene.until(
                lambda: all(one.max_budget == 10000 for one in limits), what="it never enforces"
            )
            gateway.faults.fail(times=None)
            dice, truth = random.Random(SEED), 0
            began = sum(gateway.calls.values())
            for _ in range(12):
                for _ in range(10):
                    cents = dice.randint(1, 500)
                    truth += cents
                    gateway.burn(f"p{dice.randrange(400)}", cents / 100)
                ack = await scene.command(1, "")
                require(ack.ok and ack.seconds < 3, f"/quota while it is away: {ack}")
                await asyncio.sleep(1)
            tries = sum(gateway.calls.values()) - began
            require(tries < 120, f"{tries} calls in 12 s to a gateway that is away")
            gateway.flush()
            gateway.faults.clear()
            used = Account.kind == AccountKind.USED
            booked = select(func.coalesce(func.sum(Account.balance), 0)).where(used)
            want = truth * 10_000
            await scene.until(lambda: scene.query(booked)[0] >= want, what="it never catches up")
            await asyncio.sleep(3)
            # A gateway's float is rounded up to the micro-unit, once an account at most.
            over = scene.query(booked)[0] - want
            require(0 <= over <= len(users), f"{scene.query(booked)[0]} booked of {want}")
            await scene.quiet()
            scene.audit()
    return f"away for 12 s ({tries} calls), $ {truth / 100:,.2f} spent meanwhile: /quota answers, all booked once"


@fault("usage out of order, in repeated pages, from two processes at once", "not tried")
async def usage_mixed(stage: Stage) -> str:
    async with stage.scene(replicas=1) as scene:
        dice, today = random.Random(SEED), datetime.now(UTC).day
        truth = {(person, day): dice.randint(1, 900) for person in range(100) for day in range(1, today + 1)}
        files = []
        for number in range(6):
            rows = [(person, day, cents) for (person, day), cents in truth.items()]
            early = [(p, d, dice.randint(0, cents)) for p, d, cents in rows] if number < 3 else rows
            dice.shuffle(early)
            path = scene.folder / f"usage{number}.csv"
            _write(path, early[: len(early) // 2] if number < 2 else early)
            files.append(path)
        last = files[3]
        for pair in ((files[3], files[0]), (files[1], files[4]), (files[2], files[5])):
            children = [await _import(scene, one) for one in pair]
            for child in children:
                _, said = await child.communicate()
                require(child.returncode == 0 or b"less" in said, f"import: {said[-300:]!r}")
        child = await _import(scene, last)
        said, _ = await child.communicate()
        require(child.returncode == 0, "the last page is refused")
        booked = scene.query(select(func.sum(Usage.amount)))[0]
        require(booked == sum(truth.values()) * 10_000, f"{booked} booked of {sum(truth.values()) * 10_000}")
        await scene.quiet()
        scene.audit()
    return (
        f"{len(truth)} figures in six shuffled files, two at a time: the sum is exact; a replay books nothing"
    )


def _write(path: Path, rows: list[tuple[int, int, int]]) -> None:
    now = datetime.now(UTC)
    with path.open("w", newline="") as out:
        table = csv.writer(out)
        table.writerow(("email", "day", "model", "amount"))
        for person, day, cents in rows:
            table.writerow((f"p{person}@corp.example", f"{now:%Y-%m}-{day:02}", "opus", cents / 100))


async def _import(scene: Scene, path: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "usage", "import", str(path), env=os.environ | {"DATABASE_URL": scene.url},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
