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
from models.messages.message import Message
from models.metering.vendor_calls import CallCount
from models.people.profile import Profile
from models.quota.request import Request
from sandbox.dingtalk.organisation import Person, Timing
from tests.dingtalk_env import GROUP, DingTalkEnv, buttons, colleagues, forget_languages, open_env, shown
from tests.slack_env import settled_copy

OUTSIDER = Person("zoe", "Zoe", corp_id="dingother")


@pytest.fixture
def url(tmp_path: Path, settled_template: Path) -> str:
    return settled_copy(settled_template, tmp_path)


@pytest.fixture
async def env(url: str, request: pytest.FixtureRequest) -> AsyncIterator[DingTalkEnv]:
    more: dict[str, Any] = getattr(request, "param", {})
    async with open_env(url, **({"language": "en", "outsiders": [OUTSIDER]} | more)) as env:
        yield env


no_cards = pytest.mark.parametrize("env", [{"template": ""}], indirect=True)


# Repeated, forged


async def test_the_same_frame_three_times_moves_once(env: DingTalkEnv) -> None:
    env.ding.faults.repeat("message", copies=3)
    await env.say("alice", "lend 20", at=["bob"], group=GROUP)
    await env.settled()
    assert (env.left("alice"), env.left("bob")) == (80, 120)
    assert len(env.ding.heard("bob")) == 1
    assert len(env.ding.heard("alice")) == 1


async def test_the_same_click_three_times_grants_once(env: DingTalkEnv) -> None:
    card = await _asked(env)
    env.ding.faults.repeat("card", copies=3)
    await env.press("lee", card, "request.approve")
    await env.settled()
    await env.press("lee", card, "request.approve", value=_code(card))
    assert env.left("pia") == 800
    assert len([one for one in env.heard("pia") if "approved" in one]) == 1


async def test_a_wrong_persons_click_changes_nothing_and_says_so_to_them_alone(env: DingTalkEnv) -> None:
    card = await _asked(env)
    before, seen = env.everything(), shown(card, "lee")
    for action in ("request.approve", "request.decline", "request.approve_less"):
        assert "not yours to decide" in (await env.press("eve", card, action, value=_code(card)))["hint"]
    assert env.everything() == before
    assert shown(card, "lee") == seen
    assert set(buttons(card, "lee")) == {"Approve $300.00", "Other amount…", "Decline…"}
    await env.press("pia", card, "request.approve")
    assert env.everything() == before


async def test_what_a_click_carries_is_not_believed(env: DingTalkEnv) -> None:
    card = await _asked(env)
    before = env.everything()
    for action in ("lend 50 to <@bob>", "approve", "", "request.approve; drop"):
        await env.press("lee", card, "request.approve", action=action)
    await env.press("lee", card, "request.approve", value="NOPE")
    foreign = {
        "type": "actionCallback",
        "outTrackId": card.track_id,
        "corpId": "dingother",
        "userId": "lee",
        "content": _content("request.approve", _code(card)),
    }
    await env.ding.push("CALLBACK", CARDS, foreign)
    assert env.everything() == before


async def test_a_second_manager_is_told_who_decided_and_their_card_shows_it(env: DingTalkEnv) -> None:
    card = await _asked(env)
    code = _code(card)
    env.clock.move(days=3)
    await env.app.worker.schedule()
    env.app.worker.wake()
    second = await env.card("olga", "asks for **$300.00**")
    await env.press("olga", second, "request.approve")
    await env.until(lambda: "approved by Olga" in shown(card, "lee") or None)
    assert "approved by Olga" in (await env.press("lee", card, "request.approve", value=code))["hint"]
    await env.settled()
    assert env.left("pia") == 800


async def test_a_no_can_be_asked_again_when_things_have_changed(env: DingTalkEnv) -> None:
    card = await _asked(env)
    env.ding.faults.refuse("user/get", code="-1", times=None)
    env.app.messengers["dingtalk"].directory._profiles.clear()
    env.clock.move(hours=2)
    with env.impatient(read=0.1):
        assert "could not check" in (await env.press("lee", card, "request.approve"))["hint"]
    env.ding.faults.clear()
    await env.press("lee", card, "request.approve")
    assert "approved by Lee" in shown(card, "lee")


# Cards and their forms


