"""Files that the package brings: inside the installed package, else in the checkout."""

from __future__ import annotations

from pathlib import Path

from bot.cli.errors import Failed

# Places in a checkout; pyproject.toml copies the files into the wheel.
PLACES = {"dingtalk-card.json": "docs/dingtalk-card.json", "policy.example.yaml": "policy.example.yaml"}


def bundled(name: str) -> Path:
    here = Path(__file__).parents[1]
    for place in (here / name, here.parent / PLACES[name]):
        if place.is_file():
            return place
    raise Failed(f"{name} is not here: take it from the repository, {PLACES[name]}")
