"""Templates, shell completion, and the page that lists every command."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.cli.reference import page
from models.people.roster import columns
from models.policy.document import parse
from tests.console import Operator

PAGE = Path(__file__).parents[3] / "docs" / "commands.md"


def test_the_template_of_people_imports_once_somebody_stands_below_it(fresh: Operator) -> None:
    template = fresh.says("people", "template")
    assert all(f"# {column}" in template for column in columns())
    assert "nobody below the header" in fresh.fails("people", "import", fresh.file("empty.csv", template))
    example = template.splitlines()[-2].removeprefix("# ").replace("carol@corp.example", "")
    assert example.startswith("Alice Wang,")
    said = fresh.says("people", "import", fresh.file("people.csv", f"{template}{example}\n"))
    assert said.startswith("1 join")


def test_the_template_of_a_policy_is_the_example(fresh: Operator) -> None:
    template = fresh.says("policy", "template")
    assert parse(template).unit.value == "USD"
    assert template.count("#") >= 10


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_learns_to_complete_the_commands(
    fresh: Operator, shell: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")  # make runs us from sh
    assert "_QUOTABOT_COMPLETE" in fresh.says("--show-completion", shell)


def test_the_page_on_commands_is_what_the_commands_say() -> None:
    made = page()
    assert "## `quotabot audit`" in made
    assert "## `quotabot people import FILE.csv`" in made
    assert "`--chain`" in made
    assert PAGE.read_text("utf-8") == made, "python -m bot.cli.reference > docs/commands.md"
