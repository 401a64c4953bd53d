"""The reference pages in docs/ name exactly what the code knows."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

import bot.messengers.registry  # noqa: F401 - fills the table of messengers
from benchmarks import table
from models.people.roster import columns
from models.policy.document import Policy, parse

DOCS = Path(__file__).parents[1] / "docs"


def first_cells(page: str) -> list[str]:
    """The names in the first column of a page's tables."""
    return re.findall(r"^\| `([^`]+)` \|", (DOCS / page).read_text(), re.MULTILINE)


def sections(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from sections(inner)


def keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every key of the schema, as the page writes it: `teams[].owner`."""
    for name, field in model.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        inner = next(sections(field.annotation), None)
        if inner is None:
            yield key
        else:
            many = "tuple" in str(field.annotation)
            yield from keys(inner, f"{key}[]." if many else f"{key}.")


def test_the_policy_page_lists_every_key_of_the_schema() -> None:
    assert sorted(first_cells("policy.md")) == sorted(keys(Policy))


def test_the_people_page_lists_every_column() -> None:
    assert sorted(first_cells("people.md")) == sorted(columns())


@pytest.mark.parametrize("path", sorted(DOCS.glob("*.md")), ids=lambda path: path.name)
def test_a_page_links_to_files_that_exist(path: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", path.read_text())
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_an_example_in_the_policy_page_parses() -> None:
    base = "unit: CNY\ngateway: {per_usd: 7.2}\nallocations: [{match: {}, amount: 1}]\n"
    lines = re.findall(
        r"\| `((?:admins|carry_over|lending|quiet|period|timezone|organisation): [^`]+)` \|",
        (DOCS / "policy.md").read_text(),
    )
    assert len(lines) > 7
    for line in lines:
        parse(base + line + "\n")


def test_every_recipe_is_a_policy() -> None:
    recipes = re.findall(r"```yaml\n(.*?)```", (DOCS / "recipes.md").read_text(), re.DOTALL)
    assert len(recipes) == 6
    for recipe in recipes:
        assert parse(recipe).allocations


def test_each_of_the_46_edge_cases_names_tests_that_exist_or_a_reason() -> None:
    rows = re.findall(r"^\| (\d+) \|.*\| ([^|]+) \|$", (DOCS / "edge-cases.md").read_text(), re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, 47))
    written = "".join(path.read_text() for path in Path(__file__).parent.rglob("*.py"))
    tests = set(re.findall(r"def (test_\w+)", written))
    for number, held in rows:
        named = re.findall(r"`(test_\w+)`", held)
        assert set(named) <= tests, number
        assert named or held.startswith("no test: "), number


def test_the_table_of_figures_is_that_of_the_kept_results() -> None:
    page, kept = table.PAGE.read_text(), json.loads(table.KEPT.read_text())
    assert table.written(page, kept) == page, "python -m benchmarks.table --rewrite"


def test_the_site_has_every_page() -> None:
    text = (DOCS.parent / "mkdocs.yml").read_text()
    listed = set(re.findall(r"[\w./-]+\.md", text.split("nav:")[1]))
    pages = {str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md")}
    assert listed == pages | {"readme.md", "readme.zh.md"}


@pytest.mark.filterwarnings("default")  # of the Postgres in a wheel, where XDG_RUNTIME_DIR is not set
@pytest.mark.parametrize("folder", ["benchmarks", "tests/chaos"])
def test_every_command_of_the_pages_can_be_loaded(folder: str) -> None:
    """No test runs them: they take minutes."""
    for path in sorted((DOCS.parent / folder).glob("*.py")):
        if path.stem not in ("__init__", "__main__"):
            importlib.import_module(f"{folder.replace('/', '.')}.{path.stem}")
    importlib.import_module("tests.gateway_histories")
