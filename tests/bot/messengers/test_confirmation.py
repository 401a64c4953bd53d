"""What was not an exact command is said back first; what was overheard or denied moves nothing."""

from __future__ import annotations

import pytest

from tests.slack_env import CHANNEL, SlackEnv, code_of


@pytest.mark.parametrize("env", ["socket-sqlite-en", "http-sqlite-zh"], indirect=True)
async def test_a_plain_sentence_is_said_back_first_and_moves_on_a_yes(env: SlackEnv) -> None:
    sentence = "could you give @bob 20 please" if env.spoken == "en" else "帮我转 20 给 @bob 吧"
    echo = await env.command("alice", sentence)
    assert {"confirm.yes", "confirm.no"} <= set(echo.actions)
    assert "$20.00" in echo.shown
    assert "Bob" in echo.shown
    assert env.left("bob") == 100
    await env.press("alice", echo, "confirm.yes")
    assert env.left("bob") == 120
    await env.shows(echo, "$20.00", "Bob")
    assert "confirm.yes" not in echo.actions


async def test_a_no_changes_nothing_and_a_yes_after_it_finds_nothing(env: SlackEnv) -> None:
    echo = await env.say("alice", "could you give @bob 20 please")
    assert "confirm.yes" in echo.actions
    assert "nothing was changed" in (await env.say("alice", "no")).shown
    assert "nothing waiting" in (await env.say("alice", "yes")).shown
    assert env.left("bob") == 100


async def test_the_same_command_within_a_minute_is_said_back_first(env: SlackEnv) -> None:
    assert "You lent" in (await env.command("alice", "lend @bob 20")).shown
    again = await env.command("alice", "lend @bob 20")
    assert "You just did exactly that" in again.shown
    assert env.left("bob") == 120
    assert "You lent" in (await env.say("alice", "yes")).shown
    assert env.left("bob") == 140
    env.clock.move(seconds=90)
    assert "You lent" in (await env.command("alice", "lend @bob 20")).shown
    env.audit()


async def test_a_name_that_was_typed_leads_to_a_card_with_name_and_team(env: SlackEnv) -> None:
    echo = await env.command("alice", "lend Bob 20")
    assert "*Bob* · design" in echo.shown
    assert env.left("bob") == 100
    await env.press("alice", echo, "confirm.yes")
    assert env.left("bob") == 120


async def test_an_e_mail_that_slack_made_a_link_of_is_still_an_e_mail(env: SlackEnv) -> None:
    echo = await env.say("alice", "lend <mailto:bob@corp.example|bob@corp.example> 20")
    assert "*Bob* · design" in echo.shown


async def test_a_sentence_in_a_thread_keeps_its_thread_through_the_yes(env: SlackEnv) -> None:
    thread = env.slack.post(CHANNEL, "U06PIA", "out of quota").ts
    echo = await env.say("pia", "I need another 300 to finish the migration", channel=CHANNEL, thread=thread)
    assert "confirm.yes" in echo.actions
    await env.press("pia", echo, "confirm.yes")
    small = await env.until(lambda: next(iter(env.in_thread(thread)), None))
    assert "$300.00" in small.shown


@pytest.mark.parametrize(
    "words",
    [
        "see you tomorrow",
        "please don't lend anything to @bob",
        "收到",
        "@bob is out today",
        "别借给 @bob 20",
        "did alice lend @bob 20?",
    ],
)
async def test_what_is_overheard_or_denied_moves_nothing(env: SlackEnv, words: str) -> None:
    before = env.everything()
    answer = await env.command("alice", words)
    assert "You lent" not in answer.shown
    assert env.everything() == before


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("lend 5", "lend @bob 50"),
        ("借给 @bob", "lend @bob 50"),
        ("borrow from @bob", "borrow 50 from @bob"),
        ("申请 全部", "give a number"),
        ("lend @bob @eve 10", "One person at a time"),
        ("approve", "approve CODE"),
    ],
)
async def test_what_cannot_be_done_is_not_asked_back(env: SlackEnv, words: str, answer: str) -> None:
    before = env.everything()
    said = await env.command("alice", words)
    assert answer in said.shown
    assert "confirm.yes" not in said.actions
    assert env.everything() == before


async def test_who_approves_twice_within_a_minute_hears_who_decided_and_is_not_asked_back(
    env: SlackEnv,
) -> None:
    await env.say("pia", "request 300 load test")
    code = code_of(await env.hear("lee", "load test"))
    await env.command("lee", f"approve {code} 200")
    assert f"{code} 已处理：✅ Lee 已同意 $200.00" in (await env.command("lee", f"approve {code} 200")).shown
    assert env.left("pia") == 700
