"""The rules of the house: words for every refusal and route, sentences in one place, sizes, borders, changed rows."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from bot.messengers.slack.render import render
from handlers.routes import BUTTONS, COMMANDS, CONFIRM, FORMS, JOBS
from handlers.words import refusals
from handlers.words.text import SafeText, Text
from models import refusal
from models.ledger.amount import Why
from models.messages.message import Message
from models.policy.document import Policy
from tests.import_graph import circles, graph_of
from tests.policy_effects import EFFECTS
from tests.state_writes import state_writes
from tests.test_docs import keys

ROOT = Path(__file__).parents[1]
PACKAGES = ("bot", "handlers", "models", "sandbox")
MODULES = sorted(
    path for package in PACKAGES for path in (ROOT / package).rglob("*.py") if "__pycache__" not in path.parts
)
OURS = [path for path in MODULES if "migrations" not in path.parts]

ACTIONS = [
    "request.approve",
    "request.approve_less",
    "request.decline",
    "request.open",
    "request.cancel",
    "request.revoke",
    "borrow.accept",
    "borrow.decline",
    "loan.return",
    "loan.recall",
    "loan.forgive",
    "lend.open",
    "history.open",
    "confirm.yes",
    "confirm.no",
    "surge.continue",
    "surge.pause",
    "gateway.restore",
    "gateway.adopt",
]
CALLBACKS = ("request.new", "lend.new", "request.decline", "request.other", "request.answer")
TYPED = [
    "balance",
    "lend",
    "borrow",
    "repay",
    "recall",
    "forgive",
    "request",
    "approve",
    "decline",
    "cancel",
    "revoke",
    "delegate",
    "loans",
    "history",
    "team",
    "help",
    "lang",
]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def source_of(path: Path) -> str:
    return path.read_text()


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(source_of(path))


Fault = Callable[[Path], object]
"""What is wrong with a file; nothing, where it is as it should be."""


def faults(paths: list[Path], fault: Fault) -> dict[str, object]:
    """The files with a fault; one test for all of them, since a test of its own for each took longer than the rule."""
    found = {name_of(path): fault(path) for path in paths}
    return {name: what for name, what in found.items() if what}


def of(*packages: str) -> list[Path]:
    return [path for path in OURS if path.relative_to(ROOT).parts[0] in packages]


def every_refusal() -> list[type[refusal.Refusal]]:
    return [
        one
        for one in vars(refusal).values()
        if isinstance(one, type) and issubclass(one, refusal.Refusal) and one is not refusal.Refusal
    ]


def made(kind: type[refusal.Refusal], *, long: bool = False) -> refusal.Refusal:
    """One with plausible facts."""
    some: dict[Any, Any] = {
        str: "<!channel> *x* " * (300 if long else 1), int: 2**53 - 1, datetime: datetime(2026, 11, 9, 2, tzinfo=UTC),
        tuple[str, ...]: ("Bo · design",), tuple[int, ...]: (1_000_000, 1_000_000_000),
    }  # fmt: skip
    facts = {
        name: some[hint]
        for name, hint in get_type_hints(kind).items()
        if name in {one.name for one in fields(kind)}
    }  # type: ignore[arg-type]
    if kind is refusal.BadAmount:
        facts["why"] = "zero"
    return kind(**facts)


@pytest.mark.parametrize("locale", ["en", "zh"])
def test_every_refusal_has_words_in_both_languages_and_can_be_shown(locale: str) -> None:
    extra = {"usage": SafeText("`lend @bob 50`"), "admins": "ops@corp.example", "state": SafeText("✅")}
    for kind, long in product(every_refusal(), (False, True)):
        words = refusals.words(made(kind, long=long), locale, lambda number: SafeText(f"${number}"), extra)
        text, blocks = render(Message(text=words))
        assert 3 < len(text) < 900
        assert len(blocks) == 1
        assert "<!" not in str(blocks)
        assert "{" not in words


def test_there_are_words_for_every_reason_why_something_is_no_amount() -> None:
    assert {str(one) for one in Why} <= set(refusals.WHY_NO_AMOUNT)


TOPICS = {
    path.stem: importlib.import_module(f"handlers.words.{path.stem}")
    for path in sorted((ROOT / "handlers" / "words").glob("*.py"))
    if path.stem not in ("__init__", "text", "texts")
}


def sentences() -> list[tuple[str, str, Text | dict[str, Text]]]:
    """Every constant of the words: its topic, its name, and what it says."""
    return [
        (topic, name, said)
        for topic, module in TOPICS.items()
        for name, said in vars(module).items()
        if name.isupper() and isinstance(said, (Text, dict))
    ]


def every_text() -> list[tuple[str, Text]]:
    found: list[tuple[str, Text]] = []
    for topic, name, said in sentences():
        rows = said.items() if isinstance(said, dict) else [("", said)]
        found += [(f"{topic}.{name}[{getattr(key, '__name__', key)}]", one) for key, one in rows]
    return found


def test_every_sentence_is_said_somewhere() -> None:
    templates = (ROOT / "bot/web/pages/templates").glob("*.html")
    source = "\n".join(source_of(path) for path in (*MODULES, *templates))
    said = set(re.findall(r"\b(?:texts|usage)\.([A-Z_]+)\b", source))
    unsaid = [f"{topic}.{name}" for topic, name, _ in sentences() if topic != "refusals" and name not in said]
    assert unsaid == []


def test_the_name_of_a_sentence_stands_in_one_topic() -> None:
    names = Counter(name for topic, name, _ in sentences() if topic not in ("usage", "refusals"))
    assert [name for name, times in names.items() if times > 1] == []


SHOWN = {"Message", "Button", "Form", "Field", "Chart"}
SENTENCE = re.compile(r"[\u4e00-\u9fff]|[A-Za-z]{2,},? [a-z']{2,}")
READS_CHINESE = ("handlers/language", "handlers/words", "handlers/context.py")
"""What people type, the words themselves, and dates."""


def phrases(source: str) -> list[str]:
    """Texts made outside the words, and sentences written straight into what people are shown."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    made = [ast.unparse(one) for one in calls if ast.unparse(one.func) == "Text"]
    if "models.messages.message" not in source:
        return made
    return made + [
        part.value
        for one in calls
        if ast.unparse(one.func) in SHOWN
        for part in ast.walk(one)
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and SENTENCE.search(part.value)
    ]


