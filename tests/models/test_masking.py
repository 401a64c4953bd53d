"""No secret is stored, shown or logged; ordinary words stay as they are."""

from __future__ import annotations

import pytest

from models.masking import masked


# Written in two pieces, so that no scanner takes them for real ones.
@pytest.mark.parametrize(
    ("kind", "secret"),
    [
        ("xoxb-", "1234567890-abcdef"),
        ("xapp-", "1-A012-345-deadbeef"),
        ("Bearer ", "abc.def-ghi"),
        ("sk-", "ant-api03-abcdefghijklmnop"),
        ("ghp_", "abcdefghijklmnop1234"),
        ("AIza", "SyA-1234567890abcdefg"),
        ("AKIA", "IOSFODNN7EXAMPLE"),
        ("LTAI", "5tAbCdEfGhIjKlMn"),
        ("eyJ", "hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.s1gn4tur3"),
        ("password=", "hunter2"),
        ("password: ", "hunter2"),
        ("API key: ", "abcdef"),
        ("密码：", "hunter2"),
        ("?access_token=", "abcdef123456"),
        ("://bot:", "hunter2"),
    ],
)
def test_a_secret_is_masked_and_its_kind_stays(kind: str, secret: str) -> None:
    text = f"see {kind}{secret}@db" if kind.startswith("://") else f"see {kind}{secret} please"
    assert secret not in masked(text)
    assert f"see {kind}***" in masked(text)
    assert masked(masked(text)) == masked(text)


@pytest.mark.parametrize(
    "text",
    [
        "task-force risk-free disk-usage sk-learn",
        "http://127.0.0.1:8080/x?page=2",
        "alice@corp.example",
        "token: 5 million for the evaluation",
        "the password page of the shop",
        "我忘了密码，要重置",
        "bearer of bad news",
    ],
)
def test_ordinary_words_stay(text: str) -> None:
    assert masked(text) == text
