"""People and an unmodified slack_bolt app in the stand-in Slack, in Socket Mode and over signed HTTP."""

import asyncio
import time

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack.workspace import Workspace
from tests.slack_app import (
    ALICE,
    CHANNELS,
    PEOPLE,
    Heard,
    bolt_app,
    buttons,
    over_http,
    over_sockets,
    section,
)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
async def slack():
    async with Workspace(people=PEOPLE, channels=CHANNELS) as workspace:
        yield workspace


@pytest.fixture
def client(slack) -> AsyncWebClient:
    return AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)


@pytest.fixture(params=["sockets", "http"])
async def talking(request, slack, heard):
    """The workspace with the app connected to it, in each mode."""
    reach = over_sockets if request.param == "sockets" else over_http
    async with reach(slack, bolt_app(slack, heard)):
        yield slack


async def test_a_command_is_answered_inside_its_acknowledgement(talking, heard):
    ack = await talking.command("U01", "lend @bob 50 <now> & here", channel="C01")

    assert (ack.status, ack.ok) == (200, True)
    assert ack.seconds < 3
    assert ack.message.shown.startswith("heard lend <@U02|bob> 50 &lt;now&gt; &amp; here")
    assert ack.message.ephemeral_for == "U01"
    assert talking.seen_by("U02", "C01") == []
    body = heard.bodies[-1]
    assert body["command"] == "/quota"
    assert body["channel_name"] == "general"
    assert body["response_url"].startswith(talking.url)


async def test_a_button_on_an_ephemeral_is_answered_through_its_response_url(talking, heard):
    shown = (await talking.command("U01", "balance")).message

    ack = await talking.press("U01", shown, "greet")

    assert ack.ok
    assert shown.shown == "greeted R1"
    body = heard.of("block_actions")[0]
    assert body["container"]["is_ephemeral"]
    assert "message" not in body
    assert body["actions"][0]["value"] == "R1"
    assert body["user"] == {"id": "U01", "username": "alice", "name": "alice", "team_id": "T0ACME"}


async def test_a_press_on_a_real_message_carries_the_message(talking, heard):
    posted = talking.post("C01", talking.bot.id, "card", [buttons("greet")], thread_ts="1.000001")

    await talking.press("U02", posted, "greet")

    body = heard.of("block_actions")[0]
    assert body["message"]["ts"] == body["container"]["message_ts"] == posted.ts
    assert body["container"]["thread_ts"] == "1.000001"
    assert body["channel"] == {"id": "C01", "name": "general"}
    assert body["api_app_id"] == talking.app_id
    assert body["enterprise"] is None


async def test_a_click_may_carry_a_forged_value(talking):
    posted = talking.post("C01", talking.bot.id, "card", [buttons("greet")])

    await talking.press("U04", posted, "greet", value="somebody-elses-code")

    assert posted.shown == "greeted somebody-elses-code"


async def test_of_several_buttons_with_one_name_the_value_picks_its_own(talking, heard):
    rows = [buttons("greet", value="first"), buttons("greet", value="second")]
    shown = talking.post("C01", talking.bot.id, "two loans", rows).copy()

    await talking.press("U01", shown, "greet", value="second")

    action = heard.of("block_actions")[0]["actions"][0]
    assert (action["value"], action["block_id"]) == ("second", shown.blocks[1]["block_id"])


async def test_a_late_click_on_an_old_copy_changes_the_message_that_stands_there(talking, heard):
    posted = talking.post("C01", talking.bot.id, "card", [buttons("greet", value="old")])
    old = posted.copy()
    talking.edit(posted, "decided", [section("decided")])

    await talking.press("U01", old, "greet")

    assert heard.of("block_actions")[0]["actions"][0]["value"] == "old"
    assert posted.shown == "greeted old"


async def test_a_modal_opens_is_corrected_and_closes(talking, heard):
    await talking.command("U01", "form")
    form = talking.modal("U01")
    assert (form.callback_id, form.title) == ("lend.new", "Lend quota")

    refused = await talking.submit("U01", form, {"to": "U02", "amount": "0"})
    assert refused.payload["response_action"] == "errors"
    assert form.errors == {"amount": "More than nothing, please."}
    assert talking.modal("U01") is form

    assert (await talking.submit("U01", form, {"to": "U02", "amount": "50"})).ok
    assert talking.modal("U01") is None
    assert [message.shown for message in talking.inbox("U02")] == ["A loan for you"]
    view = heard.of("view_submission")[0]["view"]
    assert view["private_metadata"] == "from C01"
    assert view["state"]["values"]["to"] == {"to": {"type": "users_select", "selected_user": "U02"}}


