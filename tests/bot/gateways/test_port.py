"""What all connectors share: settings, money, pace, and what is said of errors."""

from __future__ import annotations

import ssl
import time
from collections.abc import Awaitable, Callable
from datetime import date
from decimal import Decimal

import pytest
from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientConnectorSSLError,
    ClientSession,
    web,
)
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st

from bot.gateways.client import Pace, Tally, cap, dollars, micro, shortened, why_unreachable
from bot.gateways.port import Finding, GatewayError, GatewayRefused, days
from bot.gateways.registry import open_gateway
from sandbox.gateways.litellm import LiteLLM
from sandbox.gateways.stand_in import FAILED_AFTER, REPLY_GARBLED


@pytest.mark.parametrize("kind", ["portkey", "bifrost"])
async def test_a_gateway_without_a_connector_says_not_yet(http: ClientSession, kind: str) -> None:
    with pytest.raises(GatewayRefused, match=f"{kind}: not yet"):
        open_gateway(kind, "http://gateway.example", "sk", http)


async def test_missing_settings_are_named(http: ClientSession) -> None:
    with pytest.raises(GatewayRefused, match="GATEWAY_URL and GATEWAY_KEY"):
        open_gateway("litellm", None, None, http)
    with pytest.raises(GatewayRefused, match="needs GATEWAY_KEY"):
        open_gateway("openrouter", None, "", http)


async def test_a_url_without_a_scheme_and_a_key_of_two_lines_are_explained(http: ClientSession) -> None:
    with pytest.raises(GatewayRefused, match="begin it with https://"):
        open_gateway("litellm", "gateway.corp.example", "sk-1", http)
    with pytest.raises(GatewayRefused, match="line break"):
        open_gateway("litellm", "http://gateway.corp.example", "sk-1\nsk-2", http)
    assert open_gateway("litellm", " http://gateway.corp.example/\n", "sk-1\n", http)


@pytest.mark.parametrize(
    ("kind", "url", "why"),
    [
        ("litellm", "http://gw.example/v1/", "GATEWAY_URL http://gw.example/v1: leave out /v1"),
        ("new-api", "http://gw.example/api", "leave out /api"),
        ("openrouter", "https://openrouter.ai/api/v1", ""),
        ("litellm", "http://gw.example/a b", "on one line, without spaces"),
    ],
)
async def test_an_address_that_cannot_be_the_admin_apis_is_explained(
    http: ClientSession, kind: str, url: str, why: str
) -> None:
    if not why:
        assert open_gateway(kind, url, "sk", http)
        return
    with pytest.raises(GatewayRefused, match=why):
        open_gateway(kind, url, "sk", http)


async def test_a_gateway_of_the_file_is_named_with_its_key_there(http: ClientSession) -> None:
    with pytest.raises(GatewayRefused, match=r"GATEWAYS_FILE, seats: url gw\.example: begin it"):
        open_gateway("litellm", "gw.example", "sk", http, name="seats")


PLACE = ConnectionKey("gw.example", 443, True, True, None, None, None)


def refused(kind: type[ClientConnectorError], error: OSError) -> ClientConnectorError:
    return kind(PLACE, error)


