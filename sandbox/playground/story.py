"""The story of the playground: the past month, and the visitor's steps.

The past is not written into tables. The same people say the same things to the same bot, on a clock that is
set back.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sandbox.playground import ledger
from sandbox.playground.cast import CAST, HOME, SMALL, STRONG, WHO, ZONE, Role
from sandbox.playground.company import moving_day
from sandbox.playground.scene import Scene

Json = dict[str, Any]

SAID = {
    "ask": {"en": "request 40 prototype for the pricing page", "zh": "申请 40 价格页原型"},
    "lend": {"en": "lend @dan 10 icon set", "zh": "借给 孙浩 10 图标集"},
    "balance": {"en": "balance", "zh": "额度"},
    "more": {"en": "request 50 finish the checkout with the agent", "zh": "申请 50 用智能体做完结账页"},
    "screens": {
        "en": "The new checkout screens are up. Could everybody have a look before lunch?",
        "zh": "新的结账页面放出来了，午饭前大家帮忙看看？",
    },
    "looks": {
        "en": "Step 2 feels long. Could an agent try a one-page variant?",
        "zh": "第二步有点长，要不让智能体试试单页版？",
    },
    "on_it": {
        "en": "On it. Mine is half way through the variants.",
        "zh": "在做了，我的智能体已经跑了一半方案。",
    },
}


# ---- the steps of the story --------------------------------------------------------------------------


async def play_to(scene: Scene, step: int) -> None:
    """Play until step 2 (the limit is hit), 3 (Bob approved) or 4 (the retry passed), for links into the story."""
    alice, bob = WHO["Alice"], WHO["Bob"]
    if step >= 2 and not scene.hit:
        await scene.spend(alice)
    if step >= 3 and not (await progress(scene))["helped"]:
        await request(scene, alice, bob, SAID["more"][scene.language])
        await scene.reconciler.round()
    if step >= 4 and not scene.passed:
        await scene.spend(alice)


async def progress(scene: Scene) -> Json:
    alice, carol = WHO["Alice"].email, WHO["Carol"].email
    facts = await scene.app.database.read(
        lambda session: ledger.told_since(session, alice, carol, scene.started)
    )
    helped = scene.hit and (facts["decided"] or facts["available"] > 0)
    if not scene.hit:
        coming = "spend"
    elif not helped:
        coming = "approve" if facts["asked"] else "ask"
    elif not scene.passed:
        coming = "retry"
    else:
        coming = "" if facts["lent"] else "lend"
    done = {
        "hit": scene.hit,
        "helped": helped,
        "passed": scene.passed,
        "lent": facts["lent"],
        "looked": scene.looked,
    }
    return done | {"asked": facts["asked"], "next": coming}


# ---- the past ----------------------------------------------------------------------------------------


async def play_past(scene: Scene, start: datetime) -> None:
    """Play the month up to `start`: daily work, one approved request, one loan, a morning in #design."""
    today = start.astimezone(ZONE).date()
    days = [day for day in _days(today.replace(day=1), today) if day.weekday() < 5]
    work = {role.name: _shares(role, number, len(days)) for number, role in enumerate(CAST)}
    await scene.move_to(moving_day(start))
    for number, day in enumerate(days):
        scene.clock.set(_at(day, 8, 40))
        for role in CAST:
            _spend_day(scene, role, work[role.name][number], number)
        await scene.reconciler.round()
        if number == 1:
            await _try_other_messenger(scene, day)
        if day == today - timedelta(days=6):
            await _play_request(scene, day)
        if day == today - timedelta(days=5):
            await _play_loan(scene, day)
    await scene.reconciler.usage.read(scene.clock.now(), today.day)
    await _play_morning(scene, today)
    await scene.move_to(start)


async def _try_other_messenger(scene: Scene, day: date) -> None:
    """Alice and Bob, who are open on the page, try the other messenger, too."""
    home = HOME[scene.language]
    other = next(one for one in HOME.values() if one != home)
    scene.clock.set(_at(day, 9, 20))
    for role in (WHO["Alice"], WHO["Bob"]):
        await scene.pick(role, other)
        await _ask_balance(scene, role)
        await scene.pick(role, home)


async def _ask_balance(scene: Scene, role: Role) -> None:
    before = scene.heard(role)
    await scene.say(role, SAID["balance"][scene.language])
    await scene.until(lambda: scene.heard(role) > before)


async def _play_request(scene: Scene, day: date) -> None:
    await scene.move_to(_at(day, 15, 12))
    await request(scene, WHO["Carol"], WHO["Bob"], SAID["ask"][scene.language], _at(day, 15, 20))


async def request(scene: Scene, me: Role, manager: Role, words: str, decided: datetime | None = None) -> None:
    """Ask and approve, until both people have got the result."""
    before, heard = scene.heard(manager), scene.heard(me)
    await scene.say(me, words)
    await scene.until(lambda: scene.heard(manager) > before)
    if decided is not None:
        scene.clock.set(decided)
    await scene.screen(manager).click(manager, "request.approve")
    await scene.until(lambda: scene.heard(me) >= heard + 3)  # asked, approved, and the limit is raised


async def _play_loan(scene: Scene, day: date) -> None:
    bob, dan = WHO["Bob"], WHO["Dan"]
    await scene.move_to(_at(day, 11, 5))
    before, heard = scene.heard(bob), scene.heard(dan)
    await scene.say(bob, SAID["lend"][scene.language])
    await scene.until(lambda: scene.heard(bob) > before)
    if scene.screen(bob).offered(bob, "confirm.yes"):
        await scene.screen(bob).click(bob, "confirm.yes")
    await scene.until(lambda: scene.heard(dan) > heard)
    limit, base = scene.gateway.users[dan.email], 40
    await scene.until(lambda: (limit.max_budget or 0) > base)


async def _play_morning(scene: Scene, today: date) -> None:
    alice, bob, carol = WHO["Alice"], WHO["Bob"], WHO["Carol"]
    scene.clock.set(_at(today, 9, 34))
    first = scene.screen(carol).chat(carol, SAID["screens"][scene.language])
    scene.clock.set(_at(today, 9, 41))
    scene.screen(bob).chat(bob, SAID["looks"][scene.language], first)
    scene.clock.set(_at(today, 9, 46))
    scene.screen(alice).chat(alice, SAID["on_it"][scene.language], first)
    await scene.move_to(_at(today, 9, 58))
    await _ask_balance(scene, alice)


def _spend_day(scene: Scene, role: Role, quarters: int, day: int) -> None:
    # Alice and Bob use both models every day, the others alternate.
    strong = quarters * 7 // 10 if _works_daily(role) else quarters * (day % 2)
    for model, part in ((STRONG, strong), (SMALL, quarters - strong)):
        if part:
            scene.gateway.burn(role.email, part / 4, model=model)
    scene.gateway.flush()


def _works_daily(role: Role) -> bool:
    return role.name in ("Alice", "Bob")


def _shares(role: Role, number: int, days: int) -> list[int]:
    """Split a person's spend over the days: Alice's grows, Bob works daily, the others every other day."""
    daily, late = _works_daily(role), role.name == "Alice"
    weights = [
        3 + day * 5 % 4 + (day // 2 if late else 0) if daily or (day + number) % 2 == 0 else 0
        for day in range(days)
    ]
    parts = [role.spent * weight // sum(weights) for weight in weights]
    parts[weights.index(max(weights))] += role.spent - sum(parts)
    return parts


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _at(day: date, hour: int, minute: int) -> datetime:
    return datetime.combine(day, time(hour, minute), ZONE).astimezone(UTC)
