"""Our calls to DingTalk: one token, polite pace, no message said twice by accident, every kind of no understood."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession

from bot.messengers.dingtalk.api import (
    CREATE_CARD,
    REPLY,
    SEND_TO_USERS,
    UPDATE_CARD,
    DingTalkApi,
    card_values,
)
from bot.messengers.dingtalk.client import TOKEN, Api
from bot.messengers.dingtalk.errors import DingTalkError, OutcomeUnknown, Throttled, TokenRefused
from sandbox.dingtalk.organisation import Department, DingTalk, Group, Person

ALICE = Person("alice", "爱丽丝", "alice@corp.example", "007", "工程师", departments=(2,), manager="bob")
BOB = Person("bob", "鲍勃", departments=(1, 2))
EVE = Person("eve", "外人", corp_id="dingother")


class Time:
    """A clock that moves when somebody sleeps, and sleeps at once."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def ding(time: Time) -> AsyncIterator[DingTalk]:
    department = Department(2, "平台组", managers=("bob",))
    group = Group("cid-team", "平台组", ["alice", "bob"])
    async with DingTalk(
        people=[ALICE, BOB, EVE], departments=[department], groups=[group], clock=time.clock
    ) as ding:
        yield ding


@pytest.fixture
async def api(ding: DingTalk, time: Time) -> AsyncIterator[DingTalkApi]:
    async with ClientSession() as http:
        yield DingTalkApi(
            http, ding.client_id, ding.client_secret, ding.url, ding.url, clock=time.clock, sleep=time.sleep
        )


async def create(api: DingTalkApi, track_id: str = "topup-R42-1", **more: Any) -> None:
    await api.create_card(
        "t.schema", track_id, {"title": "额度申请", "tag": "待审批"}, **({"user": "bob"} | more)
    )


def paths(ding: DingTalk) -> list[str]:
    return [call.path.rpartition("/")[2] for call in ding.calls]


# ---- the token -------------------------------------------------------------------------------------------


async def test_eight_at_once_fetch_one_token(ding: DingTalk, api: DingTalkApi) -> None:
    await asyncio.gather(*(api.user("alice") for _ in range(8)))
    assert paths(ding).count("accessToken") == 1


async def test_the_token_is_renewed_five_minutes_early(ding: DingTalk, api: DingTalkApi, time: Time) -> None:
    await api.user("alice")
    time.now += 7200 - 301
    await api.user("alice")
    assert paths(ding).count("accessToken") == 1
    time.now += 2
    await api.user("alice")
    assert paths(ding).count("accessToken") == 2


async def test_a_token_that_is_refused_is_fetched_anew_in_both_families(
    ding: DingTalk, api: DingTalkApi
) -> None:
    await api.user("alice")
    ding.expire_tokens()
    assert (await api.user("alice")).name == "爱丽丝"
    ding.expire_tokens()
    assert (await api.send_to_users(["alice"], "sampleText", {"content": "你好"})).unreached == {}
    assert paths(ding).count("accessToken") == 3


async def test_a_token_that_is_refused_again_and_again_is_a_temporary_no(
    ding: DingTalk, api: DingTalkApi
) -> None:
    ding.faults.refuse("user/get", code="42001", times=None)
    with pytest.raises(TokenRefused) as no:
        await api.user("alice")
    assert no.value.temporary
    assert paths(ding).count("get") == 2


async def test_wrong_credentials_are_told(ding: DingTalk, time: Time) -> None:
    async with ClientSession() as http:
        api = DingTalkApi(http, ding.client_id, "wrong", ding.url, ding.url, sleep=time.sleep)
        with pytest.raises(DingTalkError, match="invalidClientIdOrSecret"):
            await api.user("alice")


# ---- messages --------------------------------------------------------------------------------------------


async def webhook(ding: DingTalk, user: str = "alice", group: str = "") -> str:
    token, _ = ding.open_session(group or user)
    return f"{ding.url}/robot/sendBySession?session={token}"


async def test_a_reply_lands_where_the_message_came_from_and_costs_no_metered_call(
    ding: DingTalk, api: DingTalkApi
) -> None:
    await api.reply(await webhook(ding), "markdown", {"title": "余额", "text": "还剩 **80**"}, at=["alice"])
    [message] = ding.heard("alice")
    assert (message.text, message.way, message.at) == ("还剩 **80**", "sessionWebhook", ("alice",))
    assert ding.plan.used == 0
    assert api.calls[REPLY] == 1