def test_what_keeps_a_connection_from_being_made_is_said_in_an_operators_words() -> None:
    untrusted = ssl.SSLCertVerificationError()
    untrusted.verify_message = "self-signed certificate"
    assert why_unreachable(ClientConnectorCertificateError(PLACE, untrusted)) == (
        "its certificate is not trusted (self-signed certificate): name its CA in SSL_CERT_FILE"
    )
    assert "does not speak https" in why_unreachable(refused(ClientConnectorSSLError, ssl.SSLError()))
    assert why_unreachable(refused(ClientConnectorDNSError, OSError())) == "there is no such host"
    assert (
        why_unreachable(refused(ClientConnectorError, OSError(111, "Connection refused")))
        == "connection refused"
    )


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("https://gw.example/llm/v2/user/info?user_id=ann", "redirects: set it to https://gw.example/llm$"),
        ("/login", r"redirects to http://127\.0\.0\.1:\d+/login, and the key is sent nowhere else"),
    ],
)
async def test_a_gateway_that_redirects_is_not_followed(http: ClientSession, target: str, said: str) -> None:
    async def move(_: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": target})

    async with TestServer(one_route("/v2/user/info", move)) as server:
        with pytest.raises(
            GatewayRefused, match=f"GATEWAY_URL {server.make_url('')}".rstrip("/") + f" {said}"
        ):
            await open_gateway("litellm", str(server.make_url("")), "sk", http).account("ann")


async def test_an_entity_that_litellm_does_not_have_is_refused(http: ClientSession) -> None:
    with pytest.raises(GatewayRefused, match="GATEWAY_ENTITY team: LiteLLM has user, key, team_member"):
        open_gateway("litellm", "http://gateway.example", "sk", http, entity="team")


@pytest.mark.parametrize(
    ("usd", "expected"),
    [
        (0, 0),
        (0.1, 100_000),
        (1e-07, 1),
        (0.30000000000000004, 300_001),
        (Decimal("0.0000015"), 2),
        (None, 0),
    ],
)
def test_a_float_is_rounded_up_to_the_micro_dollar(usd: float | Decimal | None, expected: int) -> None:
    assert micro(usd) == expected


@given(st.integers(min_value=0, max_value=10**15))
def test_a_limit_survives_the_float_it_travels_in(total: int) -> None:
    assert micro(dollars(total)) == total


def test_no_limit_is_not_nought_and_nought_is_a_limit() -> None:
    assert cap(None) is None
    assert cap(0) == 0
    with pytest.raises(ValueError, match="negative"):
        dollars(-1)


def test_usage_in_pieces_is_rounded_once() -> None:
    tally, day = Tally(), date(2026, 11, 23)
    for _ in range(3):
        tally.add("ann", day, "m", "", used=Decimal("0.0000004"), tokens=(1, 2), requests=1)
    (row,) = tally.rows()
    assert (row.amount, row.input_tokens, row.output_tokens, row.requests) == (2, 3, 6, 3)


def test_days_include_both_ends() -> None:
    assert days(date(2026, 11, 30), date(2026, 12, 1)) == [date(2026, 11, 30), date(2026, 12, 1)]


def test_a_reason_is_short_and_shows_no_key() -> None:
    said = shortened("bad key sk-abcdefghijklmnop\n" + "x" * 1000)
    assert said.startswith("bad key sk-… x")
    assert len(said) == 300


def test_a_finding_has_facts_and_no_sentences() -> None:
    assert Finding("team_cap").facts == {}


async def test_calls_go_out_in_a_burst_and_then_at_the_pace() -> None:
    pace, started = Pace(per_minute=6000, burst=3), time.monotonic()
    for _ in range(3):
        await pace.turn()
    assert time.monotonic() - started < 0.009
    for _ in range(3):
        await pace.turn()
    assert time.monotonic() - started >= 0.029


async def test_when_a_gateway_asks_for_rest_everybody_rests(http: ClientSession) -> None:
    async with LiteLLM(users={"ann": None}) as gateway:
        connector = open_gateway("litellm", gateway.url, gateway.key, http)
        gateway.faults.rate_limit(retry_after=30)
        with pytest.raises(GatewayError) as caught:
            await connector.account("ann")
        assert caught.value.retry_after == 30
        assert not caught.value.unknown


async def test_an_unreachable_gateway_has_done_nothing(http: ClientSession) -> None:
    async with LiteLLM() as gateway:
        url = gateway.url
    with pytest.raises(GatewayError, match="unreachable") as caught:
        await open_gateway("litellm", url, "sk", http).account("ann")
    assert not caught.value.unknown


@pytest.mark.parametrize("how", [FAILED_AFTER, REPLY_GARBLED])
async def test_an_answer_that_makes_no_sense_leaves_open_what_was_done(http: ClientSession, how: str) -> None:
    async with LiteLLM(users={"ann": None}) as gateway:
        gateway.faults.plan("*", how)
        with pytest.raises(GatewayError) as caught:
            await open_gateway("litellm", gateway.url, gateway.key, http).account("ann")
        assert caught.value.unknown
        assert "\n" not in caught.value.reason


async def test_silence_ends_after_the_timeout(http: ClientSession) -> None:
    async with LiteLLM(users={"ann": None}) as gateway:
        gateway.faults.hang()
        with pytest.raises(GatewayError, match="no answer") as caught:
            await open_gateway("litellm", gateway.url, gateway.key, http, timeout=0.05).account("ann")
        assert caught.value.unknown


async def test_a_wrong_key_is_refused_with_the_gateways_words(http: ClientSession) -> None:
    async with LiteLLM() as gateway:
        with pytest.raises(GatewayRefused, match="HTTP 401: Authentication Error") as caught:
            await open_gateway("litellm", gateway.url, "sk-somebody-else", http).account("ann")
        assert caught.value.status == 401


async def test_an_answer_without_what_was_asked_for_is_the_gateway_s_failure(http: ClientSession) -> None:
    async def status(_: web.Request) -> web.Response:
        return web.json_response({"success": True, "data": {}})

    async with TestServer(one_route("/api/status", status)) as server:
        with pytest.raises(GatewayError, match="without quota_per_unit"):
            await open_gateway("new-api", str(server.make_url("")), "1:sk", http).account("1")


def one_route(path: str, answer: Callable[[web.Request], Awaitable[web.Response]]) -> web.Application:
    app = web.Application()
    app.router.add_get(path, answer)
    return app
