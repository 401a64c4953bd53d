"""The company that the playground opens with: twelve people, their policy, and what happened to them before you came.

The past is not written into tables. It is lived: the same people say the same things to the same bot, on a clock that is set back.
Everybody is on both messengers. In English the company lives on Slack, in Chinese on DingTalk.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlmodel import Session

from models.people.member import Address, Member
from models.policy import document, versions
from models.quota.closing import advance, open_first
from sandbox.dingtalk.organisation import Department, Group
from sandbox.dingtalk.organisation import Person as Colleague
from sandbox.slack.workspace import Channel, Person

if TYPE_CHECKING:
    from bot.database import Database
    from sandbox.playground.scene import Scene

ZONE = ZoneInfo("Asia/Shanghai")
DESIGN, GROUP = "C01DESIGN", "cidDESIGN"
HOME = {"en": "slack", "zh": "dingtalk"}
"""Where people are until they pick up the other messenger."""
STRONG, SMALL = "claude-opus-5", "gpt-5.5-mini"

POLICY = """\
unit: USD
timezone: Asia/Shanghai
period: monthly
admins: [sam@acme.example]
allocations:
  - match: {employment: contractor}
    amount: 40
  - match: {team: payments, role: engineer}
    amount: 300
    reason: on-call tooling
  - match: {}
    amount: 100
gateway: {per_usd: 1}
free_models: [hunyuan]
teams:
  - {name: company, owner: olga@acme.example}
  - {name: design, parent: company, owner: bob@acme.example, top_up_budget: 400}
  - {name: payments, parent: company, owner: lee@acme.example, top_up_budget: 1000}
  - {name: data, parent: company, owner: mei@acme.example, top_up_budget: 500}
requests:
  approve_up_to: {manager: 200, owner: 2000}
  fallback_approvers: [olga@acme.example]
"""


@dataclass(frozen=True)
class Role:
    """One of the cast. `spent`: quarters of a dollar by today, so that the gateway's floats stay exact."""

    name: str
    slack: str
    manager: str
    team: str
    role: str
    spent: int
    employment: str = "employee"

    @property
    def id(self) -> str:
        """In the page, and on DingTalk."""
        return self.name.lower()

    @property
    def email(self) -> str:
        """Also the id at the gateway."""
        return f"{self.id}@acme.example"

    def address(self, messenger: str) -> str:
        """Where the bot reaches them on a messenger."""
        return f"{messenger}:{self.slack if messenger == 'slack' else self.id}"


CAST = (
    Role("Alice", "U01ALICE", "Bob", "design", "designer", 382),
    Role("Bob", "U02BOB", "Olga", "design", "lead", 124),
    Role("Carol", "U03CAROL", "Bob", "design", "designer", 451),
    Role("Dan", "U04DAN", "Bob", "design", "illustrator", 172, "contractor"),
    Role("Olga", "U05OLGA", "", "company", "CEO", 71),
    Role("Lee", "U06LEE", "Olga", "payments", "lead", 203),
    Role("Pia", "U07PIA", "Lee", "payments", "engineer", 826),
    Role("Quinn", "U08QUINN", "Lee", "payments", "engineer", 1012),
    Role("Raj", "U09RAJ", "Lee", "payments", "engineer", 554),
    Role("Mei", "U10MEI", "Olga", "data", "lead", 266),
    Role("Tom", "U11TOM", "Mei", "data", "analyst", 301),
    Role("Sam", "U12SAM", "Olga", "company", "IT admin", 38),
)
WHO = {role.name: role for role in CAST}
BY_ID = {role.id: role for role in CAST}
TEAMS = {"design": 2, "payments": 3, "data": 4}
"""DingTalk's departments; the company itself is 1."""


def opening_day(today: date) -> datetime:
    """10:02 on the last third Wednesday: always a working day, with half a month behind it and half to come."""
    first = today.replace(day=1)
    third = first + timedelta(days=(2 - first.weekday()) % 7 + 14)
    if third > today:
        return opening_day(first - timedelta(days=1))
    return datetime.combine(third, time(10, 2), ZONE).astimezone(UTC)


