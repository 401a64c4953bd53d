"""How people write in chat, and what it asks for; above all what must never move anything.

The sentences are in sentences.txt, where one more costs a line.
"""

from __future__ import annotations

import itertools
import time
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.command import Command, Person
from handlers.language.chinese import CHINESE
from handlers.language.english import ENGLISH
from handlers.language.typed import TYPED
from handlers.language.understanding import number_of, prepare, printed, understand
from models.ledger.amount import Unit, parse
from models.refusal import AmbiguousAmount, BadAmount

BOB = "<@U02BOB>"
WEDNESDAY = date(2026, 11, 25)
MOVES = (
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
)


def sentences() -> dict[str, list[tuple[str, str | None]]]:
    """What each section of sentences.txt holds: sentence and amount."""
    found: dict[str, list[tuple[str, str | None]]] = {}
    for line in Path(__file__).with_name("sentences.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            found[line.strip("[]")] = section = []
        elif line and not line.startswith("#"):
            text, _, amount = line.replace("@@", BOB).partition(" = ")
            section.append((text, amount or None))
    return found


def asks(text: str) -> Command:
    return understand(text, today=WEDNESDAY)


SENTENCES = sentences()


@pytest.mark.parametrize("intent", SENTENCES)
def test_what_people_write_is_understood(intent: str) -> None:
    whose = "U02BOB" if intent not in ("loans", "none") else None
    wanted = {text: (intent, amount, whose if BOB in text else None) for text, amount in SENTENCES[intent]}
    found = {text: printed(asks(text)) for text in wanted}
    assert {text: (one["intent"], one["amount"], one["person"]) for text, one in found.items()} == wanted


# ── the examples of the issue, word for word ────────────────────────────────────────────────────────

EXAMPLES = [
    ("how much quota do I have left?", {"intent": "balance"}),
    ("will I make it to the end of the month", {"intent": "balance"}),
    ("还剩多少token", {"intent": "balance"}),
    ("我的余额", {"intent": "balance"}),
    ("lend <@U02BOB> 50", {"intent": "lend", "person": "U02BOB", "amount": "50"}),
    ("give <@U02BOB> 1.5k for the load test", {"intent": "lend", "person": "U02BOB", "amount": "1500", "reason": "the load test"}),
    ("借给<@U02BOB> 三百块", {"intent": "lend", "person": "U02BOB", "amount": "300"}),
    ("转 2万 给 <@U02BOB>，跑评测用", {"intent": "lend", "person": "U02BOB", "amount": "20000", "reason": "跑评测用"}),
    ("borrow 20 from <@U02BOB> until Friday", {"intent": "borrow", "person": "U02BOB", "amount": "20"}),
    ("could somebody lend me 80?", {"intent": "borrow", "amount": "80"}),
    ("跟<@U02BOB>借五十", {"intent": "borrow", "person": "U02BOB", "amount": "50"}),
    ("<@U02BOB> 借我100", {"intent": "borrow", "person": "U02BOB", "amount": "100"}),
    ("pay <@U02BOB> back 30", {"intent": "repay", "person": "U02BOB", "amount": "30"}),
    ("还<@U02BOB> 20", {"intent": "repay", "person": "U02BOB", "amount": "20"}),
    ("I need another 300 to finish the migration", {"intent": "request", "amount": "300", "reason": "finish the migration"}),
    ("申请追加 500，做回归测试", {"intent": "request", "amount": "500", "reason": "做回归测试"}),
    ("额度用完了，能加点吗", {"intent": "request", "amount": None}),
    ("what did I use it on", {"intent": "history"}),
    ("额度花在哪了", {"intent": "history"}),
    ("who do I owe", {"intent": "loans"}),
    ("谁还欠我的", {"intent": "loans"}),
    ("what is left in our team budget", {"intent": "team"}),
    ("团队还有多少预算", {"intent": "team"}),
    ("how does lending work", {"intent": "help"}),
    ("怎么用", {"intent": "help"}),
    ("see you tomorrow", {"intent": "none"}),
    ("<@U02BOB> is out today", {"intent": "none"}),
    ("please don't lend anything to <@U02BOB>", {"intent": "none"}),
    ("收到", {"intent": "none"}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), EXAMPLES)
def test_the_examples_are_understood(text: str, wanted: dict[str, str | None]) -> None:
    found = printed(asks(text))
    assert {key: found[key] for key in wanted} == wanted


# ── the typed grammar ───────────────────────────────────────────────────────────────────────────────

COMMANDS = [
    ("", "balance", {}),
    ("balance", "balance", {}),
    ("余额", "balance", {}),
    ("lend @@ 50", "lend", {"person": "U02BOB", "amount": "50"}),
    ("LEND @@ 50 load test", "lend", {"person": "U02BOB", "amount": "50", "reason": "load test"}),
    ("lend @@ 50 for the load test", "lend", {"reason": "the load test"}),
    ("lend @@ 50 sprint 12", "lend", {"amount": "50", "reason": "sprint 12"}),
    ("lend @@ all", "lend", {"amount": "all"}),
    ("lend <@U02BOB|bob> 50", "lend", {"person": "U02BOB"}),
    ("lend <@manager42> 50", "lend", {"person": "manager42"}),
    ("lend @dingtalk:manager42 50", "lend", {"person": "manager42"}),
    ("借给 @@ 50", "lend", {"person": "U02BOB", "amount": "50"}),
    ("借给@@ 50 跑评测", "lend", {"reason": "跑评测"}),
    ("borrow 50 from @@", "borrow", {"person": "U02BOB", "amount": "50"}),
    ("borrow @@ 50", "borrow", {"person": "U02BOB", "amount": "50"}),
    ("向 @@ 借 50", "borrow", {"person": "U02BOB", "amount": "50"}),
    ("repay @@ 20", "repay", {"person": "U02BOB", "amount": "20"}),
    ("repay @@", "repay", {"person": "U02BOB", "amount": None}),
    ("还 @@ 20", "repay", {"amount": "20"}),
    ("recall @@ 20", "recall", {"amount": "20"}),
    ("forgive @@ 20", "forgive", {"amount": "20"}),
    ("request 200", "request", {"amount": "200", "reason": ""}),
    ("request 200 until 15 Dec load test", "request", {"amount": "200", "until": "2026-12-15", "reason": "until 15 Dec load test"}),
    ("request 200 load test until 15 Dec", "request", {"until": "2026-12-15", "reason": "load test until 15 Dec"}),
    ("申请 200 做压测", "request", {"amount": "200", "reason": "做压测"}),
    ("申请 200 用到12月15日 做压测", "request", {"until": "2026-12-15", "reason": "用到12月15日 做压测"}),
    ("approve 7f3k", "approve", {"code": "7F3K", "amount": None}),
    ("approve 7F3K 100", "approve", {"code": "7F3K", "amount": "100"}),
    ("同意 7F3K 1.5k", "approve", {"code": "7F3K", "amount": "1.5k"}),
    ("decline 7F3K too much", "decline", {"code": "7F3K", "reason": "too much"}),
    ("decline 7F3K because not this month", "decline", {"reason": "not this month"}),
    ("拒绝 7F3K 预算不够", "decline", {"code": "7F3K", "reason": "预算不够"}),
    ("cancel 7F3K", "cancel", {"code": "7F3K"}),
    ("撤回 7F3K", "cancel", {"code": "7F3K"}),
    ("revoke 7F3K", "revoke", {"code": "7F3K"}),
    ("收回 7F3K", "revoke", {"code": "7F3K"}),
    ("delegate @@ until friday", "delegate", {"person": "U02BOB", "until": "2026-11-27"}),
    ("委托 @@ 到周五", "delegate", {"person": "U02BOB", "until": "2026-11-27"}),
    ("yes", "yes", {}),
    ("确认", "yes", {}),
    ("no", "no", {}),
    ("取消", "no", {}),
    ("loans", "loans", {}),
    ("借款", "loans", {}),
    ("history", "history", {}),
    ("明细", "history", {}),
    ("team", "team", {}),
    ("团队", "team", {}),
    ("help", "help", {}),
    ("帮助", "help", {}),
    ("lang en", "lang", {"code": "en"}),
    ("lang zh", "lang", {"code": "zh"}),
    ("lend", "lend", {"person": None}),
    ("request", "request", {"amount": None}),
    ("approve", "approve", {"code": ""}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "intent", "wanted"), COMMANDS)
def test_the_typed_grammar_is_exact(text: str, intent: str, wanted: dict[str, str | None]) -> None:
    found = asks(text.replace("@@", BOB))
    assert (found.intent, found.confidence) == (intent, "exact")
    parts = vars(found) | {"person": found.person.id if found.person else None}
    assert {key: parts[key] for key in wanted} == wanted


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("lend bob 50", "bob"),
        ("lend Bob Smith 50", "Bob Smith"),
        ("lend @bob 50", "bob"),
        ("lend bob@corp.example 50", "bob@corp.example"),
        ("lend <mailto:bob@corp.example|bob@corp.example> 50", "bob@corp.example"),
        ("lend 10086 50", "10086"),
        ("lend E1024 50", "E1024"),
        ("借给李四 50", "李四"),
        ("借给 @李四 50", "李四"),
    ],
)
def test_a_typed_name_is_a_name_and_never_an_id(text: str, name: str) -> None:
    found = asks(text)
    assert (found.intent, found.person, number_of(found)) == ("lend", Person(name=name), "50")


