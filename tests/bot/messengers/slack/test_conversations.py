"""The whole story as people live it: over both transports, on both databases, in both languages."""

from __future__ import annotations

import re

import pytest

from models.people.member import Address
from sandbox.slack.workspace import Message
from tests.slack_env import CHANNEL, SlackEnv, code_of

EVERY_WAY = ["socket-sqlite-en", "socket-postgres-zh", "http-sqlite-zh", "http-postgres-en"]
"""Each mode, database and language with each other once."""

EN = {
    "lend": "lend @bob 20 for the demo", "repay": "repay @alice 5", "recall": "recall @bob 5", "borrow": "borrow 10 from @eve",
    "request": "request 300 load test", "you lent": "You lent *$20.00* to Bob", "lent you": "Alice lent you *$20.00*",
    "gave back": "Given back to Alice: *$5.00*", "recalled": "*$5.00* is back from Bob", "asks": "Bob asks to borrow *$10.00*",
    "sent": "Your request for *$300.00*", "asks for": "*Pia* · payments asks for *$300.00*", "approved": "Lee approved *$300.00* for you",
    "by lee": "$300.00 approved by Lee", "waiting": "waiting for Lee", "left": "You have *$100.00* left", "not lent": "You can lend up to $60.00",
}  # fmt: skip
ZH = {
    "lend": "借给 @bob 20 做演示", "repay": "还 @alice 5", "recall": "收回 @bob 5", "borrow": "向 @eve 借 10",
    "request": "申请 300 压测", "you lent": "已借给 Bob *$20.00*", "lent you": "Alice 借给你 *$20.00*",
    "gave back": "已归还 Alice 未用的 *$5.00*", "recalled": "已从 Bob 收回 *$5.00*", "asks": "Bob 想向你借 *$10.00*",
    "sent": "你申请的 *$300.00*", "asks for": "*Pia* · payments 申请 *$300.00*", "approved": "Lee 同意了 *$300.00*",
    "by lee": "Lee 已同意 $300.00", "waiting": "等待 Lee 审批", "left": "你还剩 *$100.00*", "not lent": "你现在最多可借出 $60.00",
}  # fmt: skip


def words_of(request: pytest.FixtureRequest) -> dict[str, str]:
    return ZH if request.node.callspec.id.endswith("zh") else EN


@pytest.mark.parametrize("env", EVERY_WAY, indirect=True)
async def test_the_whole_story(env: SlackEnv, request: pytest.FixtureRequest) -> None:
    said = words_of(request)

    balance = await env.command("alice")
    assert said["left"] in balance.shown
    assert {"request.open", "lend.open", "history.open"} <= set(balance.actions)

    lent = await env.command("alice", said["lend"])
    assert said["you lent"] in lent.shown
    told = await env.hear("bob", said["lent you"])
    assert "loan.return" in told.actions
    assert said["not lent"] in (await env.say("alice", said["lend"].replace("20", "70"))).shown
    assert said["gave back"] in (await env.say("bob", said["repay"])).shown
    assert said["recalled"] in (await env.say("alice", said["recall"])).shown
    assert (env.left("alice"), env.left("bob")) == (90, 110)

    await env.press("alice", lent, "loan.recall")
    assert (env.left("alice"), env.left("bob")) == (100, 100)

    await env.say("bob", said["borrow"])
    ask = await env.hear("eve", said["asks"])
    await env.press("eve", ask, "borrow.accept")
    await env.hear("bob", "Eve", "$10.00", "$110.00")
    assert env.left("eve") == 90

    thread = env.slack.post(CHANNEL, "U06PIA", "we are out of quota").ts
    sent = await env.say("pia", said["request"], channel=CHANNEL, thread=thread)
    assert said["sent"] in sent.shown
    assert sent.ephemeral_for == "U06PIA"
    code = code_of(sent)
    card = await env.hear("lee", said["asks for"], code)
    small = await env.until(lambda: next(iter(env.in_thread(thread)), None))
    assert code in small.shown
    assert said["waiting"] in small.shown
    assert "test" not in small.shown
    assert "压测" not in small.shown
    await env.press("lee", card, "request.approve")
    await env.hear("pia", said["approved"], "$800.00")
    for copy in (card, small):
        await env.shows(copy, said["by lee"])
        assert not {"request.approve", "request.decline"} & set(copy.actions)
    assert env.left("pia") == 800
    env.audit()


# Lending


async def test_a_loan_is_spent_owed_repaid_and_forgiven(env: SlackEnv) -> None:
    await env.say("alice", "lend @bob 50")
    env.spend("bob", 130)
    loans = await env.command("alice", "loans")
    assert "To Bob: $20.00 unspent, they owe you *$30.00*" in loans.shown
    assert {"loan.recall", "loan.forgive"} <= set(loans.actions)
    assert "loan.return" in (await env.command("bob", "loans")).actions
    answer = await env.press("alice", loans, "loan.recall")
    assert "*$20.00* is back from Bob" in answer.shown
    await env.hear("bob", "Alice 收回了", "$20.00")
    assert "$10.00" in (await env.command("alice", "forgive @bob 10")).shown
    await env.hear("bob", "Alice 免去了", "$10.00")
    assert (
        "可用" in (await env.command("bob", "还 @alice 5")).shown
    )  # nothing of one's own is left to pay with
    assert env.wallet("alice").available == 70_000_000
    env.audit()