async def test_declining_asks_for_a_reason_in_words(env: DingTalkEnv) -> None:
    card = await _asked(env)
    assert f"decline {_code(card)} reason" in (await env.press("lee", card, "request.decline"))["hint"]
    assert set(buttons(card, "lee")) == {"Approve $300.00", "Other amount…", "Decline…"}
    await env.say("lee", f"decline {_code(card)} not this month")
    await env.hear("pia", "declined", "not this month") if not env.app.messengers[
        "dingtalk"
    ].template else await env.card("pia", "not this month")
    await env.until(lambda: "declined by Lee" in shown(card, "lee") or None)
    assert "reason" not in shown(card, "lee")


async def test_a_reason_filled_into_the_card_declines_at_once(env: DingTalkEnv) -> None:
    card = await _asked(env)
    await env.press("lee", card, "request.decline", local_input="not this month")
    assert "declined by Lee" in shown(card, "lee")
    await env.card("pia", "not this month")


async def test_a_typed_name_is_confirmed_with_a_card_before_anything_moves(env: DingTalkEnv) -> None:
    await env.ding.say("alice", "lend bob 20")
    card = await env.card("alice", "Did I get that right?", "**$20.00**", "**Bob** · design")
    assert env.left("alice") == 100
    seen = await env.press("alice", card, "confirm.yes")
    assert "You lent **$20.00** to Bob" in seen["body"]
    assert (env.left("alice"), env.left("bob")) == (80, 120)


async def test_a_no_to_what_was_said_back_leaves_everything_as_it_is(env: DingTalkEnv) -> None:
    await env.ding.say("alice", "lend bob 20")
    card = await env.card("alice", "Did I get that right?")
    assert (await env.press("alice", card, "confirm.no"))["body"] == "Fine, nothing was changed."
    assert (
        "nothing waiting"
        in (await env.press("alice", card, "confirm.yes", value=card.data["b1_value"]))["hint"]
    )
    assert env.left("alice") == 100


async def test_a_borrowing_colleague_gives_back_with_one_press(env: DingTalkEnv) -> None:
    await env.say("alice", "lend 20", at=["bob"], group=GROUP)
    card = await env.card("bob", "Alice lent you")
    assert "Given back to Alice" in (await env.press("bob", card, "loan.return"))["hint"]
    assert not buttons(card, "bob")
    assert (env.left("alice"), env.left("bob")) == (100, 100)


async def test_a_card_is_never_updated_by_put_while_a_click_waits(env: DingTalkEnv) -> None:
    card = await _asked(env)
    before = len(env.ding.calls)
    ack = await env.ding.press("lee", card, "request.approve")
    assert ack.ok
    assert "✅" in ack.data["cardData"]["cardParamMap"]["body"]
    assert ack.data["cardUpdateOptions"] == {"updateCardDataByKey": True, "updatePrivateDataByKey": True}
    assert "/v1.0/card/instances" not in [call.path for call in list(env.ding.calls)[before:]]
    await env.settled()
    assert "/v1.0/card/instances" in [call.path for call in list(env.ding.calls)[before:]]


