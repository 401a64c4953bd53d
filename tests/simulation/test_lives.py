"""Some weeks of small companies; `python -m tests.simulation` lives whole years, and hundreds of crashes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.simulation.company import SHAPES, Shape
from tests.simulation.lives import Snapshot, live


def test_no_law_breaks_in_some_weeks(tmp_path: Path) -> None:
    life = live(opened(tmp_path, replace(SHAPES["year"], people=24, steps=6, days=20)), seed=2)
    assert life.wrong == []
    assert life.requests > 3


def test_no_law_breaks_where_processes_die_and_a_seed_is_the_same_life_every_time(tmp_path: Path) -> None:
    snapshot = opened(tmp_path, replace(SHAPES["crash"], steps=8, days=12))
    first, again = live(snapshot, seed=7), live(snapshot, seed=7)
    assert first.wrong == []
    assert first.requests > 3
    assert first.digest == again.digest


def opened(folder: Path, shape: Shape) -> Snapshot:
    snapshot = Snapshot(folder, shape)
    snapshot.settle()
    snapshot.open()
    return snapshot
