"""The stand-in's Web API, its response_urls and modals, and how they fail."""

from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack.installation import QUOTABOT, Installation
from sandbox.slack.workspace import Workspace
from tests.slack_app import CHANNELS, FORM, PEOPLE, Clock, buttons, listening, plain, section

ALICES = "1700000000.000000"


@pytest.fixture
async def slack():
    # A test reads what it posted in a channel, which the bot itself may not.
    installed = Installation(frozenset({*QUOTABOT, "channels:history"}))
    async with Workspace(people=PEOPLE, channels=CHANNELS, installed=installed) as workspace:
        yield workspace


@pytest.fixture
def client(slack) -> AsyncWebClient:
    return AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)


@pytest.fixture
async def clocked():
    clock = Clock()
    async with Workspace(people=PEOPLE, channels=CHANNELS, clock=clock) as workspace:
        yield workspace, clock


@pytest.mark.parametrize(("token", "error"), [("", "not_authed"), ("xoxb-other", "invalid_auth")])
async def test_a_call_needs_the_right_token(slack, token, error):
    with pytest.raises(SlackApiError, match=error):
        await AsyncWebClient(token=token, base_url=slack.api_url).auth_test()


async def test_auth_test_says_who_the_bot_is(slack, client):
    answer = await client.auth_test()

    assert (answer["user_id"], answer["bot_id"], answer["team_id"]) == ("U0QUOTABOT", "B0QUOTABOT", "T0ACME")
    assert "chat:write" in answer.headers["x-oauth-scopes"]


async def test_a_message_is_posted_found_changed_and_deleted(slack, client):
    about = {"event_type": "request", "event_payload": {"code": "R1"}}
    posted = await client.chat_postMessage(channel="C01", text="one", blocks=[section("one")], metadata=about)
    await client.chat_update(channel="C01", ts=posted["ts"], text="two", blocks=[section("two")])

    message = slack.message("C01", posted["ts"])
    assert (message.text, message.shown, message.metadata) == ("two", "two", about)
    found = await client.conversations_history(channel="C01", include_all_metadata=True)
    assert found["messages"][0]["metadata"] == about
    assert found["messages"][0]["edited"]
    link = await client.chat_getPermalink(channel="C01", message_ts=posted["ts"])
    assert link["permalink"].startswith("https://acme.slack.com/archives/C01/p")
    await client.chat_delete(channel="C01", ts=posted["ts"])
    assert (await client.conversations_history(channel="C01"))["messages"] == []
    assert message.deleted


async def test_an_ephemeral_cannot_be_changed_by_chat_update(slack, client):
    posted = await client.chat_postEphemeral(channel="C01", user="U01", text="only you")

    with pytest.raises(SlackApiError, match="message_not_found"):
        await client.chat_update(channel="C01", ts=posted["message_ts"], text="changed")


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda it: it.chat_postMessage(channel="C99", text="x"), "channel_not_found"),
        (lambda it: it.chat_postMessage(channel="C02", text="x"), "not_in_channel"),
        (lambda it: it.chat_postMessage(channel="C03", text="x"), "is_archived"),
        (lambda it: it.chat_postMessage(channel="U06", text="x"), "user_disabled"),
        (lambda it: it.api_call("chat.postMessage", json={"channel": "C01"}), "no_text"),
        (lambda it: it.chat_postMessage(channel="C01", text="x" * 40_001), "msg_too_long"),
        (
            lambda it: it.chat_postMessage(channel="C01", text="x", metadata={"no": "type"}),
            "invalid_metadata_schema",
        ),
        (lambda it: it.chat_postEphemeral(channel="C01", user="U05", text="x"), "user_not_in_channel"),
        (lambda it: it.chat_update(channel="C01", ts="1.1", text="x"), "message_not_found"),
        (lambda it: it.chat_update(channel="C01", ts=ALICES, text="x"), "cant_update_message"),
        (lambda it: it.chat_delete(channel="C01", ts=ALICES), "cant_delete_message"),
        (lambda it: it.users_info(user="U99"), "user_not_found"),
        (lambda it: it.users_lookupByEmail(email="gina@corp.example"), "users_not_found"),
        (lambda it: it.conversations_open(users="U06"), "user_disabled"),
        (lambda it: it.conversations_open(users="U05"), "invalid_user_combination"),
        (lambda it: it.views_open(trigger_id="1.2.3", view=FORM), "invalid_trigger_id"),
        (lambda it: it.views_update(view_id="V0", view=FORM), "not_found"),
        (lambda it: it.api_call("chat.sing"), "unknown_method"),
    ],
)
async def test_slack_refuses_by_its_own_names(clocked, call, error):
    slack, clock = clocked
    clock.now = float(ALICES)
    slack.post("C01", "U01", "by Alice")
    client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)

    with pytest.raises(SlackApiError, match=rf"'error': '{error}'"):
        await call(client)