@pytest.mark.parametrize(
    ("text", "name", "amount"),
    [
        ("借给李四五十块", "李四", "50"),
        ("借给张三三百", "张三", "300"),
        ("向王五借五十块", "王五", "50"),
        ("借给欧阳·娜娜 50", "欧阳·娜娜", "50"),
        ("借给 张三(研发) 50", "张三", "50"),
        ("借给@张三（研发）50", "张三", "50"),
        ("lend Mary Jane Watson 50", "Mary Jane Watson", "50"),
        ("lend pat.o'neil@corp.example 50", "pat.o'neil@corp.example", "50"),
        ("write off bob's debt", "bob", None),
        ("转账给bob 30", "bob", "30"),
        ("我的额度用不完 给李雷200吧", "李雷", "200"),
    ],
)
def test_a_name_of_any_make_is_told_from_the_amount(text: str, name: str, amount: str | None) -> None:
    found = asks(text)
    assert (found.person, number_of(found)) == (Person(name=name), amount)


# ── amounts, days, reasons ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("amount", ["-5", "1e6", "0x10", "½", "٣", "0", "50-60", "约50", "about 50", "50%", "NaN", "€20x"[:3], "50 60", "50 or 60", "1.000", "1,5m", "1兆", "9" * 30])  # fmt: skip
def test_an_amount_that_is_none_reaches_the_one_who_says_why(amount: str) -> None:
    found = asks(f"lend {BOB} {amount}")
    assert (found.intent, found.confidence, printed(found)["amount"]) == ("lend", "unclear", None)
    assert found.amount
    with pytest.raises((BadAmount, AmbiguousAmount)):
        parse(found.amount, Unit.TOKENS)