def moving_day(start: datetime) -> datetime:
    """Five past midnight on the first of that month: when everybody moves in."""
    return start.astimezone(ZONE).replace(day=1, hour=0, minute=5).astimezone(UTC)


def people(language: str) -> list[Person]:
    """Everybody, as the stand-in Slack knows them."""
    by_name = {role.name: role.slack for role in CAST}
    return [
        Person(
            id=role.slack, name=role.name.lower(), real_name=role.name, email=role.email, locale=slack_locale(language),
            tz=ZONE.key, manager=by_name.get(role.manager, ""), is_admin=role.name == "Sam",
        )
        for role in CAST
    ]  # fmt: skip


def slack_locale(language: str) -> str:
    return "zh-CN" if language == "zh" else "en-US"


def channels(bot: str) -> list[Channel]:
    """One channel in which everybody is."""
    return [Channel(DESIGN, "design", [*(role.slack for role in CAST), bot])]


def colleagues() -> list[Colleague]:
    """Everybody, as the stand-in DingTalk knows them."""
    return [
        Colleague(
            id=role.id, name=role.name, email=role.email, job_number=f"A{number:03d}", title=role.role,
            departments=(TEAMS.get(role.team, 1),), manager=role.manager.lower(), is_admin=role.name == "Sam",
        )
        for number, role in enumerate(CAST, 1)
    ]  # fmt: skip


def departments() -> list[Department]:
    """The teams, each led by its lead."""
    leads = {role.team: role.id for role in CAST if role.role == "lead"}
    return [Department(number, team, managers=(leads[team],)) for team, number in TEAMS.items()]


def groups(language: str) -> list[Group]:
    """One group in which everybody is."""
    return [Group(GROUP, "设计组" if language == "zh" else "design", [role.id for role in CAST])]


def settle(database: Database, language: str, start: datetime) -> None:
    """Everybody moves in, the policy is applied, the month is open."""
    first = moving_day(start)
    database.transact(partial(_move_in, language=language, now=first))
    version = database.transact(lambda session: versions.record_version(session, POLICY, first, "sam"))
    database.transact(lambda session: open_first(session, first, version, document.parse(POLICY)) and None)
    while database.transact(lambda session: advance(session, first)):
        pass


def _move_in(session: Session, language: str, now: datetime) -> None:
    members: dict[str, Member] = {}
    for role in CAST:
        members[role.name] = Member(
            name=role.name, email=role.email, gateway_id=role.email, team=role.team, role=role.role,
            employment=role.employment, locale=language, timezone=ZONE.key, joined_at=now,
        )  # fmt: skip
        session.add(members[role.name])
    session.flush()
    for role in CAST:
        members[role.name].manager_id = members[role.manager].id if role.manager else None
        for messenger in HOME.values():
            Address.give(session, members[role.name], role.address(messenger))
        seen(session, role.address(HOME[language]), now)
    session.flush()


def seen(session: Session, address: str, now: datetime) -> None:
    """Somebody is here now: this is where the bot writes to them, until it hears from them elsewhere."""
    session.get_one(Address, address).seen_at = now


# ---- the past ---------------------------------------------------------------------------------------------------

