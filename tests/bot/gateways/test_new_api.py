"""The New API connector against its stand-in, One API where it differs, and a thousand lost replies."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import pytest
from aiohttp import ClientSession
from hypothesis import given
from hypothesis import strategies as st

from bot.gateways.new_api import NewApi as Connector
from bot.gateways.port import Access, Gateway, GatewayError, GatewayRefused, NoSuchAccount, now_utc
from models.metering.reading import KeyUsage, Reading
from sandbox.gateways.new_api import NewApi, User
from sandbox.gateways.stand_in import (
    FAILED,
    FAILED_AFTER,
    LATE,
    RATE_LIMITED,
    REFUSED,
    REPLY_GARBLED,
    REPLY_LOST,
    REQUEST_LOST,
)
from tests.bot.gateways.conftest import Connect
from tests.examples import stories

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
async def gateway() -> AsyncIterator[NewApi]:
    async with NewApi(clock=NOON.timestamp) as standin:
        yield standin


@pytest.fixture
async def one_api() -> AsyncIterator[NewApi]:
    async with NewApi(one_api=True, clock=NOON.timestamp) as standin:
        yield standin


@pytest.fixture
def ann(gateway: NewApi) -> User:
    return gateway.add_user("ann", email="ann@corp.example", quota=500_000, used_quota=250_000)


def patient(gateway: NewApi, http: ClientSession, *, settle: float = 0.0, timeout: float = 15.0) -> Connector:
    return Connector(
        Access(gateway.url, gateway.key, http, calls_per_minute=10**9, timeout=timeout), settle=settle
    )


async def everybody(connector: Gateway) -> list[Reading]:
    return [account async for page in connector.accounts() for account in page]


async def used(connector: Gateway, since: date, until: date, account: str = "") -> list[list[KeyUsage]]:
    return [page async for page in connector.usage(since, until, account)]


# ---- reading ----------------------------------------------------------------------------------------------------


async def test_a_wallet_reads_like_a_cap(gateway: NewApi, ann: User, connect: Connect) -> None:
    connector = connect("new-api", gateway)
    found = await connector.account(str(ann.id))
    assert (found.spent, found.total, found.window) == (500_000, 1_500_000, "")
    assert (found.email, found.owner, found.blocked) == ("ann@corp.example", "ann", False)
    gateway.consume(ann, 100_000)
    ann.status = 2
    found = await connector.account(str(ann.id))
    assert (found.spent, found.total, found.blocked) == (700_000, 1_500_000, True)


async def test_pages_count_from_one_and_the_deleted_are_left_out(gateway: NewApi, connect: Connect) -> None:
    users = [gateway.add_user(f"u{n}") for n in range(230)]
    users[5].deleted = True
    found = await everybody(connect("new-api", gateway))
    assert [one.id for one in found] == [str(user.id) for user in users if not user.deleted]
    assert gateway.calls["GET /api/user/"] == 3


async def test_one_api_counts_pages_from_nought_and_new_people_shift_them(
    one_api: NewApi, connect: Connect
) -> None:
    users = [one_api.add_user(f"u{n}") for n in range(25)]
    one_api.faults.meanwhile("GET /api/user/", lambda: one_api.add_user("newcomer"))
    found = [one.id for one in await everybody(connect("new-api", one_api))]
    assert len(found) == len(set(found))
    assert set(found) >= {str(user.id) for user in users}


@pytest.mark.parametrize("wrong", ["999", "ann", "1; drop"])
async def test_an_unknown_id_is_no_account(gateway: NewApi, ann: User, connect: Connect, wrong: str) -> None:
    with pytest.raises(NoSuchAccount):
        await connect("new-api", gateway).account(wrong)


async def test_success_false_is_a_refusal_though_the_status_is_200(
    gateway: NewApi, ann: User, connect: Connect
) -> None:
    gateway.faults.refuse("GET /api/user/{id}")
    with pytest.raises(GatewayRefused, match="not today"):
        await connect("new-api", gateway).account(str(ann.id))


async def test_the_admins_id_goes_with_the_token(gateway: NewApi, ann: User, http: ClientSession) -> None:
    token = gateway.key.partition(":")[2]
    with pytest.raises(GatewayRefused, match="HTTP 401"):
        await Connector(Access(gateway.url, token, http)).account(str(ann.id))  # as if it were user 1
    assert gateway.calls["GET /api/user/token"] == 0


# ---- units ------------------------------------------------------------------------------------------------------


async def test_the_unit_is_read_and_a_change_of_it_stops_everything(
    gateway: NewApi, ann: User, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.gateways.new_api._UNIT_SECONDS", 0.0)
    connector = connect("new-api", gateway)
    await connector.set_total(str(ann.id), 1_500_002)
    gateway.quota_per_unit = 1_000_000
    for _ in range(2):
        with pytest.raises(GatewayRefused, match="quota_per_unit changed from 500000 to 1000000"):
            await connector.set_total(str(ann.id), 9_000_000)
    assert ann.quota + ann.used_quota == 750_001


@pytest.mark.parametrize("per_usd", [500_000, 300_000, 7, 68_493.15, 3_000_000])
async def test_a_total_is_held_down_to_a_whole_unit_and_stays(http: ClientSession, per_usd: float) -> None:
    async with NewApi(quota_per_unit=per_usd) as gateway:
        ann, connector = gateway.add_user("ann"), patient(gateway, http)
        for wish in (1_234_567, 10, 99_999_999):
            found = await connector.set_total(str(ann.id), wish)
            assert found.total == connector.holds(wish)
            assert connector.holds(found.total) == found.total
            assert 0 <= wish - found.total <= 10**6 / per_usd + 1
        writes = gateway.calls["POST /api/user/manage"]
        await connector.set_total(str(ann.id), 99_999_999)
        assert gateway.calls["POST /api/user/manage"] == writes


async def test_a_wallet_has_an_end(gateway: NewApi, ann: User, connect: Connect) -> None:
    with pytest.raises(GatewayRefused, match="at most 2147483647"):
        await connect("new-api", gateway).set_total(str(ann.id), 10**10)


# ---- writing ----------------------------------------------------------------------------------------------------


async def test_a_wallet_is_moved_by_the_difference(gateway: NewApi, ann: User, connect: Connect) -> None:
    connector, who = connect("new-api", gateway), str(ann.id)
    assert (await connector.set_total(who, 2_000_000)).total == 2_000_000
    assert (await connector.set_total(who, 2_000_000)).total == 2_000_000
    assert (await connector.set_total(who, 600_000)).total == 600_000
    assert (await connector.set_total(who, 0)).total == 0
    assert gateway.bodies == [
        ("POST /api/user/manage", {"id": ann.id, "action": "add_quota", "mode": mode, "value": value})
        for mode, value in (("add", 250_000), ("subtract", 700_000), ("subtract", 300_000))
    ]
    assert ann.quota == -250_000  # used more than what it may: the wallet is in debt, calls are refused
    with pytest.raises(ValueError, match="negative"):
        await connector.set_total(who, -2)
    assert (await connector.release(who, 1_500_000)).total == 1_500_000


async def test_spend_during_a_move_is_not_given_back(gateway: NewApi, ann: User, connect: Connect) -> None:
    gateway.faults.meanwhile("GET /api/user/{id}", lambda: gateway.consume(ann, 1_000))
    found = await connect("new-api", gateway).set_total(str(ann.id), 3_000_000)
    assert found.total == 3_000_000
    assert found.spent > 500_000


async def test_a_call_in_flight_only_dips_the_total(gateway: NewApi, ann: User, connect: Connect) -> None:
    connector, who = connect("new-api", gateway), str(ann.id)
    gateway.hold(ann, 20_000)
    assert (await connector.account(who)).total == 1_460_000
    gateway.settle(ann, 20_000, 12_345)
    assert (await connector.account(who)).total == 1_500_000


async def test_success_that_changes_nothing_is_not_success(http: ClientSession) -> None:
    async with NewApi(writes_quota=False) as gateway:
        ann = gateway.add_user("ann")
        with pytest.raises(GatewayRefused, match="changes nothing"):
            await patient(gateway, http).set_total(str(ann.id), 2_000_000)


async def test_a_lost_reply_is_found_out_by_reading(gateway: NewApi, ann: User, connect: Connect) -> None:
    gateway.faults.lose_reply("POST /api/user/manage")
    assert (await connect("new-api", gateway).set_total(str(ann.id), 2_000_000)).total == 2_000_000
    assert gateway.calls["POST /api/user/manage"] == 1


async def test_while_an_add_may_still_arrive_there_is_no_second_one(
    gateway: NewApi, ann: User, http: ClientSession
) -> None:
    connector, who = patient(gateway, http, settle=60.0, timeout=0.1), str(ann.id)
    gateway.faults.lose_request(
        "POST /api/user/manage"
    )  # for us it is the same as an add that hangs in a proxy
    with pytest.raises(GatewayError) as caught:
        await connector.set_total(who, 2_000_000)
    assert caught.value.unknown
    with pytest.raises(GatewayError, match="may still arrive") as caught:
        await connector.set_total(who, 2_000_000)
    assert 59 < (caught.value.retry_after or 0) <= 60
    assert gateway.calls["POST /api/user/manage"] == 1
    ann.quota += 250_000  # there it is
    assert (await connector.set_total(who, 2_000_000)).total == 2_000_000
    assert (await connector.set_total(who, 2_500_000)).total == 2_500_000
    assert gateway.calls["POST /api/user/manage"] == 2


async def test_a_refused_add_is_tried_again_at_once(gateway: NewApi, ann: User, http: ClientSession) -> None:
    connector = patient(gateway, http, settle=60.0)
    gateway.faults.refuse("POST /api/user/manage")
    with pytest.raises(GatewayRefused, match="not today"):
        await connector.set_total(str(ann.id), 2_000_000)
    assert (await connector.set_total(str(ann.id), 2_000_000)).total == 2_000_000


async def test_two_equal_moves_at_once_are_made_once(gateway: NewApi, ann: User, connect: Connect) -> None:
    connector = connect("new-api", gateway)
    await asyncio.gather(*(connector.set_total(str(ann.id), 2_000_000) for _ in range(5)))
    assert ann.quota + ann.used_quota == 1_000_000


# ---- hundreds of random faults -----------------------------------------------------------------------------------

ROUTES = ("POST /api/user/manage", "POST /api/user/manage", "GET /api/user/{id}", "*")
WAYS = (REPLY_LOST, REQUEST_LOST, FAILED, FAILED_AFTER, REPLY_GARBLED, REFUSED, RATE_LIMITED, LATE)
FAULTS = st.tuples(
    st.sampled_from(ROUTES),
    st.sampled_from(WAYS),
    st.integers(min_value=0, max_value=2),  # calls that pass first
    st.integers(min_value=0, max_value=400_000),  # what to make of it, in units
    st.integers(min_value=0, max_value=5_000),  # consumed meanwhile
    st.booleans(),  # what hangs on its way arrives, or never does
)
happened: Counter[str] = Counter()


@pytest.mark.hypothesis
def test_a_lost_reply_never_applies_twice() -> None:
    """Hundreds of faults. After each, the wallet holds what it did or what was asked for, nothing else."""
    with asyncio.Runner() as runner:
        gateway = NewApi()
        runner.run(gateway.__aenter__())
        http = runner.run(_session())

        @stories(60)
        @given(st.lists(FAULTS, min_size=4, max_size=8))
        def story(faults: list[tuple[str, str, int, int, int, bool]]) -> None:
            runner.run(_live_through(gateway, http, faults))

        try:
            story()
        finally:
            runner.run(http.close())
            runner.run(gateway.__aexit__())
    assert set(happened) == set(WAYS)


async def _session() -> ClientSession:
    return ClientSession()


async def _live_through(
    gateway: NewApi, http: ClientSession, faults: list[tuple[str, str, int, int, int, bool]]
) -> None:
    now, user = [NOON], gateway.add_user("somebody", quota=1_000)
    access = Access(gateway.url, gateway.key, http, clock=lambda: now[0], calls_per_minute=10**9)
    connector = Connector(access)
    for route, how, after, units, burnt, arrives in faults:
        before = user.quota + user.used_quota
        gateway.faults.clear()
        strike = gateway.faults.plan(route, how, after=after, value=503 if how == FAILED else 0)
        gateway.faults.meanwhile("POST /api/user/manage", lambda burnt=burnt: gateway.consume(user, burnt))
        for _ in range(2):  # impatient: once more at once
            try:
                found = await connector.set_total(str(user.id), 2 * units)
            except (GatewayError, GatewayRefused):
                assert user.quota + user.used_quota in {before, units}
            else:
                assert found.total == 2 * units
                assert user.quota + user.used_quota == units
        happened[how] += strike.times == 0
        if arrives:
            await gateway.arrive()
        gateway.late.clear()
        assert user.quota + user.used_quota in {before, units}
        now[0] += timedelta(seconds=31)
    gateway.faults.clear()
    assert (await connector.set_total(str(user.id), 123_456)).total == 123_456
    assert user.quota + user.used_quota == 61_728


# ---- One API ----------------------------------------------------------------------------------------------------


async def test_one_api_is_raised_by_a_topup_with_a_remark_and_lowered_by_writing_what_remains(
    one_api: NewApi, connect: Connect
) -> None:
    ann = one_api.add_user("ann", quota=100_000, used_quota=50_000, display_name="Ann")
    connector, who = connect("new-api", one_api), str(ann.id)
    assert (await connector.set_total(who, 600_000)).total == 600_000
    route, body = one_api.bodies[-1]
    assert (route, body["quota"], body["remark"][:9]) == ("POST /api/topup", 150_000, "quotabot ")
    assert (await connector.set_total(who, 200_000)).total == 200_000
    route, body = one_api.bodies[-1]
    assert (route, body) == ("PUT /api/user/", {"id": ann.id, "quota": 50_000})


async def test_one_api_cannot_write_nought_so_an_empty_wallet_is_minus_one(
    one_api: NewApi, connect: Connect
) -> None:
    ann = one_api.add_user("ann", quota=100_000, used_quota=50_000)
    connector, who = connect("new-api", one_api), str(ann.id)
    paused = await connector.set_total(who, 100_000)
    assert (paused.spent, paused.total, ann.quota) == (100_000, 100_000, -1)
    await connector.set_total(who, 100_000)
    assert one_api.calls["PUT /api/user/"] == 1
    assert (await connector.set_total(who, 300_000)).total == 300_000
    assert ann.quota == 100_000


async def test_spend_during_a_put_comes_off_in_the_next_round(one_api: NewApi, http: ClientSession) -> None:
    ann = one_api.add_user("ann", quota=100_000, used_quota=50_000)
    connector, who = patient(one_api, http), str(ann.id)
    one_api.faults.meanwhile(
        "GET /api/user/{id}", lambda: (one_api.faults.clear(), one_api.consume(ann, 7_000))
    )
    with pytest.raises(GatewayError, match="not there yet"):
        await connector.set_total(who, 200_000)
    assert ann.quota + ann.used_quota == 107_000
    assert (await connector.account(who)).ours  # nobody edited it
    assert (await connector.set_total(who, 200_000)).total == 200_000


async def test_a_topup_that_sits_in_memory_is_not_sent_again(http: ClientSession) -> None:
    async with NewApi(one_api=True, batched=True) as one_api:
        ann = one_api.add_user("ann", quota=100_000)
        connector, who = patient(one_api, http, settle=60.0), str(ann.id)
        for said in ("not there yet", "may still arrive"):
            with pytest.raises(GatewayError, match=said):
                await connector.set_total(who, 400_000)
        one_api.flush()
        assert (await connector.set_total(who, 400_000)).total == 400_000
        assert ann.quota == 200_000


# ---- usage ------------------------------------------------------------------------------------------------------


async def test_usage_is_consumed_less_refunded_by_day_model_and_key(
    gateway: NewApi, ann: User, connect: Connect
) -> None:
    yesterday = int(datetime(2026, 11, 22, 23, 59, 59, tzinfo=UTC).timestamp())
    gateway.consume(ann, 1_000, at=yesterday)
    today = yesterday + 1
    for _ in range(3):
        gateway.consume(ann, 2_000, at=today)
    gateway.refund(ann, 500, at=today)
    gateway.consume(ann, 10, model="glm-5", key="server", at=today)
    first, second = await used(connect("new-api", gateway), date(2026, 11, 22), date(2026, 11, 23))
    assert first == [KeyUsage("1", date(2026, 11, 22), "gpt-5.5", 2_000, "laptop", 10, 0, 1)]
    assert sorted((row.model, row.key, row.amount, row.requests) for row in second) == [
        ("glm-5", "server", 20, 1),
        ("gpt-5.5", "laptop", 11_000, 3),
    ]


@pytest.mark.parametrize("is_one_api", [False, True])
async def test_new_log_rows_shift_pages_and_count_once(http: ClientSession, is_one_api: bool) -> None:
    async with NewApi(one_api=is_one_api) as gateway:
        ann, bob = gateway.add_user("ann"), gateway.add_user("bob")
        day = now_utc().date()
        before = int(now_utc().timestamp()) - 2
        for _ in range(105):
            gateway.consume(ann, 2, at=before)
            gateway.consume(bob, 3, at=before)
        gateway.faults.meanwhile("GET /api/log/", lambda: gateway.consume(ann, 1_000, at=before))
        pages = await used(patient(gateway, http), day.replace(day=1), day, account="2")
        assert sum(row.amount for page in pages for row in page) == 105 * 6
        gateway.faults.meanwhile("GET /api/log/", lambda: gateway.consume(ann, 1_000))
        rows = [row for page in await used(patient(gateway, http), day.replace(day=1), day) for row in page]
        assert {row.account for row in rows} == {"1", "2"}
        assert sum(row.requests for row in rows if row.account == "2") == 105


# ---- preflight --------------------------------------------------------------------------------------------------


async def found(connector: Gateway, *free: str) -> dict[str, tuple[str, ...]]:
    return {one.code: one.subjects for one in await connector.preflight(free)}


async def test_preflight_says_what_an_admin_cannot_see(
    gateway: NewApi, one_api: NewApi, connect: Connect
) -> None:
    everywhere = {"key_caps_unseen": ("*",)}
    assert await found(connect("new-api", gateway)) == everywhere
    assert await found(connect("new-api", one_api)) == everywhere | {"lowering_overwrites": ("*",)}
    gateway.options = None
    gateway.plans = [{"plan": {"title": "Pro"}}]
    expected = everywhere | {"settings_unseen": ("*",), "subscriptions_pay_first": ("Pro",)}
    assert await found(connect("new-api", gateway)) == expected
    gateway.options, gateway.plans = {"LogConsumeEnabled": "false"}, []
    assert await found(connect("new-api", gateway)) == everywhere | {"usage_not_logged": ("*",)}


async def test_a_model_at_ratio_nought_is_free_only_when_the_wallet_is_not_asked(
    gateway: NewApi, connect: Connect
) -> None:
    gateway.pricing = [
        {"model_name": "hunyuan", "quota_type": 0, "model_ratio": 0, "model_price": 0},
        {"model_name": "gpt-5.5", "quota_type": 0, "model_ratio": 1.25, "model_price": 0},
        {"model_name": "suno", "quota_type": 1, "model_ratio": 0, "model_price": 0.1},
    ]
    connector = connect("new-api", gateway)
    names = ["hunyuan", "gpt-5.5", "suno", "unheard-of"]
    assert await connector.free_models(names) == set()
    gateway.options = {"quota_setting.enable_free_model_pre_consume": "false"}
    assert await connector.free_models(names) == {"hunyuan"}
    assert (await found(connector, *names))["model_not_free"] == ("gpt-5.5", "suno", "unheard-of")