@pytest.mark.parametrize(
    ("amount", "number"),
    [("1.5k", "1500"), ("三百块", "300"), ("2万", "20000"), ("５０", "50"), ("$12.50", "12.5"), ("500,000", "500000"), ("500 000", "500000"), ("fifty", "50"), ("3万5千", "35000"), ("100 more tokens", "100")],
)  # fmt: skip
def test_amounts_are_plain_decimals(amount: str, number: str) -> None:
    assert printed(asks(f"lend {BOB} {amount}"))["amount"] == number


def test_a_spoken_short_form_is_to_be_confirmed() -> None:
    found = asks(f"借给{BOB} 三万五")
    assert (number_of(found), found.confidence) == ("35000", "unclear")


@pytest.mark.parametrize(
    "text",
    [
        f"lend {BOB} 50 and 60",
        "request 200, no 300",
        f"lend {BOB} 50 for him and 20 for the demo",
        f"借给{BOB}50或者60",
    ],
)
def test_two_amounts_are_none(text: str) -> None:
    found = asks(text)
    assert number_of(found) is None
    assert found.confidence == "unclear"


@pytest.mark.parametrize(
    "text",
    [
        f"lend {BOB} <@U03EVE> 50",
        f"lend {BOB} and <@U03EVE> 50",
        f"借给{BOB}和<@U03EVE>50",
        f"{BOB} lend <@U03EVE> 50",
    ],
)
def test_two_people_are_no_loan(text: str) -> None:
    assert printed(asks(text))["intent"] == "none"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("request 200 test", "test"),
        (f"lend {BOB} 200 run evals", "run evals"),
        ("申请 200 人手不足", "人手不足"),
        ("申请 200 月底冲刺", "月底冲刺"),
    ],
)
def test_after_the_amount_of_a_command_stands_a_reason(text: str, reason: str) -> None:
    found = asks(text)
    assert (found.confidence, number_of(found), found.reason) == ("exact", "200", reason)


