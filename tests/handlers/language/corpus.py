"""The labelled sentences: what the templates were written for, and what others wrote without looking at them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
BOB = "<@U02BOB>"


def sections(name: str = "sentences.txt") -> dict[str, list[tuple[str, str | None]]]:
    """What each section of a file holds: sentence and amount."""
    found: dict[str, list[tuple[str, str | None]]] = {}
    for line in (HERE / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            found[line.strip("[]")] = section = []
        elif line and not line.startswith("#"):
            text, _, amount = line.replace("@@", BOB).partition(" = ")
            section.append((text, amount or None))
    return found


def labelled(name: str) -> list[dict[str, Any]]:
    """A file of sentences, one JSON a line: t text, i intent, p person or typed name, a amount, alt other right intents."""
    return [json.loads(line) for line in (HERE / name).read_text(encoding="utf-8").splitlines()]


def part(name: str, *, held_out: bool) -> list[dict[str, Any]]:
    """Every third sentence is held out: nobody looks at these while writing templates, and no weight is fitted to them."""
    return [one for place, one in enumerate(labelled(name)) if (place % 3 == 2) is held_out]


def held_out() -> list[dict[str, Any]]:
    return part("founder.jsonl", held_out=True)


def training(without: str = "") -> list[tuple[str, str]]:
    """Sentence and intent of everything that weights are fitted to; `without` one writer of colleagues.jsonl."""
    colleagues = [one for one in labelled("colleagues.jsonl") if one["w"] != without]
    founder = part("founder.jsonl", held_out=False) + part("personas.jsonl", held_out=False)
    more = labelled("more.jsonl") + labelled("verbs.jsonl") + labelled("given.jsonl") + colleagues
    lists = (sections(), sections("phrases.txt"))
    old = [(text, intent) for one in lists for intent, rows in one.items() for text, _ in rows]
    return old + [(one["t"], one["i"]) for one in founder + more]


def names() -> set[str]:
    """The words of the names in the corpus, in small letters."""
    rows = [one for name in ("founder", "personas", "colleagues") for one in labelled(f"{name}.jsonl")]
    typed = {
        str(one["p"])
        for one in [*rows, *labelled("given.jsonl"), *labelled("more.jsonl"), *labelled("verbs.jsonl")]
        if one.get("p")
    }
    often = {"bob", "alice", "carol", "eve", "dave", "tom", "anna", "lee"}
    return {word.lower() for name in typed for word in name.split()} | often


PIECES = ["借给", "申请", "lend ", "request ", "<@U02BOB>", " 50", "五十", "AB12", " 通过", "不", "说", "?", "，", " until friday", "到", "`", '"', "\u200b", " 2 books", " pounds", "bob's debt", "Bob Jones ", "欧阳·娜娜", " to the team", "pause ", "ledn "]  # fmt: skip
"""What sentences are put together from at random."""
