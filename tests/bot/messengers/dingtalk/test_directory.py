"""People from DingTalk: managers found, nobody lost by a read that failed, and the plan shown before."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from bot.messengers.dingtalk.api import Department as Dept
from bot.messengers.dingtalk.api import User
from bot.messengers.dingtalk.directory import Plan, Snapshot
from bot.messengers.dingtalk.errors import DingTalkError
from bot.people.sync import TooManyLeave
from models.people.member import Address, Member
from sandbox.dingtalk.organisation import Department, Person
from tests.company import who
from tests.dingtalk_env import GROUP, DingTalkEnv, buttons, raised, shown
from tests.slack_env import settled_copy


@pytest.fixture
async def stage(
    tmp_path: Path, settled_template: Path, request: pytest.FixtureRequest
) -> AsyncIterator[DingTalkEnv]:
    more: dict[str, Any] = getattr(request, "param", {})
    async with raised(settled_copy(settled_template, tmp_path), **({"language": "en"} | more)) as stage:
        yield stage


def facts(stage: DingTalkEnv, name: str) -> dict[str, Any]:
    def read(session: Any) -> dict[str, Any]:
        member = who(session, name)
        manager = session.get(Member, member.manager_id) if member.manager_id else None
        ids = session.exec(select(Address.address).where(Address.member_id == member.id)).all()
        return {
            "team": member.team, "manager": manager.name if manager else None, "left": member.left_at is not None, "ids": set(ids),
            "locale": member.locale, "extra": member.extra,
        }  # fmt: skip

    return stage.database.transact(read)


async def synced(stage: DingTalkEnv, **how: Any) -> Plan:
    assert stage.app.dingtalk is not None
    return await stage.app.dingtalk.directory.sync(**how)


# Who leads whom


def user(name: str, *departments: int, manager: str = "", active: bool = True) -> User:
    return User(name, name, departments=departments, manager=manager, active=active)


TREE = {
    1: Dept(1, "总部", None, ("boss",)),
    2: Dept(2, "研发", 1, ("vp",)),
    3: Dept(3, "平台组", 2, ("lead", "deputy")),
    4: Dept(4, "没有主管", 2),
    5: Dept(5, "circle", 6),
    6: Dept(6, "circle", 5),
}


@pytest.mark.parametrize(
    ("who_", "manager"),
    [
        (user("a", 3, manager="vp"), "vp"),
        (user("a", 3), "lead"),
        (user("lead", 3), "deputy"),
        (user("a", 4), "vp"),
        (user("vp", 2), "boss"),
        (user("boss", 1), ""),
        (user("a", 3, manager="a"), "lead"),
        (user("a", 3, manager="unknown"), "lead"),
        (user("a", 3, manager="asleep"), "lead"),
        (user("a", 5), ""),
        (user("a", 99), ""),
        (user("a"), "boss"),
    ],
)
def test_the_manager_is_who_was_filled_in_else_who_leads_the_department_or_one_above(
    who_: User, manager: str
) -> None:
    people = [
        user("boss", 1),
        user("vp", 2),
        user("lead", 3),
        user("deputy", 3),
        user("asleep", 3, active=False),
    ]
    snapshot = Snapshot({one.id: one for one in people} | {who_.id: who_}, TREE)
    assert snapshot.manager_of(who_) == manager


# The whole directory


async def test_the_plan_is_shown_before_and_changes_nothing(stage: DingTalkEnv) -> None:
    stage.ding.people["new1"] = Person("new1", "新人", "new@corp.example", "900", departments=(2,))
    stage.ding.people["alice"] = replace(stage.ding.people["alice"], departments=(3,), manager="lee")
    plan = await synced(stage, dry=True)
    assert [one for one in plan.lines() if one[0] in "+-"] == ["+ new@corp.example 新人"]
    (line,) = [one for one in plan.lines() if "alice@" in one]
    assert "team: design → payments" in line
    assert "manager_email: carol@corp.example → lee@corp.example" in line
    assert facts(stage, "alice")["team"] == "design"
    with pytest.raises(Exception, match="No row"):
        facts(stage, "new")


async def test_people_departments_and_managers_are_taken_over(stage: DingTalkEnv) -> None:
    stage.ding.people["new1"] = Person("new1", "新人", "New@corp.example", "900", departments=(2,))
    stage.ding.people["alice"] = replace(stage.ding.people["alice"], departments=(3,), manager="lee")
    await synced(stage)
    assert facts(stage, "alice")["team"] == "payments"
    assert facts(stage, "alice")["manager"] == "Lee"
    new = facts(stage, "new")
    assert (new["team"], new["manager"], new["ids"], new["locale"]) == (
        "design",
        "Carol",
        {"dingtalk:new1"},
        "zh",
    )
    assert stage.left("new") > 0
    assert [one for one in (await synced(stage)).lines() if one[0] in "+-~"] == []
    stage.audit()


async def test_a_job_number_names_somebody_afterwards(stage: DingTalkEnv) -> None:
    await synced(stage)
    assert stage.database.transact(lambda session: Member.named(session, "002").name) == "Bob"


async def test_whoever_has_no_email_is_skipped_and_named(stage: DingTalkEnv) -> None:
    stage.ding.people["mute"] = Person("mute", "无邮箱")
    stage.ding.people["twin"] = Person("twin", "双胞胎", "bob@corp.example")
    lines = list((await synced(stage)).lines())
    assert "! 无邮箱: no e-mail" in lines
    assert "! 双胞胎: bob@corp.example is also somebody else's" in lines
    assert facts(stage, "bob")["ids"] == {"dingtalk:bob"}


@pytest.mark.parametrize("stage", [{"on_slack": ["bob"]}], indirect=True)
async def test_somebody_known_by_email_gets_their_dingtalk_id(stage: DingTalkEnv) -> None:
    await synced(stage)
    assert facts(stage, "bob")["ids"] == {"slack:U02BOB", "dingtalk:bob"}


# Leaving


async def test_who_is_no_longer_there_leaves(stage: DingTalkEnv) -> None:
    del stage.ding.people["dan"]
    assert [one for one in (await synced(stage)).lines() if one[0] == "-"] == ["- dan@corp.example Dan"]
    assert facts(stage, "dan")["left"]
    stage.audit()


@pytest.mark.parametrize("faults", ["user/list", "user/get", "department/get", "department/listsub"])
async def test_a_read_that_fails_in_the_middle_lets_nobody_go(stage: DingTalkEnv, faults: str) -> None:
    del stage.ding.people["dan"]
    stage.ding.faults.refuse(faults, code="60011", after=2, times=None)
    with pytest.raises(DingTalkError):
        await synced(stage)
    stage.ding.faults.clear()
    assert not facts(stage, "dan")["left"]


async def test_a_read_that_shows_less_lets_nobody_go(stage: DingTalkEnv) -> None:
    """As when the app's contact scope was narrowed: a department is not listed, its people still exist."""
    stage.ding.people |= {
        name: replace(one, departments=(77,))
        for name, one in stage.ding.people.items()
        if 3 in one.departments
    }
    plan = await synced(stage)
    assert plan.changes.leave == ()
    assert not facts(stage, "pia")["left"]


