"""policy.yaml as a tree of plain values with the line of each, and the problems found while reading."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

Path = tuple[str | int, ...]
DEEPEST = 12
"""Levels of nesting; the schema has five."""


@dataclass(frozen=True)
class Problem:
    """A fault: its place, and a sentence."""

    line: int
    key: str
    why: str
    name: str = "policy.yaml"

    def __str__(self) -> str:
        return f"{self.name}:{self.line}: {f'{self.key}: ' if self.key else ''}{self.why}"


class PolicyError(ValueError):
    """`problems`: everything that is wrong with a policy, by line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line))
        super().__init__("\n".join(map(str, self.problems)))


class UnitChanged(PolicyError):  # noqa: N818 - what happened
    """The unit is fixed by the first apply."""


@dataclass
class Tree:
    """`lines`: the line of every path in `value`. `problems`: what could not be read."""

    name: str
    value: Any
    lines: dict[Path, int]
    problems: list[Problem]

    def problem(self, path: Path, why: str) -> Problem:
        # A missing key has no line: the nearest written place above it is named.
        known = path
        while known and known not in self.lines:
            known = known[:-1]
        return Problem(self.lines.get(known, 1), written(path), why, self.name)


def written(path: Path) -> str:
    """`("allocations", 1, "amount")` as `allocations[1].amount`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def guess(word: str, known: Iterable[str], alike: int = 65) -> str:
    """` Did you mean "amount"?` where a known word is `alike` per cent; else nothing."""
    from rapidfuzz import process  # noqa: PLC0415 - only for what is misspelt

    found = process.extractOne(word, list(known), score_cutoff=alike)
    return f' Did you mean "{found[0]}"?' if found else ""


def read(text: str, name: str) -> Tree:
    """Read one YAML document. Raises `PolicyError` where it is none; ambiguous values are in `problems`."""
    tree = Tree(name, None, {}, [])
    try:
        root = _Loader(text).get_single_node()
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise PolicyError([Problem(line, "", "a character that no text file should hold", name)]) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise PolicyError([Problem(mark.line + 1 if mark else 1, "", _syntax(error), name)]) from error
    except RecursionError as error:
        raise PolicyError([Problem(1, "", _TOO_DEEP, name)]) from error
    if root is None:
        raise PolicyError(
            [Problem(1, "", "the file is empty; policy.example.yaml shows what belongs in it", name)]
        )
    tree.value = _value(root, (), tree)
    return tree


class _Loader(yaml.SafeLoader):
    """Composes nodes only; `_plain` decides what a plain word means, because YAML 1.1 and 1.2 disagree."""

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            raise yaml.MarkedYAMLError(problem=_ALIAS, problem_mark=event.start_mark)  # type: ignore[arg-type]
        if getattr(event, "tag", None):
            raise yaml.MarkedYAMLError(problem=_TAG, problem_mark=event.start_mark)
        return super().compose_node(parent, index)


_ALIAS = "aliases (*name) are not read here; write the value out"
_TAG = "tags (!word) are not read here; put a word that begins with ! in quotes"
_TOO_DEEP = "nested too deeply"
_SYNTAX = (
    ("'\\t'", "a tab stands where spaces are needed"),
    ("could not find expected ':'", "a colon is missing after a key, or a quote is not closed"),
    (
        "mapping values are not allowed here",
        "a colon where none can stand; check the indentation, or put the value in quotes",
    ),
    ("but found another document", "more than one document; a policy is one"),
)


def _syntax(error: yaml.MarkedYAMLError) -> str:
    said = f"{error.problem or ''} {error.context or ''}".strip()
    if error.problem in (_ALIAS, _TAG):
        return said
    return next((why for sign, why in _SYNTAX if sign in said), f"not YAML: {said}")


def _value(node: Node, path: Path, tree: Tree) -> Any:
    tree.lines.setdefault(path, node.start_mark.line + 1)
    if len(path) > DEEPEST:
        tree.problems.append(tree.problem(path, _TOO_DEEP))
        return None
    if isinstance(node, MappingNode):
        return _mapping(node, path, tree)
    if isinstance(node, SequenceNode):
        return [_value(child, (*path, index), tree) for index, child in enumerate(node.value)]
    assert isinstance(node, ScalarNode)
    return _scalar(node, path, tree)


def _mapping(node: MappingNode, path: Path, tree: Tree) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, ScalarNode):
            tree.problems.append(Problem(line, written(path), "a key must be a word", tree.name))
            continue
        key = key_node.value
        if key in values:
            why = f"written twice; the first one is on line {tree.lines[(*path, key)]}"
            tree.problems.append(Problem(line, written((*path, key)), why, tree.name))
            continue
        tree.lines[(*path, key)] = line
        values[key] = _value(value_node, (*path, key), tree)
    return values


def _scalar(node: ScalarNode, path: Path, tree: Tree) -> Any:
    if node.style is not None:
        return node.value
    try:
        return _plain(node.value, quotable=bool(_TEXT.intersection(path)))
    except ValueError as error:
        tree.problems.append(tree.problem(path, str(error)))
        return UNREADABLE


class _Unreadable:
    """Stands for a value that was complained about already."""


UNREADABLE = _Unreadable()
_TEXT = frozenset(
    {
        "match",
        "name",
        "parent",
        "reason",
        "admin_channel",
        "free_models",
        "models",
        "hours",
        "holidays",
        "region",
    }
)
"""Keys whose values, and what is in them, are text."""
_NUMBER = re.compile(r"[-+]?(0|[1-9][0-9]*)(\.[0-9]+)?")
_TRAPS = (
    (re.compile(r"yes|no|on|off", re.IGNORECASE), 'some readers take `{0}` for true or false; write true or false, or "{0}" in quotes'),
    (re.compile(r"[-+]?[0-9][0-9]*(_[0-9]+)+(\.[0-9_]*)?"), "some readers take `{0}` for a number; write it without underscores"),
    (re.compile(r"[-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?"), 'some readers take `{0}` for a number to the base of 60; put it in quotes: "{0}"'),
    (re.compile(r"[-+]?0[0-9]+"), "some readers take `{0}` for an octal number; drop the leading zero, or put it in quotes"),
    (re.compile(r"[-+]?0[xbo][0-9a-f_]+", re.IGNORECASE), "some readers take `{0}` for a number in another base; write it in decimal, or in quotes"),
    (re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)e[-+]?[0-9]+", re.IGNORECASE), "write `{0}` without an exponent, or in quotes"),
    (re.compile(r"[-+]?\.(inf|nan)", re.IGNORECASE), "`{0}` is not a number one can count with"),
)  # fmt: skip


def _plain(word: str, *, quotable: bool) -> Any:
    """An unquoted word: null, true, a number, or text. Raises `ValueError` where YAML readers disagree.

    `quotable`: text can stand there, so quotes are a way out.
    """
    if word in ("", "~", "null", "Null", "NULL"):
        return None
    if word.lower() in ("true", "false"):
        return word.lower() == "true"
    if found := _NUMBER.fullmatch(word):
        return Decimal(word) if found[2] else int(word)
    for trap, why in _TRAPS:
        if trap.fullmatch(word):
            said = why.format(word)
            raise ValueError(said if quotable else said.partition(", or ")[0])
    return word
