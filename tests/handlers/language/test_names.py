"""Names as people type them: several words, a dot in the middle, a department behind."""

from __future__ import annotations

import pytest

from handlers.command import Person
from handlers.language.reader import lone_person
from handlers.language.understanding import understand


@pytest.mark.parametrize(
    ("text", "person"),
    [
        ("bob", Person(name="bob")),
        ("to Bob Jones", Person(name="Bob Jones")),
        ("<@U02BOB>", Person("U02BOB")),
        ("给<@U02BOB>", Person("U02BOB")),
        ("张三", Person(name="张三")),
        ("欧阳·娜娜", Person(name="欧阳·娜娜")),
        ("张三（研发）", Person(name="张三（研发）")),
        ("bob@corp.example", Person(name="bob@corp.example")),
        ("the team", None),
        ("what is left", None),
        ("<@U02BOB> is away today", None),
        ("多少", None),
    ],
)
def test_a_name_alone_is_a_person(text: str, person: Person | None) -> None:
    assert lone_person(text) == person


@pytest.mark.parametrize(
    ("text", "name", "amount"),
    [
        ("lend Mary Ann Smith 40", "Mary Ann Smith", "40"),
        ("could you give 15 to Anna Maria for evals", "Anna Maria", "15"),
        ("please lend 20 to Jean Claude van Damme", "Jean Claude van Damme", "20"),
        ("give 30 to Bob Jones until Friday", "Bob Jones", "30"),
        ("give bob 30 for Claude Code", "bob", "30"),
        ("借给欧阳·娜娜50", "欧阳·娜娜", "50"),
        ("借给 欧阳・娜娜 50", "欧阳・娜娜", "50"),
        ("借给 张三(研发) 40", "张三", "40"),
        ("麻烦借给张三(研发)40", "张三", "40"),
        ("借80给张伟", "张伟", "80"),
    ],
)
def test_full_names_are_read_whole(text: str, name: str, amount: str) -> None:
    found = understand(text)
    assert (found.intent, found.person, found.amount) == ("lend", Person(name=name), amount)
