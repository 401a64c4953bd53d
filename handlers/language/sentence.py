"""A sentence without its people, numbers and days, for templates to match."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

from handlers.command import Person
from handlers.language.cleaning import Cleaned
from handlers.language.dates import find_date
from handlers.language.grammar import AMOUNT, COUNT, JOINT, PERSON
from handlers.language.numbers import MASK, Span, find_numbers


@dataclass(frozen=True)
class Skeleton:
    """The text that templates read: lower case, ASCII punctuation, signs. `places`: of each character in the source."""

    text: str
    places: tuple[tuple[int, int], ...]
    cleaned: Cleaned

    def original(self, start: int, end: int | None = None) -> str:
        """The original of `text[start:end]`."""
        places = self.places[start:end]
        return self.cleaned.quote(places[0][0], places[-1][1]) if places else ""

    def after(self, end: int) -> str:
        """All that was written after `text[:end]`, with what was taken out."""
        return self.cleaned.quote(self.places[end - 1][1], len(self.cleaned.text))

    def between(self, end: int, start: int) -> str:
        """All that was written between `text[:end]` and `text[start:]`."""
        places = self.places[start : start + 1]
        return self.cleaned.text[self.places[end - 1][1] : places[0][0]] if places else ""


@dataclass(frozen=True)
class Sentence:
    """A sentence, and the people, numbers and days in it. `taken`: all their places, in order."""

    cleaned: Cleaned
    people: tuple[Person, ...]
    numbers: tuple[Span, ...]
    until: str | None
    taken: tuple[Span, ...]

    @classmethod
    def read(cls, cleaned: Cleaned, today: date | None) -> Sentence:
        # People first, then days, then numbers: `15 Dec` is no amount, and a staff id neither.
        source = cleaned.text
        named = [(_person(match), match.span()) for match in _PERSON.finditer(source)]
        people = [Span(*place, PERSON if person else "") for person, place in named]
        days, until = _days(_masked(source, people), today)
        numbers = list(find_numbers(_masked(source, people + days)))
        return cls(
            cleaned,
            tuple(dict.fromkeys(person for person, _ in named if person)),
            tuple(numbers),
            until,
            tuple(sorted(people + days + numbers, key=lambda span: span.start)),
        )

    @property
    def source(self) -> str:
        return self.cleaned.text

    @property
    def amounts(self) -> list[str]:
        return [span.text for span in self.numbers if span.sign == AMOUNT]

    @cached_property
    def typed(self) -> Sentence:
        # In a typed command the word after the number is a reason, not a thing that is counted.
        others = [span for span in self.taken if span not in self.numbers]
        numbers = list(find_numbers(_masked(self.source, others), typed=True))
        taken = tuple(sorted(others + numbers, key=lambda span: span.start))
        return replace(self, numbers=tuple(numbers), taken=taken)

    @cached_property
    def spaced(self) -> Skeleton:
        """For English templates: every sign is a word."""
        apart = [
            piece
            for char, start, end in self._characters()
            for piece in (
                [(" ", start, start), (char, start, end), (" ", end, end)]
                if char in _SIGNS
                else [(char, start, end)]
            )
        ]
        return _skeleton(
            apart, self.cleaned, lambda before, after: before not in ("", " ") and after not in " ,.;:!?'"
        )

    @cached_property
    def tight(self) -> Skeleton:
        """For Chinese templates: no spaces, except between two English words."""
        return _skeleton(
            list(self._characters()), self.cleaned, lambda before, after: _latin(before) and _latin(after)
        )

    @cached_property
    def _joints(self) -> frozenset[int]:
        """The spaces inside full names: between capitalised words, of which none begins the sentence."""
        return frozenset(
            place
            for match in _FULL_NAME.finditer(self.source)
            for place in range(*match.span())
            if self.source[place] == " "
        )

    def _characters(self) -> Iterator[tuple[str, int, int]]:
        at = 0
        for span in (*self.taken, Span(len(self.source), len(self.source), "")):
            for place in range(at, span.start):
                char = (
                    JOINT if place in self._joints else self.source[place].translate(_PUNCTUATION).lower()[:1]
                )
                yield char, place, place + 1
            yield span.sign or " ", span.start, span.end
            at = span.end


def _skeleton(
    pieces: list[tuple[str, int, int]], cleaned: Cleaned, keeps: Callable[[str, str], bool]
) -> Skeleton:
    """`keeps`: whether a space stays between these two characters."""
    kept: list[tuple[str, int, int]] = []
    for place, piece in enumerate(pieces):
        before = kept[-1][0] if kept else ""
        after = next((char for char, _, _ in pieces[place + 1 :] if char != " "), "")
        if piece[0] != " " or (after and keeps(before, after)):
            kept.append(piece)
    return Skeleton(
        "".join(char for char, _, _ in kept), tuple((start, end) for _, start, end in kept), cleaned
    )


def _latin(char: str) -> bool:
    return char.isascii() and char.isalnum()


_MONTHS_AND_DAYS = (
    "Jan(?:uary)?|Feb(?:ruary)?|March|April?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?|"
    "Mon(?:day)?|Tue(?:sday)?|Wed(?:nesday)?|Thu(?:rsday)?|Fri(?:day)?|Sat(?:urday)?|Sun(?:day)?"
)
_NO_NAME = rf"(?!(?:{_MONTHS_AND_DAYS}|For|To|From|Please|And|The|My|Me|I|Until|Because|Team|Lend|Give|Borrow|Request|Return)\b)"
_CAPITAL = rf"{_NO_NAME}[A-Z][a-z][\w'’-]*"
_FULL_NAME = re.compile(
    rf"(?<=[\w,:] ){_CAPITAL}(?: (?:(?:van|von|de|der|den|da|di|du|bin|al|la|le) )*{_CAPITAL}){{1,3}}"
)
_SIGNS = PERSON + AMOUNT + COUNT
_PUNCTUATION = str.maketrans("，。！？：；（）、’‘“”～", ",.!?:;(),''\"\"~")


def _masked(source: str, spans: list[Span]) -> str:
    for span in spans:
        source = source[: span.start] + MASK * (span.end - span.start) + source[span.end :]
    return source


# ── people ──────────────────────────────────────────────────────────────────────────────────────────

_EMAIL = r"(?a:\w[\w.+'-]*@[\w-]+(?:\.[\w-]+)+)"
_PERSON = re.compile(
    r"<![^>]*>|@(?:所有人|全体成员|all|here|channel|everyone)\b"  # everybody is nobody
    r"|<@(?P<id>[^>|\s]+)(?:\|[^>]*)?>|@\w+:(?P<staff>[\w.-]+)"
    rf"|<mailto:(?P<mail>[^>|]+)(?:\|[^>]*)?>|(?P<email>{_EMAIL})|@(?P<handle>[^\W\d][\w.-]*)"
    r"|(?:(?<=^lend )|(?<=^repay )|(?<=^recall )|(?<=^forgive )|(?<=^借给 ))(?P<number>[0-9]{4,})(?=\s[0-9])"  # a job number
)


def _person(match: re.Match[str]) -> Person | None:
    name = match["mail"] or match["email"] or match["handle"] or match["number"]
    found = Person(match["id"] or match["staff"], name)
    return found if found != Person() else None


# ── days ────────────────────────────────────────────────────────────────────────────────────────────

_UNTIL = re.compile(
    r"(?i)\b(?:until|till?|through|up to|valid (?:to|until)|expir(?:es|ing)(?: on)?)\s|(?P<for>\bfor )(?=(?:the next )?(?:\d+|an?|one|two|three) (?:day|week|month))"
    r"|(?:一直|有效期|(?<=[\s\d,，])用)?(?:直到|截止到?|截至|到|至)\s?|(?P<by>\b(?:by|before)\s)"
)
_AFTER_A_DAY = re.compile(r"\s?(?:为止|之前|以前|止|前)")


def _days(text: str, today: date | None) -> tuple[list[Span], str | None]:
    # `by friday` says when, not until when, so it is taken out and not used.
    spans, until = [], None
    for match in _UNTIL.finditer(text):
        start = match.start("for") if match["for"] else match.end()
        phrase = find_date(text[start : start + 40])
        if not phrase or phrase.start:
            continue
        end = start + phrase.end
        after = _AFTER_A_DAY.match(text, end)
        spans.append(Span(match.start(), after.end() if after else end, ""))
        if today and not until and not match["by"]:
            day = phrase.day(today)
            until = day.isoformat() if day else text[start:end]
    return spans, until
