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
from bot.messengers.dingtalk.errors import DingTalkError
from bot.messengers.dingtalk.plan import Plan, Snapshot
from bot.people.sync import TooManyLeave
from models.people.member import Address, Member
from sandbox.dingtalk.organisation import Department, Person
from tests.company import who
from tests.dingtalk_env import GROUP, DingTalkEnv, buttons, open_env, shown
from tests.slack_env import settled_copy


@pytest.fixture
async def env(
    tmp_path: Path, settled_template: Path, request: pytest.FixtureRequest
) -> AsyncIterator[DingTalkEnv]:
    more: dict[str, Any] = getattr(request, "param", {})
    async with open_env(settled_copy(settled_template, tmp_path), **({"language": "en"} | more)) as env:
        yield env


def facts(env: DingTalkEnv, name: str) -> dict[str, Any]:
    def read(session: Any) -> dict[str, Any]:
        member = who(session, name)
        manager = session.get(Member, member.manager_id) if member.manager_id else None
        ids = session.exec(select(Address.address).where(Address.member_id == member.id)).all()
        return {
            "team": member.team, "manager": manager.name if manager else None, "left": member.left_at is not None, "ids": set(ids),
            "locale": member.locale, "extra": member.extra,
        }  # fmt: skip

    return env.database.transact(read)


async def synced(env: DingTalkEnv, **how: Any) -> Plan:
    return await env.app.messengers["dingtalk"].directory.sync(**how)


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


async def test_the_plan_is_shown_before_and_changes_nothing(env: DingTalkEnv) -> None:
    env.ding.people["new1"] = Person("new1", "新人", "new@corp.example", "900", departments=(2,))
    env.ding.people["alice"] = replace(env.ding.people["alice"], departments=(3,), manager="lee")
    plan = await synced(env, dry=True)
    assert [one for one in plan.lines() if one[0] in "+-"] == ["+ new@corp.example 新人"]
    (line,) = [one for one in plan.lines() if "alice@" in one]
    assert "team: design → payments" in line
    assert "manager_email: carol@corp.example → lee@corp.example" in line
    assert facts(env, "alice")["team"] == "design"
    with pytest.raises(Exception, match="No row"):
        facts(env, "new")


async def test_people_departments_and_managers_are_taken_over(env: DingTalkEnv) -> None:
    env.ding.people["new1"] = Person("new1", "新人", "New@corp.example", "900", departments=(2,))
    env.ding.people["alice"] = replace(env.ding.people["alice"], departments=(3,), manager="lee")
    await synced(env)
    assert facts(env, "alice")["team"] == "payments"
    assert facts(env, "alice")["manager"] == "Lee"
    new = facts(env, "new")
    assert (new["team"], new["manager"], new["ids"], new["locale"]) == (
        "design",
        "Carol",
        {"dingtalk:new1"},
        "zh",
    )
    assert env.left("new") > 0
    assert [one for one in (await synced(env)).lines() if one[0] in "+-~"] == []
    env.audit()


async def test_a_job_number_names_somebody_afterwards(env: DingTalkEnv) -> None:
    await synced(env)
    assert env.database.transact(lambda session: Member.named(session, "002").name) == "Bob"


async def test_whoever_has_no_email_is_skipped_and_named(env: DingTalkEnv) -> None:
    env.ding.people["mute"] = Person("mute", "无邮箱")
    env.ding.people["twin"] = Person("twin", "双胞胎", "bob@corp.example")
    lines = list((await synced(env)).lines())
    assert "! 无邮箱: no e-mail" in lines
    assert "! 双胞胎: bob@corp.example is also somebody else's" in lines
    assert facts(env, "bob")["ids"] == {"dingtalk:bob"}


@pytest.mark.parametrize("env", [{"on_slack": ["bob"]}], indirect=True)
async def test_somebody_known_by_email_gets_their_dingtalk_id(env: DingTalkEnv) -> None:
    await synced(env)
    assert facts(env, "bob")["ids"] == {"slack:U02BOB", "dingtalk:bob"}


# Leaving


async def test_who_is_no_longer_there_leaves(env: DingTalkEnv) -> None:
    del env.ding.people["dan"]
    assert [one for one in (await synced(env)).lines() if one[0] == "-"] == ["- dan@corp.example Dan"]
    assert facts(env, "dan")["left"]
    env.audit()


@pytest.mark.parametrize("faults", ["user/list", "user/get", "department/get", "department/listsub"])
async def test_a_read_that_fails_in_the_middle_lets_nobody_go(env: DingTalkEnv, faults: str) -> None:
    del env.ding.people["dan"]
    env.ding.faults.refuse(faults, code="60011", after=2, times=None)
    with pytest.raises(DingTalkError):
        await synced(env)
    env.ding.faults.clear()
    assert not facts(env, "dan")["left"]


