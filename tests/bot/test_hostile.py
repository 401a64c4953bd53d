"""Whoever forges, replays, clicks late or is nobody here gets one clear answer, and nothing moves."""

from __future__ import annotations

import io
import json
import logging
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from sqlmodel import select

from models.quota.request import Request
from models.refusal import Refusal
from sandbox.slack.workspace import Message, Person, View
from tests.company import CAST
from tests.slack_env import CHANNEL, SlackEnv, code_of, open_env, settled_copy

STRANGER = Person("U90STRANGER", "sam", "Sam Stranger", "sam@corp.example")
GUEST = Person("U91GUEST", "gus", "Gus Guest", "gus@corp.example", is_restricted=True)
ROBOT = Person("U92ROBOT", "robby", "Robby Robot", is_bot=True)
FOREIGNER = Person("U93FAR", "fay", "Fay Far", "fay@far.example", team_id="T0FAR", is_stranger=True)
OUTSIDE = (STRANGER, GUEST, ROBOT, FOREIGNER)

VALUES = [
    "", "0", "1", "999999", "-1", "ZZZZ", "' OR '1'='1", "1; DROP TABLE account", "x" * 2000, "审批" * 500, "\u202e7F3K\u0000", "\ud800",
    "٣", "²", "<!channel>", "<@U02BOB>", "{0.__class__}", "%s%n", "null", '{"code": "7F3K", "amount": 1000000}',
    "0001-01-01T00:00:00+23:59~1", "2026-11-09T02:00:00+00:00~99999999999999999999999",
]  # fmt: skip


@pytest.fixture
async def crowd(settled_template: Path, tmp_path: Path) -> AsyncIterator[SlackEnv]:
    """The environment with a stranger, a guest, a bot and somebody of another workspace."""
    async with open_env(settled_copy(settled_template, tmp_path), people=OUTSIDE) as env:
        yield env


def states(env: SlackEnv) -> list[tuple[str, str]]:
    return env.database.transact(
        lambda session: [(one.code, one.state) for one in session.exec(select(Request)).all()]
    )


