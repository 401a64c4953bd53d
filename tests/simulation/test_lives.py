"""A few weeks of a small company; `python -m tests.simulation` lives whole years."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.simulation.year import live, template


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory):
    return template(tmp_path_factory.mktemp("simulation"), 30)


async def test_no_law_breaks_in_some_weeks(company, tmp_path: Path) -> None:
    base, staff = company
    world = await live(base, tmp_path, staff, seed=2, steps=25, days=40)
    assert world.wrong == []
    assert world.messages > 10