async def test_a_reply_to_a_session_that_ran_out_is_a_plain_no(ding: DingTalk, api: DingTalkApi) -> None:
    address = await webhook(ding)
    ding.expire_sessions()
    with pytest.raises(DingTalkError) as no:
        await api.reply(address, "text", {"content": "晚了"})
    assert (no.value.code, no.value.temporary) == ("300001", False)


async def test_a_session_elsewhere_than_at_dingtalk_gets_nothing(api: DingTalkApi) -> None:
    for address in ("https://evil.example/robot/sendBySession?session=1", "http://oapi.dingtalk.com/x"):
        with pytest.raises(DingTalkError, match="foreign webhook"):
            await api.reply(address, "text", {"content": "余额 80"})


async def test_dingtalks_own_session_address_goes_to_the_host_that_was_configured(
    ding: DingTalk, api: DingTalkApi
) -> None:
    token, _ = ding.open_session("alice")
    await api.reply(
        f"https://oapi.dingtalk.com/robot/sendBySession?session={token}", "text", {"content": "好"}
    )
    assert ding.heard("alice")[0].text == "好"


async def test_whom_a_success_did_not_reach_is_told_with_the_reason(ding: DingTalk, api: DingTalkApi) -> None:
    ding.unreachable = {"bob": "flowControlled"}
    sent = await api.send_to_users(["alice", "bob", "nobody"], "sampleText", {"content": "已到账"})
    assert sent.unreached == {"bob": "flow controlled", "nobody": "invalid"}
    assert ding.heard("alice")
    assert not ding.heard("bob")


async def test_more_people_than_dingtalk_takes_are_refused_before_a_call_is_spent(
    ding: DingTalk, api: DingTalkApi
) -> None:
    for people in ([], ["alice"] * 21):
        with pytest.raises(ValueError, match="1 to 20"):
            await api.send_to_users(people, "sampleText", {"content": "x"})
    assert not ding.calls


async def test_a_group_hears_a_message(ding: DingTalk, api: DingTalkApi) -> None:
    assert await api.send_to_group(
        "cid-team", "sampleMarkdown", {"title": "周报", "text": "本周用了 **80%**"}
    )
    assert ding.heard("cid-team")[0].title == "周报"


# ---- what nobody knows -----------------------------------------------------------------------------------


@pytest.mark.parametrize("faults", ["time_out", "fail", "lose_reply"])
async def test_a_send_whose_outcome_is_unknown_is_not_sent_again(
    ding: DingTalk, api: DingTalkApi, faults: str
) -> None:
    getattr(ding.faults, faults)("batchSend")
    with pytest.raises(OutcomeUnknown) as unknown:
        await api.send_to_users(["alice"], "sampleText", {"content": "已到账"})
    assert not unknown.value.temporary
    assert len(ding.heard("alice")) == 1


async def test_a_reply_whose_outcome_is_unknown_is_not_sent_again(ding: DingTalk, api: DingTalkApi) -> None:
    ding.faults.time_out("sendBySession")
    with pytest.raises(OutcomeUnknown):
        await api.reply(await webhook(ding), "text", {"content": "好"})
    assert len(ding.heard("alice")) == 1


async def test_what_may_be_repeated_is_repeated_with_growing_pauses(
    ding: DingTalk, api: DingTalkApi, time: Time
) -> None:
    ding.faults.time_out("user/get", times=3)
    assert (await api.user("alice")).manager == "bob"
    assert time.pauses == sorted(time.pauses)
    assert len(time.pauses) == 3


async def test_what_may_be_repeated_ends_as_a_temporary_no(ding: DingTalk, api: DingTalkApi) -> None:
    ding.faults.time_out("user/get", times=None)
    with pytest.raises(DingTalkError) as no:
        await api.user("alice")
    assert no.value.temporary
    assert not isinstance(no.value, OutcomeUnknown)


async def test_a_server_that_is_not_there_is_a_temporary_no(time: Time) -> None:
    async with ClientSession() as http:
        api = DingTalkApi(http, "id", "secret", "http://127.0.0.1:9", "http://127.0.0.1:9", sleep=time.sleep)
        with pytest.raises(DingTalkError, match="unreachable") as no:
            await api.user("alice")
    assert no.value.temporary