def test_a_command_about_things_and_times_is_none() -> None:
    for thing in ("3 days", "3 books", "1 book", "2 people", "3天", "3 天", "3 天后还", "50 次", "3 本"):
        assert asks(f"lend {BOB} {thing}").intent == "none", thing


def test_things_that_are_counted_are_no_amounts() -> None:
    for text in (
        "give me 5 minutes",
        f"send {BOB} 3 files",
        "申请年假3天",
        "给我5分钟",
        "I need 2 reviewers",
    ):
        assert asks(text).amount is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("request 200 for the load test, thanks!", "the load test"),
        ("I need 300 because the eval suite grew", "the eval suite grew"),
        ("申请500，用来跑评测", "跑评测"),
        ("申请500 理由：上线压测", "上线压测"),
        ("request 200 to read mail from Zoë (QA)", "read mail from Zoë (QA"),
        ("request 200 please", ""),
    ],
)
def test_a_reason_is_kept_as_it_was_written(text: str, reason: str) -> None:
    assert asks(text).reason == reason


def test_a_day_needs_today_and_stays_in_the_reason_of_a_request() -> None:
    text = "request 200 until friday for docs"
    assert (understand(text).until, understand(text).reason) == (None, "until friday for docs")
    assert (asks(text).until, asks("request 200 until friday").reason) == ("2026-11-27", "")


@pytest.mark.parametrize(
    "text", ["lend <@U02BOB> all until 20 Nov demo", "借给 <@U02BOB> 全部 用到11月20日 demo"]
)
def test_everything_may_have_a_day_and_a_reason(text: str) -> None:
    found = understand(text, today=date(2026, 11, 10))
    assert (found.intent, found.amount, found.until, found.reason) == ("lend", "all", "2026-11-20", "demo")


def test_a_day_that_does_not_exist_is_handed_on_for_the_refusal() -> None:
    found = asks("request 200 until 30 Feb")
    assert (found.until, printed(found)["until"]) == ("30 Feb", None)


def test_the_language_asked_for_is_named() -> None:
    assert [asks(text).code for text in ("speak english", "说中文", "switch to Chinese", "用英文")] == [
        "en",
        "zh",
        "zh",
        "en",
    ]


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("what is waiting for me", "pending"),
        ("show my pending approvals", "pending"),
        ("有哪些待我审批的", "pending"),
        ("谁在等我批", "pending"),
        ("stop delegating my approvals", "undelegate"),
        ("取消审批委托", "undelegate"),
        ("who uses the most", "help"),
        ("谁用得最多", "help"),
        ("approve everything that waits for me", "approve_all"),
        ("把待办都同意", "approve_all"),
        ("he approved everything", "none"),
        ("I need emergency quota", "emergency"),
        ("紧急额度来50", "emergency"),
        ("show me the budgets", "budget"),
        ("各组预算怎么样了", "budget"),
    ],
)
def test_the_newer_commands_are_reached_by_sentences(text: str, intent: str) -> None:
    assert (asks(text).intent, asks(text).exact) == (intent, False)


