"""The stand-in DingTalk: it speaks the protocol, keeps DingTalk's limits, and misbehaves when told to."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientSession
from dingtalk_stream import ChatbotMessage

from bot.messengers.dingtalk.api import DingTalkApi
from bot.messengers.dingtalk.connection import Limits, Stream
from bot.messengers.dingtalk.frame import Frame
from sandbox.dingtalk.organisation import Department, DingTalk, Group, Person, Timing
from tests.sandbox.dingtalk.test_template import TEMPLATE

ALICE = Person("alice", "爱丽丝", "alice@corp.example", departments=(2,), manager="bob")
BOB = Person("bob", "鲍勃", departments=(2,))
EVE = Person("eve", "外人", corp_id="dingother")

BUTTONS = {"b1_shown": True, "b1_text": "同意", "b1_action": "request.approve", "b1_value": "R-42"}
UPDATE = {
    "response": {
        "cardUpdateOptions": {"updateCardDataByKey": True, "updatePrivateDataByKey": True},
        "cardData": {"cardParamMap": {"tag": "已同意", "b1_shown": "false"}},
        "userPrivateData": {"cardParamMap": {"hint": "已处理"}},
    }
}


@pytest.fixture
async def ding() -> AsyncIterator[DingTalk]:
    people, team = [ALICE, BOB, EVE], Group("cid-team", "平台组", ["alice", "bob", "eve"])
    departments = [Department(2, "平台组", managers=("bob",))]
    async with DingTalk(
        people=people, departments=departments, groups=[team], timing=Timing(patience=0.5)
    ) as ding:
        yield ding


class App:
    """A bot of a few lines: it writes down what it hears and answers what it is told to."""

    def __init__(self, ding: DingTalk, http: ClientSession) -> None:
        self.heard: list[Frame] = []
        self.answer: dict[str, Any] | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.api = DingTalkApi(http, ding.client_id, ding.client_secret, ding.url, ding.url)

    async def hear(self, frame: Frame) -> dict[str, Any] | None:
        self.heard.append(frame)
        await self.gate.wait()
        return self.answer

    async def reply(self, frame: Frame) -> None:
        """The echo that an adapter would be."""
        message = ChatbotMessage.from_dict(frame.data)
        self.heard.append(frame)
        await self.api.reply(
            message.session_webhook, "text", {"content": f"听到了：{message.text.content.strip()}"}
        )


@asynccontextmanager
async def app(ding: DingTalk, handler: str = "hear") -> AsyncIterator[App]:
    async with ClientSession() as http:
        app = App(ding, http)
        hear: Callable[[Frame], Awaitable[Any]] = getattr(app, handler)
        stream = Stream(
            ding.client_id,
            ding.client_secret,
            http,
            ding.url,
            on_message=hear,
            on_card=hear,
            on_event=hear,
            limits=Limits(shortest=0.01),
        )
        running = asyncio.create_task(stream.run())
        await ding.wait_for(lambda: ding.connections)
        try:
            yield app
        finally:
            stream.stop()
            await running


async def card(app: App, **values: Any) -> None:
    await app.api.create_card(
        "t.schema", "topup-R42-1", {"title": "额度申请", "tag": "待审批"} | values, user="bob"
    )


# ---- the protocol ----------------------------------------------------------------------------------------

SDK_BOT = """
import os, dingtalk_stream as ds

class Echo(ds.ChatbotHandler):
    async def process(self, callback):
        message = ds.ChatbotMessage.from_dict(callback.data)
        self.reply_text(f"SDK: {message.text.content} {message.sender_staff_id}", message)
        return ds.AckMessage.STATUS_OK, "OK"

