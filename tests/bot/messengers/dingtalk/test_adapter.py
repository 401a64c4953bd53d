"""The DingTalk adapter where things go wrong: repeated, forged, late, refused, half delivered, stopped."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlmodel import select

from bot.messengers.dingtalk.connection import CARDS
from bot.messengers.port import Profile
from models.messages.message import Message
from models.metering.vendor_calls import CallCount
from models.quota.request import Request
from sandbox.dingtalk.organisation import Person
from tests.dingtalk_env import GROUP, DingTalkEnv, buttons, colleagues, raised, shown, unspoken
from tests.slack_env import settled_copy

OUTSIDER = Person("zoe", "Zoe", corp_id="dingother")


@pytest.fixture
def url(tmp_path: Path, settled_template: Path) -> str:
    return settled_copy(settled_template, tmp_path)


@pytest.fixture
async def stage(url: str, request: pytest.FixtureRequest) -> AsyncIterator[DingTalkEnv]:
    more: dict[str, Any] = getattr(request, "param", {})
    async with raised(url, **({"language": "en", "outsiders": [OUTSIDER]} | more)) as stage:
        yield stage


no_cards = pytest.mark.parametrize("stage", [{"template": ""}], indirect=True)


# Repeated, forged


async def test_the_same_frame_three_times_moves_once(stage: DingTalkEnv) -> None:
    stage.ding.faults.repeat("message", copies=3)
    await stage.say("alice", "lend 20", at=["bob"], group=GROUP)
    await stage.settled()
    assert (stage.left("alice"), stage.left("bob")) == (80, 120)
    assert len(stage.ding.heard("bob")) == 1
    assert len(stage.ding.heard("alice")) == 1


async def test_the_same_click_three_times_grants_once(stage: DingTalkEnv) -> None:
    card = await _asked(stage)
    stage.ding.faults.repeat("card", copies=3)
    await stage.press("lee", card, "request.approve")
    await stage.settled()
    await stage.press("lee", card, "request.approve", value=_code(card))
    assert stage.left("pia") == 800
    assert len([one for one in stage.heard("pia") if "approved" in one]) == 1


async def test_a_wrong_persons_click_changes_nothing_and_says_so_to_them_alone(stage: DingTalkEnv) -> None:
    card = await _asked(stage)
    before, seen = stage.everything(), shown(card, "lee")
    for action in ("request.approve", "request.decline", "request.approve_less"):
        assert "not yours to decide" in (await stage.press("eve", card, action, value=_code(card)))["hint"]
    assert stage.everything() == before
    assert shown(card, "lee") == seen
    assert set(buttons(card, "lee")) == {"Approve $300.00", "Decline…"}
    await stage.press("pia", card, "request.approve")
    assert stage.everything() == before


async def test_what_a_click_carries_is_not_believed(stage: DingTalkEnv) -> None:
    card = await _asked(stage)
    before = stage.everything()
    for action in ("lend 50 to <@bob>", "approve", "", "request.approve; drop"):
        await stage.press("lee", card, "request.approve", action=action)
    await stage.press("lee", card, "request.approve", value="NOPE")
    foreign = {
        "type": "actionCallback",
        "outTrackId": card.track_id,
        "corpId": "dingother",
        "userId": "lee",
        "content": _content("request.approve", _code(card)),
    }
    await stage.ding.push("CALLBACK", CARDS, foreign)
    assert stage.everything() == before


async def test_a_second_manager_is_told_who_decided_and_their_card_shows_it(stage: DingTalkEnv) -> None:
    card = await _asked(stage)
    code = _code(card)
    stage.clock.move(days=3)
    await stage.app.worker.schedule()
    stage.app.worker.wake()
    second = await stage.card("olga", "asks for **$300.00**")
    await stage.press("olga", second, "request.approve")
    await stage.until(lambda: "approved by Olga" in shown(card, "lee") or None)
    assert "approved by Olga" in (await stage.press("lee", card, "request.approve", value=code))["hint"]
    await stage.settled()
    assert stage.left("pia") == 800


async def test_a_no_can_be_asked_again_when_things_have_changed(stage: DingTalkEnv) -> None:
    card = await _asked(stage)
    stage.ding.faults.refuse("user/get", code="-1", times=None)
    stage.app.dingtalk._profiles.clear()
    stage.clock.move(hours=2)
    assert "could not check" in (await stage.press("lee", card, "request.approve"))["hint"]
    stage.ding.faults.clear()
    await stage.press("lee", card, "request.approve")
    assert "approved by Lee" in shown(card, "lee")


# Cards and their forms


async def test_declining_asks_for_a_reason_in_words(stage: DingTalkEnv) -> None:
    card = await _asked(stage)
    assert f"decline {_code(card)} reason" in (await stage.press("lee", card, "request.decline"))["hint"]
    assert set(buttons(card, "lee")) == {"Approve $300.00", "Decline…"}
    await stage.say("lee", f"decline {_code(card)} not this month")
    await stage.hear(
        "pia", "declined", "not this month"
    ) if not stage.app.dingtalk.template else await stage.card("pia", "not this month")
    await stage.until(lambda: "declined by Lee" in shown(card, "lee") or None)
    assert "reason" not in shown(card, "lee")


async def test_a_reason_filled_into_the_card_declines_at_once(stage: DingTalkEnv) -> None:
    card = await _asked(stage)
    await stage.press("lee", card, "request.decline", local_input="not this month")
    assert "declined by Lee" in shown(card, "lee")
    await stage.card("pia", "not this month")


async def test_a_typed_name_is_confirmed_with_a_card_before_anything_moves(stage: DingTalkEnv) -> None:
    await stage.ding.say("alice", "lend bob 20")
    card = await stage.card("alice", "Did I get that right?", "**$20.00**", "**Bob** · design")
    assert stage.left("alice") == 100
    seen = await stage.press("alice", card, "confirm.yes")
    assert "You lent **$20.00** to Bob" in seen["body"]
    assert (stage.left("alice"), stage.left("bob")) == (80, 120)


async def test_a_no_to_what_was_said_back_leaves_everything_as_it_is(stage: DingTalkEnv) -> None:
    await stage.ding.say("alice", "lend bob 20")
    card = await stage.card("alice", "Did I get that right?")
    assert (await stage.press("alice", card, "confirm.no"))["body"] == "Fine, nothing was changed."
    assert (
        "nothing waiting"
        in (await stage.press("alice", card, "confirm.yes", value=card.data["b1_value"]))["hint"]
    )
    assert stage.left("alice") == 100


async def test_a_borrowing_colleague_gives_back_with_one_press(stage: DingTalkEnv) -> None:
    await stage.say("alice", "lend 20", at=["bob"], group=GROUP)
    card = await stage.card("bob", "Alice lent you")
    assert "Given back to Alice" in (await stage.press("bob", card, "loan.return"))["hint"]
    assert not buttons(card, "bob")
    assert (stage.left("alice"), stage.left("bob")) == (100, 100)


async def test_a_card_is_never_updated_by_put_while_a_click_waits(stage: DingTalkEnv) -> None:
    card = await _asked(stage)
    before = len(stage.ding.calls)
    ack = await stage.ding.press("lee", card, "request.approve")
    assert ack.ok
    assert "✅" in ack.data["cardData"]["cardParamMap"]["body"]
    assert ack.data["cardUpdateOptions"] == {"updateCardDataByKey": True, "updatePrivateDataByKey": True}
    assert "/v1.0/card/instances" not in [call.path for call in list(stage.ding.calls)[before:]]
    await stage.settled()
    assert "/v1.0/card/instances" in [call.path for call in list(stage.ding.calls)[before:]]


async def test_a_click_that_took_too_long_is_shown_all_the_same(stage: DingTalkEnv) -> None:
    """DingTalk gives up after two seconds: then the state and the hint come by PUT."""
    card = await _asked(stage)
    stage.ding.faults.hold("user/get", times=None)
    other = sqlite3.connect(str(stage.database.engine.url.database), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    ack = await stage.ding.press("lee", card, "request.approve")
    other.rollback()
    other.close()
    assert ack.error == "timed_out"
    await stage.until(lambda: card.private.get("lee", {}).get("hint") or None)


async def test_a_card_whose_creation_timed_out_is_there_once_and_up_to_date(stage: DingTalkEnv) -> None:
    stage.ding.faults.time_out("createAndDeliver")
    await stage.say("pia", "request 300 load test")
    await stage.card("lee", "asks for **$300.00**")
    await stage.settled()
    assert len([one for one in stage.ding.heard("lee") if one.card]) == 1


async def test_without_permission_for_cards_words_do_and_the_admins_hear_of_it(stage: DingTalkEnv) -> None:
    stage.ding.scopes.discard("Card.Instance.Write")
    await stage.say("pia", "request 300 load test")
    await stage.hear("lee", "asks for **$300.00**", "approve ")
    await stage.hear("ops", "Card.Instance.Write")
    code = stage.database.transact(lambda session: session.exec(select(Request.code)).one())
    stage.ding.scopes.add("Card.Instance.Write")
    await stage.say("lee", f"approve {code}")
    await stage.hear("pia", "approved **$300.00**")
    await stage.settled()
    assert [one for one in stage.heard("lee") if "approved by" in one] == []


@no_cards
async def test_words_that_cannot_be_changed_are_followed_by_the_new_state(stage: DingTalkEnv) -> None:
    await stage.say("pia", "request 300 load test")
    await stage.hear("lee", "asks for **$300.00**")
    code = stage.database.transact(lambda session: session.exec(select(Request.code)).one())
    await stage.say("pia", f"cancel {code}")
    await stage.hear("lee", "cancelled")


# In a group


async def test_figures_are_never_shown_in_a_group(stage: DingTalkEnv) -> None:
    for words in ("balance", "loans", "history", "team", "request 300 load test"):
        answer = await stage.say("pia", words, group=GROUP)
        assert answer.text.startswith("Ask me in our chat: figures are private.")
    await stage.card("pia", "You have **$500.00** left")
    await stage.settled()
    assert not [one for one in stage.heard(GROUP) if "$" in one]
    assert [one.at for one in stage.ding.heard(GROUP)] == [("pia",)] * 5


async def test_help_is_for_everybody(stage: DingTalkEnv) -> None:
    answer = await stage.say("pia", "help", group=GROUP)
    assert "What you can say" in answer.text
    assert "/quota" not in answer.text
    assert stage.metered == 0


async def test_two_mentions_are_asked_back_and_nothing_moves(stage: DingTalkEnv) -> None:
    answer = await stage.say("alice", "lend 20", at=["bob", "carol"], group=GROUP)
    assert answer.text.startswith("One person at a time, please.")
    assert stage.left("alice") == 100


async def test_an_outsider_neither_takes_part_nor_is_lent_to(stage: DingTalkEnv) -> None:
    assert "本组织的在职同事" in (await stage.say("zoe", "balance", group=GROUP)).text
    assert "person you mentioned" in (await stage.say("alice", "lend 20", at=["zoe"], group=GROUP)).text
    assert stage.left("alice") == 100


# What is not text


async def test_pictures_are_answered_kindly(stage: DingTalkEnv) -> None:
    await stage.ding.send("alice", "picture", {"downloadCode": "x"})
    await stage.hear("alice", "text and speech only")


async def test_what_speech_recognition_understood_is_confirmed_first(stage: DingTalkEnv) -> None:
    await stage.ding.send("pia", "audio", {"recognition": "request 300 load test", "duration": 3000})
    card = await stage.card("pia", "Did I get that right?")
    assert not [one for one in stage.ding.cards.values() if "lee" in one.places]
    seen = await stage.press("pia", card, "confirm.yes")
    assert "is with Lee" in seen["body"]
    await stage.card("lee", "asks for **$300.00**")


# The vendor says no


async def test_a_throttled_answer_goes_out_a_second_later(stage: DingTalkEnv) -> None:
    stage.ding.faults.throttle("sendBySession")
    assert "You have **$100.00** left" in (await stage.say("alice", "balance")).text


async def test_words_withheld_by_a_used_up_month_are_said_to_be_and_the_admins_hear(
    stage: DingTalkEnv,
) -> None:
    stage.ding.plan.used = stage.ding.plan.monthly
    answer = await stage.say("alice", "balance")
    assert "调用量已用完" in answer.text or "are used up" in answer.text
    stage.ding.plan.used = 0
    stage.clock.move(hours=1, minutes=1)
    await stage.hear("ops", "API calls of this month are used up")


async def test_a_card_that_the_month_has_no_room_for_waits_and_is_said_once(stage: DingTalkEnv) -> None:
    await stage.say("lee", "balance")
    stage.ding.faults.refuse(
        "createAndDeliver", code="Forbidden.AccessDenied.ApiCountLimitForOrg", status=403
    )
    await stage.say("pia", "request 300 load test")
    await stage.hear("ops", "API calls of this month are used up")
    stage.clock.move(hours=1, minutes=1)
    await stage.card("lee", "asks for **$300.00**")


async def test_a_late_answer_goes_to_the_chat(stage: DingTalkEnv) -> None:
    stage.ding.faults.refuse("sendBySession", code="300001", message="session 不存在")
    await stage.ding.say("alice", "balance")
    assert (await stage.hear("alice", "You have **$100.00** left")).way == "batchSend"
    by = {
        "way": "webhook",
        "url": "http://127.0.0.1:9/x",
        "expires": 0.0,
        "user": "bob",
        "group": "",
        "public": False,
        "key": "late",
    }
    await stage.app.dingtalk.answer(by, Message(text="late"))
    assert (await stage.hear("bob", "late")).way == "batchSend"


@no_cards
async def test_somebody_passed_over_inside_a_success_is_seen(stage: DingTalkEnv) -> None:
    stage.ding.unreachable |= {"bob": "flowControlled", "eve": "filtered"}
    await stage.say("alice", "lend 20", at=["bob"], group=GROUP)
    await stage.say("alice", "lend 20", at=["eve"], group=GROUP)
    parked = await stage.until(lambda: [one for one in stage.effects() if one.parked_at] or None)
    assert [one.error for one in parked] == ["eve: filtered"]
    del stage.ding.unreachable["bob"]
    stage.clock.move(minutes=2)
    await stage.hear("bob", "Alice lent you")


# Who somebody is


async def test_profiles_come_from_the_directory_and_are_kept_for_an_hour(stage: DingTalkEnv) -> None:
    adapter = stage.app.dingtalk
    assert await adapter.profile("dingtalk:bob", urgent=True) == Profile(
        "member", "Bob", "bob@corp.example", "zh-CN"
    )
    calls = len(stage.ding.calls)
    await adapter.profile("dingtalk:bob", urgent=True)
    assert len(stage.ding.calls) == calls
    assert (await adapter.profile("dingtalk:nobody", urgent=True) or Profile("")).status == "gone"
    assert (await adapter.profile("dingtalk:zoe", urgent=True) or Profile("")).status == "gone"
    stage.ding.faults.refuse("user/get", code="50002")
    assert await adapter.profile("dingtalk:carol", urgent=True) is None


async def test_who_has_left_can_no_longer_be_lent_to(stage: DingTalkEnv) -> None:
    await stage.say("alice", "balance")
    await stage.ding.leave("bob")
    await stage.say("alice", "lend 20", at=["carol"], group=GROUP)
    assert stage.left("alice") == 80
    stage.ding.people["bob"] = next(one for one in colleagues() if one.id == "bob")
    del stage.ding.people["bob"]
    refused = await stage.app.dingtalk.profile("dingtalk:bob", urgent=True)
    assert refused is not None
    assert refused.status == "gone"


@pytest.mark.parametrize("stage", [{"language": None}], indirect=True)
async def test_whoever_never_chose_a_language_is_spoken_to_in_chinese(stage: DingTalkEnv) -> None:
    stage.database.transact(unspoken)
    assert "你还剩 **$100.00**" in (await stage.say("alice", "balance")).text
    await stage.say("pia", "request 300 load test")
    await stage.card("lee", "申请 **$300.00**")  # who has never written to us
    await stage.say("alice", "lang en")
    assert "You have **$100.00** left" in (await stage.say("alice", "balance")).text


async def test_strangers_are_told_how_to_get_in(stage: DingTalkEnv) -> None:
    stage.ding.people["new1"] = Person("new1", "新人")
    answer = await stage.say("new1", "balance")
    assert "dingtalk:new1" in answer.text
    assert "ops@corp.example" in answer.text


# Counting


async def test_calls_are_counted_by_month_and_shown_to_prometheus(stage: DingTalkEnv) -> None:
    await _asked(stage)
    await stage.settled()
    await stage.app.dingtalk.tally.write()
    rows = stage.database.transact(
        lambda session: [
            (one.month, one.api, one.metered, one.calls) for one in session.exec(select(CallCount)).all()
        ]
    )
    assert ("2026-11", "card/instances/createAndDeliver", True, 1) in rows
    assert ("2026-11", "sessionWebhook", False, 1) in rows
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"http://127.0.0.1:{stage.app.port}/metrics") as answer,
    ):
        text = await answer.text()
    assert 'quotabot_dingtalk_calls_total{api="card/instances/createAndDeliver",metered="true"} 1.0' in text


# Readiness


async def test_readiness_follows_the_connection(stage: DingTalkEnv) -> None:
    stage.ding.faults.freeze("open")
    await stage.ding.close_sockets()
    await stage.until(lambda: not stage.app.dingtalk.ready() or None)
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"http://127.0.0.1:{stage.app.port}/readyz") as answer,
    ):
        assert (answer.status, (await answer.json())["dingtalk"]) == (503, False)
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"http://127.0.0.1:{stage.app.port}/healthz") as answer,
    ):
        assert answer.status == 200


async def _asked(stage: DingTalkEnv) -> Any:
    await stage.say("pia", "request 300 load test")
    return await stage.card("lee", "asks for **$300.00**")


def _code(card: Any) -> str:
    return str(card.data["b1_value"])


def _content(action: str, value: str) -> str:
    return json.dumps(
        {"cardPrivateData": {"actionIds": ["b1"], "params": {"action": action, "value": value}}}
    )