async def test_people_are_listed_in_pages_with_what_the_app_must_know(slack, client):
    members = [member async for page in await client.users_list(limit=3) for member in page["members"]]

    assert [member["id"] for member in members] == [*(person.id for person in PEOPLE), slack.bot.id]
    flags = {member["id"]: [flag for flag in FLAGS if member.get(flag)] for member in members}
    assert flags["U04"] == ["is_restricted"]
    assert flags["U05"] == ["is_stranger"]
    assert flags["U06"] == ["deleted"]
    assert members[4]["team_id"] == "T0FAR"
    alice = (await client.users_info(user="U01", include_locale=True))["user"]
    assert (alice["locale"], alice["tz"], alice["tz_offset"]) == ("zh-CN", "Asia/Shanghai", 28800)
    assert alice["profile"]["email"] == "alice@corp.example"


FLAGS = ["deleted", "is_restricted", "is_ultra_restricted", "is_bot", "is_stranger"]


async def test_the_manager_is_a_custom_profile_field(slack, client):
    (label,) = (await client.team_profile_get())["profile"]["fields"]
    profile = (await client.users_profile_get(user="U01"))["profile"]

    assert (label["label"], label["type"]) == ("Manager", "user")
    assert profile["fields"][label["id"]]["value"] == "U03"
    assert (await client.users_profile_get(user="U02"))["profile"]["fields"] == []


async def test_conversations_are_opened_listed_and_read(slack, client):
    dm = (await client.conversations_open(users="U01"))["channel"]["id"]
    assert (await client.conversations_open(users="U01"))["already_open"]
    parent = await client.chat_postMessage(channel="U01", text="parent")
    assert parent["channel"] == dm
    await client.chat_postMessage(channel=dm, text="child", thread_ts=parent["ts"])

    replies = await client.conversations_replies(channel=dm, ts=parent["ts"])
    assert [one["text"] for one in replies["messages"]] == ["parent", "child"]
    assert [one["text"] for one in (await client.conversations_history(channel=dm))["messages"]] == ["parent"]
    assert (await client.conversations_info(channel=dm))["channel"]["user"] == "U01"
    assert "U02" in (await client.conversations_members(channel="C01"))["members"]
    listed = await client.conversations_list(exclude_archived=True)
    assert [one["name"] for one in listed["channels"]] == ["general", "elsewhere"]


async def test_a_response_url_is_good_for_five_answers_and_thirty_minutes(clocked):
    slack, clock = clocked
    _, url = slack.new_response_url("U01", "C01")

    async with aiohttp.ClientSession() as session:

        async def answer(**body: Any) -> tuple[int, str]:
            async with session.post(url, json=body) as got:
                return got.status, (await got.json()).get("error", "")

        assert await answer(text="x", blocks=[{"type": "hologram"}]) == (400, "invalid_blocks")
        for _ in range(5):
            assert await answer(text="more", replace_original=True) == (200, "")
        assert await answer(text="once more") == (404, "used_url")
        clock.now += 31 * 60
        assert await answer(text="once more") == (404, "expired_url")
    assert len(slack.seen_by("U01", "C01")) == 5


async def test_a_response_url_can_speak_to_the_channel_and_take_the_original_away(slack):
    original = slack.post("C01", slack.bot.id, "card", [buttons("greet")])
    _, url = slack.new_response_url("U01", "C01", original)

    async with aiohttp.ClientSession() as session:
        await session.post(url, json={"text": "to all", "response_type": "in_channel"})
        await session.post(url, json={"delete_original": True})

    assert [one.shown for one in slack.seen_by("U02", "C01")] == ["to all"]
    assert original.deleted


async def test_a_trigger_opens_one_modal_within_three_seconds(clocked):
    slack, clock = clocked
    client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
    good, late = slack.trigger("U01"), slack.trigger("U01")

    await client.views_open(trigger_id=good, view=FORM)
    with pytest.raises(SlackApiError, match="exchanged_trigger_id"):
        await client.views_open(trigger_id=good, view=FORM)
    clock.now += 3.1
    with pytest.raises(SlackApiError, match="expired_trigger_id"):
        await client.views_open(trigger_id=late, view=FORM)