async def test_lending_by_form_says_what_is_wrong_in_the_form(env: SlackEnv) -> None:
    balance = await env.command("alice")
    form = await env.press("alice", balance, "lend.open")
    assert "80" in (await env.fill("alice", form, person="U02BOB", amount="90"))["amount"]
    assert "amount" in await env.fill("alice", form, person="U02BOB", amount="½")
    assert await env.fill("alice", form, person="U02BOB", amount="20", reason="demo") == {}
    await env.hear("bob", "$20.00", "demo")
    await env.hear("alice", "You lent *$20.00* to Bob")
    env.audit()


# Requests


async def asked(env: SlackEnv, words: str = "request 300 load test") -> Message:
    """Pia asks; Lee's card."""
    await env.say("pia", words)
    return await env.hear("lee", "*Pia*", "同意 $")


@pytest.mark.parametrize("env", ["socket-sqlite-en", "http-postgres-zh"], indirect=True)
async def test_the_manager_approves_less_exactly_as_the_button_says(env: SlackEnv) -> None:
    env.spend("pia", 130)
    await env.say("pia", "request 300 load test" if env.spoken == "en" else "申请 300 压测")
    card = await env.hear("lee", "*Pia*", "$300.00")
    label = card.actions["request.approve_less"]["text"]["text"]
    less = int(label.partition("$")[2].partition(".")[0])
    assert 0 < less < 300
    await env.press("lee", card, "request.approve_less")
    await env.hear("pia", "Lee", f"${less}.00", "$300.00")
    await env.shows(card, "Lee", f"${less}.00")
    assert env.left("pia") == 370 + less
    env.audit()


@pytest.mark.parametrize("env", ["http-sqlite", "socket-postgres"], indirect=True)
async def test_a_decline_asks_for_a_reason_and_the_requester_reads_it(env: SlackEnv) -> None:
    card = await asked(env)
    form = await env.press("lee", card, "request.decline")
    assert form.title == "拒绝申请"
    assert await env.fill("lee", form, reason="请先用免费模型 <!channel>") == {}
    told = await env.hear("pia", "Lee declined your request for $300.00", "请先用免费模型 ‹channel›")
    assert "request.open" in told.actions
    await env.shows(card, "Lee 已拒绝")
    assert not card.actions
    form = await env.press("pia", told, "request.open")
    assert await env.fill("pia", form, amount="100", reason="smaller") == {}
    await env.hear("lee", "smaller")
    env.audit()


async def test_the_card_tells_what_one_needs_to_decide_on_one_screen(env: SlackEnv) -> None:
    env.spend("pia", 120)
    card = await asked(env)
    for words in (
        "$120.00 / $500.00",
        "$380.00",
        "22 天",
        "团队预算 payments",
        "$1,000.00 → $700.00",
        "你是对方的主管",
        "load test",
    ):
        assert words in card.shown
    assert len(card.shown) < 500
    assert "load test" not in card.text  # what a lock screen may show


async def test_the_small_card_in_the_thread_decides_and_shows_no_figures(env: SlackEnv) -> None:
    env.spend("pia", 130)
    thread = env.slack.post(CHANNEL, "U06PIA", "out of quota").ts
    await env.say("pia", "request 300 secret project", channel=CHANNEL, thread=thread)
    card = await env.hear("lee", "secret project")
    small = await env.until(lambda: next(iter(env.in_thread(thread)), None))
    assert "request.approve_less" in card.actions
    assert set(small.actions) == {"request.approve", "request.decline"}
    assert set(re.findall(r"\$[0-9.,]+", small.shown)) == {"$300.00"}
    assert "secret" not in small.shown
    assert "$500" not in small.shown
    await env.press("lee", small, "request.approve")
    await env.shows(small, "approved by Lee")
    await env.shows(card, "Lee 已同意")


# Looking


async def test_history_goes_back_page_by_page_and_each_is_shown_once(env: SlackEnv) -> None:
    for number in range(1, 13):
        env.clock.move(minutes=7)  # ten messages an hour to one colleague
        await env.command("alice", f"lend @bob {number}")
    page = await env.command("alice", "history")
    seen: list[str] = []
    while True:
        seen += [line for line in page.shown.splitlines() if "→" in line]
        if "history.open" not in page.actions:
            break
        page = await env.press("alice", page, "history.open")
    assert len(seen) == len(set(seen)) == 13  # the allocation and twelve loans
    assert "allocation" in seen[-1]


async def test_help_and_the_language_one_chooses(env: SlackEnv) -> None:
    assert "lend @bob 50" in (await env.command("alice", "help")).shown
    assert "/quota" in (await env.command("alice", "help")).shown
    assert "中文" in (await env.command("alice", "lang zh")).shown
    assert "你还剩" in (await env.command("alice")).shown
    assert "借给" in (await env.command("alice", "帮助")).shown
    assert "English" in (await env.command("alice", "lang en")).shown


async def test_a_page_of_ones_own_follows_what_happens(env: SlackEnv) -> None:
    page = await env.home("lee")
    assert "$100.00" in page.shown
    await env.home("pia")
    card = await asked(env)
    page = await env.home_shows("lee", "等你审批", "load test")
    await env.home_shows("pia", "Your open request", code_of(card))
    await env.press("lee", page, "request.approve")
    page = await env.home_shows("pia", "$800.00")
    assert "Your open request" not in page.shown
    await env.command("quinn", "lend @pia 20")
    await env.home_shows("pia", "From Quinn: $20.00 unspent")
    env.audit()


async def test_a_strangers_page_says_how_to_get_in(env: SlackEnv) -> None:
    env.database.transact(lambda session: session.delete(session.get_one(Address, "slack:U12MAX")))
    page = await env.home("max")
    assert "ops@corp.example" in page.shown