SAID = {
    "ask": {"en": "request 40 prototype for the pricing page", "zh": "申请 40 价格页原型"},
    "lend": {"en": "lend @dan 10 icon set", "zh": "借给 Dan 10 图标集"},
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


async def live_the_past(scene: Scene, start: datetime) -> None:
    """From the first of the month to `start`: work every day, one approved request, one loan, a morning in #design."""
    today = start.astimezone(ZONE).date()
    days = [day for day in _days(today.replace(day=1), today) if day.weekday() < 5]
    work = {role.name: _shares(role, number, len(days)) for number, role in enumerate(CAST)}
    await scene.it_is(moving_day(start))
    for number, day in enumerate(days):
        scene.clock.set(_at(day, 8, 40))
        for role in CAST:
            _burn(scene, role, work[role.name][number], number)
        await scene.reconciler.round()
        if number == 1:
            await _on_the_other(scene, day)
        if day == today - timedelta(days=6):
            await _a_request(scene, day)
        if day == today - timedelta(days=5):
            await _a_loan(scene, day)
    await scene.reconciler.usage(scene.clock.now(), today.day)
    await _this_morning(scene, today)
    await scene.it_is(start)


async def _on_the_other(scene: Scene, day: date) -> None:
    """The two in front have tried the other messenger, too."""
    home = HOME[scene.language]
    other = next(one for one in HOME.values() if one != home)
    scene.clock.set(_at(day, 9, 20))
    for role in (WHO["Alice"], WHO["Bob"]):
        await scene.pick(role, other)
        await _balance(scene, role)
        await scene.pick(role, home)


async def _balance(scene: Scene, role: Role) -> None:
    before = scene.heard(role)
    await scene.say(role, SAID["balance"][scene.language])
    await scene.until(lambda: scene.heard(role) > before)


async def _a_request(scene: Scene, day: date) -> None:
    await scene.it_is(_at(day, 15, 12))
    await request(scene, WHO["Carol"], WHO["Bob"], SAID["ask"][scene.language], _at(day, 15, 20))


async def request(scene: Scene, me: Role, manager: Role, words: str, decided: datetime | None = None) -> None:
    """Ask and approve, till both have read of it."""
    before, heard = scene.heard(manager), scene.heard(me)
    await scene.say(me, words)
    await scene.until(lambda: scene.heard(manager) > before)
    if decided is not None:
        scene.clock.set(decided)
    await scene.screen(manager).click(manager, "request.approve")
    await scene.until(lambda: scene.heard(me) >= heard + 3)  # with her manager, approved, live


async def _a_loan(scene: Scene, day: date) -> None:
    bob, dan = WHO["Bob"], WHO["Dan"]
    await scene.it_is(_at(day, 11, 5))
    before, heard = scene.heard(bob), scene.heard(dan)
    await scene.say(bob, SAID["lend"][scene.language])
    await scene.until(lambda: scene.heard(bob) > before)
    if scene.screen(bob).offered(bob, "confirm.yes"):
        await scene.screen(bob).click(bob, "confirm.yes")
    await scene.until(lambda: scene.heard(dan) > heard)


async def _this_morning(scene: Scene, today: date) -> None:
    alice, bob, carol = WHO["Alice"], WHO["Bob"], WHO["Carol"]
    scene.clock.set(_at(today, 9, 34))
    first = scene.screen(carol).chat(carol, SAID["screens"][scene.language])
    scene.clock.set(_at(today, 9, 41))
    scene.screen(bob).chat(bob, SAID["looks"][scene.language], first)
    scene.clock.set(_at(today, 9, 46))
    scene.screen(alice).chat(alice, SAID["on_it"][scene.language], first)
    await scene.it_is(_at(today, 9, 58))
    await _balance(scene, alice)


def _burn(scene: Scene, role: Role, quarters: int, day: int) -> None:
    """The two in front use both models every day, the others one or the other."""
    strong = quarters * 7 // 10 if _often(role) else quarters * (day % 2)
    for model, part in ((STRONG, strong), (SMALL, quarters - strong)):
        if part:
            scene.gateway.burn(role.email, part / 4, model=model)
    scene.gateway.flush()


def _often(role: Role) -> bool:
    return role.name in ("Alice", "Bob")


def _shares(role: Role, number: int, days: int) -> list[int]:
    """What somebody spent on each day, uneven as life is: Alice more and more, those further away now and then."""
    often, late = _often(role), role.name == "Alice"
    weights = [
        3 + day * 5 % 4 + (day // 2 if late else 0) if often or (day + number) % 2 == 0 else 0
        for day in range(days)
    ]
    parts = [role.spent * weight // sum(weights) for weight in weights]
    parts[weights.index(max(weights))] += role.spent - sum(parts)
    return parts


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _at(day: date, hour: int, minute: int) -> datetime:
    return datetime.combine(day, time(hour, minute), ZONE).astimezone(UTC)
