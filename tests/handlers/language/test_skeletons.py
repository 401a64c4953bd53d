"""What is left of a sentence for learning: words of the corpus and signs."""

from __future__ import annotations

import pytest

from handlers.language.skeletons import skeleton_of


@pytest.mark.parametrize(
    ("sentence", "kept"),
    [
        ("can bob spare me a few bucks pretty please", "can _ spare me a _ bucks pretty please"),
        (
            "could Przemysław Kowalski toss me like 50 for the Zephyr project",
            "could _ toss me like # for the _ project",
        ),
        ("my password is hunter2 please", "my password is _ please"),
        ("pls hook me up w/ some juice AB12", "pls hook me up w _ some juice $"),
        ("<@U123> wanna borrow 50 from a@corp.example?", "@ wanna borrow # from @ ?"),
        ("借点额度给欧阳娜娜用用吧", "借 点 额 度 给 @ 用 用 吧"),
        ("帮我看看赵雅芝那边", "帮 我 看 看 @ 那 边"),
        ("李小龙", ""),
        ("did rohit's thing get sorted", "did _ thing get sorted"),
        ("so mark said he might cover me", "so _ said he might cover me"),
        ("ask grant to sort me out, will you", "ask _ to sort me out _ will you"),
        ("may i borrow some, please grant me 20", "may i borrow some _ please grant me #"),
        ("Zephyr Kowalski", ""),
    ],
)
def test_names_numbers_and_rare_words_are_signs(sentence: str, kept: str) -> None:
    assert skeleton_of(sentence) == kept


@pytest.mark.parametrize("name", ["王伟", "张秀英", "司马相如", "Émile Zola", "O'Brien", "Иван", "nguyen"])
@pytest.mark.parametrize(
    "frame", ["tell {} i need more quota", "我想问{}能不能匀点额度给我", "{} 的额度 please help"]
)
def test_no_name_is_kept(frame: str, name: str) -> None:
    kept = skeleton_of(frame.format(name))
    assert not any(part in kept.replace(" ", "") for part in (name, name[1:], name.lower()) if len(part) > 1)
