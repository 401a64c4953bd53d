"""What happens in the company: people write and press, money is burnt, people come, move and leave, policies change."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

from handlers.command import Command, Person
from handlers.language.reader import read_command
from handlers.routes import ROUTES
from models.messages.message import Button
from models.policy import document, versions
from models.quota.policy_change import move_on
from tests.simulation.company import POLICY, Employee, employ
from tests.simulation.laws import UNKNOWN
from tests.simulation.vendors import Heard
from tests.simulation.world import EVERY, Kept, World

USD = 1_000_000
REDELIVERED = timedelta(days=30)
"""Within this time: receipts are kept for 35 days, longer than any chat delivers again."""
SENTENCES = {
    "en": (
        "how much do I have?", "loans", "history", "help", "pending", "team", "lend @{other} {amount}", "lend @{other} {amount}", "lend @{other} {amount} until {day}", "lend @{other} {amount} for the demo",
        "borrow {amount} from @{other}", "request {amount} load test", "request {amount}", "request {amount} until {day} migration", "cancel", "recall @{other}",
        "recall @{other} {amount}", "return @{other}", "forgive @{other} {amount}", "delegate @{other} until {day}", "undelegate", "nudge",
        "yes", "no", "thanks", "my key was refused, can somebody help", "lend @{other} all", "withdraw",
    ),
    "zh": (
        "我还有多少额度", "借贷", "历史", "帮助", "待办", "借给 @{other} {amount}", "借给 @{other} {amount}", "申请 {amount}", "借给 @{other} {amount} 做演示", "向 @{other} 借 {amount}",
        "申请 {amount} 压测", "申请 {amount} 修复 3 个 bug", "取消申请", "收回 @{other}", "归还 @{other}", "免除 @{other} {amount}", "是", "否", "谢谢",
        "委托 @{other} 到 {day}", "取消委托", "催一下", "今天天气不错",
    ),
}  # fmt: skip


async def repeated(world: World) -> None:
    """A messenger delivers once more what was answered long ago, twice at the same time."""
    known = [one for one in world.kept if world.now - one.at < REDELIVERED]
    if not known:
        return
    key, home, command, by_message, text, _ = world.dice.choice(known[-20:])
    again = (world.ask(home, command, key=key, typed=by_message) for _ in range(2))
    for one in await asyncio.gather(*again):
        if one.text != text and one.text not in UNKNOWN:
            world.fail(f"{home} got two answers to one request: {text!r} and {one.text!r}")


async def typed(world: World) -> None:
    """Somebody writes a sentence; now and then it arrives twice, or is typed again."""
    asker = anybody(world)
    home = world.dice.choice(asker.homes)
    command = sentence(world, asker, home.split(":")[0])
    key, by_message = f"{home}:typed:{world.requests}", world.dice.random() < 0.5
    first = await world.ask(home, command, key=key, typed=by_message)
    reads = command.intent in ROUTES and ROUTES[command.intent].reads_only
    if not reads and first.text not in UNKNOWN:
        world.kept.append(Kept(key, home, command, by_message, first.text, world.now))
    if world.dice.random() < 0.1 and not reads:
        again = await world.ask(home, command, key=key, typed=by_message)
        if again.text != first.text and UNKNOWN.isdisjoint((first.text, again.text)):
            world.fail(f"{home} got two answers to one request: {first.text!r} and {again.text!r}")
    if world.dice.random() < 0.05:
        await world.ask(home, command)
    for button in first.buttons:
        if button.action == "confirm.yes" and world.dice.random() < 0.85:
            await press(world, home, button)


def sentence(world: World, asker: Employee, messenger: str) -> Command:
    words = world.dice.choice(SENTENCES[asker.locale])
    day = (world.now + timedelta(days=world.dice.randrange(1, 20))).date()
    said = words.format(other="X", amount=world.dice.choice((1, 5, 20, 50, 120, 700)), day=day.isoformat())
    command = read_command(said, world.now.date())
    if command.person is not None:
        command = replace(command, person=named(near(world, asker), messenger))
    return command


def named(one: Employee, messenger: str) -> Person:
    """As a mention where the messenger knows them, else as a typed e-mail."""
    ids = [home.split(":", 1)[1] for home in one.homes if home.startswith(f"{messenger}:")]
    return Person(id=ids[0]) if ids else Person(name=one.email)


async def pressed(world: World) -> None:
    """Somebody presses a button of what they were sent: mostly one of the newest, at times twice or long after."""
    shown = [one for one in heard(world) if one.message.buttons]
    if not shown:
        return
    one = world.dice.choice(shown[-12:] if world.dice.random() < 0.8 else shown)
    button = world.dice.choice(one.message.buttons)
    home = one.address if world.dice.random() < 0.95 else world.dice.choice(anybody(world).homes)
    if home.split("/")[0] not in world.homes:
        return
    await press(world, home, button)
    if world.dice.random() < 0.2:
        await press(world, home, button)


async def press(world: World, home: str, button: Button) -> None:
    await world.ask(home, Command.pressed(button.action, button.value), typed=True)


def heard(world: World) -> list[Heard]:
    found = [one for chat in world.chats.values() for one in chat.sent.values()]
    return sorted(found, key=lambda one: (one.at, one.key))


async def burnt(world: World) -> None:
    """Calls at a gateway; it shows them a while later."""
    meter = world.dice.choice(list(world.meters.values()))
    accounts = sorted(meter.totals)
    for _ in range(world.dice.randrange(1, 12)):
        meter.burn(world.dice.choice(accounts), world.dice.randrange(1, 60) * USD)
    if world.dice.random() < 0.8:
        meter.catch_up()
        await world.pass_time(timedelta(seconds=EVERY + 1))


async def moved(world: World) -> None:
    """Somebody gets another manager or team, as an import of people.csv says."""
    one = anybody(world)
    if one.number > 8:
        boss = world.dice.choice([n for n in world.staff if n < one.number and n < 40])
        world.staff[one.number] = replace(one, manager=boss, team=anybody(world).team)
        world.hire()


async def left(world: World) -> None:
    one = anybody(world)
    if one.number > 2:
        del world.staff[one.number]
        world.hire()


async def joined(world: World) -> None:
    """Somebody new, or somebody who comes back."""
    number = world.dice.randrange(3, len(world.staff) + 30)
    if number not in world.staff:
        one = employ(number, world.dice)
        if one.manager not in world.staff:
            one = replace(one, manager=0)
        world.staff[number] = one
        world.introduce(one)
        world.hire()


async def governed(world: World) -> None:
    """The policy changes at once; at times the command dies on the way, and a worker goes on."""
    words = POLICY.format(base=world.dice.choice((50, 100, 150)), more=world.dice.choice((200, 300)))
    document.parse(words)
    world.try_(lambda session: versions.record_version(session, words, world.clock(), "ops"))
    for _ in range(world.dice.choice((0, 1, 100))):
        if not world.database.transact(lambda session: move_on(session, world.clock())):
            break


async def troubled(world: World) -> None:
    """Vendors lose calls and replies for a while, or are slow, or neither."""
    world.network.rate = world.dice.choice((0.0, 0.0, 0.1, 0.3))
    world.network.slow = world.dice.choice((0.0, 0.0, 1.0, 6.0)) if world.shape.at_once > 1 else 0.0


async def killed(world: World) -> None:
    """A process dies at one of its next awaits, commits and calls."""
    fate = world.dice.choice(world.replicas).fate
    fate.narrow = world.dice.random() < 0.5
    fate.die_in = world.dice.randrange(1, 40 if fate.narrow else 120)


async def skewed(world: World) -> None:
    """The clock is wrong for a while, by seconds or by an hour, or it is put right."""
    world.skew = timedelta(seconds=world.dice.choice((0, 0, -20, 20, -3600, 3600)))


Act = Callable[[World], Awaitable[None]]
YEAR: dict[Act, int] = {
    typed: 45, pressed: 22, burnt: 18, moved: 3, left: 2, joined: 3, governed: 1, troubled: 4, killed: 5,
}  # fmt: skip
CRASH: dict[Act, int] = YEAR | {repeated: 8, killed: 18, troubled: 8, skewed: 3}
LIVES = {"year": YEAR, "crash": CRASH}


async def step(world: World) -> str:
    """What happens at the same time, or one after the other; its names."""
    acts, shape = LIVES[world.shape.name], world.shape
    count = world.dice.randrange(max(shape.at_once, shape.in_turn)) + 1
    chosen = world.dice.choices(list(acts), list(acts.values()), k=count)
    for some in [chosen] if shape.at_once > 1 else [[one] for one in chosen]:
        await asyncio.gather(*(act(world) for act in some), world.work())
    return " and ".join(act.__name__ for act in chosen)


def anybody(world: World) -> Employee:
    """Mostly one of those with a seat, so that people meet again."""
    busy = [one for one in world.staff.values() if one.number < world.shape.seats]
    return world.dice.choice(busy if world.dice.random() < 0.85 else list(world.staff.values()))


def near(world: World, asker: Employee) -> Employee:
    circle = [one for one in world.staff.values() if one.number // 8 == asker.number // 8 and one != asker]
    return world.dice.choice(circle) if circle and world.dice.random() < 0.8 else anybody(world)
