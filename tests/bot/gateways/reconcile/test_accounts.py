"""Accounts that appear late, are replaced, vanish or lose their limit; and limits that nobody enforces."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from bot.database import Database
from bot.gateways.operator.access import GatewayOperator
from bot.gateways.operator.release import release
from handlers.gateway import edits
from models.metering.accounts import accounts_of
from models.refusal import NotEdited, OnlyAdmins
from sandbox.gateways.litellm import LiteLLM
from tests.company import NOW, who
from tests.gateway_env import USD, GatewayEnv, clean

ALICE = "alice@corp.example"


@pytest.fixture
async def keys(company: Database, http: aiohttp.ClientSession) -> AsyncIterator[GatewayEnv]:
    """Alice has one key, which had spent 40 of its 70 before the bot came."""
    async with LiteLLM(users={ALICE: ALICE}, clock=lambda: NOW) as gateway:
        gateway.add_key(ALICE, key_alias="laptop", max_budget=70.0, spend=40.0, live=40.0)
        yield GatewayEnv(company, gateway, http)


def limits(env: GatewayEnv) -> list[int | None]:
    return env.database.transact(
        lambda session: [one.total for one in accounts_of(session, who(session, "alice").id)]
    )


async def test_spend_before_the_bot_is_forgiven_on_every_key_of_the_first_round(keys: GatewayEnv) -> None:
    keys.gateway.add_key(ALICE, key_alias="robot", spend=7.0, live=7.0)
    loop = keys.reconciler(entity="key")
    await loop.round()
    await loop.round()
    assert keys.wallet("alice").used == 0


async def test_a_key_that_appears_later_is_booked_in_full(keys: GatewayEnv) -> None:
    loop = keys.reconciler(entity="key")
    await loop.round()
    for number in (1, 2):
        key = keys.gateway.add_key(ALICE, key_alias=f"more-{number}")
        keys.gateway.burn(ALICE, 60, key=key)
        keys.gateway.flush()
        await loop.round()
    assert keys.wallet("alice").used == 120 * USD
    await loop.round()
    assert [key.max_budget - key.spend for key in keys.gateway.keys.values()] == [-20, -20, -20]
    keys.database.transact(clean)


async def test_a_replaced_key_goes_on_where_the_old_one_was(keys: GatewayEnv) -> None:
    loop = keys.reconciler(entity="key")
    await loop.round()
    (old,) = keys.gateway.keys.values()
    keys.gateway.burn(ALICE, 30, key=old)
    keys.gateway.flush()
    await loop.round()
    new = keys.gateway.rotate(old)
    keys.gateway.burn(ALICE, 5, key=new)
    keys.gateway.flush()
    await loop.round()
    assert keys.wallet("alice").used == 35 * USD
    assert limits(keys) == [140 * USD], "the limit is not doubled"
    assert await release(GatewayOperator(loop), lambda _: None) == (1, [])
    assert new.max_budget == 70, "as it was found before the bot"
    keys.database.transact(clean)


async def test_a_second_key_with_the_name_of_the_first_replaces_nothing(keys: GatewayEnv) -> None:
    loop = keys.reconciler(entity="key")
    await loop.round()
    twin = keys.gateway.add_key(ALICE, key_alias="laptop")
    keys.gateway.burn(ALICE, 50, key=twin)
    keys.gateway.flush()
    await loop.round()
    assert keys.wallet("alice").used == 50 * USD
    assert len(limits(keys)) == 2


async def test_a_limit_that_was_lost_is_written_again_and_admins_hear(env: GatewayEnv) -> None:
    loop = env.reconciler()
    await loop.round()
    env.gateway.users[ALICE].max_budget = None
    await loop.round()
    assert env.limit("alice") == 100
    (said,) = [text for text in env.told("ops") if "no limit any more for Alice" in text]
    assert "database was reset" in said


async def test_a_user_deleted_and_made_again_is_not_forgiven(env: GatewayEnv) -> None:
    loop = env.reconciler()
    await loop.round()
    env.burn("alice", 30)
    await loop.round()
    del env.gateway.users[ALICE]
    env.gateway.add_user(ALICE, ALICE)
    env.burn("alice", 20)
    await loop.round()
    assert env.wallet("alice").used == 50 * USD
    assert env.limit("alice") == 70, "20 spent there, 50 left"
    env.database.transact(clean)


async def test_an_account_missing_from_two_rounds_is_gone_and_admins_hear_once(env: GatewayEnv) -> None:
    loop = env.reconciler()
    await loop.round()
    del env.gateway.users[ALICE]
    await loop.round()
    assert not env.row("alice").gone, "one page may have lost it"
    for _ in range(3):
        await loop.round()
    assert env.row("alice").gone
    assert sum("No longer at the gateway: Alice" in text for text in env.told("ops")) == 1
    env.gateway.add_user(ALICE, ALICE)
    await loop.round()
    assert (env.row("alice").gone, env.limit("alice")) == (False, 100)


async def test_spend_beyond_a_reached_limit_is_told_once_a_day(env: GatewayEnv) -> None:
    loop = env.reconciler()
    await loop.round()
    env.burn("alice", 100)
    await loop.round()
    for _ in range(4):
        env.now += timedelta(minutes=3)
        env.burn("alice", 1)
        await loop.round()
    told = [text for text in env.told("ops") if "should refuse: Alice" in text]
    assert len(told) == 1
    assert "of $100.00" in told[0]


async def test_calls_in_flight_beyond_a_limit_alarm_nobody(env: GatewayEnv) -> None:
    loop = env.reconciler()
    await loop.round()
    env.burn("alice", 101)
    await loop.round()
    env.now += timedelta(minutes=1)
    env.burn("alice", 1)
    await loop.round()
    assert not [text for text in env.told("ops") if "should refuse" in text]


async def edited(env: GatewayEnv) -> Any:
    """Somebody gives Alice 999 at the gateway; returns the loop, which has seen it."""
    loop = env.reconciler()
    await loop.round()
    env.gateway.edit(ALICE, 999.0)
    await loop.round()
    await loop.round()
    return loop


async def test_admins_hear_of_an_edit_with_both_numbers_and_write_ours_again(env: GatewayEnv) -> None:
    loop = await edited(env)
    (message,) = [one for one in env.messages("ops") if "changed the limit" in one["text"]]
    assert "Ours is $100.00, now it is $999.00" in message["text"]
    assert [(one["action"], one["value"]) for one in message["buttons"]] == [
        ("gateway.restore", ALICE),
        ("gateway.adopt", ALICE),
    ]
    with pytest.raises(OnlyAdmins):
        env.do("alice", lambda ctx: edits.restore(ctx, ALICE))
    env.do("ops", lambda ctx: edits.restore(ctx, ALICE))
    await loop.changes()
    assert env.limit("alice") == 100
    with pytest.raises(NotEdited):
        env.do("ops", lambda ctx: edits.restore(ctx, ALICE))


async def test_an_edit_that_an_admin_adopts_becomes_quota(env: GatewayEnv) -> None:
    loop = await edited(env)
    env.do("ops", lambda ctx: edits.adopt(ctx, ALICE))
    await loop.round()
    assert (env.wallet("alice").available, env.limit("alice")) == (999 * USD, 999)
    env.database.transact(clean)


async def test_admins_hear_once_of_two_accounts_of_one_e_mail(env: GatewayEnv) -> None:
    env.gateway.add_user("9", ALICE)
    loop = env.reconciler()
    await loop.round()
    await loop.round()
    (told,) = [one for one in env.told("ops") if "share one balance" in one]
    assert "has 2 accounts at the gateway: 9, alice@corp.example" in told


async def test_several_keys_of_one_person_are_nothing_to_tell(keys: GatewayEnv) -> None:
    keys.gateway.add_key(ALICE, key_alias="robot")
    await keys.reconciler(entity="key").round()
    assert not [one for one in keys.told("ops") if "share one balance" in one]