def test_sentences_stand_in_words() -> None:
    written = [path for path in of("bot", "handlers", "models") if path.parent.name != "words"]
    assert faults(written, lambda path: phrases(source_of(path))) == {}


def test_only_the_reader_of_sentences_knows_chinese() -> None:
    others = [path for path in of("handlers") if not name_of(path).startswith(READS_CHINESE)]
    assert faults(others, lambda path: re.search(r"[\u4e00-\u9fff].*", source_of(path))) == {}


@pytest.mark.parametrize(
    "line", ["Text('a', '甲')", "Message(text=f'You have {left} left')", "Button('还钱', 'loan.return')"]
)
def test_a_sentence_outside_the_words_is_seen(line: str) -> None:
    assert phrases(f"from models.messages.message import Message\n{line}\n")


def test_chinese_is_written_as_chinese_is() -> None:
    for name, text in every_text():
        bare = re.sub(r"`[^`]*`|\{\w+\}", "X", text.zh).replace("**", "")
        assert not re.search(r"[\u4e00-\u9fff][,;:?!()]", bare), (
            f"{name}: half-width punctuation in {text.zh!r}"
        )
        assert not re.search(r"[，。；：？！（）] ", bare), (
            f"{name}: a space after punctuation in {text.zh!r}"
        )
        assert not re.search(r"[\u4e00-\u9fff]\.", bare), f"{name}: a full stop in {text.zh!r}"
        assert "您" not in text.zh, f"{name}: the bot says 你 throughout"
        assert not re.search(r"[\u4e00-\u9fff]", text.en), f"{name}: Chinese in the English half"


def test_a_button_fits_a_thumb() -> None:
    labels = [one for one in every_text() if "_BUTTON" in one[0]]
    assert labels
    assert [name for name, text in labels if len(text.en) > 40 or len(text.zh) > 24] == []


def test_every_key_of_the_policy_has_a_test_of_its_effect() -> None:
    """A key that is accepted and never read would be a promise: name the test in tests/policy_effects.py."""
    assert sorted(keys(Policy)) == sorted(EFFECTS)
    written = "".join(path.read_text() for path in Path(__file__).parent.rglob("test_*.py"))
    assert [one for one in EFFECTS.values() if f"def {one}(" not in written] == []


def test_what_the_interface_promises_can_be_pressed_sent_and_typed() -> None:
    assert set(ACTIONS) <= {*BUTTONS, *CONFIRM}
    assert set(CALLBACKS) == set(FORMS)
    assert set(TYPED) <= set(COMMANDS)
    assert JOBS


@pytest.mark.parametrize("table", [COMMANDS, BUTTONS, FORMS], ids=["commands", "buttons", "forms"])
def test_every_route_says_how_it_is_used(table: dict[str, Any]) -> None:
    for name, route in table.items():
        for locale in ("en", "zh"):
            assert "`" in route.usage(locale), name
        if route.moves:
            assert route.usage.en != "`help`", name


def test_every_module_says_what_lives_in_it() -> None:
    assert faults(MODULES, lambda path: len(ast.get_docstring(tree_of(path)) or "") <= 15) == {}


