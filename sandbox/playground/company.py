"""The company as each stand-in and the database know it, on the day on which the playground opens."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import partial

from sqlmodel import Session

from bot.database import Database
from models.people.member import Address, Member
from models.policy import document, versions
from models.quota.closing import advance, open_first
from sandbox.dingtalk import organisation
from sandbox.playground.cast import CAST, DESIGN, GROUP, HOME, TEAMS, WORDS, ZONE, policy
from sandbox.slack.workspace import Channel, Person


def opening_day(today: date) -> datetime:
    """10:02 on the latest third Wednesday of a month: a working day, half way through the month."""
    first = today.replace(day=1)
    third = first + timedelta(days=(2 - first.weekday()) % 7 + 14)
    if third > today:
        return opening_day(first - timedelta(days=1))
    return datetime.combine(third, time(10, 2), ZONE).astimezone(UTC)


def moving_day(start: datetime) -> datetime:
    """00:05 on the first of that month."""
    return start.astimezone(ZONE).replace(day=1, hour=0, minute=5).astimezone(UTC)


def people(language: str) -> list[Person]:
    by_name = {role.name: role.slack for role in CAST}
    return [
        Person(
            id=role.slack, name=role.name.lower(), real_name=role.called(language), email=role.email, locale=slack_locale(language),
            tz=ZONE.key, manager=by_name.get(role.manager, ""), is_admin=role.name == "Sam",
        )
        for role in CAST
    ]  # fmt: skip


def slack_locale(language: str) -> str:
    return "zh-CN" if language == "zh" else "en-US"


def channels(bot: str) -> list[Channel]:
    return [Channel(DESIGN, "design", [*(role.slack for role in CAST), bot])]


def colleagues(language: str) -> list[organisation.Person]:
    return [
        organisation.Person(
            id=role.id, name=role.called(language), email=role.email, job_number=f"A{number:03d}",
            title=role.works_as(language),
            departments=(TEAMS.get(role.team, 1),), manager=role.manager.lower(), is_admin=role.name == "Sam",
        )
        for number, role in enumerate(CAST, 1)
    ]  # fmt: skip


def departments(language: str) -> list[organisation.Department]:
    leads = {role.team: role.id for role in CAST if role.role == "lead"}
    return [
        organisation.Department(number, WORDS[language][team], managers=(leads[team],))
        for team, number in TEAMS.items()
    ]


def groups(language: str) -> list[organisation.Group]:
    return [organisation.Group(GROUP, WORDS[language]["design"], [role.id for role in CAST])]


def settle(database: Database, language: str, start: datetime) -> None:
    """Write members and policy, and open the month."""
    first = moving_day(start)
    database.transact(partial(_move_in, language=language, now=first))
    text = policy(language)
    version = database.transact(lambda session: versions.record_version(session, text, first, "sam"))
    database.transact(lambda session: open_first(session, first, version, document.parse(text)) and None)
    while database.transact(lambda session: advance(session, first)):
        pass


def _move_in(session: Session, language: str, now: datetime) -> None:
    members: dict[str, Member] = {}
    for role in CAST:
        members[role.name] = Member(
            name=role.called(language), email=role.email, gateway_id=role.email, team=role.team_in(language),
            role=role.works_as(language), employment=role.employment, locale=language, timezone=ZONE.key, joined_at=now,
        )  # fmt: skip
        session.add(members[role.name])
    session.flush()
    for role in CAST:
        members[role.name].manager_id = members[role.manager].id if role.manager else None
        for messenger in HOME.values():
            Address.give(session, members[role.name], role.address(messenger))
        session.get_one(Address, role.address(HOME[language])).seen_at = now
    session.flush()
