"""Our card's template for DingTalk."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

TEMPLATE = Path(__file__).parents[3] / "docs" / "dingtalk-card.json"


def test_our_template_declares_every_variable_that_it_draws() -> None:
    design = json.loads(TEMPLATE.read_text("utf-8"))
    assert (design["type"], design["mode"]) == ("im", "card")
    editor = json.loads(design["editorData"])
    declared = {one["name"]: one["private"] for one in editor["variableList"]}
    assert {name for name, private in declared.items() if private} == {"hint", "hint_shown"}
    assert {
        f"b{slot}_{part}" for slot in (1, 2, 3, 4) for part in ("shown", "text", "action", "value")
    } < set(declared)
    assert used_in(editor["schema"]) <= set(declared)
    drawn = "".join(
        " ".join(element.attrib.values()) for element in ET.fromstring(design["widgetInfo"]).iter()
    )
    for name, private in declared.items():
        assert f"@data{{data.{'cardPrivateData' if private else 'cardData'}.{name}}}" in drawn


def used_in(part: Any) -> set[str]:
    """Variables that a part of the design names."""
    if isinstance(part, list):
        return set().union(*map(used_in, part))
    if not isinstance(part, dict):
        return set()
    own = {part["variable"]} if part.get("variable") else set()
    return own | set().union(*map(used_in, part.values()))
