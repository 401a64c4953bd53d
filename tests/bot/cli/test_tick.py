"""`tick`: time passes at a terminal."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from sandbox.slack.workspace import Person, Workspace
from tests.console import POLICY, Operator, next_month


def test_a_time_before_the_open_period_does_nothing(operator: Operator) -> None:
    before = operator.rows("ledger")
    assert "nothing to do" in operator.says("tick", "--now", "2020-01-01T00:00:00Z")
    assert operator.rows("ledger") == before


def test_missed_periods_are_closed_and_opened_one_by_one(operator: Operator) -> None:
    later = (next_month() + timedelta(days=70)).replace(day=1)
    refused = operator.fails("tick", "--now", later.isoformat())
    assert "3 periods would close" in refused
    assert "--yes" in refused
    assert len([row for row in operator.rows("ledger") if row["to_whom"] == "alice@corp.example"]) == 1
    operator.run("tick", "--now", later.isoformat(), "--yes")
    allocated = [row for row in operator.rows("ledger") if row["to_whom"] == "alice@corp.example"]
    assert len(allocated) == 4
    assert operator.show("alice")["available"] == "100"
    operator.run("tick", "--now", later.isoformat())
    assert len([row for row in operator.rows("ledger") if row["to_whom"] == "alice@corp.example"]) == 4
    operator.run("audit")


def test_a_time_without_an_offset_is_in_the_policys_zone(operator: Operator) -> None:
    start = next_month().isoformat()
    operator.run("tick", "--now", f"{start}T00:00:00Z")
    assert operator.show("alice")["period"]["start"].startswith(start)
    after = (next_month() + timedelta(days=40)).replace(day=1)
    operator.run("tick", "--now", f"{after - timedelta(days=1)}T23:59:59")
    assert operator.show("alice")["period"]["start"].startswith(start)
    operator.run("tick", "--now", f"{after}T00:00:00")
    assert operator.show("alice")["period"]["start"].startswith(after.isoformat())
    operator.run("tick", "--now", "someday", code=2)


async def test_a_tick_at_another_time_sends_messages_only_with_deliver(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `--now` only the ledger moves, also where a messenger is configured; with `--deliver`, or now, it is said."""

    def tick(*words: str) -> str:
        return operator.says("tick", *words)

    more = operator.file("p.yaml", POLICY.replace("amount: 100", "amount: 120"))
    await asyncio.to_thread(operator.run, "policy", "apply", more, "--tell")
    soon = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    people = [
        Person(f"U0{n}", name, name.title())
        for n, name in enumerate(("alice", "bob", "carol", "dan", "lee", "ops"), 1)
    ]
    async with Workspace(people=people) as slack:
        monkeypatch.setenv("SLACK_API_URL", slack.api_url)
        monkeypatch.setenv("SLACK_BOT_TOKEN", slack.bot_token)
        monkeypatch.setenv("SLACK_SIGNING_SECRET", "a-secret")
        await asyncio.to_thread(tick, "--now", soon)
        assert "chat.postMessage" not in [call.method for call in slack.calls]
        await asyncio.to_thread(tick, "--now", soon, "--deliver")
        assert [call.method for call in slack.calls].count("chat.postMessage") == 4
        await asyncio.to_thread(tick)
        assert [call.method for call in slack.calls].count("chat.postMessage") == 4
