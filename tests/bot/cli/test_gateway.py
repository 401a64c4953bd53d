"""`quotabot gateway …`: the first hour at a company, limits changed by hand, and the way back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlmodel import Session, select

from bot.gateways import writer
from bot.gateways.findings import in_words
from bot.gateways.operator.access import LimitLine
from bot.gateways.port import Finding, now_utc
from models.ledger.audit import audit
from models.messages.outbox import Effect
from models.metering.reading import readable
from models.quota.closing import begin_turn
from models.quota.wallet import wallet_of
from sandbox.gateways.claude_enterprise import ClaudeEnterprise
from sandbox.gateways.litellm import LiteLLM
from sandbox.gateways.new_api import NewApi
from tests.company import who
from tests.console import Operator
from tests.office import Office

T = TypeVar("T")
USD = 1_000_000
ALICE, BOB = "alice@corp.example", "bob@corp.example"


@pytest.fixture
async def office(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    users = {name: name for name in (ALICE, BOB, "carol@corp.example", "robot", "lee-9")}
    async with LiteLLM(users=users) as gateway:
        gateway.users["robot"].user_email = None
        gateway.users["lee-9"].user_email = "Lee@corp.example"
        monkeypatch.setenv("GATEWAY_KIND", "litellm")
        monkeypatch.setenv("GATEWAY_URL", gateway.url)
        monkeypatch.setenv("GATEWAY_KEY", gateway.key)
        yield Office(operator, gateway)


async def test_without_a_gateway_every_command_says_how_to_name_one(operator: Operator) -> None:
    for words in (["status"], ["diff"], ["link"], ["adopt", ALICE], ["restore", ALICE], ["release", "--yes"]):
        assert "GATEWAY_KIND" in await asyncio.to_thread(operator.fails, "gateway", *words)


def test_a_kind_without_a_connector_is_refused_in_one_line(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_KIND", "portkey")
    for words in (["gateway", "status"], ["run"]):
        (said,) = operator.fails(*words).splitlines()
        assert "GATEWAY_KIND" in said


@pytest.mark.parametrize(
    ("unit", "more", "said"),
    [
        ("CNY", "", "how many CNY are one USD"),
        ("credits", "", "how many credits are one USD"),
        ("tokens", "gateway: {per_usd: 100000}", "only be observed"),
    ],
)
def test_a_policy_that_no_gateway_can_follow_is_refused_before_it_is_applied_and_before_anything_runs(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, unit: str, more: str, said: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/other.db")
    policy = tmp_path / "other.yaml"
    policy.write_text(
        f"unit: {unit}\ntimezone: UTC\nperiod: monthly\nallocations: [{{match: {{}}, amount: 100}}]\n{more}\n"
    )
    operator.says("policy", "apply", str(policy))
    monkeypatch.setenv("GATEWAY_MODE", "enforce")
    monkeypatch.setenv("GATEWAY_KIND", "new-api")
    monkeypatch.setenv("GATEWAY_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("GATEWAY_KEY", "1:token")
    for words in (["run"], ["gateway", "diff"], ["gateway", "link"], ["policy", "plan", str(policy)]):
        assert said in operator.fails(*words)


async def test_a_plan_of_the_links_shows_everybody_and_keeps_nothing(office: Office) -> None:
    office.burn("robot", 12.5)
    said = await office.says("link", "--plan")
    assert "+ alice@corp.example belongs to alice@corp.example" in said
    assert "+ lee-9 belongs to lee@corp.example" in said
    assert "belongs to nobody: robot, spent 12.5 USD" in said
    assert "without an account there: 2: dan@corp.example, ops@corp.example" in said
    assert "never read yet" in await office.says("status")
    assert "4 linked" in await office.says("link")
    assert "0 linked" in await office.says("link")


async def test_an_account_with_another_owner_is_passed_on_by_the_next_link(office: Office) -> None:
    await office.says("link")

    def swap(session: Session) -> None:
        alice, dan = who(session, "alice"), who(session, "dan")
        alice.gateway_id, dan.gateway_id = "alice-new", ALICE
        session.add_all([alice, dan])

    office.inside(swap)
    assert f"~ {ALICE} passes from {ALICE} to dan@corp.example" in await office.says("link")


async def test_a_plan_shows_every_limit_that_enforcing_would_write_and_writes_none(office: Office) -> None:
    office.burn(ALICE, 7.5)
    assert isinstance(office.gateway, LiteLLM)
    office.gateway.edit(BOB, 40.0)
    said = await office.says("diff")
    assert [line.split() for line in said.splitlines()[:2]] == [
        [ALICE, ALICE, "no", "limit", "→", "107.5", "USD", "7.5", "USD", "spent"],
        [BOB, BOB, "40", "USD", "→", "500", "USD", "0", "USD", "spent"],
    ]
    assert "4 limits differ" in said
    assert (office.limit(ALICE), office.limit(BOB)) == (None, 40.0)
    assert office.gateway.calls["POST /user/update"] == 0
    assert len(json.loads(await office.says("diff", "--json"))) == 4


async def test_the_status_says_what_is_read_what_binds_and_how_to_fix_it(office: Office) -> None:
    assert isinstance(office.gateway, LiteLLM)
    office.gateway.users[ALICE].budget_duration = "1mo"
    office.gateway.add_key(ALICE, team_id="design", key_alias="alice-laptop")
    office.gateway.add_key(BOB, max_budget=3.0, key_alias="bob-laptop")
    await office.looks()
    said = await office.says("status")
    assert "litellm, observing: nothing is written" in said
    assert "last read" in said
    assert "enforcing would write 4 limits" in said
    assert "/user/update {budget_duration: null}" in said
    assert "alice-laptop: these keys belong to a team" in said
    assert "bob-laptop: these keys have limits of their own" in said
    assert json.loads(await office.says("status", "--json"))["pending"] == 4


async def test_the_status_shows_what_a_link_read_before_the_bot_ever_ran(office: Office) -> None:
    office.burn("robot", 3.0)
    await office.says("link", "--plan")
    assert "never read yet" in await office.says("status")
    await office.says("link")
    said = await office.says("status")
    assert "last read" in said
    assert "belongs to nobody: robot, spent 3 USD" in said


async def test_an_unlinked_key_is_shown_with_its_name_and_its_owner(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(office.gateway, LiteLLM)
    monkeypatch.setenv("GATEWAY_ENTITY", "key")
    office.gateway.add_key("robot", key_alias="ci")
    assert "(ci, robot), spent 0 USD" in await office.says("link", "--plan")


async def test_a_link_that_is_the_first_to_see_an_alert_tells_the_member(office: Office) -> None:
    await office.says("link")
    office.burn(ALICE, 85)
    await office.says("link")
    said = office.inside(lambda session: session.exec(select(Effect).where(Effect.kind == "say")).all())
    assert any("85%" in one.payload["message"]["text"] for one in said)


async def test_a_tick_reads_the_gateway_before_the_period_ends(office: Office) -> None:
    await office.says("link")
    office.burn(ALICE, 60)
    later = (now_utc() + timedelta(days=32)).isoformat()
    await asyncio.to_thread(office.operator.says, "tick", "--now", later, "--deliver", "--yes")
    has = await asyncio.to_thread(office.operator.show, "alice")
    assert (has["available"], has["used"], has["used_total"]) == ("100", "0", "60")


async def test_a_tick_turns_the_period_though_the_gateway_is_down(office: Office) -> None:
    await office.says("link")
    office.gateway.faults.fail("*", times=None)
    later = (now_utc() + timedelta(days=32)).isoformat()
    before = await asyncio.to_thread(office.operator.show, "alice")
    await asyncio.to_thread(office.operator.says, "tick", "--now", later, "--deliver", "--yes")
    has = await asyncio.to_thread(office.operator.show, "alice")
    assert has["period"]["start"] >= before["period"]["end"]


async def test_nothing_is_linked_while_the_month_closes(office: Office) -> None:
    office.inside(lambda session: begin_turn(session, now_utc() + timedelta(days=40)))
    assert "closing" in await office.fails("link")


async def test_how_long_a_gateway_may_take_is_a_setting(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_TIMEOUT_SECONDS", "0.3")
    office.gateway.faults.hang("*", times=None)
    async with asyncio.timeout(10):
        assert "no answer" in await office.unread()


async def test_a_gateway_that_is_down_is_said_in_the_status_and_fails_a_plan(office: Office) -> None:
    await office.looks()
    office.gateway.faults.fail("*", status=502, times=None)
    assert "HTTP 502" in await office.unread()
    assert "HTTP 502" in await office.fails("diff")


async def test_a_limit_raised_by_hand_can_be_adopted_and_becomes_a_top_up(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await enforce(office, monkeypatch)
    office.burn(ALICE, 30)
    assert isinstance(office.gateway, LiteLLM)
    office.gateway.edit(ALICE, 175.0)
    await office.looks()
    await office.looks()
    said = await office.says("status")
    assert f"changed by hand: {ALICE} ({ALICE}): 100 USD is ours, 175 USD stands there" in said
    await office.says("adopt", ALICE)
    assert (office.limit(ALICE), wallet(office, "alice").available) == (175.0, 145 * USD)
    assert wallet(office, "alice").top_ups == 75 * USD
    assert "changed by hand" not in await office.says("status")
    assert "nobody changed the limit" in await office.fails("adopt", ALICE)


async def test_a_limit_lowered_by_hand_can_be_adopted_and_is_taken_from_the_allocation(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await enforce(office, monkeypatch)
    assert isinstance(office.gateway, LiteLLM)
    office.gateway.edit(ALICE, 60.0)
    await office.says("adopt", ALICE)
    assert (office.limit(ALICE), wallet(office, "alice").allocation) == (60.0, 60 * USD)


async def test_every_edit_by_hand_is_restored_at_once(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await enforce(office, monkeypatch)
    assert isinstance(office.gateway, LiteLLM)
    for number, email in enumerate((ALICE, "bob@corp.example")):
        office.gateway.edit(email, 400.0 + number)
    await office.looks()
    await office.looks()
    assert "2 limits are ours again" in await office.says("restore", "--all")
    assert [office.limit(email) for email in (ALICE, "bob@corp.example")] == [100.0, 500.0]


async def test_a_limit_taken_off_by_hand_cannot_be_adopted_and_can_be_restored(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await enforce(office, monkeypatch)
    assert isinstance(office.gateway, LiteLLM)
    office.gateway.edit(ALICE, None)
    assert "no amount to adopt" in await office.fails("adopt", ALICE)
    said = await office.says("restore", ALICE)
    assert f"{ALICE} ({ALICE}): no limit → 100 USD" in said
    assert office.limit(ALICE) == 100.0
    await office.looks()
    assert office.limit(ALICE) == 100.0


async def test_a_limit_restored_after_it_was_taken_off_is_still_released_to_what_was_found(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(office.gateway, LiteLLM)
    office.gateway.edit(ALICE, 40.0)
    await enforce(office, monkeypatch)
    office.gateway.edit(ALICE, None)
    monkeypatch.setattr(writer, "FRESH", timedelta(0))  # a running bot reads it once more in between
    await office.says("restore", ALICE)
    await office.says("release", "--yes")
    assert office.limit(ALICE) == 40.0


async def test_a_release_puts_back_what_was_found_and_nothing_is_written_until_told(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(office.gateway, LiteLLM)
    office.gateway.edit(ALICE, 40.0)
    await enforce(office, monkeypatch)
    assert [office.limit(one) for one in (ALICE, BOB)] == [100.0, 500.0]
    assert "--yes" in await office.fails("release")
    assert "4 limits are as they were found" in await office.says("release", "--yes")
    assert [office.limit(one) for one in (ALICE, BOB)] == [40.0, None]
    await office.looks()
    assert office.limit(BOB) is None
    said = await office.says("status")
    assert "released" in said
    assert "enforcing would write 4 limits" in said
    await office.says("release", "--undo")
    await office.looks()
    assert [office.limit(one) for one in (ALICE, BOB)] == [100.0, 500.0]


async def test_a_release_leaves_alone_what_somebody_set_by_hand_and_what_failed_comes_with_the_next(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await enforce(office, monkeypatch)
    assert isinstance(office.gateway, LiteLLM)
    office.gateway.edit(ALICE, 175.0)
    await office.looks()
    await office.looks()
    office.gateway.faults.fail("POST /user/update")
    said = await office.fails("release", "--yes")
    assert f"left alone: {ALICE} ({ALICE}), 175 USD stands there: somebody changed it by hand" in said
    assert "HTTP 500" in said
    await office.fails("release", "--yes")
    assert [office.limit(one) for one in (ALICE, BOB, "lee-9")] == [175.0, None, None]


async def test_a_wallet_is_released_to_what_was_found_less_what_was_spent(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with NewApi() as gateway:
        alice = gateway.add_user("alice", email=ALICE, quota=5_000_000, used_quota=500_000)
        monkeypatch.setenv("GATEWAY_KIND", "new-api")
        monkeypatch.setenv("GATEWAY_URL", gateway.url)
        monkeypatch.setenv("GATEWAY_KEY", gateway.key)
        office = Office(operator, gateway)
        await enforce(office, monkeypatch)
        assert alice.quota == 50_000_000
        gateway.consume(alice, 1_000_000)
        await office.looks()
        await office.says("release", "--yes")
        assert alice.quota == 4_000_000


async def test_the_status_of_a_wallet_is_said_before_and_without_a_reading_of_its_units(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with NewApi() as gateway:
        gateway.add_user("alice", email=ALICE, quota=5_000_000)
        monkeypatch.setenv("GATEWAY_KIND", "new-api")
        monkeypatch.setenv("GATEWAY_URL", gateway.url)
        monkeypatch.setenv("GATEWAY_KEY", gateway.key)
        office = Office(operator, gateway)
        await office.looks()
        assert "enforcing would write 1 limits" in await office.says("status")
        gateway.faults.fail("*", status=502, times=None)
        said = await office.unread()
        assert "HTTP 502" in said
        assert "enforcing would write 1 limits" in said


def test_every_finding_of_a_connector_has_words_and_names_its_fix() -> None:
    codes = set()
    for path in Path("bot/gateways").glob("*.py"):
        source = (Path(__file__).parents[3] / path).read_text()
        for call in ("Finding(", "Check("):
            codes |= {part.split('"')[1] for part in source.split(call)[1:] if part.lstrip().startswith('"')}
    assert {"window_set", "team_keys", "guardrails"} <= codes
    for code in codes:
        said = in_words(Finding(code, "the fix", ("ann", "bob"), {"ann": "5"}))
        assert not said.startswith(code)
        assert said.endswith("Fix: the fix")


async def enforce(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    await office.looks()
    monkeypatch.setenv("GATEWAY_MODE", "enforce")
    await office.looks()


def wallet(office: Office, name: str) -> Any:
    def read(session: Session) -> Any:
        assert not audit(session).wrong
        return wallet_of(session, who(session, name).id)

    return office.inside(read)


def test_a_made_up_id_is_never_said_whole() -> None:
    uuid = "6F1C2B3A-1111-2222-3333-444455556666"
    line = LimitLine("ann@corp.example", uuid, None, None, called=readable(f"core/{uuid}"))
    assert line.label == "ann@corp.example (core/6F1C2B3A…)"


async def test_voided_usage_can_be_spent_and_is_not_booked_again(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_MODE", "enforce")
    await office.looks()
    office.burn(ALICE, 130)
    await office.looks()
    words = (ALICE, "--void-usage", "60", "--reason", "a wrong price")
    said = await asyncio.to_thread(office.operator.says, "grant", *words)
    assert said == "voided 60 USD of usage; alice@corp.example has 30 USD\n"
    await office.looks()
    assert office.limit(ALICE) == 160
    shown = await asyncio.to_thread(office.operator.show, "alice")
    assert (shown["used"], shown["available"], shown["overdraft"]) == ("70", "30", "0")
    told = office.inside(lambda session: session.exec(select(Effect)).all())
    assert any("The gateway had counted **$60.00** by mistake" in str(one.payload) for one in told)
    fails = partial(asyncio.to_thread, office.operator.fails)
    assert "used 70 USD this period" in await fails("grant", ALICE, "--void-usage", "71", "--reason", "x")
    assert not office.inside(lambda session: audit(session).wrong)


async def test_two_gateways_are_asked_together_or_one_by_its_name(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with LiteLLM(users={ALICE: ALICE}) as api, ClaudeEnterprise() as seats:
        seats.add_member(ALICE)
        rows = [
            f"- {{name: api, kind: litellm, url: '{api.url}', key: 'env:API_KEY', mode: enforce}}",
            f"- {{name: seats, kind: claude-enterprise, url: '{seats.url}', key: 'env:SEATS_KEY'}}",
        ]
        monkeypatch.setenv("API_KEY", api.key)
        monkeypatch.setenv("SEATS_KEY", seats.key)
        monkeypatch.setenv("GATEWAYS_FILE", operator.file("gateways.yaml", "\n".join(rows)))
        office = Office(operator, api)
        said = await office.says("link")
        assert f"api: + api:{ALICE} belongs to {ALICE}" in said
        assert "set gateway_id.seats in people.csv" in said
        said = await office.says("status")
        assert "api: litellm, enforcing limits" in said
        assert "seats: claude-enterprise, observing" in said
        assert "2 limits differ" in await office.says("diff")
        assert "1 limits differ" in await office.says("diff", "--gateway", "seats")
        assert "there are api, seats" in await office.fails("diff", "--gateway", "nope")
        said = await office.says("release", "--yes", "--gateway", "seats")
        assert "set mode: observe in GATEWAYS_FILE" in said
        seats.faults.fail(times=None)
        found = await asyncio.to_thread(operator.run, "gateway", "diff", code=1)
        assert ("1 limits differ" in found.stdout, "seats: the gateway says" in found.stderr) == (True, True)
