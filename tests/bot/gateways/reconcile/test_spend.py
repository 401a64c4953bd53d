"""Spend comes in: it is booked once, resets mint nothing, and whoever burns hears of it."""

from __future__ import annotations

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event
from sqlmodel import Session, select

from handlers import lending
from handlers.balance import balance
from handlers.gateway import spend
from models.ledger.transfer import Kind, Transfer
from models.metering.reading import KeyUsage
from models.metering.usage import by_model
from models.quota.period import Period
from models.reports.spending import by_day
from tests.company import NOW, who
from tests.gateway_env import USD, GatewayEnv, clean


async def test_spend_flows_back_and_leaves_the_limit_where_it_is(env: GatewayEnv) -> None:
    loop = env.reconciler()
    await loop.round()
    env.burn("alice", 30)
    await loop.round()
    assert env.wallet("alice").available == 70 * USD
    assert env.limit("alice") == pytest.approx(100)
    await loop.round()
    assert env.wallet("alice").used == 30 * USD


async def test_account_owners_are_looked_up_once_a_page(env: GatewayEnv) -> None:
    said: list[str] = []
    event.listen(env.database.engine, "before_cursor_execute", lambda *call: said.append(call[2]))
    await env.reconciler().read()
    before = len(said)
    for number in range(80):
        env.gateway.add_user(f"robot-{number}", f"robot-{number}@else.example")
    said.clear()
    await env.reconciler().read()
    assert len(said) <= before


async def test_a_reset_by_the_gateway_mints_nothing(env: GatewayEnv) -> None:
    loop = env.reconciler()
    await loop.round()
    env.burn("alice", 30)
    await loop.round()
    env.gateway.reset("alice@corp.example")
    await loop.round()
    await loop.round()
    await loop.round()
    assert env.wallet("alice").available == 70 * USD
    assert env.limit("alice") == pytest.approx(70)


async def test_overspend_lands_in_the_overdraft_and_the_limit_stays_below_what_was_spent(
    env: GatewayEnv,
) -> None:
    loop = env.reconciler()
    await loop.round()
    env.burn("alice", 130)
    await loop.round()
    assert env.wallet("alice").overdraft == -30 * USD
    assert env.limit("alice") == pytest.approx(100)
    env.database.transact(clean)


async def test_a_member_is_told_once_a_level(env: GatewayEnv) -> None:
    loop = env.reconciler()
    await loop.round()
    env.burn("alice", 85)
    await loop.round()
    env.burn("alice", 1)
    await loop.round()
    levels = [text for text in env.told("alice") if "You have used" in text]
    surges = [text for text in env.told("alice") if "Is that you?" in text]
    assert (len(levels), len(surges)) == (1, 1)


async def test_usage_by_model_is_kept_and_never_doubled(env: GatewayEnv) -> None:
    loop = env.reconciler()
    await loop.round()
    env.burn("alice", 5)
    await loop.round()
    await loop.usage.read(NOW)
    await loop.usage.read(NOW)
    moved = env.database.transact(
        lambda session: session.exec(select(Transfer.amount).where(Transfer.kind == Kind.USE)).all()
    )
    assert sum(moved) == 5 * USD


async def test_usage_before_the_link_is_in_no_breakdown(env: GatewayEnv) -> None:
    loop = env.reconciler()
    await loop.round()
    yesterday, today = (
        KeyUsage("alice@corp.example", NOW.date() - timedelta(days=ago), "claude-opus-5", 5 * USD)
        for ago in (1, 0)
    )

    def noted(session: Session) -> list[tuple[str, int]]:
        spend.keep_usage(loop.ledger.context(session, "usage"), [yesterday, today])
        return by_model(session, who(session, "alice").id, yesterday.day)

    assert env.database.transact(noted) == [("claude-opus-5", 5 * USD)]


async def test_keys_that_the_gateway_names_are_counted_one_by_one(env: GatewayEnv) -> None:
    loop = env.reconciler()
    await loop.round()
    key_usage = [
        KeyUsage("alice@corp.example", NOW.date(), model, USD, key)
        for model, key in (("claude", "ide"), ("claude", "ci"), ("gpt", "ci"))
    ] + [KeyUsage("bob@corp.example", NOW.date(), "claude", USD)]

    def noted(session: Session) -> list[tuple[int, int]]:
        spend.keep_usage(loop.ledger.context(session, "usage"), key_usage)
        return [
            (day.active, day.people)
            for day in by_day(session, Period.current(session), ZoneInfo("Asia/Shanghai"))
        ]

    assert env.database.transact(noted) == [(3, 2)]


async def test_a_counter_set_back_by_hand_mints_nothing_and_loses_nothing(env: GatewayEnv) -> None:
    loop = env.reconciler()
    await loop.round()
    env.burn("alice", 30)
    await loop.round()
    alice = env.gateway.users["alice@corp.example"]
    alice.spend, alice.live = 28.0, 28.0
    for _ in range(3):
        await loop.round()
    env.burn("alice", 4)
    await loop.round()
    assert (env.wallet("alice").used, env.limit("alice")) == (34 * USD, pytest.approx(98))