client = ds.DingTalkStreamClient(ds.Credential(os.environ["ID"], os.environ["SECRET"]))
client.register_callback_handler(ds.ChatbotMessage.TOPIC, Echo())
client.start_forever()
"""


async def test_the_unmodified_sdk_talks_to_the_stand_in(ding: DingTalk) -> None:
    environ = os.environ | {
        "DINGTALK_OPENAPI_ENDPOINT": ding.url,
        "ID": ding.client_id,
        "SECRET": ding.client_secret,
        "NO_PROXY": "127.0.0.1",
    }
    bot = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SDK_BOT, env=environ, stderr=asyncio.subprocess.PIPE
    )
    try:
        await ding.wait_for(lambda: ding.connections, timeout=15)
        ack = await ding.say("alice", "余额")
        [message] = await ding.wait_for(lambda: ding.heard("alice"))
    finally:
        bot.kill()
        await bot.communicate()
    assert ack.data == {"response": "OK"}
    assert message.text == "SDK: 余额 alice"


async def test_a_conversation_goes_both_ways(ding: DingTalk) -> None:
    async with app(ding, "reply"):
        await ding.say("alice", "余额")
        [answer] = await ding.wait_for(lambda: ding.heard("alice"))
    assert answer.text == "听到了：余额"
    assert [message.author for message in ding.seen_by("alice")] == ["alice", ""]
    assert not ding.seen_by("bob")


async def test_a_mention_in_a_group_names_people_beside_the_text(ding: DingTalk) -> None:
    async with app(ding) as bot:
        await ding.say("alice", "借 100 给", group="cid-team", at=["bob", "eve"])
    message = ChatbotMessage.from_dict(bot.heard[0].data)
    assert (message.conversation_type, message.text.content) == ("2", " 借 100 给")
    others = [one for one in message.at_users if one.dingtalk_id != message.chatbot_user_id]
    assert [one.staff_id for one in others] == ["bob", None]


async def test_an_outsider_has_no_staff_id(ding: DingTalk) -> None:
    async with app(ding) as bot:
        await ding.say("eve", "余额", group="cid-team")
    assert "senderStaffId" not in bot.heard[0].data
    assert bot.heard[0].data["senderCorpId"] == "dingother"


async def test_speech_and_pictures_come_without_a_text(ding: DingTalk) -> None:
    async with app(ding) as bot:
        await ding.send("alice", "audio", {"recognition": "查一下余额", "downloadCode": "x"})
    message = ChatbotMessage.from_dict(bot.heard[0].data)
    assert message.text is None
    assert message.extensions["content"]["recognition"] == "查一下余额"


async def test_without_calls_left_a_message_arrives_without_its_text(ding: DingTalk) -> None:
    ding.plan.used = ding.plan.monthly
    async with app(ding) as bot:
        await ding.say("alice", "余额")
    assert bot.heard[0].data["errCode"] == 20001
    assert "text" not in bot.heard[0].data


# ---- cards -----------------------------------------------------------------------------------------------


async def test_a_click_carries_who_clicked_and_shows_what_the_app_answered(ding: DingTalk) -> None:
    async with app(ding) as bot:
        bot.answer = UPDATE
        await card(bot, **BUTTONS)
        ack = await ding.press("bob", ding.card_of("bob"), "request.approve")
    clicked = bot.heard[0].data
    assert (clicked["userId"], clicked["outTrackId"], clicked["corpId"]) == (
        "bob",
        "topup-R42-1",
        ding.corp_id,
    )
    assert json.loads(clicked["content"])["cardPrivateData"] == {
        "actionIds": ["b1"],
        "params": {"action": "request.approve", "value": "R-42"},
    }
    assert ack.data == UPDATE["response"]
    shown = ding.cards["topup-R42-1"]
    assert (shown.seen_by("bob")["tag"], shown.seen_by("bob")["hint"]) == ("已同意", "已处理")
    assert shown.seen_by("alice")["title"] == "额度申请"
    assert "hint" not in shown.seen_by("alice")


async def test_an_answer_without_options_replaces_the_whole_card(ding: DingTalk) -> None:
    async with app(ding) as bot:
        bot.answer = {"response": {"cardData": {"cardParamMap": {"tag": "已同意"}}}}
        await card(bot)
        await ding.press("bob", "topup-R42-1", "request.approve")
    assert ding.cards["topup-R42-1"].data == {"tag": "已同意"}


async def test_a_click_can_be_forged(ding: DingTalk) -> None:
    async with app(ding) as bot:
        await card(bot, **BUTTONS)
        await ding.press("alice", "topup-R42-1", "request.approve", {"value": "R-1", "amount": "9999"})
    content = json.loads(bot.heard[0].data["content"])
    assert content["cardPrivateData"]["params"] == {
        "action": "request.approve",
        "value": "R-1",
        "amount": "9999",
    }


async def test_an_answer_that_comes_late_shows_nothing(ding: DingTalk) -> None:
    async with app(ding) as bot:
        bot.answer = UPDATE
        bot.gate.clear()
        await card(bot)
        ack = await ding.press("bob", "topup-R42-1", "request.approve")
        bot.gate.set()
        await ding.wait_for(lambda: ding.pushes[ack.push].acks)
    assert ack.error == "timed_out"
    assert ding.cards["topup-R42-1"].data["tag"] == "待审批"


async def test_a_card_without_a_callback_type_never_calls_back(ding: DingTalk) -> None:
    async with app(ding) as bot:
        await card(bot)
        ding.cards["topup-R42-1"].callback_type = ""
        assert (await ding.press("bob", "topup-R42-1", "request.approve")).error == "no_callback"
        assert not bot.heard


async def test_a_click_lost_with_the_process_comes_again_and_is_shown_then(ding: DingTalk) -> None:
    async with app(ding) as bot:
        await card(bot)
    assert (await ding.press("bob", "topup-R42-1", "request.approve")).error == "offline"
    async with app(ding) as bot:
        bot.answer = UPDATE
        [again] = await ding.redeliver()
        assert again.ok
        assert not await ding.redeliver()
    assert ding.cards["topup-R42-1"].data["tag"] == "已同意"


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"键" * 34: "x"}, "param.cardDataKeyTooLong"),
        ({"amount": 200}, "param.cardDataValueNotString"),
        ({"reason": "压" * 342}, "param.cardDataValueTooLong"),
    ],
)
async def test_a_cards_limits_hold_in_calls_and_in_answers(
    ding: DingTalk, values: dict[str, Any], code: str
) -> None:
    async with app(ding) as bot:
        await card(bot)
        status, answer = await put(
            ding, bot, {"outTrackId": "topup-R42-1", "cardData": {"cardParamMap": values}}
        )
        assert (status, answer["code"]) == (400, code)
        bot.answer = {"response": {"cardData": {"cardParamMap": values}}}
        await ding.press("bob", "topup-R42-1", "request.approve")
    assert code in ding.violations[0]
    assert ding.cards["topup-R42-1"].data["tag"] == "待审批"


async def put(ding: DingTalk, bot: App, body: dict[str, Any], method: str = "PUT") -> tuple[int, Any]:
    """A call that our own client would not make."""
    async with (
        ClientSession(headers={"x-acs-dingtalk-access-token": await bot.api._access_token()}) as http,
        http.request(method, f"{ding.url}/v1.0/card/instances", json=body) as answer,
    ):
        return answer.status, await answer.json()


async def test_cards_are_updated_with_put_alone(ding: DingTalk) -> None:
    async with app(ding) as bot:
        assert (await put(ding, bot, {}, "POST"))[0] == 404


# ---- people come and go ----------------------------------------------------------------------------------


async def test_a_new_manager_shows_in_the_event_and_in_the_directory(ding: DingTalk) -> None:
    async with app(ding) as bot:
        ack = await ding.modify("bob", manager="alice")
        assert (await bot.api.user("bob")).manager == "alice"
    [diff] = bot.heard[0].data["diffInfo"]
    assert (ack.ok, bot.heard[0].event_type) == (True, "user_modify_org")
    assert (diff["userid"], diff["prev"]["managerUserid"], diff["curr"]["managerUserid"]) == (
        "bob",
        "",
        "alice",
    )


async def test_a_leaver_is_in_no_list_and_no_group(ding: DingTalk) -> None:
    async with app(ding) as bot:
        await ding.leave("bob")
        assert [user.id for user in (await bot.api.users(2)).users] == ["alice"]
    assert ding.groups["cid-team"].members == ["alice", "eve"]


async def test_a_new_person_is_in_the_directory(ding: DingTalk) -> None:
    async with app(ding) as bot:
        await ding.join(Person("dora", "朵拉", departments=(2,)))
        assert (await bot.api.user("dora")).name == "朵拉"
    assert bot.heard[0].data["userId"] == ["dora"]


# ---- faults ---------------------------------------------------------------------------------------------


async def test_a_push_can_get_lost(ding: DingTalk) -> None:
    async with app(ding) as bot:
        ding.faults.lose("message")
        assert (await ding.say("alice", "余额")).error == "lost"
        assert (await ding.say("alice", "余额")).ok
    assert len(bot.heard) == 1


async def test_an_answer_can_be_held_back_after_the_work_is_done(ding: DingTalk) -> None:
    async with app(ding) as bot:
        release = ding.faults.hold("groupMessages")
        sending = asyncio.create_task(bot.api.send_to_group("cid-team", "sampleText", {"content": "周报"}))
        await ding.wait_for(lambda: ding.heard("cid-team"))
        assert not sending.done()
        release.set()
        assert await sending


async def test_a_fault_happens_where_and_as_often_as_planned(ding: DingTalk) -> None:
    async with app(ding) as bot:
        ding.faults.refuse("user/get", code="-1", after=1, times=None)
        await bot.api.user("alice")
        assert [one["how"] for one in ding.snapshot("alice")["faults"]] == ["refused"]
        ding.faults.clear()
        await bot.api.user("alice")
    assert not ding.faults.planned


async def test_an_unreadable_acknowledgement_is_a_violation(ding: DingTalk) -> None:
    async with ClientSession() as http:
        opened = await http.post(
            f"{ding.url}/v1.0/gateway/connections/open",
            json={"clientId": ding.client_id, "clientSecret": ding.client_secret, "subscriptions": []},
            headers={"Accept": "application/json"},
        )
        given = await opened.json()
        async with http.ws_connect(f"{given['endpoint']}?ticket={given['ticket']}") as socket:
            await socket.send_str("not an ack")
            await ding.wait_for(lambda: ding.violations)
        again = await http.get(f"{given['endpoint'].replace('ws:', 'http:')}?ticket={given['ticket']}")
        assert again.status == 401


# ---- for the page ----------------------------------------------------------------------------------------


async def test_the_feed_tells_what_a_page_must_draw(ding: DingTalk) -> None:
    async with app(ding, "reply"):
        with ding.feed.read() as changes:
            await ding.say("alice", "余额")
            await ding.wait_for(lambda: ding.heard("alice"))
            kinds = []
            async for change in changes:
                kinds.append(change.kind)
                json.dumps(change.data)
                if kinds.count("message") == 2:
                    break
    assert {"message", "ack"} >= set(kinds) - {"call"}


async def test_a_snapshot_shows_a_person_only_what_they_see(ding: DingTalk) -> None:
    async with app(ding) as bot:
        await card(bot)
        await ding.say("alice", "余额")
        alice, bob = ding.snapshot("alice"), ding.snapshot("bob")
    assert [message["text"] for message in alice["messages"]] == ["余额"]
    assert (list(alice["cards"]), list(bob["cards"])) == ([], ["topup-R42-1"])
    json.dumps(bob)


async def test_a_typed_group_message_mentions_people_and_reaches_only_a_mentioned_bot(
    ding: DingTalk,
) -> None:
    async with app(ding) as bot:
        await ding.type("alice", "lunch, @鲍勃?", group="cid-team")
        await ding.type("alice", "@quotabot 借给 @鲍勃 50", group="cid-team")
        await ding.type("alice", "借给 @鲍勃 50")
        group, alone = [ChatbotMessage.from_dict(one.data) for one in bot.heard]
    assert (group.text.content.strip(), alone.text.content) == ("借给  50", "借给 @鲍勃 50")
    assert [one.staff_id for one in group.at_users] == [None, "bob"]
    shown = ding.snapshot("bob")["messages"]
    assert [(one["text"], one["at"]) for one in shown] == [
        ("lunch, @鲍勃?", ["bob"]),
        ("@quotabot 借给 @鲍勃 50", ["bob"]),
    ]


async def test_a_wait_that_times_out_shows_the_latest_state(ding: DingTalk) -> None:
    with pytest.raises(TimeoutError, match=r"messages: .*; calls: "):
        await ding.wait_for(lambda: ding.cards, timeout=0.01)


# ---- our template ----------------------------------------------------------------------------------------


async def test_our_template_is_what_the_card_platform_takes(ding: DingTalk) -> None:
    async with app(ding) as bot:
        template = await bot.api.create_template("quotabot")
        await bot.api.save_template(template, "quotabot", TEMPLATE.read_text("utf-8"))
        await bot.api.publish_template(template)
    assert ding.templates[template]["published"]
