"""Without a card template everything works typed: what a message offers in words does what its button would have done."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import pytest
from sqlmodel import Session, select

from models.metering.gateway_account import GatewayAccount
from models.metering.reading import Reading
from models.people.member import Member
from models.policy import versions
from models.quota.request import Request
from tests.company import NOW, POLICY, who
from tests.dingtalk_env import GROUP, DingTalkEnv, open_env
from tests.slack_env import metered, settled_copy

LINK = re.compile(r"\(dtmd://dingtalkclient/sendMessage\?content=([^)]+)\)")


@pytest.fixture
async def env(tmp_path: Path, settled_template: Path) -> AsyncIterator[DingTalkEnv]:
    async with open_env(settled_copy(settled_template, tmp_path), template="", language="zh") as env:
        yield env


def taps(text: str) -> list[str]:
    """What a tap on each link of a message says to us as the reader."""
    return [unquote(words) for words in LINK.findall(text)]


async def test_with_two_lenders_each_line_of_the_loans_gives_back_to_its_own(env: DingTalkEnv) -> None:
    env.database.transact(lambda session: _called(session, {"alice": "张三", "eve": "Eve Wu"}))
    for name in ("alice", "eve"):
        await env.say(name, "借给 20", at=["bob"], group=GROUP)
    first, second = taps((await env.say("bob", "借条")).text)
    assert (first, second) == ("归还 张三", "归还 eve@corp.example")
    for words in (second, first):
        assert "请确认：还给" in (await env.say("bob", words)).text
        assert "已归还" in (await env.say("bob", "确认")).text
    assert [env.left(name) for name in ("alice", "bob", "eve")] == [100, 100, 100]
    env.audit()


async def test_what_the_borrower_reads_of_a_loan_gives_it_back(env: DingTalkEnv) -> None:
    await env.say("alice", "借给 20", at=["bob"], group=GROUP)
    await env.say("eve", "借给 20", at=["bob"], group=GROUP)
    (words,) = taps((await env.hear("bob", "Eve 借给你")).text)
    await env.say("bob", words)
    await env.say("bob", "确认")
    assert (env.left("alice"), env.left("eve")) == (80, 100)


async def test_above_ones_ceiling_the_words_of_approve_less_grant_just_that(env: DingTalkEnv) -> None:
    policy = POLICY.replace("manager: 500, owner: 5000", "manager: 50, owner: 80").replace(
        "  fallback_approvers: [cfo@corp.example]\n", ""
    )
    env.database.transact(lambda session: versions.record_version(session, policy, NOW, "ops") and None)
    await env.say("pia", "申请 300 压测")
    (words,) = taps((await env.hear("lee", "你的上限")).text)
    assert "已批给 Pia **$80.00**" in (await env.say("lee", words)).text
    assert env.left("pia") == 580


async def test_saying_a_decision_again_tells_what_became_of_it(env: DingTalkEnv) -> None:
    await env.say("pia", "申请 300 压测")
    await env.hear("lee", "申请 **$300.00**")
    code = env.database.transact(lambda session: session.exec(select(Request.code)).one())
    await env.say("lee", f"同意 {code}")
    assert "已处理：✅ Lee 已同意" in (await env.say("lee", f"同意 {code}")).text
    assert env.left("pia") == 800


async def test_a_surge_is_paused_and_taken_up_again_by_a_word(env: DingTalkEnv) -> None:
    env.database.transact(lambda session: metered(session, env.clock(), "pia", 100))
    assert "没法拦住" in (await env.say("pia", "暂停")).text, "nothing is enforced"
    env.app.dispatcher.live = True
    reading = Reading("pia", 0, 500_000_000, NOW)
    env.database.transact(lambda session: GatewayAccount.link(session, reading, who(session, "pia")) and None)
    assert "已为你暂停" in (await env.say("pia", "暂停")).text
    assert env.database.transact(lambda session: who(session, "pia").paused_at is not None)
    (words,) = taps(env.heard("pia")[-1])
    assert "继续" in (await env.say("pia", words)).text
    assert env.database.transact(lambda session: who(session, "pia").paused_at is None)


async def test_history_goes_back_page_by_page_and_each_is_shown_once(env: DingTalkEnv) -> None:
    for number in range(1, 13):
        env.clock.move(minutes=10)
        await env.say("alice", f"借给 {number}", at=["bob"], group=GROUP)
    seen: list[str] = []
    words = ["明细"]
    while words:
        text = (await env.say("alice", words[0])).text
        words = taps(text)
        seen += [line for line in text.splitlines() if "→" in line and "更早" not in line]
    assert len(seen) == len(set(seen)) == 13  # the allocation and twelve loans
    assert (await env.say("bob", "明细 1")).text == (await env.say("bob", "明细")).text  # not a row of his


async def test_where_slack_opens_a_form_the_words_to_type_are_shown(env: DingTalkEnv) -> None:
    text = (await env.say("alice", "余额")).text
    assert "**申请 200 理由**" in text
    assert "**借给 姓名 50**" in text
    assert "请这样说：**申请 200 [用到12月15日] [理由]**" in (await env.say("alice", "申请")).text


async def test_a_request_made_in_a_group_shows_its_card_to_the_approver_alone(env: DingTalkEnv) -> None:
    await env.say("pia", "申请 300 压测", group=GROUP)
    await env.hear("lee", "申请 **$300.00**", "压测")
    await env.settled()
    assert [one for one in env.heard(GROUP) if "300" in one or "压测" in one] == []


async def test_a_name_that_two_have_is_asked_back_with_what_tells_them_apart(env: DingTalkEnv) -> None:
    env.database.transact(lambda session: _called(session, {"bob": "李四", "pia": "李四"}))
    answer = await env.say("alice", "借给 李四 20")
    assert "李四 · design · bob@corp.example、李四 · payments · pia@corp.example" in answer.text
    assert "借给 **李四** · payments **$20.00**" in (await env.say("alice", "借给 pia@corp.example 20")).text
    await env.say("alice", "确认")
    assert (env.left("bob"), env.left("pia")) == (100, 520)


async def test_without_a_mention_it_is_asked_to_whom_and_a_name_in_ones_own_chat_answers(
    env: DingTalkEnv,
) -> None:
    await env.say("alice", "借给 20", group=GROUP)
    await env.hear("alice", "$20.00 借给谁")
    assert "借给 **Bob**" in (await env.say("alice", "Bob")).text
    assert env.left("alice") == 100


async def test_a_chinese_name_is_understood_in_english(env: DingTalkEnv) -> None:
    env.database.transact(lambda session: _called(session, {"bob": "李四"}))
    await env.say("alice", "lang en")
    assert "Lend **$20.00** to **李四** · design" in (await env.say("alice", "lend 李四 20")).text


async def test_somebody_whose_account_is_switched_off_is_refused_in_private(env: DingTalkEnv) -> None:
    env.ding.people["eve"] = replace(env.ding.people["eve"], active=False)
    await env.say("eve", "借给 20", at=["bob"], group=GROUP)
    assert "仅限本组织的在职同事使用" in (await env.hear("eve", "在职")).text
    assert env.left("bob") == 100


async def test_the_group_reads_that_the_answer_is_in_the_chat(env: DingTalkEnv) -> None:
    answer = await env.say("alice", "借给 20", at=["bob"], group=GROUP)
    assert answer.text == "额度不在群里显示，请私聊我。这次的结果已私聊发给你。"


def _called(session: Session, names: dict[str, str]) -> None:
    for name, called in names.items():
        member: Member = who(session, name)
        member.name = called
        session.add(member)
