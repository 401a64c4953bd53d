"""The connection to DingTalk: it comes back patiently, stops at once, and answers where it was asked."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientSession, web

from bot.messengers.dingtalk.connection import Limits, State, Stream
from bot.messengers.dingtalk.frame import Frame
from sandbox.dingtalk.organisation import DingTalk, Person, Timing
from tests.bot.messengers.dingtalk.test_frame import BAD

ALICE, BOB = Person("alice", "爱丽丝", manager="bob"), Person("bob", "鲍勃")


@pytest.fixture
async def ding() -> AsyncIterator[DingTalk]:
    async with DingTalk(people=[ALICE, BOB], timing=Timing(patience=0.5)) as ding:
        yield ding


class Time:
    """A clock that only moves when somebody sleeps, and sleeps at once."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


class Heard:
    """Handlers that write down what came; `gate` keeps them at work."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.answer: dict[str, Any] | None = None
        self._came = asyncio.Condition()

    async def __call__(self, frame: Frame) -> dict[str, Any] | None:
        async with self._came:
            self.frames.append(frame)
            self._came.notify_all()
        await self.gate.wait()
        return self.answer

    async def frames_came(self, number: int = 1) -> None:
        async with asyncio.timeout(5), self._came:
            await self._came.wait_for(lambda: len(self.frames) >= number)


async def connected(ding: DingTalk) -> None:
    """Return when a ping has come back: the stream stands and reads."""
    await ding.wait_for(lambda: ding.connections)
    [ping] = await ding.ping()
    await ding.wait_for(lambda: ping.acks)


@asynccontextmanager
async def streaming(ding: DingTalk, *, secret: str = "", **more: Any) -> AsyncIterator[tuple[Stream, Heard]]:
    """A stream that is connected, or tries to be."""
    heard = Heard()
    handlers: dict[str, Any] = {"on_message": heard, "on_card": heard, "on_event": heard}
    async with ClientSession() as http:
        stream = Stream(ding.client_id, secret or ding.client_secret, http, ding.url, **(handlers | more))
        running = asyncio.create_task(stream.run())
        try:
            if not (ding.faults.closing or ding.faults.frozen or secret):
                await connected(ding)
            yield stream, heard
        finally:
            heard.gate.set()
            stream.stop()
            async with asyncio.timeout(8):
                await asyncio.gather(running, return_exceptions=True)


# ---- answers ---------------------------------------------------------------------------------------------


async def test_a_message_reaches_its_handler_and_is_acknowledged(ding: DingTalk) -> None:
    async with streaming(ding) as (_, heard):
        ack = await ding.say("alice", "余额")
    assert (ack.code, ack.data) == (200, {"response": None})
    assert heard.frames[0].data["text"]["content"] == "余额"
    assert heard.frames[0].data["senderStaffId"] == "alice"


async def test_the_acknowledgement_of_a_click_carries_what_the_handler_answered(ding: DingTalk) -> None:
    response = {"response": {"cardData": {"cardParamMap": {"tag": "已同意"}}}}
    async with streaming(ding) as (_, heard):
        heard.answer = response
        ack = await ding.push("CALLBACK", "/v1.0/card/instances/callback", {"outTrackId": "x"})
    assert ack.data == response


async def test_an_event_is_acknowledged_in_the_documented_form(ding: DingTalk) -> None:
    async with streaming(ding) as (_, heard):
        done = await ding.leave("bob")
        heard.answer = {"status": "LATER", "message": "the database is away"}
        later = await ding.leave("alice")
    assert done.data == {"status": "SUCCESS", "message": "OK"}
    assert later.data == {"status": "LATER", "message": "the database is away"}
    event = heard.frames[0]
    assert (event.event_type, event.data["userId"]) == ("user_leave_org", ["bob"])
    assert event.event_id
    assert event.corp_id == ding.corp_id
    assert not ding.violations


async def test_an_event_whose_handler_fails_is_asked_for_again(
    ding: DingTalk, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(_: Frame) -> None:
        raise LookupError("no such member")

    async with streaming(ding, on_event=fail):
        ack = await ding.leave("bob")
    assert (ack.code, ack.data["status"]) == (500, "LATER")
    assert [record.exc_info is not None for record in caplog.records if "failed" in record.message] == [True]


async def test_what_nobody_handles_is_answered_404(ding: DingTalk) -> None:
    async with streaming(ding):
        ack = await ding.push("CALLBACK", "/v1.0/something/new", {})
    assert ack.code == 404


async def test_an_answer_that_is_no_json_counts_as_a_failure(ding: DingTalk) -> None:
    async with streaming(ding) as (_, heard):
        heard.answer = {"response": object()}
        ack = await ding.say("alice", "余额")
    assert ack.code == 500


async def test_a_ping_is_echoed(ding: DingTalk) -> None:
    async with streaming(ding):
        [push] = await ding.ping()
        await ding.wait_for(lambda: push.acks)
    assert json.loads(push.acks[0][1]["data"]) == push.data


async def test_the_same_frame_three_times_comes_three_times_under_one_id(ding: DingTalk) -> None:
    async with streaming(ding) as (_, heard):
        ding.faults.repeat("message", copies=3)
        ack = await ding.say("alice", "借 100 给 鲍勃")
        await heard.frames_came(3)
    assert [frame.message_id for frame in heard.frames] == [ack.push] * 3


async def test_only_what_is_handled_is_subscribed(ding: DingTalk) -> None:
    async with streaming(ding, on_event=None, on_card=None):
        ack = await ding.leave("bob")
    assert ack.error == "offline"


# ---- frames that are none --------------------------------------------------------------------------------


async def test_bad_frames_are_passed_over_and_the_connection_stays(ding: DingTalk) -> None:
    async with streaming(ding) as (stream, _):
        for text in BAD:
            await ding.send_raw(text)
        ack = await ding.say("alice", "余额")
        assert (ack.ok, stream.opens) == (True, 1)


async def test_a_frame_with_bad_data_is_answered_400(ding: DingTalk) -> None:
    async with streaming(ding):
        ack = await ding.push("CALLBACK", "/v1.0/im/bot/messages/get", ["not", "an", "object"])  # type: ignore[arg-type]
    assert ack.code == 400


# ---- coming back -----------------------------------------------------------------------------------------


async def test_a_server_that_closes_at_once_causes_no_storm(ding: DingTalk) -> None:
    ding.faults.close_at_once(1000, times=200)
    time_ = Time()
    async with streaming(ding, clock=time_.clock, sleep=time_.sleep) as _:
        await ding.wait_for(lambda: len(ding.opens) > 200, timeout=10)
        await ding.wait_for(lambda: ding.connections)
    assert len(ding.opens) == 201
    assert time_.pauses[0] <= 1
    assert min(time_.pauses[2:]) >= 1
    assert 30 <= min(time_.pauses[-20:]) <= max(time_.pauses) <= 60


async def test_a_reset_connection_is_opened_again(ding: DingTalk) -> None:
    time_ = Time()
    async with streaming(ding, clock=time_.clock, sleep=time_.sleep) as (stream, _):
        await ding.drop_sockets()
        await ding.wait_for(lambda: len(ding.opens) == 2 and ding.connections)
        assert (await ding.say("alice", "余额")).ok
        assert stream.connected


async def test_after_a_healthy_while_patience_starts_anew(ding: DingTalk) -> None:
    time_ = Time()
    ding.faults.close_at_once(None, times=8)
    async with streaming(ding, clock=time_.clock, sleep=time_.sleep) as _:
        await connected(ding)
        time_.now += 11
        await ding.close_sockets()
        await ding.wait_for(lambda: len(ding.opens) == 10 and ding.connections)
        await ding.close_sockets()
        await ding.wait_for(lambda: len(ding.opens) == 11)
    assert time_.pauses[-3] >= 30
    assert time_.pauses[-2] == 0  # after a close the next attempt comes at once, and then backs off
    assert 0.5 <= time_.pauses[-1] <= 2


async def test_being_asked_to_reconnect_finishes_what_is_at_work_first(ding: DingTalk) -> None:
    time_ = Time()
    async with streaming(ding, clock=time_.clock, sleep=time_.sleep) as (_, heard):
        heard.gate.clear()
        asking = asyncio.create_task(ding.say("alice", "余额"))
        await heard.frames_came()
        await ding.disconnect()
        heard.gate.set()
        ack = await asking
        await ding.wait_for(lambda: len(ding.opens) == 2 and ding.connections)
    assert ack.ok
    assert not ding.violations


async def test_an_answer_after_a_reconnect_never_goes_to_the_new_socket(ding: DingTalk) -> None:
    time_ = Time()
    async with streaming(ding, clock=time_.clock, sleep=time_.sleep) as (stream, heard):
        heard.gate.clear()
        asking = asyncio.create_task(ding.say("alice", "余额"))
        await heard.frames_came()
        await ding.drop_sockets()
        await ding.wait_for(lambda: len(ding.opens) == 2 and ding.connections)
        heard.gate.set()
        assert (await ding.say("bob", "余额")).ok
        assert stream.handling == 0
    assert (await asking).error == "timed_out"
    assert not ding.violations


async def test_a_connection_that_pongs_but_stays_silent_is_given_up(ding: DingTalk) -> None:
    limits = Limits(idle=0.3, heartbeat=0.05, shortest=0.01)
    async with streaming(ding, limits=limits) as (stream, _):
        ding.mute()
        await ding.wait_for(lambda: len(ding.opens) > 1)
        assert stream.failure.startswith("no frame") or stream.connected


async def test_a_refusal_is_retried_slowly(ding: DingTalk) -> None:
    time_ = Time()
    async with streaming(ding, secret="wrong", clock=time_.clock, sleep=time_.sleep) as (stream, _):
        await ding.wait_for(lambda: len(ding.opens) > 3)
        stream.stop()
    assert min(time_.pauses) >= 30


async def test_a_refusal_is_a_state_of_its_own(ding: DingTalk) -> None:
    asleep = asyncio.Event()

    async def sleep(_: float) -> None:
        asleep.set()
        await asyncio.Event().wait()

    async with streaming(ding, secret="wrong", sleep=sleep) as (stream, _):
        await asyncio.wait_for(asleep.wait(), 5)
        assert (stream.state, stream.connected, stream.last_frame_age) == (State.REFUSED, False, None)
        assert "401" in stream.failure


# ---- a frozen server -------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["open", "connect"])
async def test_a_frozen_server_freezes_neither_the_loop_nor_us(ding: DingTalk, what: str) -> None:
    ding.faults.freeze(what)
    time_ = Time()
    async with streaming(ding, limits=Limits(opening=0.2), sleep=time_.sleep) as (stream, _):
        longest, last = 0.0, time.monotonic()
        while len(ding.opens) < 3:
            await asyncio.sleep(0)
            longest, last = max(longest, time.monotonic() - last), time.monotonic()
        assert not stream.connected
    assert longest < 0.15


async def test_a_socket_that_freezes_is_noticed(ding: DingTalk) -> None:
    limits = Limits(heartbeat=0.1, closing=0.1, shortest=0.01)
    async with streaming(ding, limits=limits) as _:
        ding.faults.freeze("socket")
        await ding.wait_for(lambda: len(ding.opens) > 1)


# ---- stopping --------------------------------------------------------------------------------------------


async def test_stop_ends_a_connected_stream_within_two_seconds(ding: DingTalk) -> None:
    async with ClientSession() as http:
        stream = Stream(ding.client_id, ding.client_secret, http, ding.url, on_message=Heard())
        running = asyncio.create_task(stream.run())
        await connected(ding)
        stream.stop()
        await asyncio.wait_for(running, 2)
        assert stream.state is State.STOPPED
        await ding.wait_for(lambda: not ding.connections)


async def test_stop_waits_for_the_answer_that_is_under_way(ding: DingTalk) -> None:
    async with streaming(ding) as (stream, heard):
        heard.gate.clear()
        asking = asyncio.create_task(ding.say("alice", "余额"))
        await heard.frames_came()
        stream.stop()
        heard.gate.set()
        assert (await asking).ok


@pytest.mark.parametrize("frozen", [False, True])
async def test_cancellation_is_not_swallowed(ding: DingTalk, frozen: bool) -> None:
    limits = Limits(drain=0.1, closing=0.2)
    heard = Heard()
    heard.gate.clear()
    async with ClientSession() as http:
        stream = Stream(ding.client_id, ding.client_secret, http, ding.url, on_message=heard, limits=limits)
        running = asyncio.create_task(stream.run())
        await connected(ding)
        asking = asyncio.create_task(ding.say("alice", "余额"))
        await heard.frames_came()
        if frozen:
            ding.faults.freeze("socket")
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(running, 2)
        assert stream.handling == 0
        await asking


async def test_a_stream_runs_once(ding: DingTalk) -> None:
    async with streaming(ding) as (stream, _):
        with pytest.raises(RuntimeError, match="runs once"):
            await stream.run()
        assert stream.connected


async def test_a_stream_stopped_before_it_ran_opens_nothing(ding: DingTalk) -> None:
    async with ClientSession() as http:
        stream = Stream(ding.client_id, ding.client_secret, http, ding.url)
        stream.stop()
        await asyncio.wait_for(stream.run(), 2)
    assert not ding.opens


# ---- the rest --------------------------------------------------------------------------------------------


async def test_beyond_its_limit_of_handlers_it_stops_reading(ding: DingTalk) -> None:
    async with streaming(ding, limits=Limits(handlers=3)) as (stream, heard):
        heard.gate.clear()
        asking = [asyncio.create_task(ding.say("alice", str(number))) for number in range(8)]
        await heard.frames_came(3)
        [ping] = await ding.ping()
        assert stream.handling == 3
        heard.gate.set()
        await asyncio.gather(*asking)
        await ding.wait_for(lambda: ping.acks)
    assert len(heard.frames) == 8


async def test_the_ticket_is_never_logged(ding: DingTalk, caplog: pytest.LogCaptureFixture) -> None:
    tickets: list[str] = []
    enough = asyncio.Event()

    async def open_(request: web.Request) -> web.Response:
        tickets.append(f"ticket-{len(tickets)}")
        if len(tickets) == 3:
            enough.set()
        # A handshake that fails is where aiohttp's error would hold the whole address.
        return web.json_response({"endpoint": str(request.url.origin()), "ticket": tickets[-1]})

    app = web.Application()
    app.router.add_post("/v1.0/gateway/connections/open", open_)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    time_ = Time()
    caplog.set_level(logging.DEBUG)
    async with ClientSession() as http:
        address = f"http://127.0.0.1:{runner.addresses[0][1]}"
        stream = Stream("id", "secret-of-ours", http, address, sleep=time_.sleep)
        running = asyncio.create_task(stream.run())
        await asyncio.wait_for(enough.wait(), 5)
        stream.stop()
        await running
    await runner.cleanup()
    said = caplog.text + stream.failure
    assert "404" in said
    assert not any(secret in said for secret in [*tickets, "secret-of-ours"])


async def test_an_endpoint_without_tls_is_refused_where_the_api_has_it() -> None:
    async with ClientSession() as http:
        stream = Stream("id", "secret", http, "https://api.dingtalk.com")
        with pytest.raises(ValueError, match="TLS"):
            stream._endpoint('{"endpoint": "ws://10.0.0.1/connect", "ticket": "t"}')
        address = stream._endpoint(
            '{"endpoint": "wss://example.dingtalk.com:443/connect", "ticket": "a+b/c"}'
        )
    assert str(address) == "https://example.dingtalk.com/connect?ticket=a%2Bb/c"


async def test_health_tells_the_age_of_the_last_frame(ding: DingTalk) -> None:
    time_ = Time()
    async with streaming(ding, clock=time_.clock, sleep=time_.sleep) as (stream, _):
        time_.now += 12
        assert stream.last_frame_age == 12
        await ding.say("alice", "余额")
        assert stream.last_frame_age == 0