async def test_a_required_input_left_empty_never_reaches_the_app(talking, heard):
    await talking.command("U01", "form")

    ack = await talking.submit("U01", talking.modal("U01"), {"to": "U02"})

    assert ack.error == "required_field"
    assert talking.modal("U01").errors == {"amount": "Please complete this required field."}
    assert heard.of("view_submission") == []


async def test_closing_a_modal_is_told_when_it_asked_for_that(talking, heard):
    await talking.command("U01", "form")

    assert (await talking.close("U01", talking.modal("U01"))).ok

    assert talking.modal("U01") is None
    assert heard.of("view_closed")[0]["is_cleared"] is False


async def test_opening_home_shows_what_the_app_publishes(talking, heard):
    assert (await talking.open_home("U01")).ok
    assert talking.homes["U01"].shown == "*100 left*\ngreet"

    await talking.open_home("U01")

    assert heard.of("app_home_opened")[1]["event"]["view"]["type"] == "home"
    await talking.press("U01", talking.homes["U01"], "greet")
    assert "response_url" not in heard.of("block_actions")[0]


async def test_a_mention_in_a_thread_is_heard_with_its_thread(talking, heard):
    parent = (await talking.say("U01", "who has quota?", channel="C01")).message

    ack = await talking.say("U01", "@quotabot balance", channel="C01", thread_ts=parent.ts)

    assert ack.ok
    event = heard.of("app_mention")[0]["event"]
    assert event["text"] == "<@U0QUOTABOT> balance"
    assert event["thread_ts"] == parent.ts
    assert [one.shown for one in talking.seen_by("U01", "C01")][-1] == "I am here"
    assert all(one.shown != "I am here" for one in talking.seen_by("U02", "C01"))


async def test_the_app_does_not_hear_a_channel_that_does_not_mention_it(talking, heard):
    await talking.say("U01", "just us", channel="C01")

    assert heard.bodies == []


async def test_a_direct_message_is_answered_and_the_app_meets_its_own_echo(talking, heard):
    await talking.say("U01", "余额")

    assert [message.shown for message in talking.inbox("U01")] == ["余额", "echo 余额"]
    event = heard.of("message")[0]
    assert event["event"]["channel_type"] == "im"
    assert event["authorizations"][0]["user_id"] == talking.bot.id
    await talking.wait_for(lambda: sum(one.kind == "events_api" for one in talking.deliveries) == 2)
    assert len(talking.inbox("U01")) == 2


async def test_somebody_leaving_is_told(talking, heard):
    await talking.change("U02", deleted=True)

    assert heard.of("user_change")[0]["event"]["user"]["deleted"] is True


async def test_a_page_reads_a_snapshot_and_then_every_change(slack, client):
    with slack.changes() as changes:
        assert slack.snapshot("U01")["messages"] == []
        await client.chat_postMessage(channel="C01", text="x")

        kinds = [(await anext(changes)).kind for _ in range(2)]

    assert kinds == ["message", "call"]
    assert [one["text"] for one in slack.snapshot("U01")["messages"]] == ["x"]
    assert slack.snapshot("U05")["messages"] == []


async def test_readers_end_with_the_workspace():
    async with Workspace(people=PEOPLE) as slack:
        with slack.changes() as changes:
            await slack.stop()
            assert [change async for change in changes] == []


async def test_a_wait_that_times_out_shows_the_latest_state(slack):
    slack.post("C01", "U01", "something else")

    with pytest.raises(TimeoutError, match="something else"):
        await slack.wait_for(lambda: False, timeout=0.01)


async def test_a_workspace_closes_within_a_second_whatever_hangs(heard):
    slack = Workspace(people=PEOPLE, channels=CHANNELS)
    await slack.start()
    client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url, retry_handlers=[])
    slack.faults.never_answer("auth.test")
    async with over_http(slack, bolt_app(slack, heard)):
        hanging = asyncio.create_task(client.auth_test())
        asking = asyncio.create_task(slack.say("U01", "sleep"))
        await slack.wait_for(lambda: slack.calls)
        started = time.monotonic()
        await slack.stop()
        assert time.monotonic() - started < 1
    await asyncio.gather(hanging, asking, return_exceptions=True)


async def test_two_workspaces_know_nothing_of_each_other(slack, client):
    async with Workspace(people=[ALICE], team_id="T0OTHER") as other:
        await client.chat_postMessage(channel="C01", text="here only")

        assert other.messages == []
        assert other.url != slack.url
