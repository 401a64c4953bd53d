"""The stand-in Slack, driven by an unmodified slack_bolt app in Socket Mode and over signed HTTP."""

import asyncio
import re
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.slack import Channel, Pace, Person, Timing, Workspace

ALICE = Person(
    "U01", "alice", "Alice Li", "alice@corp.example", locale="zh-CN", tz="Asia/Shanghai", manager="U03"
)
BOB = Person("U02", "bob", "Bob Stone", "bob@corp.example")
CAROL = Person("U03", "carol", "Carol Wu", "carol@corp.example", is_admin=True)
GUEST = Person("U04", "gus", "Gus Guest", "gus@out.example", is_restricted=True)
STRANGER = Person("U05", "sam", "Sam Far", team_id="T0FAR", is_stranger=True)
GONE = Person("U06", "gina", "Gina Gone", "gina@corp.example", deleted=True)
PEOPLE = [ALICE, BOB, CAROL, GUEST, STRANGER, GONE]
CHANNELS = [
    Channel("C01", "general", ["U01", "U02", "U03", "U04", "U0QUOTABOT"]),
    Channel("C02", "elsewhere", ["U01", "U02"]),
    Channel("C03", "old", ["U01", "U0QUOTABOT"], is_archived=True),
]
ALICES = "1700000000.000000"
HASTY = Timing(patience=0.3, event_retries=(0.0, 0.0, 0.0))


def plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def buttons(*ids: str, value: str = "R1") -> dict[str, Any]:
    made = [{"type": "button", "action_id": one, "text": plain(one), "value": value} for one in ids]
    return {"type": "actions", "elements": made}


FORM = {
    "type": "modal",
    "callback_id": "lend.new",
    "private_metadata": "from C01",
    "title": plain("Lend quota"),
    "submit": plain("Lend"),
    "notify_on_close": True,
    "blocks": [
        {
            "type": "input",
            "block_id": "to",
            "label": plain("To"),
            "element": {"type": "users_select", "action_id": "to"},
        },
        {
            "type": "input",
            "block_id": "amount",
            "label": plain("Amount"),
            "element": {"type": "number_input", "action_id": "amount", "is_decimal_allowed": True},
        },
    ],
}


@dataclass
class Heard:
    """What the app under test was told."""

    bodies: list[dict[str, Any]] = field(default_factory=list)
    hold: asyncio.Event = field(default_factory=asyncio.Event)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [body for body in self.bodies if kind in (body.get("type"), body.get("event", {}).get("type"))]


def bolt_app(slack: Workspace, heard: Heard) -> AsyncApp:
    client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
    app = AsyncApp(client=client, signing_secret=slack.signing_secret, process_before_response=True)

    @app.middleware
    async def listen(body, next):  # noqa: A002  (Bolt names it)
        heard.bodies.append(body)
        await next()

    @app.command("/quota")
    async def on_command(ack, body, client):
        if body["text"] == "sleep":
            await heard.hold.wait()
        if body["text"] == "form":
            await client.views_open(trigger_id=body["trigger_id"], view=FORM)
            return await ack()
        return await ack(
            text=f"heard {body['text']}", blocks=[section(f"heard {body['text']}"), buttons("greet")]
        )

    @app.action("greet")
    async def on_greet(ack, respond, action):
        await ack()
        if respond.response_url:
            await respond(text=f"greeted {action['value']}", replace_original=True)

    @app.view("lend.new")
    async def on_lend(ack, body, client, view):
        values = view["state"]["values"]
        if values["amount"]["amount"]["value"] == "0":
            return await ack(response_action="errors", errors={"amount": "More than nothing, please."})
        await client.chat_postMessage(channel=values["to"]["to"]["selected_user"], text="A loan for you")
        return await ack()

    @app.view_closed("lend.new")
    async def on_closed(ack):
        await ack()

    @app.event("app_home_opened")
    async def on_home(event, client):
        blocks = [section("*100 left*"), buttons("greet")]
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": blocks})

    @app.event("app_mention")
    async def on_mention(event, client):
        await client.chat_postEphemeral(
            channel=event["channel"], user=event["user"], thread_ts=event.get("thread_ts"), text="I am here"
        )

    @app.event("message")
    async def on_message(event, say):
        await say(text=f"echo {event['text']}")

    @app.event("user_change")
    async def on_change():
        pass

    return app


