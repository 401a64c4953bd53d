"""Read a sentence as a Command. Patterns are loaded with the first sentence, so that a start does not wait for them."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import lru_cache
from pathlib import Path

from handlers.command import Command, Person, storable

SHORT = 20
"""Characters of a sentence whose Command is remembered."""
_HISTORY_FROM = re.compile(r"(?i)\s*(?:history|明细)\s+(\d{1,17})\s*$")
_ANSWER = re.compile(r"(?i)\s*(?:(yes|确认)|(no|暂不))\s+((?=[a-z]*[0-9])[a-z0-9]{3,12})\s*$")
"""An answer to the ask of this CODE. A CODE has a digit: `no thanks` and `yes please` name none."""


def read_command(sentence: str, today: date, *, guessed: bool = False) -> Command:
    """Never raises: a sentence that breaks the reader is `unread`.

    `guessed`: a machine wrote the words down, so they are never exact.
    """
    text = storable(sentence)
    try:
        command = (_read_again if len(text) <= SHORT else _read)(text, today)
    except Exception as error:  # noqa: BLE001 - adapters read before anything could answer: the dispatcher answers and logs
        return Command("unread", reason=_place_of(error), confidence="unclear", text=text)
    return replace(command, confidence="clear") if guessed and command.exact else command


def _place_of(error: Exception) -> str:
    # Without the words that people wrote: the place goes into the log.
    frames = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} in {Path(frames[-1].filename).name}:{frames[-1].lineno}"


def _read(text: str, today: date) -> Command:
    return replace(_understood(text, today), text=text)


def _understood(text: str, today: date) -> Command:
    if page := _HISTORY_FROM.match(text):
        return Command("history", code=page[1])
    if answer := _ANSWER.match(text):
        return Command("yes" if answer[1] else "no", code=answer[3].upper())
    from handlers.language.understanding import understand  # noqa: PLC0415

    return understand(text, today=today)


def only_code(text: str) -> str:
    """The only CODE in a text, or nothing."""
    if not re.search("[0-9]", text):
        return ""
    from handlers.language.decisions import code_in  # noqa: PLC0415

    return code_in(text)


# `help` and the balance are asked all day, and reading one takes as long as answering it.
_read_again = lru_cache(maxsize=1000)(_read)


def lone_person(text: str) -> Person | None:
    """The person of a text that is a mention or a name and nothing else."""
    from handlers.language.cleaning import clean  # noqa: PLC0415
    from handlers.language.sentence import Sentence  # noqa: PLC0415
    from handlers.language.slots import lone_person  # noqa: PLC0415

    return lone_person(Sentence.read(clean(text), None))


def offers(text: str, today: date) -> dict[str, Command]:
    """Up to three possible meanings of a sentence that was not understood, the likeliest first."""
    from handlers.language.understanding import offers  # noqa: PLC0415

    return offers(text, today)


def prepare() -> Iterator[object]:
    """Load and compile, piece by piece, what the first sentence would wait for: half a second in all."""
    from handlers.language import understanding  # noqa: PLC0415

    yield understanding
    yield from understanding.prepare()
