"""How messages look in DingTalk, and how sentences from there read."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

import handlers
from bot.messengers.dingtalk.api import KEY_BYTES, VALUE_BYTES, card_values
from bot.messengers.dingtalk.render import (
    MARKDOWN_BYTES,
    card,
    form_hint,
    hint,
    markdown,
    said,
    slots,
    track_of,
    typed,
)
from handlers.language.reader import read_command
from models.messages.message import Button, Chart, Field, Form, Message, escape

MONDAY = date(2026, 11, 9)
APPROVE = Button("同意 $300.00", "request.approve", "7F3K", "primary", "approve 7F3K")
DECLINE = Button("拒绝…", "request.decline", "7F3K", "danger", "decline 7F3K")
ASK = Message(
    title="额度申请 7F3K",
    text="**Pia** · payments 申请 **$300.00**\n> 上线压测",
    facts=(("已用", "$120.00 / $500.00"), ("剩余", "$380.00，还有 22 天")),
    buttons=(APPROVE, DECLINE),
    preview="额度申请",
    locale="zh",
)


# Markdown


def test_a_message_names_what_one_types_in_place_of_its_buttons() -> None:
    title, text = markdown(ASK)
    assert title == "额度申请"
    assert text == (
        "#### 额度申请 7F3K\n\n**Pia** · payments 申请 **$300.00**\n\n> 上线压测\n\n"
        "- 已用：$120.00 / $500.00\n- 剩余：$380.00，还有 22 天\n\n"
        "- 同意 $300.00 → [同意 7F3K](dtmd://dingtalkclient/sendMessage?content=%E5%90%8C%E6%84%8F%207F3K)\n"
        "- 拒绝 → **拒绝 7F3K 理由**"
    )


@pytest.mark.parametrize(
    ("button", "words"),
    [
        (APPROVE, "同意 7F3K"),
        (DECLINE, "拒绝 7F3K 理由"),
        (Button("Approve $300.00", "request.approve", "7F3K", typed="approve 7F3K"), "approve 7F3K"),
        (Button("Decline…", "request.decline", "7F3K", typed="decline 7F3K"), "decline 7F3K reason"),
        (Button("确认", "confirm.yes", "7F3K", typed="确认"), "确认"),
        (Button("借出 $10.00", "borrow.accept", "7F3K", typed="yes 7F3K"), "确认 7F3K"),
        (Button("暂不", "borrow.decline", "7F3K", typed="no 7F3K"), "暂不 7F3K"),
        (Button("Not now", "borrow.decline", "7F3K", typed="no 7F3K"), "no 7F3K"),
        (Button("撤回申请", "request.cancel", "7F3K", typed="cancel 7F3K"), "撤回 7F3K"),
        (Button("申请额度", "request.open", typed="request"), "申请 200 理由"),
        (Button("借给同事", "lend.open", typed="lend"), "借给 姓名 50"),
        (Button("明细", "history.open", typed="history"), "明细"),
        (Button("更早", "history.open", "7", typed="history 7"), "明细 7"),
        (Button("已读", "none"), ""),
        (Button("归还", "loan.return", "7", typed="repay 张三"), "归还 张三"),
        (Button("找同事借", "borrow.open", typed="borrow"), "向 姓名 借 50"),
        (Button("Borrow", "borrow.open", typed="borrow"), "borrow 50 from name"),
        (Button("先暂停", "surge.pause", typed="pause"), "暂停"),
    ],
)
def test_what_one_types_is_in_the_language_of_the_reader(button: Button, words: str) -> None:
    assert typed(button, "zh" if re.search("[\u4e00-\u9fff]", button.label) else "en") == words


EXAMPLES = ((r"{\w+\.word}", "李四"), (r"{last}", "7"), (r"{[\w.]+}", "7F3K"))


def words_of_buttons() -> set[str]:
    """What the buttons of the handlers type, so that a new one cannot be forgotten here."""
    sources = (path.read_text("utf-8") for path in Path(handlers.__file__).parent.rglob("*.py"))
    found = {words for source in sources for words in re.findall(r'\btyped=f?"([a-z][^"]*)"', source)}
    for pattern, example in EXAMPLES:
        found = {re.sub(pattern, example, words) for words in found}
    return found


@pytest.mark.parametrize("words", sorted(words_of_buttons()))
def test_what_a_button_types_is_chinese_for_chinese_readers_and_means_the_same(words: str) -> None:
    action = {"no 7F3K": "borrow.decline", "borrow": "borrow.open", "lend": "lend.open"}.get(words, "")
    said = typed(Button("按钮", action, typed=words), "zh")
    assert not re.search("[a-z]", said)
    assert read_command(said, MONDAY).intent == read_command(words, MONDAY).intent


def test_a_name_in_what_one_types_plants_no_link() -> None:
    button = Button("收回", "loan.recall", "7", typed="recall x](http://evil.example)")
    assert "](http" not in markdown(Message(text="x", buttons=(button,), locale="zh"))[1]


def test_names_in_another_script_do_not_change_the_language() -> None:
    told = Message(
        title="Quota request 7F3K",
        text="**张三** asks for **$300.00**",
        facts=(("Team budget 设计组", "$5,000.00"),),
        buttons=(Button("Approve $300.00", "request.approve", "7F3K", typed="approve 7F3K"),),
        locale="en",
    )
    assert card(told)["tag"] == "Open"
    assert "Team budget 设计组: $5,000.00" in str(card(told)["body"])
    assert card(Message(text="You lent $10.00 to 李四", locale="en"))["tag"] == "Settled"
    assert said(replace(told, facts=(("团队", "x"),), locale="zh")).endswith("团队：x")


def test_what_people_typed_can_plant_neither_links_nor_pictures_nor_headings() -> None:
    reason = "[赢手机](https://evil.example) ![x](http://evil/p.png) # **大** <@carol> @all"
    text = markdown(Message(text=f"> {escape(reason)}"))[1]
    assert "](" not in text
    assert "![" not in text
    assert "<@" not in text
    assert "@all" not in text
    assert "**" not in text
    assert "evil.example" in text


def test_lines_break_where_they_were_and_a_quote_stands_alone() -> None:
    assert markdown(Message(text="one\ntwo\n> three\nfour"))[1] == "one  \ntwo\n\n> three\n\nfour"


def test_commands_in_a_text_are_bold_as_there_is_no_code() -> None:
    assert markdown(Message(text="发送 `帮助` 看看"))[1] == "发送 **帮助** 看看"


def test_charts_parts_and_footnotes_have_their_place() -> None:
    chart = Chart("按模型", (("claude", 20, "$20.00"), ("gpt", 10, "$10.00")))
    text = markdown(
        Message(title="团队", text="", chart=chart, footnote="截至 10:00", parts=(Message(text="下一段"),))
    )[1]
    assert (
        text
        == "#### 团队\n\n**按模型**\n- ▇▇▇▇▇▇▇▇ claude $20.00\n- ▇▇▇▇ gpt $10.00\n\n截至 10:00\n\n---\n\n下一段"
    )


def test_a_text_that_is_too_long_is_cut_between_two_characters() -> None:
    text = markdown(Message(text="额" * 20_000))[1]
    assert len(text.encode()) <= MARKDOWN_BYTES
    assert text.endswith("额…")
    assert markdown(Message(text="额" * 80))[0] == "额" * 59 + "…"


# Cards


def test_a_card_holds_title_state_body_and_its_buttons() -> None:
    seen = card_values(card(ASK))
    assert seen["title"] == "额度申请 7F3K"
    assert seen["tag"] == "待处理"
    assert "**Pia** · payments 申请 **$300.00**" in seen["body"]
    assert "- 剩余：$380.00，还有 22 天" in seen["body"]
    assert (seen["b1_shown"], seen["b1_text"], seen["b1_action"], seen["b1_value"]) == (
        "true", "同意 $300.00", "request.approve", "7F3K",
    )  # fmt: skip
    assert (seen["b3_shown"], seen["b4_shown"]) == ("false", "false")


def test_a_settled_card_has_no_button_left() -> None:
    seen = card_values(card(ASK.without_buttons()))
    assert seen["tag"] == "已处理"
    assert {seen[f"b{n}_shown"] for n in range(1, 5)} == {"false"}
    assert slots().items() <= card(ASK.without_buttons()).items()


def test_a_card_that_only_tells_awaits_nothing_and_one_that_was_decided_says_so() -> None:
    lent = Message(text="张三 借给你 $20.00", buttons=(Button("归还", "loan.return", "7"),), locale="zh")
    approved = Message(
        text="✅ 王五 已同意", buttons=(Button("收回未用部分", "request.revoke", "7F3K"),), locale="zh"
    )
    assert (card(lent)["tag"], card(approved)["tag"]) == ("", "已处理")


def test_a_long_reason_gives_way_before_the_figures_do() -> None:
    reason = escape("压测需要更多的额度，" * 60)
    body = card_values(
        card(Message(title="t", text=f"**Pia** 申请 **$300.00**\n> {reason}", facts=ASK.facts, locale="zh"))
    )["body"]
    assert len(body.encode()) <= VALUE_BYTES
    assert "剩余：$380.00，还有 22 天" in body
    assert "…" in body


def test_everything_fits_a_card_whatever_it_is() -> None:
    long = Message(
        title="题" * 600,
        text="文" * 3000,
        facts=(("名" * 300, "值" * 300),) * 9,
        buttons=(APPROVE,) * 6,
        footnote="注" * 900,
    )
    for key, value in card_values(card(long) | hint("提" * 900)).items():
        assert len(key.encode()) <= KEY_BYTES
        assert len(value.encode()) <= VALUE_BYTES


def test_a_fifth_button_is_typed() -> None:
    many = Message(
        text="x",
        buttons=tuple(Button(f"撤回 {n}", "request.cancel", str(n), typed=f"cancel {n}") for n in range(5)),
    )
    assert "撤回 4" in str(card(many)["body"])


def test_a_form_becomes_the_words_to_type() -> None:
    fields = (Field("reason", "给 Pia 的理由"),)
    form = Form("request.decline", "拒绝申请", "拒绝", "返回", fields, "7F3K", "decline 7F3K")
    assert form_hint(form) == "请回复：`拒绝 7F3K 理由`"
    assert (
        form_hint(Form("request.new", "Ask for more quota", "Send", "Back", typed="request"))
        == "Please reply: `request 200 reason`"
    )


def test_a_hint_is_shown_only_when_there_is_one() -> None:
    assert hint("好的") == {"hint": "好的", "hint_shown": True}
    assert hint("") == {"hint": "", "hint_shown": False}
    assert said(Message(text="a", facts=(("b", "c"),), footnote="d")) == "a\nb: c\nd"


def test_the_id_of_a_card_is_the_same_for_every_try_and_safe() -> None:
    key = "dingtalk:msgXx/+==#1"
    assert track_of(key) == track_of(key)
    assert track_of(key) != track_of("dingtalk:msgXx/+==#2")
    assert len(track_of("x" * 500)) <= 64
    assert track_of(key).replace("-", "").replace("_", "").isalnum()