@asynccontextmanager
async def over_sockets(slack: Workspace, app: AsyncApp, connections: int = 1):
    handlers = [AsyncSocketModeHandler(app, slack.app_token, ping_interval=0.1) for _ in range(connections)]
    try:
        for handler in handlers:
            await handler.connect_async()
        await slack.wait_for(lambda: slack.connections == connections)
        yield handlers
    finally:
        for handler in handlers:
            await handler.close_async()


@asynccontextmanager
async def over_http(slack: Workspace, app: AsyncApp):
    async def events(request: web.Request) -> web.Response:
        return await to_aiohttp_response(await app.async_dispatch(await to_bolt_request(request)))

    site = web.Application()
    site.router.add_post("/slack/events", events)
    runner = web.AppRunner(site, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.http_target = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    try:
        yield runner
    finally:
        await runner.cleanup()


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


@pytest.fixture
async def hasty():
    """A workspace whose patience is a third of a second."""
    async with Workspace(people=PEOPLE, channels=CHANNELS, timing=HASTY) as workspace:
        yield workspace


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def clocked():
    clock = Clock()
    async with Workspace(people=PEOPLE, channels=CHANNELS, clock=clock) as workspace:
        yield workspace, clock


# ---- conversations -----------------------------------------------------------------------------------


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
    posted = talking.post("C01", talking.bot.id, "two loans", rows)

    await talking.press("U01", posted, "greet", value="second")

    action = heard.of("block_actions")[0]["actions"][0]
    assert (action["value"], action["block_id"]) == ("second", posted.blocks[1]["block_id"])


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


# ---- acknowledgements --------------------------------------------------------------------------------


@pytest.mark.parametrize("reach", [over_sockets, over_http])
async def test_a_command_that_is_not_acknowledged_in_time_fails_before_the_persons_eyes(hasty, heard, reach):
    async with reach(hasty, bolt_app(hasty, heard)):
        ack = await hasty.command("U01", "sleep")
        heard.hold.set()

    assert (ack.status, ack.error) == (None, "operation_timeout")
    assert ack.seconds >= 0.3
    assert hasty.notices[-1].text == '/quota failed with the error "operation_timeout"'


async def test_without_a_connection_a_command_fails_at_once(slack):
    ack = await slack.command("U01", "balance")

    assert ack.error == "dispatch_failed"
    assert slack.notices[-1].user == "U01"


async def test_an_unacknowledged_event_comes_again_with_its_retry_headers(hasty):
    seen = []

    async def events(request):
        retry = request.headers.get("X-Slack-Retry-Num"), request.headers.get("X-Slack-Retry-Reason")
        seen.append((retry, (await request.json())["event_id"]))
        return web.Response(status=200 if len(seen) == 3 else 500)

    async with listening(events) as url:
        hasty.http_target = url
        assert not (await hasty.say("U01", "balance")).ok
        await hasty.wait_for(lambda: len(hasty.deliveries) == 3)

    assert [retry for retry, _ in seen] == [(None, None), ("1", "http_error"), ("2", "http_error")]
    assert len({event_id for _, event_id in seen}) == 1


async def test_an_app_may_ask_for_no_retry(hasty):
    async def events(request):
        return web.Response(status=500, headers={"X-Slack-No-Retry": "1"})

    async with listening(events) as url:
        hasty.http_target = url
        await hasty.say("U01", "balance")
        await hasty.open_home("U01")

    assert [one.retry for one in hasty.deliveries] == [0, 0]


async def test_a_lost_acknowledgement_brings_the_same_event_again_over_sockets(hasty, heard):
    async with over_sockets(hasty, bolt_app(hasty, heard)):
        hasty.trouble.lose_ack("events_api")
        ack = await hasty.open_home("U01")
        await hasty.wait_for(lambda: len(heard.of("app_home_opened")) == 2)

    assert not ack.ok
    first, second = heard.of("app_home_opened")
    assert first["event_id"] == second["event_id"]


async def test_a_duplicated_click_arrives_twice(talking, heard):
    posted = talking.post("C01", talking.bot.id, "card", [buttons("greet")])
    talking.trouble.duplicate("interactive")

    await talking.press("U01", posted, "greet")

    clicks = heard.of("block_actions")
    assert len(clicks) == 2
    assert clicks[0]["trigger_id"] == clicks[1]["trigger_id"]


async def test_http_deliveries_are_signed_so_that_bolt_refuses_others(slack, heard):
    async with over_http(slack, bolt_app(slack, heard)), aiohttp.ClientSession() as session:
        body = "command=%2Fquota&text=hi"
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        for headers, status in [
            (slack.signed(body), 200),
            (slack.signed(body + "x"), 401),
            (slack.signed(body, at=time.time() - 3600), 401),
            ({}, 401),
        ]:
            async with session.post(slack.http_target, data=body, headers=headers | form) as answer:
                assert answer.status == status


async def test_a_request_url_proves_itself_with_the_challenge(slack, heard):
    async with over_http(slack, bolt_app(slack, heard)):
        assert await slack.verify_url()

    async def deaf(request):
        return web.Response(text="hello")

    async with listening(deaf) as slack.http_target:
        assert not await slack.verify_url()


# ---- sockets -----------------------------------------------------------------------------------------


async def test_each_envelope_goes_to_one_of_several_connections(slack, heard):
    async with over_sockets(slack, bolt_app(slack, heard), connections=2):
        for _ in range(4):
            assert (await slack.command("U01", "balance")).ok

    assert len(heard.bodies) == 4


async def test_a_refreshed_socket_is_replaced_and_goes_on(slack, heard):
    async with over_sockets(slack, bolt_app(slack, heard)):
        await slack.disconnect("refresh_requested")
        assert slack.connections == 0
        await slack.wait_for(lambda: slack.connections == 1)

        assert (await slack.command("U01", "balance")).ok


async def test_a_dropped_socket_comes_back_by_itself(slack, heard):
    async with over_sockets(slack, bolt_app(slack, heard)):
        slack.drop_sockets()
        await slack.wait_for(lambda: slack.connections == 0)
        await slack.wait_for(lambda: slack.connections == 1)

        assert (await slack.command("U01", "balance")).ok


async def test_a_socket_needs_the_app_token_and_a_ticket(slack, client):
    with pytest.raises(SlackApiError, match="not_allowed_token_type"):
        await client.apps_connections_open(app_token=slack.bot_token)
    opened = await client.apps_connections_open(app_token=slack.app_token)

    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(opened["url"]) as socket:
            assert (await socket.receive_json())["type"] == "hello"
            await socket.send_str("no JSON")
            await slack.wait_for(lambda: slack.violations)
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(opened["url"])


# ---- the Web API -------------------------------------------------------------------------------------


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


# ---- response_url, triggers and views ----------------------------------------------------------------


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


# ---- limits ------------------------------------------------------------------------------------------

CHART = {
    "type": "data_visualization",
    "title": "This month",
    "chart": {
        "type": "line",
        "series": [{"name": "used", "data": [{"label": "1", "value": 3}, {"label": "2", "value": 5}]}],
        "axis_config": {"categories": ["1", "2"]},
    },
}


async def test_blocks_within_the_limits_pass(slack, client):
    blocks = [
        {"type": "header", "text": plain("x" * 150)},
        section("x" * 3000),
        {"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * 100}] * 10},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * 10},
        buttons(*(f"a{number}" for number in range(25)), value="v" * 2000),
        {"type": "markdown", "text": "**x**"},
        {"type": "table", "rows": [[{"type": "raw_text", "text": "cell"}] * 20]},
        CHART,
        CHART,
    ]

    assert (await client.chat_postMessage(channel="C01", text="all of it", blocks=blocks))["ok"]
    assert list(slack.violations) == []


@pytest.mark.parametrize(
    ("blocks", "fault"),
    [
        ([{"type": "divider"}] * 51, "no more than 50 items allowed [json-pointer:/blocks]"),
        ([section("x" * 3001)], "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"),
        ([section("")], "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
        ([{"type": "section"}], "must define either `text` or `fields` [json-pointer:/blocks/0]"),
        ([{"type": "section", "fields": [plain("x")] * 11}], "no more than 10 items allowed"),
        ([{"type": "section", "fields": [plain("x" * 2001)]}], "/blocks/0/fields/0/text"),
        ([{"type": "header", "text": plain("x" * 151)}], "must be less than 151 characters"),
        ([{"type": "context", "elements": [plain("x")] * 11}], "no more than 10 items allowed"),
        ([buttons(*(f"a{number}" for number in range(26)))], "no more than 25 items allowed"),
        ([buttons("x" * 256)], "/blocks/0/elements/0/action_id"),
        ([buttons("a", value="x" * 2001)], "/blocks/0/elements/0/value"),
        ([buttons("a", "a")], "`action_id` must be unique: a"),
        (
            [section("a") | {"block_id": "b"}, section("c") | {"block_id": "b"}],
            "`block_id` must be unique: b",
        ),
        (
            [{"type": "actions", "elements": [{"type": "button", "text": plain("x" * 76)}]}],
            "less than 76 characters",
        ),
        ([{"type": "hologram"}], "unsupported type: hologram [json-pointer:/blocks/0/type]"),
        ([{"type": "alert", "text": plain("x")}], "modals only"),
        ([{"type": "markdown", "text": "x" * 6001}] * 2, "markdown blocks must be less than 12001"),
        ([CHART] * 3, "no more than 2 data_visualization"),
        ([CHART | {"title": "x" * 51}], "/blocks/0/title"),
        (
            [CHART | {"chart": CHART["chart"] | {"series": CHART["chart"]["series"] * 7}}],
            "no more than 6 items",
        ),
        ([{"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]] * 101}], "no more than 100 items"),
        ([{"type": "rich_text", "elements": "nonsense"}], "[json-pointer:/blocks/0/elements]"),
        ([{"type": "context_actions", "elements": []}], "failed to match all allowed schemas"),
        (["nonsense"], "unsupported type"),
    ],
)
async def test_a_block_beyond_a_limit_is_refused_with_its_place(slack, client, blocks, fault):
    with pytest.raises(SlackApiError, match="invalid_blocks") as caught:
        await client.chat_postMessage(channel="C01", text="x", blocks=blocks)

    messages = caught.value.response["response_metadata"]["messages"]
    assert any(fault in message for message in messages), messages
    assert fault in slack.violations[-1].what
    assert slack.messages == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"title": plain("x" * 25)}, "must be less than 25 characters [json-pointer:/view/title/text]"),
        ({"submit": plain("x" * 25)}, "/view/submit/text"),
        ({"submit": None}, "`submit` is required"),
        ({"private_metadata": "x" * 3001}, "/view/private_metadata"),
        ({"callback_id": "x" * 256}, "/view/callback_id"),
        (
            {"blocks": [{"type": "divider"}] * 101},
            "no more than 100 items allowed [json-pointer:/view/blocks]",
        ),
    ],
)
async def test_a_view_beyond_a_limit_is_refused_and_the_trigger_stays_good(slack, client, change, fault):
    trigger = slack.trigger("U01")

    with pytest.raises(SlackApiError, match=re.escape(fault)):
        await client.views_open(trigger_id=trigger, view=FORM | change)

    assert (await client.views_open(trigger_id=trigger, view=FORM))["ok"]


async def test_totals_are_limited_too(slack, client):
    with pytest.raises(SlackApiError, match="msg_blocks_too_long"):
        await client.chat_postMessage(channel="C01", text="x", blocks=[section("x" * 2700)] * 5)
    with pytest.raises(SlackApiError, match="view_too_large"):
        await client.views_open(
            trigger_id=slack.trigger("U01"), view=FORM | {"blocks": [section("x" * 2999)] * 90}
        )
    posted = await client.chat_postMessage(channel="C01", text="x")
    with pytest.raises(SlackApiError, match="msg_too_long"):
        await client.chat_update(channel="C01", ts=posted["ts"], text="x" * 4001)


async def test_what_slack_only_advises_against_is_kept_as_a_violation(slack, client):
    with pytest.warns(UserWarning, match="text"):
        await client.chat_postMessage(channel="C01", blocks=[section("no text beside me")])
    await client.chat_postMessage(channel="C01", text="for <!channel>")
    await client.chat_postMessage(
        channel="C01", text="for &lt;!channel&gt;", blocks=[{"type": "header", "text": plain("<!here>")}]
    )

    silent, loud = slack.violations
    assert "top-level `text`" in silent.what
    assert "rings the whole channel" in loud.what


async def test_a_pace_lets_a_short_burst_through_and_then_asks_to_wait():
    clock = Clock()
    async with Workspace(people=PEOPLE, channels=CHANNELS, pace=Pace(burst=2), clock=clock) as slack:
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        for _ in range(2):
            await client.chat_postMessage(channel="C01", text="x")
        with pytest.raises(SlackApiError, match="ratelimited") as caught:
            await client.chat_postMessage(channel="C01", text="x")
        assert caught.value.response.status_code == 429
        assert caught.value.response.headers["Retry-After"] == "1"
        await client.chat_postMessage(channel="U01", text="another channel")
        clock.now += 1
        await client.chat_postMessage(channel="C01", text="x")
        for _ in range(20):
            await client.users_list()
        with pytest.raises(SlackApiError, match="ratelimited"):
            await client.users_list()


# ---- trouble -----------------------------------------------------------------------------------------


async def test_a_429_comes_with_its_wait_and_the_sdk_gets_through(slack, client):
    client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=1))
    slack.trouble.rate_limit("chat.postMessage", retry_after=0)

    await client.chat_postMessage(channel="C01", text="x")

    assert [(call.status, call.error) for call in slack.calls] == [(429, "ratelimited"), (200, "")]