async def test_a_click_that_took_too_long_is_shown_all_the_same(env: DingTalkEnv) -> None:
    """DingTalk gives up after two seconds: then the state and the hint come by PUT."""
    card = await _asked(env)
    env.ding.faults.hold("user/get", times=None)
    other = sqlite3.connect(str(env.database.engine.url.database), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    env.ding.timing = Timing(patience=0.5)
    with env.impatient(read=0.1, commit=0.9, click=0.4, card=0.1):
        ack = await env.ding.press("lee", card, "request.approve")
        assert ack.error == "timed_out"
        await env.until(lambda: card.private.get("lee", {}).get("hint") or None)
    other.rollback()
    other.close()


async def test_a_card_whose_creation_timed_out_is_there_once_and_up_to_date(env: DingTalkEnv) -> None:
    env.ding.faults.time_out("createAndDeliver")
    await env.say("pia", "request 300 load test")
    await env.card("lee", "asks for **$300.00**")
    await env.settled()
    assert len([one for one in env.ding.heard("lee") if one.card]) == 1


async def test_without_permission_for_cards_words_do_and_the_admins_hear_of_it(env: DingTalkEnv) -> None:
    env.ding.scopes.discard("Card.Instance.Write")
    await env.say("pia", "request 300 load test")
    await env.hear("lee", "asks for **$300.00**", "approve ")
    await env.hear("ops", "Card.Instance.Write")
    code = env.database.transact(lambda session: session.exec(select(Request.code)).one())
    env.ding.scopes.add("Card.Instance.Write")
    await env.say("lee", f"approve {code}")
    await env.hear("pia", "approved **$300.00**")
    await env.settled()
    assert [one for one in env.heard("lee") if "approved by" in one] == []


@no_cards
async def test_words_that_cannot_be_changed_are_followed_by_the_new_state(env: DingTalkEnv) -> None:
    await env.say("pia", "request 300 load test")
    await env.hear("lee", "asks for **$300.00**")
    code = env.database.transact(lambda session: session.exec(select(Request.code)).one())
    await env.say("pia", f"cancel {code}")
    await env.hear("lee", "cancelled")


# In a group


async def test_figures_are_never_shown_in_a_group(env: DingTalkEnv) -> None:
    for words in ("balance", "loans", "history", "team", "request 300 load test"):
        answer = await env.say("pia", words, group=GROUP)
        assert answer.text.startswith("Ask me in our chat: figures are private.")
    await env.card("pia", "You have **$500.00** left")
    await env.settled()
    assert not [one for one in env.heard(GROUP) if "$" in one]
    assert [one.at for one in env.ding.heard(GROUP)] == [("pia",)] * 5


async def test_help_is_for_everybody(env: DingTalkEnv) -> None:
    answer = await env.say("pia", "help", group=GROUP)
    assert "What you can say" in answer.text
    assert "/quota" not in answer.text
    assert env.metered == 0


async def test_two_mentions_are_asked_back_and_nothing_moves(env: DingTalkEnv) -> None:
    answer = await env.say("alice", "lend 20", at=["bob", "carol"], group=GROUP)
    assert answer.text.startswith("One person at a time, please.")
    assert env.left("alice") == 100


async def test_an_outsider_neither_takes_part_nor_is_lent_to(env: DingTalkEnv) -> None:
    assert "本组织的在职同事" in (await env.say("zoe", "balance", group=GROUP)).text
    assert "person you mentioned" in (await env.say("alice", "lend 20", at=["zoe"], group=GROUP)).text
    assert env.left("alice") == 100


# What is not text


async def test_pictures_are_answered_kindly(env: DingTalkEnv) -> None:
    await env.ding.send("alice", "picture", {"downloadCode": "x"})
    await env.hear("alice", "no words in that message")


async def test_what_speech_recognition_understood_is_confirmed_first(env: DingTalkEnv) -> None:
    await env.ding.send("pia", "audio", {"recognition": "request 300 load test", "duration": 3000})
    card = await env.card("pia", "Did I get that right?")
    assert not [one for one in env.ding.cards.values() if "lee" in one.places]
    seen = await env.press("pia", card, "confirm.yes")
    assert "is with Lee" in seen["body"]
    await env.card("lee", "asks for **$300.00**")


# The vendor says no


async def test_a_throttled_answer_goes_out_a_second_later(env: DingTalkEnv) -> None:
    env.ding.faults.throttle("sendBySession")
    assert "No open loans" in (await env.say("alice", "loans")).text


async def test_words_withheld_by_a_used_up_month_are_said_to_be_and_the_admins_hear(
    env: DingTalkEnv,
) -> None:
    env.ding.plan.used = env.ding.plan.monthly
    answer = await env.say("alice", "balance")
    assert "调用量已用完" in answer.text or "are used up" in answer.text
    env.ding.plan.used = 0
    env.clock.move(hours=1, minutes=1)
    await env.hear("ops", "API calls of this month are used up")


async def test_a_card_that_the_month_has_no_room_for_waits_and_is_said_once(env: DingTalkEnv) -> None:
    await env.say("lee", "balance")
    env.ding.faults.refuse("createAndDeliver", code="Forbidden.AccessDenied.ApiCountLimitForOrg", status=403)
    await env.say("pia", "request 300 load test")
    await env.hear("ops", "API calls of this month are used up")
    env.clock.move(hours=1, minutes=1)
    await env.card("lee", "asks for **$300.00**")


async def test_a_late_answer_goes_to_the_chat(env: DingTalkEnv) -> None:
    env.ding.faults.refuse("sendBySession", code="300001", message="session 不存在")
    await env.ding.say("alice", "loans")
    assert (await env.hear("alice", "No open loans")).way == "batchSend"
    by = {
        "way": "webhook",
        "url": "http://127.0.0.1:9/x",
        "expires": 0.0,
        "user": "bob",
        "group": "",
        "public": False,
        "key": "late",
    }
    await env.app.messengers["dingtalk"].answer(by, Message(text="late"))
    assert (await env.hear("bob", "late")).way == "batchSend"


@no_cards
async def test_somebody_passed_over_inside_a_success_is_seen(env: DingTalkEnv) -> None:
    env.ding.unreachable |= {"bob": "flowControlled", "eve": "filtered"}
    await env.say("alice", "lend 20", at=["bob"], group=GROUP)
    await env.say("alice", "lend 20", at=["eve"], group=GROUP)
    parked = await env.until(lambda: [one for one in env.effects() if one.parked_at] or None)
    assert [one.error for one in parked] == ["eve: filtered"]
    del env.ding.unreachable["bob"]
    env.clock.move(minutes=2)
    await env.hear("bob", "Alice lent you")


# Who somebody is


async def test_profiles_come_from_the_directory_and_are_kept_for_an_hour(env: DingTalkEnv) -> None:
    adapter = env.app.messengers["dingtalk"]
    assert await adapter.profile("dingtalk:bob", urgent=True) == Profile(
        "member", "Bob", "bob@corp.example", "zh-CN"
    )
    calls = len(env.ding.calls)
    await adapter.profile("dingtalk:bob", urgent=True)
    assert len(env.ding.calls) == calls
    assert (await adapter.profile("dingtalk:nobody", urgent=True) or Profile("")).status == "gone"
    assert (await adapter.profile("dingtalk:zoe", urgent=True) or Profile("")).status == "gone"
    env.ding.faults.refuse("user/get", code="50002")
    assert await adapter.profile("dingtalk:carol", urgent=True) is None


async def test_who_has_left_can_no_longer_be_lent_to(env: DingTalkEnv) -> None:
    await env.say("alice", "balance")
    await env.ding.leave("bob")
    await env.say("alice", "lend 20", at=["carol"], group=GROUP)
    assert env.left("alice") == 80
    env.ding.people["bob"] = next(one for one in colleagues() if one.id == "bob")
    del env.ding.people["bob"]
    refused = await env.app.messengers["dingtalk"].profile("dingtalk:bob", urgent=True)
    assert refused is not None
    assert refused.status == "gone"


@pytest.mark.parametrize("env", [{"language": None}], indirect=True)
async def test_whoever_never_chose_a_language_is_spoken_to_in_chinese(env: DingTalkEnv) -> None:
    env.database.transact(forget_languages)
    assert "你还剩 $100.00" in (await env.say("alice", "balance")).text
    await env.say("pia", "request 300 load test")
    await env.card("lee", "申请 **$300.00**")  # who has never written to us
    await env.say("alice", "lang en")
    assert "You have $100.00 left" in (await env.say("alice", "balance")).text


async def test_strangers_are_told_how_to_get_in(env: DingTalkEnv) -> None:
    env.ding.people["new1"] = Person("new1", "新人")
    answer = await env.say("new1", "balance")
    assert "dingtalk:new1" in answer.text
    assert "ops@corp.example" in answer.text


# Counting


async def test_calls_are_counted_by_month_and_shown_to_prometheus(env: DingTalkEnv) -> None:
    await _asked(env)
    await env.settled()
    await env.app.messengers["dingtalk"].tally.write()
    rows = env.database.transact(
        lambda session: [
            (one.month, one.api, one.metered, one.calls) for one in session.exec(select(CallCount)).all()
        ]
    )
    assert ("2026-11", "card/instances/createAndDeliver", True, 1) in rows
    assert ("2026-11", "sessionWebhook", False, 1) in rows
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"http://127.0.0.1:{env.app.port}/metrics") as answer,
    ):
        text = await answer.text()
    assert 'quotabot_dingtalk_calls_total{api="card/instances/createAndDeliver",metered="true"} 1.0' in text


# Readiness


async def test_readiness_follows_the_connection(env: DingTalkEnv) -> None:
    env.ding.faults.freeze("open")
    await env.ding.close_sockets()
    await env.until(lambda: not env.app.messengers["dingtalk"].ready() or None)
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"http://127.0.0.1:{env.app.port}/readyz") as answer,
    ):
        assert (answer.status, (await answer.json())["dingtalk"]) == (503, False)
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"http://127.0.0.1:{env.app.port}/healthz") as answer,
    ):
        assert answer.status == 200


async def _asked(env: DingTalkEnv) -> Any:
    await env.say("pia", "request 300 load test")
    return await env.card("lee", "asks for **$300.00**")


def _code(card: Any) -> str:
    return str(card.data["b1_value"])


def _content(action: str, value: str) -> str:
    return json.dumps(
        {"cardPrivateData": {"actionIds": ["b1"], "params": {"action": action, "value": value}}}
    )