def test_files_stay_small() -> None:
    assert faults(OURS, lambda path: max(len(source_of(path).splitlines()) - 350, 0)) == {}


def test_functions_stay_small() -> None:
    def long(path: Path) -> list[str]:
        functions = [
            node
            for node in ast.walk(tree_of(path))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        ]
        return [one.name for one in functions if (one.end_lineno or 0) - one.lineno >= 50]

    assert faults(OURS, long) == {}


CLOCKS = re.compile(r"datetime\.now\(|datetime\.utcnow\(|\btime\.(?:time|monotonic|sleep)\(|date\.today\(")
LOOSE = re.compile(
    r"\bTODO\b|\bFIXME\b|\bXXX\b|except(?: \w*Exception)?:\n\s+pass\b|\bunittest\.mock\b|\bprint\("
)


VENDORS = {
    "asyncio",
    "aiohttp",
    "slack_bolt",
    "slack_sdk",
    "dingtalk_stream",
    "socket",
    "structlog",
    "requests",
    "httpx",
    "bot",
}


def imported_by(path: Path) -> set[str]:
    """The packages that a file imports from."""
    names = {
        (node.module if isinstance(node, ast.ImportFrom) else alias.name) or ""
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    return {one.split(".")[0] for one in names}


def test_only_bot_looks_at_a_clock_or_knows_a_vendor() -> None:
    assert faults(of("handlers", "models"), lambda path: CLOCKS.search(source_of(path))) == {}
    assert faults(of("handlers", "models"), lambda path: imported_by(path) & VENDORS) == {}
    assert faults(of("models"), lambda path: imported_by(path) & {"handlers"}) == {}


def test_nothing_is_left_half_done() -> None:
    def loose(path: Path) -> object:
        prints = "cli" in path.parts or name_of(path) in ("sandbox/cli.py", "sandbox/playground/server.py")
        return LOOSE.search(source_of(path).replace("print(", "") if prints else source_of(path))

    assert faults(OURS, loose) == {}


LAYERLESS = {"bot.__main__", "bot.env_example"}
"""Run by themselves; nobody imports them."""


def test_every_room_stands_in_a_layer() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    placed = {
        name if "." in name else f"{root}.{name}"
        for contract in contracts
        if contract["type"] == "layers"
        for root in contract.get("containers", [""])
        for layer in contract["layers"]
        for name in layer.split(" | ")
    }
    rooms = {".".join(name.split(".")[:2]) for name in graph_of(*PACKAGES) if "." in name} - LAYERLESS
    assert [room for room in sorted(rooms) if not any(name.startswith(room) for name in placed)] == []


def test_our_names_are_imported_as_they_are() -> None:
    def renamed(path: Path) -> list[str]:
        return [
            one.asname
            for node in ast.walk(tree_of(path))
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in PACKAGES
            for one in node.names
            if one.asname
        ]

    assert faults(OURS, renamed) == {}


def test_no_module_imports_itself_by_way_of_others() -> None:
    assert circles(graph_of(*PACKAGES)) == []


def test_a_circle_is_found_wherever_the_import_stands() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == [["b", "c"]]
    assert "sandbox.cli" not in graph_of(*PACKAGES)["bot.cli.app"]


def test_rows_are_changed_only_in_models() -> None:
    assert faults(of("bot", "handlers"), lambda path: state_writes(source_of(path))) == {}


@pytest.mark.parametrize(
    "line",
    [
        "session.add(ask)",
        "ctx.session.delete(row)",
        "update(Ask)",
        "Ask(id=1)",
        "ask.state = 'lent'",
        "row.due, row.error = 0, ''",
    ],
)
def test_a_changed_row_is_seen(line: str) -> None:
    assert state_writes(f"from models.quota.ask import Ask\n{line}\n")


def test_the_borders_between_the_packages_hold() -> None:
    ran = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-2000:]


def test_handlers_and_models_compare_no_messenger_by_name() -> None:
    """What differs between messengers is data: `models.people.messenger.traits_of`."""
    named = re.compile(r"""["'](?:slack|dingtalk)["':]""")
    assert faults(of("handlers", "models"), lambda path: named.search(source_of(path))) == {}


TYPES_ONLY = {"policy/sections", "refusal", "reports/style"}
"""Modules of `models` without a rule of their own."""


def test_a_module_of_models_has_a_test_file_of_its_name() -> None:
    missing = set()
    for path in OURS:
        name = path.relative_to(ROOT).with_suffix("")
        test = ROOT / "tests" / name.with_name(f"test_{name.name}.py")
        if name.parts[0] == "models" and name.name != "__init__" and not test.exists():
            missing.add(str(name.relative_to("models")))
    assert missing <= TYPES_ONLY, "write its rules into a test file of its name"
