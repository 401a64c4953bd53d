"""The companies of the simulation: people, policy, and a database in which the first period is open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

from sqlmodel import Session

import bot.messengers.registry  # noqa: F401 - fills the traits that people.csv and words need
from bot.database import Database
from bot.migrate import migrate
from bot.people.sync import apply, survey
from models.policy import document, versions
from models.quota.closing import advance, open_first

TEAMS = ("engineering", "payments", "design", "search", "sales")
POLICY = """\
unit: USD
timezone: Asia/Shanghai
period: monthly
admins: [p0@corp.example]
admin_channel: {{slack: C0OPS}}
allocations:
  - {{match: {{employment: contractor}}, amount: 0}}
  - {{match: {{team: payments}}, amount: {more}}}
  - {{match: {{}}, amount: {base}}}
gateway: {{per_usd: 1}}
teams:
  - {{name: engineering, owner: p1@corp.example}}
  - {{name: payments, parent: engineering, owner: p2@corp.example, top_up_budget: 2000}}
requests:
  approve_up_to: {{manager: 200, owner: 2000}}
  fallback_approvers: [p0@corp.example]
"""
HEADER = "name,email,slack_id,dingtalk_id,manager_email,team,employment,locale"


@dataclass(frozen=True)
class Shape:
    """`steps`: how often something happens in `days`. `at_once`: at most so many things happen at the same time.

    `in_turn`: where nothing happens at the same time, at most so many things follow each other in a step.

    `seats`: so many of the people have accounts at the gateways, and write and spend most. `gateways`: their names. `begins`: when the company opens its first period.
    """

    name: str
    people: int
    seats: int
    steps: int
    days: int
    at_once: int
    in_turn: int
    gateways: tuple[str, ...]
    begins: datetime
    seeds: int


SHAPES = {
    "year": Shape("year", 300, 24, 80, 365, 1, 2, ("",), datetime(2026, 1, 5, 4, tzinfo=UTC), 200),
    "crash": Shape("crash", 12, 9, 17, 45, 3, 1, ("api", "seats"), datetime(2026, 1, 26, 4, tzinfo=UTC), 500),
}


@dataclass(frozen=True)
class Employee:
    """A row of people.csv; `homes`: the addresses at which they write."""

    number: int
    name: str
    team: str
    manager: int | None
    employment: str
    locale: str
    homes: tuple[str, ...]

    @property
    def email(self) -> str:
        return f"p{self.number}@corp.example"

    @property
    def row(self) -> str:
        ids = {one.split(":", 1)[0]: one.split(":", 1)[1] for one in self.homes}
        boss = "" if self.manager is None else f"p{self.manager}@corp.example"
        return (
            f"{self.name},{self.email},{ids.get('slack', '')},{ids.get('dingtalk', '')},"
            f"{boss},{self.team},{self.employment},{self.locale}"
        )


Staff = dict[int, Employee]


def employ(number: int, dice: Random) -> Employee:
    homes = {"slack": f"slack:U{number:05}", "dingtalk": f"dingtalk:d{number}"}
    where = dice.choice((("slack",), ("dingtalk",), ("slack", "dingtalk")))
    chinese = "dingtalk" in where and dice.random() < 0.7
    return Employee(
        number=number,
        name=f"李{number}号" if chinese else f"Person{number}",
        team=TEAMS[number % len(TEAMS)],
        manager=None if number == 0 else number // 8,
        employment="contractor" if number > 20 and dice.random() < 0.1 else "employee",
        locale="zh" if chinese else "en",
        homes=tuple(homes[one] for one in where),
    )


def staff_of(people: int) -> Staff:
    """The same people every time."""
    dice = Random(people)
    return {number: employ(number, dice) for number in range(people)}


def hire(session: Session, staff: Staff, now: datetime) -> None:
    data = "\n".join([HEADER, *(one.row for one in staff.values())]) + "\n"
    apply(session, survey(session, data.encode(), remove_missing=True), now, yes=True)


def settle(url: str, shape: Shape) -> None:
    """Write the company into an empty database and open its first period."""
    database = Database(url)
    migrate(database.engine)
    words, now = POLICY.format(base=100, more=300), shape.begins
    database.transact(lambda session: hire(session, staff_of(shape.people), now))
    version = database.transact(lambda session: versions.record_version(session, words, now, "ops"))
    database.transact(lambda session: open_first(session, now, version, document.parse(words)) and None)
    while database.transact(lambda session: advance(session, now)):
        pass
    database.close()