async def test_modals_stack_three_high_and_update_by_hash(slack, client):
    opened = (await client.views_open(trigger_id=slack.trigger("U01"), view=FORM))["view"]
    for _ in range(2):
        await client.views_push(trigger_id=slack.trigger("U01", slack.modal("U01")), view=FORM)
    with pytest.raises(SlackApiError, match="push_limit_reached"):
        await client.views_push(trigger_id=slack.trigger("U01", slack.modal("U01")), view=FORM)

    assert slack.modal("U01").root == opened["id"]
    renamed = FORM | {"title": plain("Loading")}
    await client.views_update(view_id=opened["id"], hash=opened["hash"], view=renamed)
    assert slack.modals["U01"][0].title == "Loading"
    with pytest.raises(SlackApiError, match="hash_conflict"):
        await client.views_update(view_id=opened["id"], hash=opened["hash"], view=FORM)


@pytest.mark.parametrize(
    ("payload", "left"),
    [
        ({}, ["Lend quota"]),
        ({"response_action": "clear"}, []),
        ({"response_action": "update", "view": FORM | {"title": plain("Done")}}, ["Lend quota", "Done"]),
        (
            {"response_action": "push", "view": FORM | {"title": plain("Sure?")}},
            ["Lend quota", "Lend quota", "Sure?"],
        ),
        ({"response_action": "errors", "errors": {"nowhere": "?"}}, ["Lend quota", "Lend quota"]),
        (
            {"response_action": "update", "view": FORM | {"title": plain("x" * 25)}},
            ["Lend quota", "Lend quota"],
        ),
        ({"text": "not for a modal"}, ["Lend quota", "Lend quota"]),
    ],
)
async def test_a_submission_is_answered_by_closing_clearing_updating_or_pushing(slack, client, payload, left):
    async def answer(request):
        return web.json_response(payload) if payload else web.Response()

    await client.views_open(trigger_id=slack.trigger("U01"), view=FORM)
    await client.views_push(trigger_id=slack.trigger("U01", slack.modal("U01")), view=FORM)
    async with listening(answer) as url:
        slack.http_target = url
        await slack.submit("U01", slack.modal("U01"), {"to": "U02", "amount": "5"})

    assert [view.title for view in slack.modals["U01"]] == left
    told = [notice.text for notice in slack.notices]
    broken = "nowhere" in str(payload) or "xxx" in str(payload) or "text" in payload
    assert told == (["We had some trouble connecting. Try again?"] if broken else [])


async def test_home_is_published_by_hash(slack, client):
    home = {"type": "home", "blocks": [section("one")]}
    first = (await client.views_publish(user_id="U01", view=home))["view"]
    await client.views_publish(user_id="U01", hash=first["hash"], view=home)

    with pytest.raises(SlackApiError, match="hash_conflict"):
        await client.views_publish(user_id="U01", hash=first["hash"], view=home)
    with pytest.raises(SlackApiError, match="must be home"):
        await client.views_publish(user_id="U01", view=FORM)


async def test_a_429_comes_with_its_wait_and_the_sdk_gets_through(slack, client):
    client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=1))
    slack.faults.rate_limit("chat.postMessage", retry_after=0)

    await client.chat_postMessage(channel="C01", text="x")

    assert [(call.status, call.error) for call in slack.calls] == [(429, "ratelimited"), (200, "")]


async def test_a_fault_happens_at_the_call_it_was_planned_for(slack, client):
    slack.faults.refuse("chat.postMessage", error="restricted_action", after=1)
    slack.faults.fail("chat.postMessage", status=503)
    outcomes = []
    for text in "abcd":
        try:
            await client.chat_postMessage(channel="C01", text=text)
            outcomes.append("ok")
        except SlackApiError as error:
            outcomes.append(error.response.status_code)

    assert outcomes == [503, 200, "ok", "ok"]
    assert [one.text for one in slack.messages] == ["c", "d"]
    assert slack.faults.planned == []


@pytest.mark.parametrize(
    ("switch", "done"),
    [("lose_request", False), ("lose_reply", True), ("cut_reply", True), ("never_answer", True)],
)
async def test_a_lost_answer_leaves_the_app_without_knowing(slack, switch, done):
    client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url, timeout=0.2, retry_handlers=[])
    getattr(slack.faults, switch)("chat.postMessage")

    with pytest.raises((aiohttp.ClientError, TimeoutError)):
        await client.chat_postMessage(channel="C01", text="x")

    assert [message.text for message in slack.messages] == (["x"] if done else [])
    await client.chat_postMessage(channel="C01", text="y")


async def test_faults_can_be_cleared(slack, client):
    slack.faults.fail("*", times=None)
    slack.faults.duplicate("*", times=None)
    assert len(slack.faults.planned) == 2

    slack.faults.clear()

    assert (await client.auth_test())["ok"]