async def test_an_error_never_tells_the_token(ding: DingTalk, api: DingTalkApi) -> None:
    ding.faults.lose_reply("user/get", times=None)
    with pytest.raises(DingTalkError) as no:
        await api.user("alice")
    assert "access_token" not in repr(no.value)
    assert no.value.__cause__ is None


# ---- pace and quota --------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["user/get", "batchSend"])
async def test_throttled_calls_wait_a_second_and_go_again(
    ding: DingTalk, api: DingTalkApi, time: Time, where: str
) -> None:
    ding.faults.throttle(where, times=2)
    await api.user("alice")
    await api.send_to_users(["alice"], "sampleText", {"content": "好"})
    assert len(time.pauses) == 2
    assert min(time.pauses) >= 1
    assert len(ding.heard("alice")) == 1


async def test_throttling_without_end_is_a_temporary_no(ding: DingTalk, api: DingTalkApi) -> None:
    ding.faults.throttle("createAndDeliver", times=None)
    with pytest.raises(Throttled) as no:
        await create(api)
    assert no.value.temporary


async def test_no_more_than_twenty_calls_a_second_go_to_one_api(
    ding: DingTalk, api: DingTalkApi, time: Time
) -> None:
    await asyncio.gather(*(api.user("alice") for _ in range(50)))
    await api.department(2)
    assert time.now >= 1002
    assert not any(call.code for call in ding.calls)


async def test_a_month_without_calls_left_is_told_as_such(ding: DingTalk, api: DingTalkApi) -> None:
    ding.plan.used = ding.plan.monthly
    with pytest.raises(DingTalkError) as no:
        await api.send_to_users(["alice"], "sampleText", {"content": "x"})
    assert (no.value.quota_used_up, no.value.temporary) == (True, False)
    assert (await api.user("alice")).id == "alice"


async def test_calls_are_counted_by_api_metered_or_exempt(ding: DingTalk, time: Time) -> None:
    counted: list[Api] = []
    async with ClientSession() as http:
        api = DingTalkApi(
            http,
            ding.client_id,
            ding.client_secret,
            ding.url,
            ding.url,
            counted=counted.append,
            sleep=time.sleep,
        )
        await api.user("alice")
        await create(api)
        await api.update_card("topup-R42-1", {"tag": "已同意"})
        await api.reply(await webhook(ding), "text", {"content": "好"})
    assert sum(count for one, count in api.calls.items() if one.metered) == ding.plan.used == 2
    assert (api.calls[TOKEN], api.calls[CREATE_CARD], api.calls[UPDATE_CARD]) == (1, 1, 1)
    assert len(counted) == sum(api.calls.values())


# ---- cards -----------------------------------------------------------------------------------------------


async def test_a_card_is_delivered_so_that_it_calls_back_and_cannot_be_forwarded(
    ding: DingTalk, api: DingTalkApi
) -> None:
    await create(
        api, private={"bob": {"hint_shown": True}}, preview={"ZH_CN": "额度申请", "EN_US": "Request"}
    )
    card = ding.card_of("bob")
    assert (card.callback_type, card.forwardable, card.preview["EN_US"]) == ("STREAM", False, "Request")
    assert card.seen_by("bob")["hint_shown"] == "true"
    assert "hint_shown" not in card.seen_by("alice")


async def test_a_card_reaches_a_group(ding: DingTalk, api: DingTalkApi) -> None:
    await create(api, user="", group="cid-team", recipients=["bob"])
    assert ding.cards["topup-R42-1"].recipients == ["bob"]
    assert ding.heard("cid-team")[0].card == "topup-R42-1"


async def test_creating_a_card_again_changes_nothing_and_says_it_once(
    ding: DingTalk, api: DingTalkApi
) -> None:
    ding.faults.lose_reply("createAndDeliver")
    with pytest.raises(OutcomeUnknown):
        await create(api)
    await create(api)
    assert len(ding.heard("bob")) == 1


async def test_a_delivery_that_failed_inside_a_success_is_a_no(ding: DingTalk, api: DingTalkApi) -> None:
    with pytest.raises(DingTalkError, match="card not delivered: spaceId does not exist"):
        await create(api, user="nobody")


