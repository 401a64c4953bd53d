"""What people are told about time and money without asking, on both messengers."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.actions import DECEMBER, change
from tests.company import NOW
from tests.conversation import Talk

BOTH = ("slack-en", "dingtalk-zh")
MORNING = DECEMBER + timedelta(hours=8, minutes=1)


@pytest.mark.parametrize("talk", BOTH, indirect=True)
async def test_the_morning_after_a_close_both_read_what_was_repaid(
    talk: Talk, request: pytest.FixtureRequest
) -> None:
    chinese = "zh" in request.node.callspec.id
    await talk.say("alice", "借给 @bob 20" if chinese else "lend @bob 20")
    talk.spend("bob", 115)
    await talk.at(DECEMBER)
    await talk.at(DECEMBER + timedelta(minutes=1))
    talk_before = len(talk.heard("alice"))
    await talk.at(MORNING)
    say = (
        ("起始额度为 $85.00", "归还 Alice $15.00")
        if chinese
        else ("start it with $85.00", "− $15.00 repaid to Alice")
    )
    told = await talk.hear("bob", *say)
    assert "loans.open" in told.actions
    await talk.hear("alice", "Bob 还给你 $15.00" if chinese else "+ $15.00 repaid by Bob")
    assert len(talk.heard("alice")) == talk_before + 1
    assert (talk.left("alice"), talk.left("bob")) == (115, 85)
    talk.audit()


@pytest.mark.parametrize("talk", BOTH, indirect=True)
async def test_budget_is_shown_to_an_owner_and_kindly_refused_to_others(
    talk: Talk, request: pytest.FixtureRequest
) -> None:
    chinese = "zh" in request.node.callspec.id
    talk.spend("pia", 90)
    words = "预算" if chinese else "budget"
    assert (
        "payments · 已用 $90.00"
        if chinese
        else "payments · used $90.00" in (await talk.say("lee", words)).text
    )
    refused = (await talk.say("bob", words)).text
    assert ("预算仅团队负责人" if chinese else "Budgets are shown to team owners") in refused
    assert "90" not in refused


@pytest.mark.parametrize("talk", BOTH, indirect=True)
async def test_four_requests_are_one_list_and_one_yes_decides_each(
    talk: Talk, request: pytest.FixtureRequest
) -> None:
    chinese = "zh" in request.node.callspec.id
    for name in ("alice", "bob", "dan", "eve"):
        await talk.say(name, "申请 10" if chinese else "request 10")
    await talk.at(NOW + timedelta(hours=5))
    digest = await talk.hear("carol", "Alice", "Bob", "Dan", "Eve")
    assert "request.approve_all" in digest.actions
    await talk.press("carol", digest, "request.approve_all")
    echo = await talk.hear("carol", "共 $40.00" if chinese else "Approve $40.00 in all")
    await talk.press("carol", echo, "confirm.yes")
    for name in ("alice", "bob", "dan", "eve"):
        await talk.hear(name, "Carol 同意了 $10.00" if chinese else "Carol approved $10.00 for you")
    result = await talk.hear("carol", "已同意 4 / 4" if chinese else "Approved: 4 of 4")
    assert result.text.count("✅") == 4
    assert [talk.left(name) for name in ("alice", "bob", "dan", "eve")] == [110, 110, 10, 110]
    talk.audit()


@pytest.mark.parametrize("talk", BOTH, indirect=True)
async def test_an_emergency_grant_is_told_to_those_above_who_take_it_back(
    talk: Talk, request: pytest.FixtureRequest
) -> None:
    chinese = "zh" in request.node.callspec.id
    words = "紧急 5 值班" if chinese else "emergency 5 on call"
    refused = await talk.say("bob", words)
    assert ("这里没有紧急额度" if chinese else "There are no emergency grants here") in refused.text
    change(talk.env.database, ("requests:\n", "requests:\n  emergency: {after: null}\n"))  # type: ignore[attr-defined]
    echo = await talk.say("bob", words)
    await talk.press("bob", echo, "confirm.yes")
    told = await talk.hear("carol", "Bob", "$5.00", "值班" if chinese else "on call")
    assert talk.left("bob") == 105
    await talk.press("carol", told, "request.revoke")
    await talk.hear("bob", "Carol 收回了" if chinese else "Carol took back $5.00")
    assert talk.left("bob") == 100
    talk.audit()