async def test_a_counter_that_reads_nought_for_a_moment_is_no_reset(env: GatewayEnv) -> None:
    loop = env.reconciler()
    await loop.round()
    env.burn("alice", 30)
    await loop.round()
    alice = env.gateway.users["alice@corp.example"]
    for shown in (0.0, 30.0, 0.0, 31.0):
        alice.spend = shown
        await loop.round()
    assert (env.wallet("alice").used, env.limit("alice")) == (31 * USD, pytest.approx(100))


async def test_a_reading_that_comes_after_a_newer_one_is_ignored(env: GatewayEnv) -> None:
    loop = env.reconciler()
    await loop.round()
    older = [page async for page in loop.gateway.accounts()]
    env.burn("alice", 30)
    env.do("alice", lambda ctx: lending.lend(ctx, who(ctx.session, "bob"), 10 * USD))
    await loop.round()
    for _ in range(3):
        for page in older:
            await loop.reader.book(page)
    assert not env.row("alice").differs
    env.burn("alice", 5)
    await loop.round()
    assert (env.wallet("alice").used, env.limit("alice")) == (35 * USD, pytest.approx(90))


async def test_switching_a_window_off_or_on_is_no_reset(env: GatewayEnv) -> None:
    loop = env.reconciler()
    alice = env.gateway.users["alice@corp.example"]
    alice.budget_duration, alice.budget_reset_at = "1mo", "2026-12-01T00:00:00Z"
    await loop.round()
    env.burn("alice", 30)
    await loop.round()
    alice.budget_duration = alice.budget_reset_at = None
    await loop.round()
    await loop.round()
    assert (env.wallet("alice").used, env.limit("alice")) == (30 * USD, pytest.approx(100))


async def test_more_was_spent_in_a_new_window_than_in_the_old_one_and_all_of_it_counts(
    env: GatewayEnv,
) -> None:
    loop = env.reconciler()
    alice = env.gateway.users["alice@corp.example"]
    alice.budget_duration, alice.budget_reset_at = "1d", (NOW + timedelta(days=1)).isoformat()
    await loop.round()
    env.burn("alice", 5)
    await loop.round()
    env.now += timedelta(days=1, minutes=5)
    env.gateway.reset("alice@corp.example")
    env.burn("alice", 8)
    await loop.round()
    assert env.wallet("alice").used == 13 * USD


async def test_only_models_that_the_gateway_lets_through_are_named_free(env: GatewayEnv) -> None:
    loop = env.reconciler()
    facts = dict(env.answer("alice", balance).facts)
    assert facts["Free models"] == "hunyuan, deepseek-v4-flash"
    await loop.leader.lead()
    await loop.round()
    assert "Free models" not in dict(env.answer("alice", balance).facts)
    await loop.usage.read_free_models()
    assert dict(env.answer("alice", balance).facts)["Free models"] == "hunyuan"


async def test_an_old_reading_says_how_old_it_is(env: GatewayEnv) -> None:
    loop = env.reconciler()
    await loop.round()
    assert loop.as_of() is None
    read = loop.leader.read_at
    env.now += timedelta(minutes=6)
    assert loop.as_of() == read
    assert "as of 10:00" in env.answer("alice", balance, as_of=loop.as_of()).footnote


async def test_a_surge_is_asked_about_at_most_once_an_hour(env: GatewayEnv) -> None:
    loop = env.reconciler()
    await loop.round()
    env.now = NOW + timedelta(minutes=59)
    for minutes in (0, 2, 30, 35):
        env.now += timedelta(minutes=minutes)
        env.burn("pia", 130)
        await loop.round()
    assert sum("Is that you?" in text for text in env.told("pia")) == 2


async def test_spend_during_an_outage_is_not_called_the_last_hours(env: GatewayEnv) -> None:
    loop = env.reconciler()
    await loop.round()
    env.burn("alice", 30)
    env.now += timedelta(hours=6)
    await loop.round()
    assert any("$30.00** in the last 360 minutes" in text for text in env.told("alice"))


async def test_an_alert_names_model_and_key_and_offers_ways_on(env: GatewayEnv) -> None:
    loop = env.reconciler()
    await loop.round()
    env.burn("alice", 82)
    await loop.round()
    (message,) = env.messages("alice")  # the surge and what it has used up are one event
    assert "Is that you?" in message["text"]
    assert "You have used 82% of your quota" in message["text"]
    assert re.search(r"Since yesterday, mostly claude-opus-5 \(\w{8}\) \$82", message["text"])
    actions = {button["action"] for button in message["buttons"]}
    assert actions == {"surge.continue", "surge.pause", "request.open", "borrow.open"}


async def test_spend_first_seen_when_a_limit_is_read_back_alerts_too(env: GatewayEnv) -> None:
    loop = env.reconciler()
    await loop.round()
    env.do("alice", lambda ctx: lending.lend(ctx, who(ctx.session, "bob"), 10 * USD))
    calls = iter([95.0])
    env.gateway.faults.meanwhile("POST /user/update", lambda: env.burn("alice", next(calls, 0)))
    await loop.changes()
    await loop.round()
    assert sum("Your quota is used up" in text for text in env.told("alice")) == 1