def test_our_own_name_in_the_text_is_nobody() -> None:
    for text in ("@quotabot 借我50", "借我50 @Quotabot"):
        assert (asks(text).intent, asks(text).person, number_of(asks(text))) == ("borrow", None, "50")


# ── what must never move anything ───────────────────────────────────────────────────────────────────

DENIED = {
    True: ["don't {}", "please don't {}", "never {}", "he said {}", "should I {}", "I will not {}", "carol should {}", "if I {}", "bob wants to {}",
           "why {}", "no need to {}", "what if I {}", "tell carol to {}", '"{}"', "yesterday I {}", "it's wrong to {}"],
    False: ["别{}", "不要{}", "他说{}", "不用{}", "听说{}", "如果{}", "要不要{}", "昨天{}", "为什么{}", "千万别{}", "不想{}", "假如{}", "先别{}", "“{}”"],
}  # fmt: skip
PLAIN = [
    text for intent in MOVES for text, _ in SENTENCES[intent] if not any(mark in text for mark in ",，:：")
]


def test_whatever_moves_quota_moves_nothing_when_denied_reported_or_supposed() -> None:
    for text in PLAIN[::3]:
        for frame in DENIED[text.isascii()]:
            found = asks(frame.format(text))
            assert found.intent not in MOVES or found.confidence == "unclear", frame.format(text)


@pytest.mark.parametrize(
    "tail",
    [
        "? no way",
        " - just kidding",
        ", never mind",
        " was a mistake",
        ", 算了",
        "?",
        " if he asks",
        " tomorrow",
    ],
)
def test_second_thoughts_are_heard(tail: str) -> None:
    found = asks(f"lend {BOB} 50{tail}")
    assert found.intent == "none" or found.confidence == "unclear"


def test_a_command_that_is_mistyped_is_said_back() -> None:
    for text, intent in (
        (f"lnd {BOB} 50", "lend"),
        (f"borow 20 from {BOB}", "borrow"),
        ("reqest 200", "request"),
        ("aprove 7F3K", "approve"),
    ):
        assert (asks(text).intent, asks(text).confidence) == (intent, "unclear")


@given(st.text(max_size=80))
def test_no_text_breaks_it(text: str) -> None:
    assert set(printed(asks(text))) == {"intent", "person", "amount", "reason", "until", "confidence"}


@given(st.lists(st.sampled_from(["lend", "借", "给", BOB, "50", "三百", "me", "to", "from", "not", "不", "who", "quota", "额度", "until", "friday", ",", "?", "all", "我", "还"]), max_size=10))  # fmt: skip
def test_no_order_of_the_words_breaks_it(words: list[str]) -> None:
    found = asks(" ".join(words))
    if found.intent in MOVES and found.confidence == "exact" and len(words) > 1:
        assert words[0] in ("lend", "借", "还")


def test_long_nonsense_is_read_quickly() -> None:
    begun = time.perf_counter()
    for word, times in itertools.product(
        ("我想", "please ", "1,", "hi, ", "until ", "到", "@a ", "额度", "how much "), (50, 5000)
    ):
        asks(word * times)
    assert time.perf_counter() - begun < 5


def test_what_was_prepared_is_compiled_and_the_first_sentence_finds_it_so() -> None:
    assert len(list(prepare())) > len(TYPED)
    for template in (*TYPED, *ENGLISH, *CHINESE):
        assert "pattern" in vars(template)
