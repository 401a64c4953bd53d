"""`people import`, `export`, `leave` and `sync`."""

import asyncio
import json

import pytest

from sandbox.slack.workspace import Person, Workspace
from tests.console import PEOPLE, POLICY, Operator

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


def test_missing_people_leave_only_with_remove_missing_and_many_only_with_yes(fresh: Operator) -> None:
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


def test_a_file_that_takes_managers_or_teams_from_many_needs_a_yes(fresh: Operator) -> None:
    fresh.run("people", "import", fresh.file("people.csv", PEOPLE))
    header, *rows = PEOPLE.splitlines()
    column = header.split(",").index("manager_email")
    cells = [row.split(",") for row in (header, *rows)]
    without = "\n".join(",".join(row[:column] + row[column + 1 :]) for row in cells) + "\n"
    file = fresh.file("without.csv", without)
    assert "ATTENTION: manager_email changes for" in fresh.says("people", "import", file, "--dry-run")
    before = fresh.says("people", "export")
    assert "of them would have none. Say --yes" in fresh.fails("people", "import", file)
    assert fresh.says("people", "export") == before
    fresh.run("people", "import", file, "--yes")
    assert fresh.says("people", "export") != before


def test_an_import_says_how_many_people_no_messenger_knows(fresh: Operator) -> None:
    file = fresh.file("people.csv", "name,email,slack_id\nAnn,ann@corp.example,U1\nBob,bob@corp.example,\n")
    assert "1 person is unknown to every messenger" in fresh.says("people", "import", file)
    known = fresh.file("known.csv", "email,dingtalk_id\nann@corp.example,\nbob@corp.example,b1\n")
    assert "unknown to every" not in fresh.says("people", "import", known)


def test_a_joiner_gets_a_part_and_a_leaver_nothing(fresh: Operator) -> None:
    fresh.settle(POLICY)
    joined = f"{PEOPLE}Zoe,zoe@corp.example,U07,carol@corp.example,design,designer,employee,en,c1\n"
    fresh.run("people", "import", fresh.file("people.csv", joined))
    assert 0 < float(fresh.show("zoe")["available"]) <= 100
    assert "has left" in fresh.says("people", "leave", "ZOE@corp.example")
    assert fresh.show("zoe")["available"] == "0"
    assert "already" in fresh.says("people", "leave", "zoe@corp.example")
    fresh.run("audit")


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
        rows = await asyncio.to_thread(fresh.says, "people", "sync", "slack", "--csv")
        assert "Bob,bob@corp.example,U92" in rows
        dry = await asyncio.to_thread(
            fresh.says, "people", "import", fresh.file("slack.csv", rows), "--dry-run"
        )
        assert "~ bob@corp.example: slack_id – → U92" in dry
        assert "manager_email" not in dry

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


def test_somebody_is_forgotten_after_leaving_and_only_with_consent(operator: Operator) -> None:
    operator.run("people", "forget", "dan@corp.example", "--yes", code=1)
    operator.run("people", "leave", "dan@corp.example", "--yes")
    assert "gone for good" in operator.fails("people", "forget", "dan@corp.example")
    assert "gone-4 is all" in operator.says("people", "forget", "dan@corp.example", "--yes")
    assert operator.fails("show", "dan@corp.example")
    assert "dan@corp.example" not in operator.says("export", "audit")
    operator.run("audit", "--chain")
    operator.run("people", "forget", "gone-4@gone.invalid", "--yes")


def test_a_member_has_their_own_data(operator: Operator) -> None:
    found = json.loads(operator.says("export", "member", "bob@corp.example"))
    assert found["overview"]["email"] == "bob@corp.example"
    assert found["tables"]["address"][0]["address"] == "slack:U02"
    operator.run("export", "member", code=2)
    operator.run("export", "ledger", "bob@corp.example", code=2)