def untroubled(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> None:
    """No traceback in any log."""
    assert not [record.getMessage() for record in caplog.records if record.exc_info]
    out = capsys.readouterr()
    assert "Traceback" not in out.out + out.err


@pytest.mark.parametrize("env", ["socket-sqlite", "http-postgres"], indirect=True)
async def test_a_forged_value_on_any_button_is_answered_and_moves_nothing(
    env: SlackEnv, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    lent = await env.command("alice", "lend @bob 20")
    await env.hear("bob", "$20.00")
    await env.say("bob", "borrow @eve 10")
    ask = await env.hear("eve", "$10.00")
    sent = await env.say("pia", "request 300 load test")
    card = await env.hear("lee", "load test")
    balance = await env.command("max")
    before, asked = env.everything(), states(env)
    pressed = [
        ("alice", lent, "loan.recall"), ("eve", ask, "borrow.accept"), ("eve", ask, "borrow.decline"), ("pia", sent, "request.cancel"),
        ("lee", card, "request.approve"), ("lee", card, "request.decline"), ("max", balance.copy(), "history.open"),
    ]  # fmt: skip
    for number, value in enumerate(VALUES):
        name, message, action = pressed[number % len(pressed)]
        answer = await env.press(name, message.copy(), action, value)
        assert not isinstance(answer, View)
        assert 0 < len(answer.shown) < 400
    for name, message, action in pressed[:-1]:
        answer = await env.press(name, message.copy(), action, "x" * 2000)
        assert len(answer.shown) < 200, answer.shown
    assert env.everything() == before
    assert states(env) == asked
    env.audit()
    untroubled(caplog, capsys)


async def test_the_code_of_somebody_elses_request_is_as_unknown_as_none(env: SlackEnv) -> None:
    await env.say("pia", "request 300 load test")
    code = code_of(await env.hear("lee", "load test"))
    sent = await env.say("alice", "request 50 for paper")
    for words in ("cancel {}", "approve {}", "approve {} 5", "decline {} no", "revoke {}"):
        theirs = (await env.command("alice", words.format(code))).shown.replace(code, "CODE")
        nobodys = (await env.command("alice", words.format("ZZZ9"))).shown.replace("ZZZ9", "CODE")
        assert theirs == nobodys, words
    theirs = (await env.press("alice", sent, "request.cancel", code)).shown.replace(code, "CODE")
    nobodys = (await env.press("alice", sent, "request.cancel", "ZZZ9")).shown.replace("ZZZ9", "CODE")
    assert theirs == nobodys
    assert all(state == "pending" for _, state in states(env))


async def test_the_loan_of_others_cannot_be_recalled_forgiven_or_given_back(env: SlackEnv) -> None:
    await env.command("alice", "lend @bob 20")
    mine = await env.command("eve", "lend @max 10")
    before = env.everything()
    answer = await env.press("eve", mine, "loan.recall", "1")
    assert "not yours" in answer.shown
    told = await env.hear("max", "Eve")
    await env.press("max", told, "loan.return", "1")
    assert env.everything() == before


@pytest.mark.parametrize("who", [one.id for one in OUTSIDE] + ["pia", "quinn", "bob", "olga"])
async def test_whoever_may_not_decide_is_told_so_and_the_card_stays(crowd: SlackEnv, who: str) -> None:
    thread = crowd.slack.post(CHANNEL, "U06PIA", "help").ts
    await crowd.say("pia", "request 300 load test", channel=CHANNEL, thread=thread)
    small = await crowd.until(lambda: next(iter(crowd.in_thread(thread)), None))
    for action in ("request.approve", "request.decline"):
        answer = await crowd.press(who, small.copy(), action)
        assert not isinstance(answer, View)
        assert answer.ephemeral_for == (CAST[who][0] if who in CAST else who)
    assert "request.approve" in small.actions
    assert [state for _, state in states(crowd)] == ["pending"]
    crowd.audit()


async def test_people_who_are_not_of_the_house_get_a_kind_no(crowd: SlackEnv) -> None:
    before = crowd.everything()
    for who in [one.id for one in OUTSIDE]:
        expected = "I don't know you yet" if who == STRANGER.id else "colleagues of this workspace only"
        for words in ("lend @alice 5", "borrow @alice 5", "request 5", "approve 7F3K", "balance", ""):
            assert expected in (await crowd.command(who, words)).shown, (who, words)
    assert crowd.everything() == before


async def test_nothing_is_lent_to_people_who_are_not_of_the_house(crowd: SlackEnv) -> None:
    before = crowd.everything()
    for other in OUTSIDE[1:]:
        answer = await crowd.command("alice", f"lend <@{other.id}|{other.name}> 5")
        assert "can't take part right now" in answer.shown, other
    assert crowd.everything() == before


async def test_a_colleague_who_became_a_guest_sees_a_balance_and_takes_no_part_in_lending(
    env: SlackEnv,
) -> None:
    await env.command("alice", "lend @bob 5")
    env.slack.change_person(CAST["bob"][0], is_restricted=True)
    env.app.messengers["slack"].directory._profiles.clear()
    before = env.everything()
    assert "can't take part right now" in (await env.command("alice", "lend @bob 5")).shown
    assert "仅限" in (await env.command("bob", "lend @alice 5")).shown
    assert "仅限" in (await env.command("bob", "borrow 5 from @alice")).shown
    assert "$105.00" in (await env.command("bob")).shown
    assert env.everything() == before


async def test_an_ex_manager_cannot_use_the_card_that_is_still_there(env: SlackEnv) -> None:
    await env.say("pia", "request 300 load test")
    card = await env.hear("lee", "load test")
    env.change("pia", manager_id="carol", team="design")
    before = env.everything()
    answer = await env.press("lee", card, "request.approve")
    assert "不由你处理" in answer.shown
    assert "不由你处理" in (await env.command("lee", f"approve {code_of(card)}")).shown
    assert env.everything() == before


async def test_a_late_click_is_told_who_decided_and_when(env: SlackEnv) -> None:
    await env.say("pia", "request 300 load test")
    card = await env.hear("lee", "load test")
    late = card.copy()
    await env.press("lee", card, "request.approve")
    await env.shows(card, "Lee")
    after = env.everything()
    for action in ("request.approve", "request.decline"):
        answer = await env.press("lee", late, action)
        assert "已处理" in answer.shown
        assert "Lee 已同意 $300.00 · 11月9日 10:00" in answer.shown
    assert env.everything() == after
    env.audit()


async def test_a_card_that_was_replaced_decides_nothing_and_names_the_new_one(env: SlackEnv) -> None:
    await env.say("pia", "request 300 load test")
    card = await env.hear("lee", "load test")
    old = card.copy()
    await env.say("pia", "request 200 load test")
    newer = await env.hear("lee", "$200.00", "同意")
    await env.shows(card, code_of(newer), "$200.00")
    answer = await env.press("lee", old, "request.approve")
    assert code_of(newer) in answer.shown
    assert "$200.00" in answer.shown
    assert env.left("pia") == 500


async def test_two_managers_click_at_once_and_one_of_them_is_told_who_was_first(env: SlackEnv) -> None:
    await env.say("alice", "request 300 for paper")
    card = await env.hear("carol", "paper")
    await env.say("carol", f"decline {code_of(card)} not now")
    assert "declined by Carol" in (await env.press("carol", card.copy(), "request.approve")).shown
    await env.hear("alice", "not now")


EVIL = "*b* _i_ `c` <!channel> <!here> <@U02BOB> @everyone &lt;!channel&gt; [x](http://evil.example) sk-abcdefghij0123456789 xoxb-123456789012-abc"


async def test_what_people_type_pings_nobody_and_shows_no_key(env: SlackEnv) -> None:
    thread = env.slack.post(CHANNEL, "U06PIA", "help").ts
    await env.say("pia", f"request 300 for {EVIL}", channel=CHANNEL, thread=thread)
    card = await env.hear("lee", "evil.example")
    await env.until(lambda: env.in_thread(thread))
    code = code_of(card)
    await env.press("lee", card, "request.decline")
    form = env.slack.modal(CAST["lee"][0])
    assert form is not None
    await env.fill("lee", form, reason=EVIL)
    await env.hear("pia", code, "evil.example")
    said = [one for one in env.slack.messages if one.user == env.slack.bot.id]
    for message in said:
        raw = json.dumps([message.text, message.blocks], ensure_ascii=False)
        assert "<!" not in raw
        assert "<@" not in raw
        assert "@everyone" not in raw
        assert "sk-abc" not in raw
        assert "xoxb-1" not in raw
    env.audit()


NO_AMOUNTS = [
    "0", "-5", "−5", "NaN", "inf", "∞", "1e6", "1E2", "½", "²", "٣", "①", "0x10", "1.0000001", "9007199254740992", "10-20", "10~20", "1.000", "1,5m", "1,0000", "1兆", "¥20", "€5", "1.2.3", "5%",
]  # fmt: skip


async def test_what_is_no_amount_moves_nothing_and_is_said_to_be_none(env: SlackEnv) -> None:
    before = env.everything()
    for amount in NO_AMOUNTS:
        answer = await env.command("alice", f"lend @bob {amount}")
        assert "You lent" not in answer.shown, amount
        assert "confirm.yes" not in answer.actions, amount
    assert env.everything() == before


async def said_yes(env: SlackEnv, words: str) -> Message:
    answer = await env.command("alice", words)
    return await env.press("alice", answer, "confirm.yes") if "confirm.yes" in answer.actions else answer


MOVED = [("5", 5), ("$5", 5), ("5.25", 5.25), ("１５", 15), ("1.000001", 1.000001), ("5 bucks", 5), ("两块", 2), ("三十", 30), ("all", 80)]  # fmt: skip


async def test_what_is_an_amount_moves_exactly_that(env: SlackEnv) -> None:
    for amount, moved in MOVED:
        answer = await said_yes(env, f"lend @bob {amount}")
        assert "You lent" in answer.shown, amount
        assert env.wallet("bob").borrowed == round(moved * 1_000_000), amount
        await said_yes(env, "recall @bob")
    env.audit()


# At the door: HTTP

Post = Any


def posting(env: SlackEnv) -> Post:
    async def post(
        body: bytes, headers: dict[str, str] | None = None, *, sign: bool = False, kind: str = "json"
    ) -> int:
        types = {"json": "application/json", "form": "application/x-www-form-urlencoded"}
        sent = {"Content-Type": types[kind]} | (headers or {})
        if sign:
            sent |= env.slack.signed(body.decode("utf-8", "surrogateescape"))
        async with (
            aiohttp.ClientSession() as session,
            session.post(env.slack.http_target, data=io.BytesIO(body), headers=sent) as reply,
        ):
            text = await reply.text()
            assert "Traceback" not in text
            return reply.status

    return post


GARBAGE = [
    (b"", "json"), (b"{", "json"), (b"[1]", "json"), (b"5", "json"), (b"null", "json"), (b'"x"', "json"), (b"\xff\xfe\x00", "json"),
    (b"[" * 100_000, "json"), (b"payload=", "form"), (b"payload={", "form"), (b"payload=[]", "form"), (b"payload=%ff", "form"),
    (b"payload=null&payload=5", "form"), (b"a=b", "form"), (b"%", "form"), (b"", "form"), (b"{}", "json"),
    (b"payload=" + quote('{"type":"block_actions"}').encode(), "form"), (b'{"type":"event_callback"}', "json"),
    (b'{"type":"event_callback","event":[]}', "json"), (b"command=%2Fquota", "form"),
]  # fmt: skip


@pytest.mark.parametrize("env", ["http-sqlite"], indirect=True)
async def test_who_cannot_sign_gets_a_status_and_leaves_no_trace_in_the_log(
    env: SlackEnv, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    post, now = posting(env), time.time()
    caplog.set_level(logging.DEBUG)
    before = env.everything()
    capsys.readouterr()
    good = json.dumps({"type": "url_verification", "challenge": "x"})
    for body, kind in GARBAGE:
        assert await post(body, kind=kind) == 401
    signed = env.slack.signed(good)
    for stamp in ("abc", "", "-1", "1e9", "٣", "9" * 30, str(int(now - 3600)), str(int(now + 3600)), "0x5F"):
        assert await post(good.encode(), signed | {"X-Slack-Request-Timestamp": stamp}) == 401
    for signature in (
        "",
        "v0=",
        "v0=" + "0" * 64,
        signed["X-Slack-Signature"][:-1],
        "v1" + signed["X-Slack-Signature"][2:],
        "é",
    ):
        assert await post(good.encode(), signed | {"X-Slack-Signature": signature}) == 401
    assert await post((good + " ").encode(), signed) == 401
    old = env.slack.signed(good, now - 301)
    assert await post(good.encode(), old) == 401
    assert await post(b"x" * 5_000_000) == 413
    assert await post(good.encode(), signed) == 200
    assert env.everything() == before
    untroubled(caplog, capsys)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("env", ["http-sqlite"], indirect=True)
async def test_signed_garbage_gets_a_status_too(
    env: SlackEnv, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    post = posting(env)
    before = env.everything()
    for body, kind in GARBAGE:
        if body[:1] == b"\xff":
            continue
        assert await post(body, kind=kind, sign=True) in (200, 400, 404), body[:40]
    assert env.everything() == before
    untroubled(caplog, capsys)


@pytest.mark.parametrize("env", ["http-sqlite"], indirect=True)
async def test_a_body_in_pieces_is_read_whole_before_it_is_judged(env: SlackEnv) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "x" * 200_000})

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 50_000):
            yield body[start : start + 50_000].encode()

    headers = {"Content-Type": "application/json"} | env.slack.signed(body)
    async with (
        aiohttp.ClientSession() as session,
        session.post(env.slack.http_target, data=pieces(), headers=headers) as reply,
    ):
        assert reply.status == 200


def test_refusals_are_answers_and_no_errors() -> None:
    assert not issubclass(Refusal, ValueError)