async def test_a_read_that_shows_less_lets_nobody_go(env: DingTalkEnv) -> None:
    """As when the app's contact scope was narrowed: a department is not listed, its people still exist."""
    env.ding.people |= {
        name: replace(one, departments=(77,)) for name, one in env.ding.people.items() if 3 in one.departments
    }
    plan = await synced(env)
    assert plan.changes.leave == ()
    assert not facts(env, "pia")["left"]


async def test_a_mass_leaving_needs_a_yes(env: DingTalkEnv) -> None:
    for name in ("dan", "eve", "max"):
        del env.ding.people[name]
    with pytest.raises(TooManyLeave):
        await synced(env)
    assert not facts(env, "dan")["left"]
    await synced(env, yes=True)
    assert facts(env, "max")["left"]


@pytest.mark.parametrize("env", [{"on_slack": ["both:dan"]}], indirect=True)
async def test_who_is_still_on_slack_stays(env: DingTalkEnv) -> None:
    del env.ding.people["dan"]
    (line,) = [one for one in (await synced(env)).lines() if "dan@" in one]
    assert line.startswith("? dan@corp.example")
    assert not facts(env, "dan")["left"]


# Events and nights


async def test_an_event_is_a_hint_to_look(env: DingTalkEnv) -> None:
    await synced(env)
    assert (await env.ding.modify("alice", manager="lee")).data["status"] == "SUCCESS"
    assert facts(env, "alice")["manager"] == "Lee"
    await env.ding.leave("dan")
    assert facts(env, "dan")["left"]
    await env.ding.join(Person("new1", "新人", "new@corp.example", departments=(2,)))
    assert facts(env, "new")["manager"] == "Carol"


async def test_what_a_leaver_asked_for_is_over_on_every_card_and_who_waits_for_them_hears_it(
    env: DingTalkEnv,
) -> None:
    await synced(env)
    await env.say("pia", "request 300 load test")
    request = await env.card("lee", "asks for **$300.00**")
    await env.say("bob", "borrow 10 from", at=["eve"], group=GROUP)
    ask = await env.card("eve", "asks to borrow")
    await env.ding.leave("pia")
    await env.until(lambda: "void" in shown(request, "lee") or None)
    assert buttons(request, "lee") == {}
    await env.ding.leave("eve")
    await env.until(lambda: "has ended" in shown(ask, "eve") or None)
    await env.hear("bob", "Eve has left the company, so your ask to borrow")


async def test_an_event_that_lies_lets_nobody_go(env: DingTalkEnv) -> None:
    await synced(env)
    for users in (["dan"], "dan", None, []):
        assert (await env.ding.event("user_leave_org", {"userId": users})).data["status"] == "SUCCESS"
    assert not facts(env, "dan")["left"]


async def test_an_event_that_cannot_be_looked_into_comes_later(env: DingTalkEnv) -> None:
    await synced(env)
    env.ding.faults.refuse("user/get", code="60011", times=None)
    assert (await env.ding.leave("dan")).data["status"] == "LATER"
    env.ding.faults.clear()
    assert not facts(env, "dan")["left"]
    assert [one.ok for one in await env.ding.redeliver()] == [True]
    assert facts(env, "dan")["left"]


async def test_who_keeps_people_in_a_file_is_not_surprised_by_events_or_nights(env: DingTalkEnv) -> None:
    await env.ding.join(Person("new1", "新人", "new@corp.example", departments=(2,)))
    assert await env.app.messengers["dingtalk"].directory.nightly() is None
    with pytest.raises(Exception, match="No row"):
        facts(env, "new")


async def test_the_night_takes_changes_over_but_asks_before_a_mass_leaving(env: DingTalkEnv) -> None:
    await synced(env)
    env.ding.people["alice"] = replace(env.ding.people["alice"], manager="lee")
    await env.app.messengers["dingtalk"].directory.nightly()
    assert facts(env, "alice")["manager"] == "Lee"
    for name in ("dan", "eve", "max"):
        del env.ding.people[name]
    await env.app.messengers["dingtalk"].directory.nightly()
    assert not facts(env, "dan")["left"]
    env.app.worker.wake()
    await env.hear("ops", "would let 3 people leave")


async def test_reading_the_directory_costs_no_metered_call(env: DingTalkEnv) -> None:
    before = env.metered
    env.ding.departments[9] = Department(9, "空")
    await synced(env)
    assert env.metered == before
