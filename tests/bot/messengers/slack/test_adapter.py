"""Slack on a bad day: limits, lost replies, outages, lost connections; nothing is lost, nothing is said twice."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import aiohttp
import pytest

from bot.app import open_app
from bot.messengers.port import MessengerError, Undeliverable
from bot.messengers.slack import directory as module
from bot.messengers.slack.read import read_profile, written
from bot.messengers.slack.workspace import Workspace as Ours
from bot.settings import Settings
from handlers.routes import BUTTONS, CONFIRM, FORMS
from models.messages.message import Message
from models.people.profile import Profile
from sandbox.slack.payloads import event
from sandbox.slack.workspace import Person, Workspace
from tests.company import CAST
from tests.slack_env import CHANNEL, SlackEnv, cast, open_env, settled_copy, slack_id

ACME = Ours("T1", "E1", "A1")


def told(env: SlackEnv, name: str, words: str) -> int:
    return len([one for one in env.heard(name) if words in one])


# Saying


@pytest.mark.parametrize("env", ["socket-sqlite", "http-sqlite"], indirect=True)
@pytest.mark.parametrize("way", ["command", "say"])
async def test_a_team_is_shown_with_slacks_own_chart_and_with_signs_where_slack_takes_none(
    env: SlackEnv, way: str
) -> None:
    env.spend("alice", 20)
    shown = await getattr(env, way)("carol", "team")
    assert "data_visualization" in {block["type"] for block in shown.blocks}
    env.slack.faults.refuse(
        "response_url" if way == "command" else "chat.postMessage", error="invalid_blocks"
    )
    again = await getattr(env, way)("carol", "team")
    assert again is not shown
    assert "data_visualization" not in {block["type"] for block in again.blocks}
    assert "█" in again.shown
    env.audit()


async def test_a_channel_that_is_limited_is_waited_for_and_others_are_not(env: SlackEnv) -> None:
    env.slack.faults.rate_limit("chat.postMessage", retry_after=30)
    asked_at = env.clock()
    await env.command("alice", "lend @bob 5")
    await env.command("alice", "lend @eve 5")
    await env.hear("eve", "$5.00")
    assert told(env, "bob", "$5.00") == 0
    assert (env.clock() - asked_at).total_seconds() < 25
    env.clock.move(seconds=31)
    await env.hear("bob", "$5.00")
    await env.settled()
    assert told(env, "bob", "$5.00") == 1


@pytest.mark.parametrize("how", ["lose_reply", "cut_reply"])
@pytest.mark.parametrize("place", ["dm", "thread"])
async def test_a_message_whose_reply_was_lost_is_found_and_not_said_twice(
    env: SlackEnv, how: str, place: str
) -> None:
    thread = env.slack.post(CHANNEL, slack_id("pia"), "help").ts
    if place == "dm":
        getattr(env.slack.faults, how)("chat.postMessage")
        await env.command("alice", "lend @bob 5")
    else:
        await env.say("pia", "request 300 load test", channel=CHANNEL, thread=thread)
        getattr(env.slack.faults, how)("chat.postMessage")
        await env.say("pia", "request 200", channel=CHANNEL, thread=thread)
    for _ in range(4):
        env.clock.move(seconds=10)
        await env.settled()
    if place == "dm":
        assert told(env, "bob", "$5.00") == 1
    else:
        assert len([one for one in env.in_thread(thread) if "$200.00" in one.shown and one.actions]) == 1


@pytest.mark.parametrize("error", ["unknown_method", "missing_scope"])
async def test_where_one_may_not_look_it_is_rather_said_twice_than_never(env: SlackEnv, error: str) -> None:
    env.slack.faults.refuse("conversations.history", error=error, times=None)
    env.slack.faults.fail("chat.postMessage", status=502)
    await env.command("alice", "lend @bob 5")
    for _ in range(3):
        env.clock.move(seconds=10)
        await env.settled()
    assert told(env, "bob", "$5.00") == 1


async def test_a_message_that_was_lost_on_the_way_is_said_again(env: SlackEnv) -> None:
    env.slack.faults.lose_request("chat.postMessage")
    await env.command("alice", "lend @bob 5")
    await env.hear("bob", "$5.00")
    await env.settled()
    assert told(env, "bob", "$5.00") == 1


async def test_an_outage_of_ten_minutes_delays_and_loses_nothing(env: SlackEnv) -> None:
    for method in ("chat.postMessage", "chat.update", "response_url"):
        env.slack.faults.fail(method, times=None)
    assert "You lent" in (await env.command("alice", "lend @bob 5")).shown
    for _ in range(10):
        env.clock.move(minutes=1)
        await env.settled()
    env.slack.faults.clear()
    env.clock.move(hours=1)
    await env.hear("bob", "$5.00")
    env.audit()


async def test_a_card_that_somebody_deleted_holds_nothing_up(env: SlackEnv) -> None:
    thread = env.slack.post(CHANNEL, slack_id("pia"), "help").ts
    await env.say("pia", "request 300 load test", channel=CHANNEL, thread=thread)
    card = await env.hear("lee", "load test")
    small = await env.until(lambda: next(iter(env.in_thread(thread)), None))
    env.slack.delete(small)
    await env.press("lee", card, "request.approve")
    await env.hear("pia", "approved *$300.00*")
    await env.shows(card, "Lee 已同意")
    await env.settled()


async def test_who_cannot_be_reached_stops_nobody_else(env: SlackEnv) -> None:
    env.slack.change_person(slack_id("bob"), deleted=True)
    env.slack.faults.refuse("chat.postMessage", error="user_disabled")
    await env.command("eve", "lend @alice 5")
    await env.command("eve", "lend @max 5")
    await env.hear("max", "Eve")
    await env.until(lambda: env.app.worker.parked or None)


async def test_what_is_said_to_one_channel_keeps_its_pace(env: SlackEnv) -> None:
    started = env.clock()
    for number in range(1, 9):
        await env.command("alice", f"lend @bob {number}")
    await env.hear("bob", "$8.00")
    assert (env.clock() - started).total_seconds() >= 4  # a few at once, then one a second
    calls = [call for call in env.slack.calls if call.method == "chat.postMessage" and call.error]
    assert calls == []


# Hearing


async def test_a_dropped_socket_comes_back_and_takes_commands_again(env: SlackEnv) -> None:
    env.slack.drop_sockets()
    await env.slack.wait_for(lambda: not env.slack.connections)
    await env.until(lambda: env.slack.connections or None, bound=20)
    assert "You lent" in (await env.command("alice", "lend @bob 5")).shown


async def test_a_refresh_in_the_middle_of_a_command_loses_nothing(env: SlackEnv) -> None:
    asked = asyncio.create_task(env.slack.command(slack_id("alice"), "lend @bob 5"))
    for _ in range(3):  # until it is on its way
        await asyncio.sleep(0)
    await env.slack.disconnect()
    assert (await asked).ok
    await env.until(lambda: env.slack.connections or None)
    await env.hear("bob", "$5.00")
    assert env.left("bob") == 105


@pytest.mark.parametrize("env", ["socket-sqlite", "http-sqlite"], indirect=True)
async def test_an_event_whose_acknowledgement_was_lost_comes_again_and_moves_once(env: SlackEnv) -> None:
    env.slack.faults.lose_ack("events_api")
    await env.slack.say(slack_id("alice"), "lend @bob 5")
    await env.slack.wait_for(lambda: [one for one in env.slack.deliveries if one.retry])
    await env.hear("bob", "$5.00")
    await env.settled()
    assert env.left("bob") == 105
    assert told(env, "alice", "You lent") == 1


async def test_our_own_messages_and_those_of_other_bots_are_not_answered(env: SlackEnv) -> None:
    said = env.slack.post(env.slack.dm(slack_id("alice")).id, env.slack.bot.id, "lend <@U02BOB> 5")
    inner = said.as_slack("T0ACME") | {"type": "message", "channel": said.channel, "channel_type": "im"}
    robot = {
        "type": "app_mention",
        "bot_id": "B0OTHER",
        "text": "<@U0QUOTABOT> balance",
        "channel": CHANNEL,
        "ts": "1.2",
    }
    for one in (inner, robot, robot | {"user": "U92ROBOT"}):
        ack = await env.slack.deliver("events_api", event(env.slack, one))
        assert ack.ok
    await env.settled()
    assert env.left("bob") == 100
    assert env.heard("alice") == ["lend <@U02BOB> 5"]


async def test_a_form_that_is_sent_twice_is_one_request(env: SlackEnv) -> None:
    form = await env.press("alice", await env.command("alice"), "lend.open")
    answers = {"person": "U02BOB", "amount": "5"}
    await asyncio.gather(*(env.slack.submit(slack_id("alice"), form, answers) for _ in range(2)))
    await env.hear("bob", "$5.00")
    await env.settled()
    assert env.left("bob") == 105


async def test_when_the_trigger_is_too_old_no_form_opens_and_nothing_breaks(env: SlackEnv) -> None:
    balance = await env.command("alice")
    env.slack.faults.refuse("views.open", error="expired_trigger_id")
    ack = await env.slack.press(slack_id("alice"), balance, "lend.open")
    assert ack.ok
    assert env.slack.modal(slack_id("alice")) is None
    await env.until(
        lambda: next((one for one in env.slack.seen_by("U01ALICE") if "did not open" in one.shown), None)
    )
    env.slack.faults.refuse("views.open", error="expired_trigger_id")
    assert "Please type `request 200" in (await env.command("alice", "request")).shown


# Starting and stopping


@pytest.mark.parametrize("mode", ["socket", "http"])
async def test_stopping_finishes_what_is_on_the_way_within_seconds(
    settled_template: Path, tmp_path: Path, mode: str
) -> None:
    url = settled_copy(settled_template, tmp_path)
    async with open_env(url, mode=mode) as env:
        env.slack.faults.slow_down("chat.postMessage", seconds=1.0, times=1)
        env.slack.faults.slow_down("users.info", seconds=0.5, times=None)
        env.app.messengers["slack"].directory._profiles.clear()
        asked = asyncio.create_task(env.slack.command(slack_id("eve"), "lend @max 5"))
        await env.command("alice", "lend @bob 5")
        assert (await asked).ok
        started = time.monotonic()
    assert time.monotonic() - started < 10
    async with open_env(url, mode=mode) as again:
        again.clock.move(minutes=2)
        await again.settled()
        assert told(again, "bob", "$5.00") == 0  # it was marked: the first house had said it


async def test_slack_may_be_down_when_we_start(settled_template: Path, tmp_path: Path) -> None:
    async with Workspace(people=cast()) as slack:
        slack.faults.fail("auth.test", times=1)
        settings = Settings(
            _env_file=None, database_url=settled_copy(settled_template, tmp_path), slack_bot_token=slack.bot_token,
            slack_app_token=slack.app_token, slack_api_url=slack.api_url, http_port=0,
        )  # fmt: skip
        async with open_app(settings) as built:
            stop = asyncio.Event()
            running = asyncio.create_task(built.run(stop))
            await slack.wait_for(lambda: slack.connections)
            stop.set()
            await running


async def test_a_port_that_is_taken_ends_the_start_and_leaves_nothing_running(
    env: SlackEnv, tmp_path: Path
) -> None:
    settings = Settings(_env_file=None, database_url=f"sqlite:///{tmp_path / 'x.db'}", http_port=env.app.port)
    async with open_app(settings) as built:
        with pytest.raises(OSError, match="address already in use"):
            await built.run(asyncio.Event())
    assert [task.get_name() for task in asyncio.all_tasks()].count("worker") == 1  # the env's own


# The port


async def test_what_the_web_api_says_no_to_is_either_temporary_or_final(env: SlackEnv) -> None:
    slack = env.app.messengers["slack"]
    for error in ("channel_not_found", "is_archived", "user_disabled"):
        env.slack.faults.refuse("chat.postMessage", error=error)
        with pytest.raises(Undeliverable):
            await slack.send("slack:U02BOB", Message(text="x"), "k")
    env.slack.faults.rate_limit("chat.postMessage", retry_after=7)
    with pytest.raises(MessengerError) as limited:
        await slack.send("slack:U02BOB", Message(text="x"), "k")
    assert limited.value.retry_after == 7
    for faults, unknown in (("fail", True), ("lose_reply", True)):
        getattr(env.slack.faults, faults)("chat.postMessage")
        with pytest.raises(MessengerError) as lost:
            await slack.send("slack:U02BOB", Message(text="x"), "k")
        assert lost.value.unknown is unknown


async def test_everybody_of_the_workspace_is_read_page_by_page_or_not_at_all(env: SlackEnv) -> None:
    people = await env.app.messengers["slack"].people()
    assert {address for address, _ in people} >= {f"slack:{row[0]}" for row in CAST.values()}
    env.slack.faults.refuse("users.list", error="invalid_auth")
    with pytest.raises(MessengerError):
        await env.app.messengers["slack"].people()


async def test_a_large_workspace_is_read_whole_through_limits_and_outages(
    env: SlackEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small pages stand for many people: each page is limited once, one fails, and one reply is lost."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            env.slack.faults.fail("users.list", status=500, times=2)

    directory = env.app.messengers["slack"].directory
    monkeypatch.setattr(directory, "sleep", sleep)
    monkeypatch.setattr(module, "PAGE", 10)
    for number in range(300):
        one = Person(f"U8{number:04}", f"p{number}", email=f"p{number}@corp.example")
        env.slack.people[one.id] = one
    env.slack.faults.rate_limit("users.list", retry_after=30, times=3)
    assert len({address for address, _ in await directory.people()}) == 300 + len(CAST) + 1
    assert slept[:3] == [30, 30, 30]
    assert len(slept) == 5


async def test_reading_everybody_ends_where_slack_stays_away(
    env: SlackEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def sleep(seconds: float) -> None:
        pass

    monkeypatch.setattr(env.app.messengers["slack"].directory, "sleep", sleep)
    env.slack.faults.fail("users.list", status=503, times=None)
    with pytest.raises(MessengerError):
        await env.app.messengers["slack"].people()


def test_who_somebody_is_by_slacks_own_word() -> None:
    user = {
        "id": "U1",
        "team_id": "T1",
        "profile": {"real_name": "Bo", "email": "bo@corp.example"},
        "locale": "zh-CN",
        "tz": "Asia/Tokyo",
    }
    assert read_profile(user, ACME) == Profile("member", "Bo", "bo@corp.example", "zh-CN", "Asia/Tokyo")
    for facts, status in (
        ({"deleted": True}, "gone"), ({"is_bot": True}, "bot"), ({"is_stranger": True}, "outsider"), ({"team_id": "T2"}, "outsider"),
        ({"is_restricted": True}, "guest"), ({"is_ultra_restricted": True}, "guest"), ({"id": "USLACKBOT"}, "bot"),
        ({"team_id": "T2", "enterprise_user": {"id": "W1", "enterprise_id": "E1"}}, "member"),
        ({"team_id": "T2", "is_stranger": True, "enterprise_user": {"id": "W1", "enterprise_id": "E1"}}, "member"),
        ({"team_id": "T2", "enterprise_user": {"id": "W1", "enterprise_id": "E2"}}, "outsider"),
        ({"team_id": "T2", "enterprise_user": {"id": "W1"}}, "outsider"),
    ):  # fmt: skip
        assert read_profile(user | facts, ACME).status == status


def test_an_unconfirmed_email_is_nobodys() -> None:
    user = {"id": "U1", "team_id": "T1", "profile": {"email": "bo@corp.example"}, "is_email_confirmed": False}
    assert read_profile(user, ACME).email is None


def test_an_envelope_is_ours_by_its_workspace_its_enterprise_or_its_senders_record() -> None:
    shared = {"is_ext_shared_channel": True, "team_id": "T9"}
    for body, ours in (
        ({"team_id": "T1"}, True), ({"team_id": "T2"}, False), ({"team_id": "T3"}, True), ({"team_id": "T2", "enterprise_id": "E1"}, True),
        ({"team_id": "T1", "enterprise_id": "E2"}, False), ({"team": {"id": "T2"}, "enterprise": {"id": "E2"}}, False),
        ({"team": None, "enterprise": {"id": "E1"}}, True), ({"view": {"app_installed_team_id": "T1"}, "team": {"id": "T9"}}, True),
        (shared | {"authorizations": [{"team_id": "T1"}]}, True), (shared | {"authorizations": [{"team_id": "T9"}]}, False),
    ):  # fmt: skip
        assert ACME.sent(body, ["T3"]) is ours, body
    assert ACME.is_app({"api_app_id": "A1"})
    assert not ACME.is_app({"api_app_id": "A2"})


def test_words_arrive_as_they_were_written() -> None:
    for sent, seen in (
        ("lend <@U02BOB|bob> 5", "lend <@U02BOB> 5"), ("<mailto:b@corp.example|b@corp.example> 5", "b@corp.example 5"),
        ("see <https://x.example/a?b=1&amp;c=2|here>", "see https://x.example/a?b=1&c=2"), ("<#C01|design> party", "#design party"),
        ("a &lt; b &amp;&amp; c", "a < b && c"), ("<!here> <!subteam^S1|@ops>", "@here @ops"), ("1 < 2 > 0", "1 < 2 > 0"), ("&amp;lt;", "&lt;"),
    ):  # fmt: skip
        assert written(sent) == seen


async def test_everything_that_can_be_pressed_or_sent_has_a_listener(env: SlackEnv) -> None:
    patterns = [
        matcher
        for listener in env.app.messengers["slack"].app._async_listeners
        for matcher in listener.matchers
    ]
    assert len(patterns) >= 7
    assert len(set(BUTTONS) | set(CONFIRM) | set(FORMS)) >= 16


async def test_the_endpoints_tell_whether_all_is_well(env: SlackEnv) -> None:
    base = f"http://127.0.0.1:{env.app.port}"
    async with aiohttp.ClientSession() as http:
        async with http.get(f"{base}/readyz") as reply:
            assert reply.status == 200
            assert (await reply.json())["slack"] is True
        env.slack.drop_sockets()
        await env.slack.wait_for(lambda: not env.slack.connections)
        async with http.get(f"{base}/readyz") as reply:
            assert reply.status == 503
        async with http.get(f"{base}/healthz") as reply:
            assert reply.status == 200
        async with http.get(f"{base}/metrics") as reply:
            assert "quotabot_effects_done" in await reply.text()
        async with http.post(f"{base}/slack/events") as reply:
            assert reply.status == 401
