"""policy.yaml as a tree: values, the line of each, and what YAML readers disagree about."""

from __future__ import annotations

from decimal import Decimal

import pytest

from models.policy.document import parse
from models.policy.yaml_tree import PolicyError, Problem, guess, read, written
from tests.policies import complaint, complaints


def test_a_plain_word_is_text_and_a_number_is_exact() -> None:
    tree = read("a: 0.1\nb: -3\nc: true\nd: ~\ne: hello world\nf: '7'", "p.yaml")
    assert tree.value == {"a": Decimal("0.1"), "b": -3, "c": True, "d": None, "e": "hello world", "f": "7"}
    assert tree.problems == []


def test_a_missing_key_is_named_at_the_nearest_written_line() -> None:
    tree = read("unit: USD\nteams:\n- name: a\n", "p.yaml")
    assert tree.problem(("teams", 0, "owner"), "is missing") == Problem(
        3, "teams[0].owner", "is missing", "p.yaml"
    )
    assert tree.problem(("nowhere",), "is missing").line == 1
    assert str(tree.problem((), "is odd")) == "p.yaml:1: is odd"


def test_problems_stand_in_the_order_of_lines() -> None:
    error = PolicyError([Problem(9, "b", "no"), Problem(2, "a", "no")])
    assert str(error) == "policy.yaml:2: a: no\npolicy.yaml:9: b: no"


def test_a_path_is_written_as_in_the_file() -> None:
    assert written(("allocations", 1, "amount")) == "allocations[1].amount"
    assert written((0, "a")) == "[0].a"


def test_a_hint_needs_a_word_that_is_alike() -> None:
    assert guess("amuont", ["amount", "reason"]) == ' Did you mean "amount"?'
    assert guess("zzz", ["amount", "reason"]) == ""


@pytest.mark.parametrize(
    ("line", "key", "why"),
    [
        ("lending: {enabled: no}", "lending.enabled", "some readers take `no` for true or false"),
        ("teams: [{name: on}]", "teams[0].name", "some readers take `on` for true or false"),
        ("carry_over: {cap: 1_000}", "carry_over.cap", "without underscores"),
        ("quiet: {hours: 20:00}", "quiet.hours", 'base of 60; put it in quotes: "20:00"'),
        ("carry_over: {cap: 0100}", "carry_over.cap", "octal"),
        ("carry_over: {cap: 0x10}", "carry_over.cap", "another base"),
        ("carry_over: {cap: 1e3}", "carry_over.cap", "without an exponent"),
        ("carry_over: {cap: .nan}", "carry_over.cap", "not a number one can count with"),
        ("period: {monthly: 1_5}", "period.monthly", "without underscores"),
    ],
)
def test_what_yaml_readers_disagree_about_is_refused(line: str, key: str, why: str) -> None:
    said = complaint(line)
    assert said.startswith(f"policy.yaml:3: {key}: ")
    assert why in said


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", ":1: the file is empty"),
        ("# nothing\n", ":1: the file is empty"),
        ("- 3", ":1: keys and values are needed"),
        ("unit: USD\nperiod:\n\tmonthly: 3", ":3: a tab stands where spaces are needed"),
        ("unit: USD\nperiod: monthly: 3", ":2: a colon where none can stand"),
        ("unit: &u USD\nperiod: *u", ":2: aliases"),
        ("unit: !!python/object/apply:os.system [ls]", ":1: tags"),
        ("a: 1\n---\nb: 2", "one"),
        ("unit: US\0D", ":1: a character that no text file should hold"),
        ("[" * 3000, "nested too deeply"),
        ("unit: [" + "[" * 30 + "]" * 31, "nested too deeply"),
    ],
)
def test_what_is_no_policy_at_all_is_refused(text: str, why: str) -> None:
    said = complaints(text)
    assert any(why in one for one in said)


@pytest.mark.parametrize(
    ("line", "quotes"),
    [
        ("allocations: [{match: {}, amount: 1e3}]", False), ("allocations: [{match: {}, amount: 010}]", False), ("welcome: yes", False),
        ("allocations: [{match: {level: 1e3}, amount: 1}]", True), ("allocations: [{match: {remote: yes}, amount: 1}]", True),
        ("allocations: [{match: {}, amount: 1, reason: 010}]", True),
    ],
)  # fmt: skip
def test_quotes_are_advised_only_where_they_are_read(line: str, quotes: bool) -> None:
    with pytest.raises(PolicyError) as refused:
        parse(f"unit: USD\n{line}")
    assert ("in quotes" in str(refused.value)) is quotes
