"""docs/slack.md, typed line by line on an empty machine, against a Slack that is strict about the manifest and the tokens."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
from pathlib import Path

import pytest

from sandbox.slack.installation import Installation
from sandbox.slack.workspace import Person, Workspace
from tests.console import Operator

PAGE = (Path(__file__).parents[3] / "docs/slack.md").read_text("utf-8")
BLOCKS = [
    re.sub(r"^    ", "", one, flags=re.MULTILINE) for one in re.findall(r"(?:^    .*\n)+", PAGE, re.MULTILINE)
]
NAMES = ("alice", "bob", "carol")


def block(beginning: str) -> str:
    return next(one for one in BLOCKS if one.startswith(beginning))


def typed(beginning: str) -> list[list[str]]:
    """The commands of a block, without `quotabot` and without comments."""
    return [shlex.split(line, comments=True)[1:] for line in block(beginning).splitlines()]


async def test_who_types_the_page_of_slack_has_a_healthy_system(
    fresh: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(fresh.folder)
    monkeypatch.setenv("HTTP_PORT", "0")
    manifest = await asyncio.to_thread(fresh.says, "manifest", "slack", "--mode", "socket")
    people = [Person(f"U0{name.upper()}", name, email=f"{name}@corp.example") for name in NAMES]
    async with Workspace(people=people, installed=Installation.of(json.loads(manifest))) as slack:
        fresh.file("people.csv", block("name,email"))
        fresh.file("policy.yaml", block("unit:"))
        fresh.file(".env", f"SLACK_BOT_TOKEN={slack.bot_token}\nSLACK_APP_TOKEN={slack.app_token}\n")
        (fresh.folder / ".env").chmod(0o600)
        monkeypatch.setenv("SLACK_API_URL", slack.api_url)
        for words in (*typed("quotabot people import"), *typed("quotabot policy plan")):
            await asyncio.to_thread(fresh.run, *words, code=3 if words[1] == "plan" else 0)
        said = await asyncio.to_thread(fresh.says, *typed("quotabot doctor")[0])
    (fault,) = [line for line in said.splitlines() if not line.startswith("ok")]
    assert fault.startswith("warning  backup")
    assert "SLACK_APP_TOKEN: opens a socket" in said
