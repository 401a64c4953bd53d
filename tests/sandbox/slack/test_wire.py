"""How the stand-in Slack delivers to a slack_bolt app: acknowledgements, retries, signatures, sockets."""

import time

import aiohttp
import pytest
from aiohttp import web
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack.workspace import Timing, Workspace
from tests.slack_app import CHANNELS, PEOPLE, Heard, bolt_app, buttons, listening, over_http, over_sockets

HASTY = Timing(patience=0.3, event_retries=(0.0, 0.0, 0.0))


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


@pytest.mark.parametrize("reach", [over_sockets, over_http])
async def test_a_command_that_is_not_acknowledged_in_time_shows_an_error(hasty, heard, reach):
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
        hasty.faults.lose_ack("events_api")
        ack = await hasty.open_home("U01")
        await hasty.wait_for(lambda: len(heard.of("app_home_opened")) == 2)

    assert not ack.ok
    first, second = heard.of("app_home_opened")
    assert first["event_id"] == second["event_id"]


async def test_a_duplicated_click_arrives_twice(talking, heard):
    posted = talking.post("C01", talking.bot.id, "card", [buttons("greet")])
    talking.faults.duplicate("interactive")

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


async def test_slow_answers_and_late_deliveries_take_their_time(slack, client, heard):
    slack.faults.slow_down("auth.test", seconds=0.05, times=1)
    slack.faults.delay("slash_commands", seconds=0.05)
    started = time.monotonic()
    await client.auth_test()
    assert time.monotonic() - started >= 0.05
    async with over_sockets(slack, bolt_app(slack, heard)):
        started = time.monotonic()
        assert (await slack.command("U01", "balance")).ok
        assert time.monotonic() - started >= 0.05
