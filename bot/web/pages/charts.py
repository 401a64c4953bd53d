"""Charts as SVG, drawn on the server by pygal. Colours and fonts come from pages.css, so they follow light and dark."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from typing import Any
from xml.etree import ElementTree as ET

import pygal
from markupsafe import Markup
from pygal.style import Style

# pygal installs an old-style import hook for its map plugins; every later failing import would warn about it.
sys.meta_path[:] = [one for one in sys.meta_path if type(one).__name__ != "PluginImportFixer"]

Figures = Sequence[float | None]
# The size of the drawing; it is scaled to its place. pygal measures labels with these font sizes.
WIDTH, HEIGHT, FONT = 460, 230, 12
_STYLE = Style(label_font_size=FONT, major_label_font_size=FONT, legend_font_size=FONT)
_SVG = "{http://www.w3.org/2000/svg}"
ET.register_namespace("", "http://www.w3.org/2000/svg")


def columns(
    title: str, labels: Sequence[str], values: Figures, shown: Callable[[float], str], *, every: int = 5
) -> Markup:
    """One bar a label, with every fifth label written."""
    chart = pygal.Bar(
        **_common(shown), x_labels_major_every=every, show_minor_x_labels=False, show_legend=False
    )
    chart.x_labels = list(labels)
    chart.add("", list(values))
    return _drawn(chart.render_tree(), title)


def rows(
    title: str, labels: Sequence[str], series: Sequence[tuple[str, Figures]], shown: Callable[[float], str]
) -> Markup:
    """Horizontal bars, the first label on top."""
    height = 60 + len(labels) * (16 + 12 * len(series))
    # pygal takes every character for half as wide as high, which Chinese ones are not.
    wide = max((sum(ord(sign) > 0x2E7F for sign in label) for label in labels), default=0)
    room = {"height": height, "margin_left": 6 + wide * FONT // 2}
    chart = pygal.HorizontalBar(**(_common(shown) | room), show_legend=len(series) > 1, legend_at_bottom=True)
    # pygal draws from the bottom upwards.
    chart.x_labels = list(reversed(labels))
    for name, values in series:
        chart.add(name, list(reversed(values)))
    return _drawn(chart.render_tree(), title)


def lines(
    title: str, labels: Sequence[str], series: Sequence[tuple[str, Figures]], shown: Callable[[float], str],
    *, band: tuple[str, Figures, Figures] | None = None, narrow: bool = False,
) -> Markup:  # fmt: skip
    """One line for each series, and a filled band between two more; None leaves a gap. `narrow`: for a phone."""
    chart = pygal.Line(
        **(_common(shown) | {"width": WIDTH if narrow else 2 * WIDTH}), x_labels_major_every=3 if narrow else 1,
        show_minor_x_labels=not narrow, legend_at_bottom=True, legend_at_bottom_columns=2 if narrow else 4, dots_size=2,
    )  # fmt: skip
    chart.x_labels = list(labels)
    for name, values in series:
        chart.add(name, list(values), allow_interruptions=True)
    if band:
        chart.add(None, list(band[1]), allow_interruptions=True)
        chart.add(band[0], list(band[2]), allow_interruptions=True)
    root = chart.render_tree()
    if band:
        _fill_between(root, len(series), len(series) + 1)
    return _drawn(root, title)


def _fill_between(root: ET.Element, low: int, high: int) -> None:
    """A polygon instead of these two lines."""
    outline: list[tuple[str, str]] = []
    first: ET.Element | None = None
    for number in (low, high):
        for group in root.iterfind(f".//*[@class='series serie-{number} color-{number}']"):
            for one in list(group):
                if (one.get("class") or "").startswith("line"):
                    points = re.findall(r"([\d.]+) ([\d.]+)", one.get("d") or "")
                    outline += points if number == low else points[::-1]
                    first = group if first is None else first
                group.remove(one)
    if first is not None:
        points_said = " ".join(",".join(one) for one in outline)
        ET.SubElement(first, "polygon", {"class": "band", "points": points_said})


def _common(shown: Callable[[float], str]) -> dict[str, Any]:
    return {
        "width": WIDTH, "height": HEIGHT, "margin": 6, "style": _STYLE, "css": [], "js": [], "no_prefix": True,
        "disable_xml_declaration": True, "include_x_axis": True, "min_scale": 3, "max_scale": 5, "zero": 0,
        "value_formatter": shown, "truncate_label": -1,
    }  # fmt: skip


def _drawn(root: ET.Element, title: str) -> Markup:
    """Without pygal's own style and script, which the Content-Security-Policy of the pages forbids."""
    for parent in list(root.iter()):
        parent.attrib.pop("style", None)
        for child in list(parent):
            if (
                child.tag in ("style", "script", "desc", f"{_SVG}style", f"{_SVG}script", f"{_SVG}desc")
                or child.tag is ET.Comment  # type: ignore[comparison-overlap]
            ):
                parent.remove(child)
    # pygal's own title is its name.
    for child in root.findall("title"):
        root.remove(child)
    root.attrib.pop("id", None)
    root.attrib |= {"role": "img", "aria-label": title}
    return Markup(ET.tostring(root, encoding="unicode"))  # noqa: S704 - built as a tree, so texts are escaped