async def test_a_mass_leaving_needs_a_yes(stage: DingTalkEnv) -> None:
    for name in ("dan", "eve", "max"):
        del stage.ding.people[name]
    with pytest.raises(TooManyLeave):
        await synced(stage)
    assert not facts(stage, "dan")["left"]
    await synced(stage, yes=True)
    assert facts(stage, "max")["left"]


@pytest.mark.parametrize("stage", [{"on_slack": ["both:dan"]}], indirect=True)
async def test_who_is_still_on_slack_stays(stage: DingTalkEnv) -> None:
    del stage.ding.people["dan"]
    (line,) = [one for one in (await synced(stage)).lines() if "dan@" in one]
    assert line.startswith("? dan@corp.example")
    assert not facts(stage, "dan")["left"]


# Events and nights


async def test_an_event_is_a_hint_to_look(stage: DingTalkEnv) -> None:
    await synced(stage)
    assert (await stage.ding.modify("alice", manager="lee")).data["status"] == "SUCCESS"
    assert facts(stage, "alice")["manager"] == "Lee"
    await stage.ding.leave("dan")
    assert facts(stage, "dan")["left"]
    await stage.ding.join(Person("new1", "新人", "new@corp.example", departments=(2,)))
    assert facts(stage, "new")["manager"] == "Carol"


async def test_what_a_leaver_asked_for_is_over_on_every_card_and_who_waits_for_them_hears_it(
    stage: DingTalkEnv,
) -> None:
    await synced(stage)
    await stage.say("pia", "request 300 load test")
    request = await stage.card("lee", "asks for **$300.00**")
    await stage.say("bob", "borrow 10 from", at=["eve"], group=GROUP)
    ask = await stage.card("eve", "asks to borrow")
    await stage.ding.leave("pia")
    await stage.until(lambda: "void" in shown(request, "lee") or None)
    assert buttons(request, "lee") == {}
    await stage.ding.leave("eve")
    await stage.until(lambda: "has ended" in shown(ask, "eve") or None)
    await stage.hear("bob", "The ask to borrow $10.00 has ended")


async def test_an_event_that_lies_lets_nobody_go(stage: DingTalkEnv) -> None:
    await synced(stage)
    for users in (["dan"], "dan", None, []):
        assert (await stage.ding.event("user_leave_org", {"userId": users})).data["status"] == "SUCCESS"
    assert not facts(stage, "dan")["left"]


async def test_an_event_that_cannot_be_looked_into_comes_later(stage: DingTalkEnv) -> None:
    await synced(stage)
    stage.ding.faults.refuse("user/get", code="60011", times=None)
    assert (await stage.ding.leave("dan")).data["status"] == "LATER"
    stage.ding.faults.clear()
    assert not facts(stage, "dan")["left"]
    assert [one.ok for one in await stage.ding.redeliver()] == [True]
    assert facts(stage, "dan")["left"]


async def test_who_keeps_people_in_a_file_is_not_surprised_by_events_or_nights(stage: DingTalkEnv) -> None:
    await stage.ding.join(Person("new1", "新人", "new@corp.example", departments=(2,)))
    assert await stage.app.dingtalk.directory.nightly() is None
    with pytest.raises(Exception, match="No row"):
        facts(stage, "new")


async def test_the_night_takes_changes_over_but_asks_before_a_mass_leaving(stage: DingTalkEnv) -> None:
    await synced(stage)
    stage.ding.people["alice"] = replace(stage.ding.people["alice"], manager="lee")
    await stage.app.dingtalk.directory.nightly()
    assert facts(stage, "alice")["manager"] == "Lee"
    for name in ("dan", "eve", "max"):
        del stage.ding.people[name]
    await stage.app.dingtalk.directory.nightly()
    assert not facts(stage, "dan")["left"]
    stage.app.worker.wake()
    await stage.hear("ops", "would let 3 people leave")


async def test_reading_the_directory_costs_no_metered_call(stage: DingTalkEnv) -> None:
    before = stage.metered
    stage.ding.departments[9] = Department(9, "空")
    await synced(stage)
    assert stage.metered == before