async def test_trouble_strikes_the_call_it_was_planned_for(slack, client):
    slack.trouble.refuse("chat.postMessage", error="restricted_action", after=1)
    slack.trouble.fail("chat.postMessage", status=503)
    outcomes = []
    for text in "abcd":
        try:
            await client.chat_postMessage(channel="C01", text=text)
            outcomes.append("ok")
        except SlackApiError as error:
            outcomes.append(error.response.status_code)

    assert outcomes == [503, 200, "ok", "ok"]
    assert [one.text for one in slack.messages] == ["c", "d"]
    assert slack.trouble.planned == []


@pytest.mark.parametrize(
    ("switch", "done"),
    [("lose_request", False), ("lose_reply", True), ("cut_reply", True), ("never_answer", True)],
)
async def test_a_lost_answer_leaves_the_app_without_knowing(slack, switch, done):
    client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url, timeout=0.2, retry_handlers=[])
    getattr(slack.trouble, switch)("chat.postMessage")

    with pytest.raises((aiohttp.ClientError, TimeoutError)):
        await client.chat_postMessage(channel="C01", text="x")

    assert [message.text for message in slack.messages] == (["x"] if done else [])
    await client.chat_postMessage(channel="C01", text="y")


async def test_slow_answers_and_late_deliveries_take_their_time(slack, client, heard):
    slack.trouble.slow_down("auth.test", seconds=0.05, times=1)
    slack.trouble.delay("slash_commands", seconds=0.05)
    started = time.monotonic()
    await client.auth_test()
    assert time.monotonic() - started >= 0.05
    async with over_sockets(slack, bolt_app(slack, heard)):
        started = time.monotonic()
        assert (await slack.command("U01", "balance")).ok
        assert time.monotonic() - started >= 0.05


async def test_peace_can_be_made(slack, client):
    slack.trouble.fail("*", times=None)
    slack.trouble.duplicate("*", times=None)
    assert len(slack.trouble.planned) == 2

    slack.trouble.clear()

    assert (await client.auth_test())["ok"]


# ---- watching ----------------------------------------------------------------------------------------


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


async def test_waiting_in_vain_says_what_stood_there(slack):
    slack.post("C01", "U01", "something else")

    with pytest.raises(TimeoutError, match="something else"):
        await slack.wait_for(lambda: False, timeout=0.01)


async def test_a_workspace_closes_within_a_second_whatever_hangs(heard):
    slack = Workspace(people=PEOPLE, channels=CHANNELS)
    await slack.start()
    client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url, retry_handlers=[])
    slack.trouble.never_answer("auth.test")
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


@asynccontextmanager
async def listening(handler):
    """A bare request URL."""
    site = web.Application()
    site.router.add_post("/", handler)
    runner = web.AppRunner(site, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()
