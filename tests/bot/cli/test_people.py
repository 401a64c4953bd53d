"""people import, export, leave and sync; the manifest; and sentences from a pipe."""

import asyncio
import json

import pytest

from sandbox.slack.workspace import Person, Workspace
from tests.console import PEOPLE, POLICY, Operator


def test_a_dry_run_shows_what_would_be_and_changes_nothing(fresh: Operator) -> None:
    file = fresh.file("people.csv", PEOPLE)
    assert "+ alice@corp.example" in fresh.says("people", "import", file, "--dry-run")
    assert len(fresh.says("people", "export").splitlines()) == 1
    fresh.run("people", "import", file)
    changed = fresh.file("people.csv", PEOPLE.replace("Bob,", "Bobby,"))
    assert "~ bob@corp.example: name Bob → Bobby" in fresh.says("people", "import", changed, "--dry-run")


def test_an_import_of_the_export_changes_nothing(fresh: Operator) -> None:
    fresh.run("people", "import", fresh.file("people.csv", PEOPLE))
    exported = fresh.says("people", "export")
    assert "0 join, 0 change, 0 leave" in fresh.says("people", "import", fresh.file("again.csv", exported))
    assert fresh.says("people", "export") == exported


def test_one_bad_row_of_people_takes_nobody_over(fresh: Operator) -> None:
    bad = f"{PEOPLE}Eve,,U07,,design,designer,employee,en,c1\nZoe,zoe@corp.example,U01,ghost@corp.example,design,x,robot,fr,c1\n"
    said = fresh.fails("people", "import", fresh.file("people.csv", bad))
    assert "line 8: has no e-mail" in said
    assert "line 9: " in said
    assert "ghost@corp.example" in said
    assert len(fresh.says("people", "export").splitlines()) == 1


def test_who_is_missing_leaves_only_when_told_and_many_only_with_a_yes(fresh: Operator) -> None:
    fresh.run("people", "import", fresh.file("people.csv", PEOPLE))
    fewer = fresh.file(
        "fewer.csv",
        PEOPLE.replace("Dan,dan@corp.example,U04,carol@corp.example,design,designer,contractor,en,c1\n", ""),
    )
    fresh.run("people", "import", fewer)
    assert "dan@" in fresh.says("people", "export")
    assert "1 of 6 people would leave" in fresh.fails("people", "import", fewer, "--remove-missing")
    assert "dan@" in fresh.says("people", "export")
    fresh.run("people", "import", fewer, "--remove-missing", "--yes")
    assert "dan@" not in fresh.says("people", "export")


def test_a_joiner_gets_their_part_and_a_leaver_nothing(fresh: Operator) -> None:
    fresh.settle(POLICY)
    joined = f"{PEOPLE}Zoe,zoe@corp.example,U07,carol@corp.example,design,designer,employee,en,c1\n"
    fresh.run("people", "import", fresh.file("people.csv", joined))
    assert 0 < float(fresh.show("zoe")["available"]) <= 100
    assert "has left" in fresh.says("people", "leave", "ZOE@corp.example")
    assert fresh.show("zoe")["available"] == "0"
    assert "already" in fresh.says("people", "leave", "zoe@corp.example")
    fresh.run("audit")


# sync


WORKSPACE = [
    Person("U01", "alice", "Alice Li", "alice@corp.example", locale="zh-CN", tz="Asia/Shanghai"),
    Person("U92", "bob", "Bob Stone", "BOB@corp.example", locale="en-GB", tz="Europe/London"),
    Person("U93", "dan", "Dan Dare", "dan@corp.example", is_restricted=True),
    Person("U94", "lee1", "Lee One", "lee@corp.example"),
    Person("U95", "lee2", "Lee Two", "lee@corp.example"),
    Person("U96", "sam", "Sam Far", "sam@corp.example"),
    Person("U06", "ops", "Ops", "ops@corp.example", deleted=True),
    Person("U97", "robot", "Robot", "carol@corp.example", is_bot=True),
]
LINKED = """\
name,email,slack_id,locale,timezone
Alice,alice@corp.example,U01,,
Bob,bob@corp.example,,,
Carol,carol@corp.example,,en,
Dan,dan@corp.example,,,
Lee,lee@corp.example,,,
Ops,ops@corp.example,U06,,
"""