async def test_an_update_touches_only_its_keys(ding: DingTalk, api: DingTalkApi) -> None:
    await create(api, private={"bob": {"hint": "请处理"}})
    await api.update_card("topup-R42-1", {"tag": "已同意"}, {"bob": {"hint_shown": False}})
    assert ding.cards["topup-R42-1"].seen_by("bob") == {
        "title": "额度申请",
        "tag": "已同意",
        "hint": "请处理",
        "hint_shown": "false",
    }


def test_values_are_strings_cut_between_characters() -> None:
    values = card_values({"reason": "压测" * 500, "shown": True, "hidden": False, "amount": 200})
    assert len(values["reason"].encode()) <= 1000
    assert values["reason"].startswith("压测压测")
    assert values["reason"].endswith("…")
    assert (values["shown"], values["hidden"], values["amount"]) == ("true", "false", "200")
    assert len(card_values({"flags": "👩‍👩‍👧" * 200})["flags"].encode()) <= 1000


def test_a_key_too_long_for_a_card_is_our_bug() -> None:
    with pytest.raises(ValueError, match="100 bytes"):
        card_values({"键" * 34: "x"})


# ---- the directory ---------------------------------------------------------------------------------------


async def test_a_person_is_read_with_manager_and_departments(api: DingTalkApi) -> None:
    alice, bob = await api.user("alice"), await api.user("bob")
    assert (alice.name, alice.email, alice.job_number) == ("爱丽丝", "alice@corp.example", "007")
    assert (alice.manager, alice.departments, alice.leads) == ("bob", (2,), ())
    assert (bob.manager, bob.leads, bob.active) == ("", (2,), True)


async def test_departments_and_their_people_are_read_to_the_last_page(
    ding: DingTalk, api: DingTalkApi
) -> None:
    ding.people |= {f"u{n}": Person(f"u{n}", f"员工{n}", departments=(2,)) for n in range(150)}
    [team] = await api.departments()
    assert (team.id, team.name, team.parent) == (2, "平台组", 1)
    assert (await api.department(2)).managers == ("bob",)
    first = await api.users(2)
    assert first.next_cursor == 100
    last = await api.users(2, first.next_cursor)
    assert (len(first.users), len(last.users), last.next_cursor) == (100, 52, None)
    assert {user.id for user in (*first.users, *last.users)} >= {"alice", "bob", "u149"}


@pytest.mark.parametrize(("ask", "code"), [("user", "60121"), ("department", "60003")])
async def test_what_is_not_in_the_directory_is_told_by_its_code(
    api: DingTalkApi, ask: str, code: str
) -> None:
    with pytest.raises(DingTalkError) as no:
        await getattr(api, ask)({"user": "nobody", "department": 99}[ask])
    assert (no.value.code, no.value.temporary) == (code, False)


async def test_somebody_from_outside_is_not_in_the_directory(api: DingTalkApi) -> None:
    with pytest.raises(DingTalkError, match="60121"):
        await api.user("eve")


async def test_a_missing_permission_names_it_for_the_administrator(ding: DingTalk, api: DingTalkApi) -> None:
    ding.scopes.clear()
    with pytest.raises(DingTalkError) as modern:
        await create(api)
    assert modern.value.missing_scopes == ("Card.Instance.Write",)
    assert modern.value.request_id
    with pytest.raises(DingTalkError, match="60011") as classic:
        await api.user("alice")
    assert not classic.value.temporary


# ---- answers that are odd --------------------------------------------------------------------------------


async def test_a_page_instead_of_json_leaves_the_outcome_of_a_send_unknown(
    ding: DingTalk, api: DingTalkApi
) -> None:
    ding.faults.page("batchSend")
    with pytest.raises(OutcomeUnknown):
        await api.send_to_users(["alice"], "sampleText", {"content": "x"})


async def test_the_block_of_an_address_says_how_long_to_wait(ding: DingTalk, api: DingTalkApi) -> None:
    ding.faults.punish("batchSend")
    with pytest.raises(DingTalkError, match="punished") as no:
        await api.send_to_users(["alice"], "sampleText", {"content": "x"})
    assert (no.value.temporary, no.value.retry_after) == (True, 300)
    assert api.calls[SEND_TO_USERS] == 1


async def test_a_directory_row_without_its_id_is_no_half_read_person(
    ding: DingTalk, api: DingTalkApi
) -> None:
    ding.faults.refuse("user/get", code="0", times=None)
    with pytest.raises(DingTalkError, match="no result") as no:
        await api.user("alice")
    assert no.value.temporary
