"""What DingTalk pushes, read: words, mentions, clicks; odd frames are empty, never an error."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from bot.messengers.dingtalk.mentions import read_calling, read_mentioning, with_mention
from bot.messengers.dingtalk.read import ChatMessage, Click, clean_words, recognised_words
from handlers.command import Person, Quoted
from models.refusal import CallsUsedUp, NotFromHere, SeveralPeople, UnknownMention, UnreadableMessage

# Sentences


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("lend 50 to", "lend 50 to <@u1>"),
        ("lend 50", "lend <@u1> 50"),
        ("lend  50 for the demo", "lend <@u1> 50 for the demo"),
        ("lend 50 to  for the demo", "lend 50 to <@u1> for the demo"),
        ("borrow 10 from", "borrow 10 from <@u1>"),
        ("borrow 10 from because of the demo", "borrow 10 from <@u1> because of the demo"),
        ("recall", "recall <@u1>"),
        ("repay 5", "repay <@u1> 5"),
        ("借 100 给 ", "借 100 给 <@u1>"),
        ("借给 100", "借给 <@u1> 100"),
        ("借 100 给 做演示", "借 100 给 <@u1> 做演示"),
        ("向  借 50", "向 <@u1> 借 50"),
        ("向借 50", "向 <@u1> 借 50"),
        ("还 20", "还 <@u1> 20"),
        ("委托 到周五", "委托 <@u1> 到周五"),
        ("归还 20", "归还 <@u1> 20"),
        ("借给 @李四 50", "借给 <@u1> 50"),
        ("借给@李四 50 压测", "借给 <@u1> 50 压测"),
        ("借给我 20", "<@u1> 借给我 20"),
        ("can you lend me 20", "<@u1> can you lend me 20"),
        ("", "<@u1>"),
    ],
)
def test_the_mention_goes_back_to_where_a_person_is_expected(words: str, meant: str) -> None:
    assert with_mention(words, "u1") == meant


@pytest.mark.parametrize(
    ("words", "intent", "amount"),
    [
        ("@quotabot 借给 @张三\u2005 50", "lend", "50"),
        ("借给 @张三\u200550 压测", "lend", "50"),
        ("@quotabot 借给 50", "lend", "50"),
        ("@quotabot 借我50 @张三", "borrow", "50"),
        ("lend @Bob Li\u2005 50", "lend", "50"),
        ("@quotabot lend 50 to @Bob Li\u2005for the demo", "lend", "50"),
        ("@quotabot @bob 还我 50", "recall", "50"),
        ("收回 @张三 20 @quotabot", "recall", "20"),
    ],
)
def test_names_that_a_client_leaves_in_the_words_are_the_person_and_the_bot(
    words: str, intent: str, amount: str
) -> None:
    found = read_mentioning(words, "u1", TODAY).command
    assert (found.intent, found.person, found.amount) == (intent, Person("u1"), amount)


@pytest.mark.parametrize(
    ("words", "intent", "name"),
    [
        ("@quotabot 余额", "balance", None),
        ("@quotabot", "balance", None),
        ("余额 @quotabot", "balance", None),
        ("@张三 借我50", "borrow", "张三"),
        ("@quotabot 借给 bob 50", "lend", "bob"),
        ("借给 @bob 50", "lend", "bob"),
        ("@quotabot 申请200 修复 3 个 bug", "request", None),
    ],
)
def test_the_name_of_the_bot_is_no_person(words: str, intent: str, name: str | None) -> None:
    found = read_calling(words, TODAY).command
    assert (found.intent, found.person.name if found.person else None) == (intent, name)


@pytest.mark.parametrize(
    ("more", "quoted"),
    [
        ({}, None),
        ({"originalMsgId": "msg7", "originalProcessQueryKey": "k1"}, Quoted("k1")),
        ({"originalMsgId": "msg7"}, Quoted("msg7")),
        (
            {"text": {"content": "好", "repliedMsg": {"content": {"text": "同意 AB12 · 拒绝 AB12"}}}},
            Quoted(code="AB12"),
        ),
        (
            {
                "text": {
                    "content": "好",
                    "repliedMsg": {
                        "msgId": "m0",
                        "content": {"cardContent": {"children": [{"elementType": "TEXT", "value": "AB12"}]}},
                    },
                }
            },
            Quoted("m0", code="AB12"),
        ),
        (
            {"text": {"content": "好", "repliedMsg": {"content": {"richText": [{"content": "AB12 7KQ2"}]}}}},
            Quoted(),
        ),
        ({"text": {"content": "好", "repliedMsg": "x"}, "content": {"repliedMsg": 7}}, None),
    ],
)
def test_a_quoted_message_is_known_by_its_key_or_by_the_only_code_in_its_words(
    more: dict[str, Any], quoted: Quoted | None
) -> None:
    assert ChatMessage.read(message(**more), "p1").quoted == quoted


def test_nobody_can_type_a_mention_and_odd_blanks_are_blanks() -> None:
    assert clean_words("\u3000lend\u00a050 <@carol>") == "lend 50 @carol>"
    assert recognised_words("申请两百。") == "申请两百"


# Frames

NOW = datetime(2026, 11, 9, 2, 0, tzinfo=UTC)
TODAY = date(2026, 11, 9)
BOT = {"dingtalkId": "$:bot"}


def message(**more: Any) -> dict[str, Any]:
    return {
        "msgId": "m1", "msgtype": "text", "text": {"content": " 借 50 给 "}, "conversationType": "2", "conversationId": "cid1",
        "senderStaffId": "alice", "senderCorpId": "corp", "chatbotCorpId": "corp", "chatbotUserId": "$:bot", "isInAtList": True,
        "atUsers": [BOT, {"dingtalkId": "$:b", "staffId": "bob"}], "sessionWebhook": "http://x", "sessionWebhookExpiredTime": 1793930400000,
    } | more  # fmt: skip


def test_one_mention_is_a_person_and_we_are_nobody() -> None:
    found = ChatMessage.read(message(), "p1")
    assert (found.command(TODAY).text, found.user, found.group, found.objection) == (
        "借 50 给 <@bob>",
        "alice",
        "cid1",
        None,
    )


@pytest.mark.parametrize(
    ("more", "objection"),
    [
        (
            {
                "atUsers": [
                    {"dingtalkId": "$:b", "staffId": "bob"},
                    BOT,
                    {"dingtalkId": "$:c", "staffId": "carol"},
                ]
            },
            SeveralPeople(),
        ),
        ({"atUsers": [BOT, {"dingtalkId": "$:b"}]}, UnknownMention()),
        ({"senderStaffId": ""}, NotFromHere()),
        ({"senderStaffId": None, "senderId": "$:a", "senderNick": "Alice"}, NotFromHere()),
        ({"senderCorpId": "other"}, NotFromHere()),
        (
            {"msgtype": "picture", "text": None, "content": {"downloadCode": "x"}, "atUsers": [BOT]},
            UnreadableMessage(),
        ),
        ({"msgtype": "unknownMsgType", "text": None, "atUsers": None}, UnreadableMessage()),
        ({"errCode": 20001, "text": None, "msgtype": None}, CallsUsedUp()),
        (
            {
                "atUsers": [
                    BOT,
                    {"dingtalkId": "$:b", "staffId": "bob"},
                    {"dingtalkId": "$:b", "staffId": "bob"},
                ]
            },
            None,
        ),
    ],
)
def test_what_cannot_be_asked_is_refused_for_its_own_reason(more: dict[str, Any], objection: object) -> None:
    found = ChatMessage.read(message(**more), "p1").objection
    assert type(found) is type(objection)


def test_speech_is_a_guess_and_rich_text_is_text() -> None:
    audio = ChatMessage.read(
        message(msgtype="audio", text=None, content={"recognition": "余额。"}, atUsers=None), "p1"
    )
    assert (audio.command(TODAY).text, audio.guessed) == ("余额", True)
    rich = message(
        msgtype="richText",
        text=None,
        content={"richText": [{"text": "申请"}, {"type": "picture"}, {"text": "200"}]},
        atUsers=[BOT],
    )
    assert (ChatMessage.read(rich, "p1").command(TODAY).text, ChatMessage.read(rich, "p1").guessed) == (
        "申请 200",
        False,
    )


def test_calling_the_bot_without_a_word_asks_for_the_balance() -> None:
    assert (
        ChatMessage.read(message(text={"content": " "}, atUsers=[BOT]), "p1").command(TODAY).text == "balance"
    )


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"text": 7, "atUsers": {"x": 1}, "content": "x"},
        {"sessionWebhookExpiredTime": "soon", "msgtype": []},
    ],
)
def test_odd_messages_are_read_without_a_stumble(odd: dict[str, Any]) -> None:
    assert ChatMessage.read(odd, "p1").id == "p1"


@pytest.mark.parametrize(
    "content", ["", "[]", "{", None, 7, '{"cardPrivateData": null}', '{"cardPrivateData": {"params": []}}']
)
def test_odd_clicks_mean_nothing(content: Any) -> None:
    click = Click.read({"outTrackId": "t", "userId": "u", "content": content})
    assert (click.track, click.user, click.action) == ("t", "u", "")