async def test_a_sync_shows_its_plan_and_links_only_exact_e_mails(
    fresh: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Workspace(people=WORKSPACE) as slack:
        monkeypatch.setenv("SLACK_API_URL", slack.api_url)
        monkeypatch.setenv("SLACK_BOT_TOKEN", slack.bot_token)
        await asyncio.to_thread(fresh.run, "people", "import", fresh.file("people.csv", LINKED))
        planned = json.loads(
            await asyncio.to_thread(fresh.says, "people", "sync", "slack", "--dry-run", "--json")
        )
        assert planned["link"] == [{"email": "bob@corp.example", "address": "slack:U92", "old": None}]
        assert {one["email"]: (one["locale"], one["timezone"]) for one in planned["learn"]} == {
            "alice@corp.example": ("zh", "Asia/Shanghai"), "bob@corp.example": ("en", "Europe/London"),
        }  # fmt: skip
        assert planned["unknown"] == [["Sam Far", "slack:U96"]]
        assert [one[0] for one in planned["unclear"]] == ["lee@corp.example", "lee@corp.example"]
        assert planned["gone"] == [["ops@corp.example", "slack:U06"]]
        assert planned["missing"] == ["carol@corp.example", "dan@corp.example", "lee@corp.example"]
        assert "U92" not in await asyncio.to_thread(fresh.says, "people", "export")

        said = await asyncio.to_thread(fresh.says, "people", "sync", "slack")
        assert "link     bob@corp.example → slack:U92" in said
        exported = await asyncio.to_thread(fresh.says, "people", "export")
        assert "Bob,bob@corp.example,U92" in exported
        assert "Europe/London" in exported
        assert "ops@corp.example" in exported
        again = json.loads(await asyncio.to_thread(fresh.says, "people", "sync", "slack", "--json"))
        assert (again["link"], again["learn"]) == ([], [])


async def test_a_workspace_that_cannot_be_read_changes_nobody(
    fresh: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asyncio.to_thread(fresh.run, "people", "import", fresh.file("people.csv", LINKED))
    before = await asyncio.to_thread(fresh.says, "people", "export")
    async with Workspace(people=WORKSPACE) as slack:
        monkeypatch.setenv("SLACK_API_URL", slack.api_url)
        monkeypatch.setenv("SLACK_BOT_TOKEN", "not-the-token")
        assert "Slack does not answer: " in await asyncio.to_thread(fresh.fails, "people", "sync", "slack")
    assert "Slack does not answer: " in await asyncio.to_thread(fresh.fails, "people", "sync", "slack")
    assert await asyncio.to_thread(fresh.says, "people", "export") == before


def test_without_tokens_a_messenger_is_off(fresh: Operator) -> None:
    assert "SLACK_BOT_TOKEN is not set" in fresh.fails("people", "sync", "slack")
    assert "DINGTALK_CLIENT_ID" in fresh.fails("people", "sync", "dingtalk")


# the manifest


def test_the_manifest_is_made_of_what_is_listened_to(
    fresh: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_COMMAND", "/llm")
    found = json.loads(fresh.says("manifest", "slack"))
    (command,) = found["features"]["slash_commands"]
    assert (command["command"], command["should_escape"]) == ("/llm", True)
    assert set(found["settings"]["event_subscriptions"]["bot_events"]) == {
        "app_mention",
        "message.im",
        "app_home_opened",
    }
    assert {"commands", "chat:write", "users:read.email", "app_mentions:read", "im:history"} <= set(
        found["oauth_config"]["scopes"]["bot"]
    )
    assert found["features"]["app_home"]["home_tab_enabled"]
    assert found["settings"]["interactivity"]["is_enabled"]
    assert not found["settings"]["socket_mode_enabled"]
    addresses = (
        command["url"],
        found["settings"]["interactivity"]["request_url"],
        found["settings"]["event_subscriptions"]["request_url"],
    )
    assert all(one.endswith("/slack/events") for one in addresses)


def test_in_socket_mode_the_manifest_has_no_address(fresh: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_APP_TOKEN", "an-app-token")
    said = fresh.says("manifest", "slack")
    assert json.loads(said)["settings"]["socket_mode_enabled"]
    assert "url" not in said
    assert "an-app-token" not in said


def test_the_manifest_keeps_slacks_limits(fresh: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    found = json.loads(fresh.says("manifest", "slack"))
    assert len(found["display_information"]["name"]) <= 35
    assert len(found["display_information"]["description"]) <= 140
    for bad in ("quota", "/", "/two words", "/Quota", f"/{'x' * 32}"):
        monkeypatch.setenv("SLACK_COMMAND", bad)
        assert "no slash command" in fresh.fails("manifest", "slack")


# sentences


def test_each_line_gets_one_json_line_and_no_database_is_touched(
    fresh: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "sqlite:////nowhere/at/all.db")
    lines = fresh.run("understand", typed="lend <@U02BOB> 50\n\nbalance\n").stdout.splitlines()
    assert len(lines) == 3
    lend = json.loads(lines[0])
    assert list(lend) == ["intent", "person", "amount", "reason", "until", "confidence"]
    assert (lend["intent"], lend["person"], lend["amount"], lend["reason"], lend["until"]) == (
        "lend",
        "U02BOB",
        "50",
        None,
        None,
    )
    assert json.loads(lines[2])["intent"] == "balance"
    fresh.run("understand", "--locale", "fr", code=2)


def test_an_amount_is_a_plain_decimal_and_a_day_is_one(fresh: Operator) -> None:
    typed = "lend <@U02BOB> 1.5k\n借给<@U02BOB> 三百块\nlend <@U02BOB> ½\nrequest 200 until 2030-12-15 demo\nyes\n"
    heard = [json.loads(line) for line in fresh.run("understand", typed=typed).stdout.splitlines()]
    assert [one["amount"] for one in heard] == ["1500", "300", None, "200", None]
    assert (heard[3]["until"], heard[3]["reason"], heard[4]["intent"]) == ("2030-12-15", "demo", "none")
