"""`quotabot dingtalk …` and `people sync dingtalk`, as an operator runs them, against the stand-in."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli.app import app
from bot.database import Database
from bot.messengers.dingtalk import form
from models.metering.vendor_calls import Called, count
from sandbox.dingtalk.organisation import DingTalk, Person
from tests.dingtalk_env import DEPARTMENTS, colleagues
from tests.slack_env import settled_copy


@pytest.fixture
def url(tmp_path: Path, settled_template: Path) -> str:
    return settled_copy(settled_template, tmp_path)


async def quotabot(url: str, *words: str, ding: DingTalk | None = None) -> tuple[int, str, str]:
    """Exit code, stdout, stderr. In a thread, since a command brings its own loop."""
    env = {"DATABASE_URL": url, "DINGTALK_CLIENT_ID": "", "DINGTALK_CLIENT_SECRET": "", "LOG_LEVEL": "ERROR"}
    if ding is not None:
        env |= {"DINGTALK_CLIENT_ID": ding.client_id, "DINGTALK_CLIENT_SECRET": ding.client_secret}
        env |= {"DINGTALK_API_URL": ding.url, "DINGTALK_OAPI_URL": ding.url}
    done = await asyncio.to_thread(CliRunner().invoke, app, list(words), env=env)
    return done.exit_code, done.stdout, done.stderr


async def test_usage_shows_the_calls_of_a_month(url: str) -> None:
    database = Database(url)
    called = [Called("card/instances/createAndDeliver", True, 7), Called("user/get", False, 90)]
    database.transact(lambda session: count(session, datetime(2026, 11, 30, 17, tzinfo=UTC), called))
    database.close()
    code, out, _ = await quotabot(url, "dingtalk", "usage", "--month", "2026-12", "--json")
    assert code == 0
    told = json.loads(out)
    assert (told["metered"], told["free_plan"], len(told["calls"])) == (7, 5000, 2)


async def test_the_template_is_created_filled_and_published(url: str) -> None:
    async with DingTalk(people=[]) as ding:
        code, out, err = await quotabot(url, "dingtalk", "install-template", ding=ding)
        assert (code, err) == (0, "")
        (template,) = ding.templates
        assert out == f"DINGTALK_CARD_TEMPLATE_ID={template}\n"
        assert ding.templates[template]["published"]


async def test_a_missing_permission_is_named_with_the_way_out(url: str) -> None:
    async with DingTalk(people=[]) as ding:
        ding.scopes.discard("Card.Template.ReadWrite.All")
        code, out, err = await quotabot(url, "dingtalk", "install-template", ding=ding)
    assert (code, out) == (1, "")
    assert "Card.Template.ReadWrite.All" in err
    assert "docs/dingtalk.md" in err


async def test_missing_credentials_are_named(url: str) -> None:
    code, _, err = await quotabot(url, "dingtalk", "install-template")
    assert code == 1
    assert "DINGTALK_CLIENT_ID" in err


async def test_the_directory_is_shown_first_and_then_taken_over(url: str) -> None:
    people = [*colleagues(), Person("new1", "新人", "new@corp.example", departments=(2,))]
    async with DingTalk(people=people, departments=DEPARTMENTS) as ding:
        code, shown, _ = await quotabot(url, "people", "sync", "dingtalk", "--dry-run", ding=ding)
        assert code == 0
        assert "+ new@corp.example" in shown
        assert "nothing was changed" in shown
        code, rows, said = await quotabot(url, "people", "sync", "dingtalk", "--csv", ding=ding)
        assert "新人,new@corp.example,," in rows
        assert "nothing was changed" in said
        _, counted, _ = await quotabot(url, "dingtalk", "usage", "--json", ding=ding)
        assert json.loads(counted)["calls"] == []
        assert (await quotabot(url, "people", "sync", "dingtalk", ding=ding))[0] == 0
        _, again, _ = await quotabot(url, "people", "sync", "dingtalk", "--dry-run", ding=ding)
        assert "+" not in again
        assert ding.plan.used == 0


async def test_the_form_is_made_once_and_remembered(url: str) -> None:
    async with DingTalk(people=[]) as ding:
        code, out, err = await quotabot(url, "dingtalk", "form", ding=ding)
        assert (code, err) == (0, "")
        (made,) = ding.forms.values()
        assert out == f"{made.code}\n"
        assert (made.name, list(made.fields), made.hidden) == ("额度申请", list(form.LABELS.values()), True)
        assert (await quotabot(url, "dingtalk", "form", ding=ding))[1] == out
        ding.forms.clear()
        _, again, _ = await quotabot(url, "dingtalk", "form", ding=ding)
        assert again == f"{next(iter(ding.forms))}\n"


async def test_a_form_that_is_there_already_is_taken_by_its_name(url: str) -> None:
    async with DingTalk(people=[]) as ding:
        await quotabot(url, "dingtalk", "form", ding=ding)
        (made,) = ding.forms
        database = Database(url)
        database.transact(lambda session: form.remember(session, "", datetime(2026, 11, 30, tzinfo=UTC)))
        code, _, err = await quotabot(url, "dingtalk", "form", ding=ding)
        assert code == 1
        assert "quotabot dingtalk form PROC-" in err
        assert (await quotabot(url, "dingtalk", "form", made, ding=ding))[1] == f"{made}\n"
        assert database.transact(form.process_code) == made
        database.close()
        ding.scopes.discard("Workflow.Form.Write")
        assert "Workflow.Form.Write" in (await quotabot(url, "dingtalk", "form", ding=ding))[2]
