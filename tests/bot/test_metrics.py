"""What `/metrics` counts, and that dashboards, alert rules and docs name exactly what it shows."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from bot.app import App
from bot.database import Database
from bot.metrics import Metrics
from bot.settings import Settings
from tests.company import CAST
from tests.slack_env import SlackEnv

ROOT = Path(__file__).parents[2]
ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yaml"
DASHBOARD = ROOT / "deploy" / "grafana" / "quotabot.json"
NAME = re.compile(r"quotabot_\w+")
SUFFIXES = re.compile(r"_(bucket|count|sum)$")


async def scrape(env: SlackEnv) -> str:
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{env.app.port}/metrics") as reply:
        return await reply.text()


def value(page: str, name: str, **labels: str) -> float:
    samples = [one for family in text_string_to_metric_families(page) for one in family.samples]
    return sum(one.value for one in samples if one.name == name and labels.items() <= one.labels.items())


async def test_requests_are_counted_by_outcome_and_refusals_by_kind(env: SlackEnv) -> None:
    await env.command("alice", "lend @bob 5")
    await env.command("alice", "lend @bob 5000")
    await env.hear("bob", "$5.00")
    page = await scrape(env)
    assert value(page, "quotabot_requests_total", messenger="slack", outcome="answered") == 1
    assert value(page, "quotabot_requests_total", messenger="slack", outcome="refused") == 1
    assert value(page, "quotabot_refusals_total") == 1
    assert value(page, "quotabot_acknowledgement_seconds_count", messenger="slack") == 2


async def test_sentences_are_counted_by_what_was_read_and_how_surely(env: SlackEnv) -> None:
    await env.command("alice", "balance")
    await env.command("alice", "flurb the gribble")
    page = await scrape(env)
    assert value(page, "quotabot_sentences_total", intent="balance", sureness="exact") == 1
    assert value(page, "quotabot_sentences_total", intent="none", sureness="unclear") == 1


async def test_a_message_that_arrived_is_counted_with_its_delay(env: SlackEnv) -> None:
    await env.command("alice", "lend @bob 5")
    await env.hear("bob", "$5.00")
    await env.settled()
    page = await scrape(env)
    assert value(page, "quotabot_effects_total", kind="say", outcome="done") == 1
    assert value(page, "quotabot_delivery_seconds_count", kind="say") == 1
    assert value(page, "quotabot_effects_due") == 0


async def test_no_label_names_a_person(env: SlackEnv) -> None:
    await env.command("alice", "lend @bob 5")
    await env.hear("bob", "$5.00")
    page = await scrape(env)
    assert not [one for one in CAST if re.search(rf'="[^"]*{one}', page)]


async def test_what_is_due_is_not_a_number_while_the_database_is_away() -> None:
    async def away() -> tuple[int, float]:
        raise OSError("away")

    page = (await Metrics().page(away)).decode()
    assert "quotabot_effects_due NaN" in page
    assert "quotabot_effects_oldest_seconds NaN" in page


# Docs, dashboard and rules


@pytest.fixture
async def shown(settled_on: Callable[[str], str]) -> set[str]:
    """The names that a bot with every part shows."""
    secret = SecretStr("x")
    settings = Settings(
        _env_file=None, database_url=settled_on("sqlite"), gateway_kind="litellm", gateway_mode="enforce",
        gateway_url="http://127.0.0.1:1", gateway_key=secret, slack_bot_token=secret, slack_app_token=secret,
        dingtalk_client_id="x", dingtalk_client_secret=secret, dingtalk_robot_code="x", dingtalk_corp_id="x",
    )  # fmt: skip
    database = Database(settings.database_url)
    async with aiohttp.ClientSession() as http:
        app = App(settings, database, http)
        app._observed()
        names = {
            one.name + ("_total" if one.type == "counter" else "") for one in app.metrics.registry.collect()
        }
    database.close()
    return names


def named(text: str) -> set[str]:
    return {SUFFIXES.sub("", one) for one in NAME.findall(text)}


async def test_the_docs_describe_every_metric_and_no_other(shown: set[str]) -> None:
    table = "\n".join(
        line for line in (ROOT / "docs" / "metrics.md").read_text().splitlines() if line[:2] == "| "
    )
    assert named(table) == shown


async def test_every_alert_and_every_panel_names_metrics_that_exist(shown: set[str]) -> None:
    rules = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
    panels = json.loads(DASHBOARD.read_text())["panels"]
    used = named(
        " ".join([*(one["expr"] for one in rules), *(t["expr"] for one in panels for t in one["targets"])])
    )
    assert used <= shown
    assert len(rules) >= 10
    assert len(panels) >= 10


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    rules = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
    headings = re.findall(r"^## (\w+)$", (ROOT / "docs" / "runbooks.md").read_text(), re.MULTILINE)
    assert [one["alert"] for one in rules] == headings
    for one in rules:
        assert one["annotations"]["runbook"] == f"docs/runbooks.md#{one['alert'].lower()}"
