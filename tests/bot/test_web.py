"""At the door: who may come in, and what they get to read. The rest of the hostility is in test_hostile.py."""

from __future__ import annotations

import hashlib
import hmac
from json import dumps
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.messengers.slack.endpoint import OLDEST, genuine
from bot.messengers.slack.shape import parse
from bot.web.server import LARGEST_BODY, application, observed, serve

SECRET = "a-secret-of-the-tests"
NOW = 1_794_000_000


def signature(body: bytes, stamp: str) -> str:
    return "v0=" + hmac.new(SECRET.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()


def test_only_what_slack_signed_lately_is_genuine() -> None:
    body, stamp = b'{"a": 1}', str(NOW)
    good = signature(body, stamp)
    assert genuine(stamp, body, good, SECRET, NOW)
    assert genuine(stamp, body, good, SECRET, NOW + OLDEST)
    assert not genuine(stamp, body, good, SECRET, NOW + OLDEST + 1)
    assert not genuine(stamp, body, good, SECRET, NOW - OLDEST - 1)
    assert not genuine(stamp, body + b" ", good, SECRET, NOW)
    assert not genuine(stamp, body, good, "another-secret", NOW)
    assert not genuine(stamp, body, good.upper(), SECRET, NOW)


@pytest.mark.parametrize(
    "stamp", ["", "abc", "1e9", "-1", "+1", "٣", "１７９４", " 1794000000", "1794000000\n", "9" * 400, "²"]
)
def test_a_timestamp_is_digits_and_nothing_else(stamp: str) -> None:
    assert not genuine(stamp, b"", signature(b"", stamp), SECRET, NOW)


@pytest.mark.parametrize("sign", ["", "é", "\ud800", "v0=", "v0=é"])
def test_a_signature_of_any_shape_is_compared_and_no_more(sign: str) -> None:
    assert not genuine(str(NOW), b"", sign, SECRET, NOW)


def test_what_bolt_could_not_take_apart_is_not_handed_to_it() -> None:
    json, form = "application/json", "application/x-www-form-urlencoded"
    for body in (b"{}", b'{"type": "event_callback", "event": {}}'):
        assert parse(json, body) is not None
    for body in (b"", b"[]", b"{", b"5", b"\xff", b'{"event": []}', b"[" * 100_000):
        assert parse(json, body) is None
    for body in (b"ssl_check=1", b"payload=%7B%7D", b"command=%2Fquota&trigger_id=1&user_id=U1", b""):
        assert parse(form, body) is not None
    for body in (b"payload=", b"payload=5", b"payload=%5B%5D", b"command=%2Fquota", b"\xff=\xff"):
        assert parse(form, body) is None


COMMAND: dict[str, Any] = {
    "command": "/quota",
    "text": "balance",
    "user_id": "U1",
    "trigger_id": "1.2",
    "team_id": "T1",
}
PRESS: dict[str, Any] = {
    "type": "block_actions", "user": {"id": "U1"}, "trigger_id": "1.2", "team": {"id": "T1"},
    "actions": [{"action_id": "balance.open", "type": "button"}],
}  # fmt: skip
EVENT: dict[str, Any] = {
    "type": "event_callback", "event_id": "E1", "team_id": "T1",
    "event": {"type": "message", "channel": "D1", "user": "U1", "text": "x", "ts": "1.1"},
}  # fmt: skip
ODD_KEYS = (
    "authorizations", "event", "enterprise", "team", "user", "view", "message", "item", "channel", "assistant_thread",
    "previous_message", "is_ext_shared_channel", "is_enterprise_install", "enterprise_id", "thread_ts", "function_data",
)  # fmt: skip
ODD_VALUES: tuple[Any, ...] = ("x", 7, True, None, [], ["x"], [None], [{}], {}, {"authorizations": "x"})


@pytest.mark.parametrize("inside", ["", "event", "message"])
@pytest.mark.parametrize("key", ODD_KEYS)
def test_whatever_is_sensible_bolt_can_take_apart(key: str, inside: str) -> None:
    form, json = "application/x-www-form-urlencoded", "application/json"
    bodies = [(form, urlencode(COMMAND | {key: value})) for value in ODD_VALUES]
    for whole, kind in ((PRESS, form), (EVENT, json)):
        for value in ODD_VALUES:
            part = {**whole.get(inside, {}), key: value} if inside else {key: value}
            said = dumps(whole | ({inside: part} if inside else part))
            bodies.append((kind, said if kind == json else urlencode({"payload": said})))
    for kind, body in bodies:
        if (said := parse(kind, body.encode())) is not None:
            AsyncBoltRequest(body=said, mode="socket_mode")
    assert parse(form, urlencode(COMMAND).encode()) is not None
    assert parse(form, urlencode({"payload": dumps(PRESS)}).encode()) is not None
    assert parse(json, dumps(EVENT).encode()) is not None


def test_a_body_is_read_as_slack_wrote_it_also_where_a_command_speaks_of_a_payload() -> None:
    form = "application/x-www-form-urlencoded"
    for text in ("lend bob 5 for the payload", "50% & more = +1", "借 5 给 @bob", ""):
        body = urlencode(COMMAND | {"text": text, "channel_name": "a b"}).encode()
        assert parse(form, body) == COMMAND | {"text": text, "channel_name": "a b"}
    assert parse(form, urlencode({"payload": dumps(PRESS)}).encode()) == PRESS


def test_a_command_with_authorizations_is_refused_at_the_door() -> None:
    body = urlencode(COMMAND | {"authorizations": "x"})
    assert parse("application/x-www-form-urlencoded", body.encode()) is None


async def test_without_slack_there_is_no_door_for_it() -> None:
    async def look() -> tuple[bool, dict[str, bool]]:
        return False, {"database": True, "slack": False}

    async def figures() -> bytes:
        return b""

    runner = await serve(application(observed(look, figures)), "127.0.0.1", 0)
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with aiohttp.ClientSession() as http:
            async with http.post(f"{base}/slack/events", data=b"x") as reply:
                assert reply.status == 404
            async with http.get(f"{base}/healthz") as reply:
                assert (reply.status, await reply.json()) == (200, {"ok": True})
            async with http.get(f"{base}/readyz") as reply:
                assert reply.status == 503
                assert (await reply.json())["slack"] is False
            async with http.get(f"{base}/metrics") as reply:
                assert reply.status == 200
    finally:
        await runner.cleanup()
    assert LARGEST_BODY == 1024 * 1024
