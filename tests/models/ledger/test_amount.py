"""Amounts: every vector of rules.md §1 and of approvals.md §7.8, and what must hold for anything anybody can type."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from babel import numbers
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.ledger.amount import (
    ALL,
    LARGEST,
    Reading,
    Unit,
    Why,
    from_plain,
    parse,
    plain,
    read_number,
    round_up_float,
    round_up_plain,
    share,
    share_up,
    shown,
)
from models.refusal import AmbiguousAmount, BadAmount, Refusal

units = st.sampled_from(list(Unit))
stored = st.integers(min_value=-LARGEST, max_value=LARGEST)


@pytest.mark.parametrize(
    ("typed", "tokens"),
    [
        *[(typed, 500_000) for typed in ("500000", "500,000", "500_000", "500'000", "500 000", "５００，０００", "500\u00a0000")],
        *[(typed, 500_000) for typed in ("500k", "500K", "0.5m", "0.5M", "50万", "50w", "５０万", "五十万", "伍拾万", "50 万", "500 k")],
        *[("三万五千", 35_000), ("3万5千", 35_000), ("两千", 2_000), ("三百", 300), ("三万零五", 30_005), ("十万", 100_000)],
        *[("１００", 100), ("1.5M", 1_500_000), ("1.5百万", 1_500_000), ("一百五十万", 1_500_000), ("两百萬", 2_000_000)],
        *[("1.250M", 1_250_000), ("1.0000k", 1_000), ("007", 7), ("1亿", 100_000_000), ("2b", 2_000_000_000), ("9007199254740991", LARGEST), (f"{'0' * 31}5", 5)],
        *[("20块", 20), ("三百块", 300), ("三百块钱", 300), ("20元", 20), ("500 bucks", 500), ("200个", 200), ("50 credits", 50), ("200额度", 200)],
        *[("100 tokens", 100), ("1 token", 1), ("十万token", 100_000), ("2万个token", 20_000), ("100 令牌", 100)],
        *[("fifty", 50), ("two hundred", 200), ("a thousand", 1_000), ("twenty-five", 25), ("2 million", 2_000_000), ("5 grand", 5_000)],
    ],
)  # fmt: skip
def test_what_people_type_is_read_exactly(typed: str, tokens: int) -> None:
    assert parse(typed, Unit.TOKENS) == Reading(tokens)


@pytest.mark.parametrize(
    ("typed", "unit", "amount"),
    [
        ("$20", Unit.USD, 20_000_000),
        ("$ 1.5", Unit.USD, 1_500_000),
        ("$1,234.50", Unit.USD, 1_234_500_000),
        ("20 dollars", Unit.USD, 20_000_000),
        ("20刀", Unit.USD, 20_000_000),
        ("US$20", Unit.USD, 20_000_000),
        ("20元", Unit.USD, 20_000_000),
        ("0.000001", Unit.USD, 1),
        ("0.125", Unit.USD, 125_000),
        ("1.0005k", Unit.USD, 1_000_500_000),
        ("¥20", Unit.CNY, 20_000_000),
        ("￥２０", Unit.CNY, 20_000_000),
        ("20 rmb", Unit.CNY, 20_000_000),
        ("20块", Unit.CNY, 20_000_000),
        ("$20 bucks", Unit.USD, 20_000_000),
    ],
)
def test_money_has_six_decimals_and_its_own_signs(typed: str, unit: Unit, amount: int) -> None:
    assert parse(typed, unit) == Reading(amount)


@pytest.mark.parametrize(
    ("typed", "tokens"),
    [
        ("三万五", 35_000),
        ("3万5", 35_000),
        ("三百五", 350),
        ("一千二", 1_200),
        ("一亿二", 120_000_000),
        ("3万500", 30_500),
        ("两万二", 22_000),
    ],
)
def test_a_spoken_short_form_is_understood_but_to_be_confirmed(typed: str, tokens: int) -> None:
    assert parse(typed, Unit.TOKENS) == Reading(tokens, sure=False)


@pytest.mark.parametrize("typed", ["all", "ALL", "everything", "max", "全部", "所有", " all "])
def test_everything_is_a_word_and_no_number(typed: str) -> None:
    assert parse(typed, Unit.USD) is ALL


@pytest.mark.parametrize(
    ("typed", "choices"),
    [
        ("1.000", (1, 1_000)),
        ("12.500", (12_500,)),
        ("1,5m", (1_500_000, 15_000_000)),
        ("1,0000", (1, 10_000)),
        ("10,0000", (10, 100_000)),
        ("1,00,000", (100_000,)),
        ("1.000.000", (1_000_000,)),
        ("1兆", (1_000_000, 10**12)),
        ("一兆", (1_000_000, 10**12)),
    ],
)
def test_what_two_people_would_read_differently_is_asked_back(typed: str, choices: tuple[int, ...]) -> None:
    with pytest.raises(AmbiguousAmount) as asked:
        parse(typed, Unit.TOKENS)
    assert (asked.value.text, asked.value.choices) == (typed, choices)


def test_the_choices_asked_back_are_in_stored_units() -> None:
    for typed, choices in {"1.000": (10**6, 10**9), "1,5": (1_500_000, 15_000_000), "0,5": (500_000,), "1.000,50": (1_000_500_000,), "1点5": (1_500_000,), "9007199254,740991": (LARGEST,)}.items():  # fmt: skip
        with pytest.raises(AmbiguousAmount) as asked:
            parse(typed, Unit.CNY)
        assert asked.value.choices == choices


@pytest.mark.parametrize(
    ("why", "typed"),
    [
        *[(Why.EMPTY, typed) for typed in ("", "  ", "\u3000")],
        *[(Why.ZERO, typed) for typed in ("0", "零", "0k", "0.00", "００")],
        *[(Why.NEGATIVE, typed) for typed in ("-5", "-5k", "−5k", "－５", "(5k)", "-0", "负五", "minus 5")],
        *[(Why.NOT_A_NUMBER, typed) for typed in ("NaN", "inf", "∞", "half", "一半", "a", "k", "万", "百万", "三五百", "一二三", "1_0")],
        *[(Why.NOT_A_NUMBER, typed) for typed in ("+5", "5%", ".5", "5.", "1,,2", "5 apples", "3千5万", "1k2", "fifty twenty", "True")],
        *[(Why.EXPONENT, typed) for typed in ("1e6", "1E6", "1.5e3", "1e-3", "10^6", "2x10", "１e６")],
        *[(Why.HEX, typed) for typed in ("0x10", "0XFF")],
        *[(Why.OTHER_DIGITS, typed) for typed in ("½", "²", "10²", "٣", "①", "①0", "5٠", "𝟓", "Ⅷ", "㊿")],
        *[(Why.HIDDEN_CHARACTERS, typed) for typed in ("5\u200b0", "\u202e50", "50\u2066", "5\x000", "5\t0", "\ufeff50")],
        *[(Why.TOO_PRECISE, typed) for typed in ("1.5", "1.0005k", "0.125", "0,5")],
        *[(Why.TOO_BIG, typed) for typed in ("9007199254740992", "9007199255b", "9" * 30)],
        (Why.TOO_LONG, f"{'0' * 32}5"),
        *[(Why.TWO_NUMBERS, typed) for typed in ("50 60", "500 600", "50 and 60", "50和60", "50、60", "5k 6k", "50/60")],
        *[(Why.RANGE, typed) for typed in ("50-60", "50-60万", "50~60", "50～60", "50到60", "50 to 60", "50 or 60", "约50万", "about 50")],
        *[(Why.RANGE, typed) for typed in ("50左右", "500多", "几百", "50+", "up to 50", "十来万")],
        *[(Why.WRONG_CURRENCY, typed) for typed in ("$20", "¥20", "￥20", "20 usd", "20美元", "20 rmb", "€20", "£5", "HK$20", "20欧元", "20 yen")],
    ],
)  # fmt: skip
def test_a_refusal_says_why(why: Why, typed: str) -> None:
    with pytest.raises(BadAmount) as refused:
        parse(typed, Unit.TOKENS)
    assert (refused.value.why, refused.value.text) == (why, typed)


@pytest.mark.parametrize(
    ("typed", "unit"),
    [
        ("¥20", Unit.USD),
        ("$20", Unit.CNY),
        ("100 tokens", Unit.USD),
        ("100 tokens", Unit.CREDITS),
        ("$20 rmb", Unit.USD),
        ("$20 rmb", Unit.CNY),
    ],
)
def test_another_unit_than_the_workspaces_is_refused(typed: str, unit: Unit) -> None:
    with pytest.raises(BadAmount) as refused:
        parse(typed, unit)
    assert refused.value.why == Why.WRONG_CURRENCY


def test_money_finer_or_larger_than_stored_is_refused() -> None:
    for typed, why in {"0.0000001": Why.TOO_PRECISE, "9007199254.740992": Why.TOO_BIG, "9007199254.7409910000000000001": Why.TOO_BIG, "1.00000000000000000000000000001": Why.TOO_PRECISE}.items():  # fmt: skip
        with pytest.raises(BadAmount) as refused:
            parse(typed, Unit.USD)
        assert refused.value.why == why


def test_a_number_without_a_unit_keeps_its_decimals() -> None:
    number = read_number("1.5k")
    assert number is not ALL
    assert number.values == (Decimal(1500),)


# ── whatever anybody types ──────────────────────────────────────────────────────────────────────────

# the grammar once more, as one expression that knows nothing of the parser
NUMBER = r"[0-9]+(\.[0-9]+)?|[0-9]{1,3}([,_'\u00a0\u2009\u202f ][0-9]{3})+(\.[0-9]+)?"
CHINESE = "[零〇一二两三四五六七八九十百千万亿萬億壹贰貳叁參肆伍陆陸柒捌玖拾佰仟兩]+"
ENGLISH = "[a-z]+([ -][a-z]+){0,3}"
SUFFIX = "(k|m|b|w|百|千|万|萬|十万|百万|千万|亿|億|十亿|百亿|hundred|thousand|grand|million|mil|billion)?"
UNIT = r"(us\$|\$|usd|us dollars?|dollars?|美元|美金|刀|cn¥|¥|cny|rmb|yuan|人民币|tokens?|toks?|令牌|词元|bucks?|块钱|块|元|圆|个|credits?|积分|点|额度|配额|quota)?"
GRAMMAR = re.compile(
    rf"(?i){UNIT}\s*(({NUMBER})\s*{SUFFIX}|([0-9.]+[百千万亿萬億])+[0-9]*|{CHINESE}|{ENGLISH})\s*{UNIT}\s*{UNIT}\s*{UNIT}"
)
WIDE = str.maketrans("0123456789,.", "０１２３４５６７８９，．")

likely = st.text(
    st.sampled_from("0123456789.,_' kmbwKMW千万亿百十三五零两块元$¥￥-+()eExX０１９．²½٣①兆点\u200b\u00a0"),
    max_size=12,
)


def reading(typed: str, unit: Unit) -> object:
    try:
        return parse(typed, unit)
    except Refusal as refused:
        return type(refused), refused.facts.get("why"), refused.facts.get("choices")


@given(st.one_of(likely, st.text(max_size=40)), units)
def test_nothing_outside_the_grammar_is_an_amount(typed: str, unit: Unit) -> None:
    found = reading(typed, unit)
    if isinstance(found, Reading):
        assert GRAMMAR.fullmatch(
            typed.strip().translate(str.maketrans("０１２３４５６７８９，．＄￥", "0123456789,.$¥"))
        )
        assert 0 < found.amount <= LARGEST


@given(
    likely,
    units,
    st.sampled_from(["", " ", "\u3000", "\n", "\u00a0"]),
    st.sampled_from(["", " ", "\t", "\u2009"]),
)
def test_trimming_and_full_width_digits_never_change_a_value(
    typed: str, unit: Unit, before: str, after: str
) -> None:
    assert reading(f"{before}{typed}{after}", unit) == reading(typed, unit)
    assert reading(typed.translate(WIDE), unit) == reading(typed, unit)


@given(st.integers(1, LARGEST), units)
def test_a_plain_amount_is_read_as_itself_or_asked_about(amount: int, unit: Unit) -> None:
    found = reading(plain(amount, unit), unit)
    assert found == Reading(amount) or (isinstance(found, tuple) and amount in found[2])


@given(st.integers(1, LARGEST))
def test_grouped_digits_are_read_as_written(amount: int) -> None:
    assert parse(f"{amount:,}", Unit.TOKENS) == Reading(amount)
    assert parse(f"{amount:_}", Unit.TOKENS) == Reading(amount)


@given(st.integers(1, 10**12))
def test_chinese_numerals_are_read_as_written(amount: int) -> None:
    import cn2an  # noqa: PLC0415 - slow to import, and only this test writes numerals

    assert parse(cn2an.an2cn(amount, "low"), Unit.TOKENS) == Reading(amount)


# ── writing ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        (-3_250_000, "-3.25"),
        (0, "0"),
        (1, "0.000001"),
        (1_500_000, "1.5"),
        (100_000_000, "100"),
        (-1, "-0.000001"),
        (LARGEST, "9007199254.740991"),
    ],
)
def test_plain_has_no_exponent_no_separators_and_no_trailing_zeros(amount: int, written: str) -> None:
    assert plain(amount, Unit.USD) == written


@given(stored, units)
def test_plain_and_from_plain_are_inverse(amount: int, unit: Unit) -> None:
    written = plain(amount, unit)
    assert from_plain(written, unit) == amount
    assert from_plain(Decimal(written), unit) == amount
    assert not re.search(r"[eE,_ +]|\.$|\.[0-9]*0$", written)


def test_numbers_of_files_may_be_zero_negative_or_padded() -> None:
    assert from_plain("12.50", Unit.USD) == 12_500_000
    assert from_plain(" -0.5 ", Unit.CNY) == -500_000
    assert from_plain(500, Unit.CREDITS) == 500
    assert from_plain(Decimal("1E+3"), Unit.TOKENS) == 1_000
    assert from_plain("0", Unit.TOKENS) == 0
    assert from_plain(LARGEST, Unit.TOKENS) == LARGEST


@pytest.mark.parametrize(
    "number",
    ["", "1,000", "1e3", "NaN", "٣", "0x1", "+1", ".5", "1.", "1 000", Decimal("NaN"), True, "1" * 70],
)
def test_anything_else_in_a_file_is_refused(number: str | Decimal | bool) -> None:
    with pytest.raises(BadAmount) as refused:
        from_plain(number, Unit.USD)
    why = Why.NOT_A_NUMBER if number else Why.EMPTY
    assert (refused.value.why, refused.value.text) == (why, str(number))


def test_a_file_may_not_be_more_precise_than_the_unit() -> None:
    for number, unit in (("0.5", Unit.TOKENS), ("0.0000001", Unit.USD), (Decimal("1.5"), Unit.CREDITS)):
        with pytest.raises(BadAmount) as refused:
            from_plain(number, unit)
        assert refused.value.why == Why.TOO_PRECISE


def test_a_gateways_float_is_rounded_up_to_the_micro_unit() -> None:
    assert (
        round_up_float(0.1, Unit.USD) == 100_000
    )  # not 100001: what the gateway printed, not its binary tail
    assert round_up_float(0.0000001, Unit.USD) == 1
    assert round_up_float(1e-9, Unit.USD) == 1
    assert round_up_float(12.3456781, Unit.USD) == 12_345_679
    assert round_up_float(3, Unit.TOKENS) == 3
    assert round_up_float(2.1, Unit.TOKENS) == 3
    assert round_up_float(0.0, Unit.USD) == 0
    for odd in (float("nan"), float("inf")):
        with pytest.raises(BadAmount) as refused:
            round_up_float(odd, Unit.USD)
        assert (refused.value.why, refused.value.text) == (Why.NOT_A_NUMBER, repr(odd))


def test_a_gateways_text_is_rounded_up_to_the_stored_unit() -> None:
    for text, unit, amount in (
        ("0.30000000000000004", Unit.USD, 300_001), ("1.2e-05", Unit.USD, 12), (" -0.0000019 ", Unit.USD, -1),
        ("2.0", Unit.TOKENS, 2), ("1E+2", Unit.TOKENS, 100), ("2.1", Unit.CREDITS, 3), ("0", Unit.CNY, 0),
        ("9007199254.740991", Unit.USD, LARGEST), (f"-{LARGEST}", Unit.TOKENS, -LARGEST),
    ):  # fmt: skip
        assert round_up_plain(text, unit) == amount


@pytest.mark.parametrize(
    ("why", "text"),
    [
        *[(Why.EMPTY, text) for text in ("", " ")],
        *[(Why.NOT_A_NUMBER, text) for text in ("NaN", "1e", "1e1000", "1,000", ".5", "0x1", "--1", "1 2")],
        *[
            (Why.TOO_BIG, text)
            for text in (str(LARGEST + 1), str(-LARGEST - 1), "9007199254740991.01", "1e999")
        ],
    ],
)
def test_a_gateways_text_that_is_no_amount_says_why(why: Why, text: str) -> None:
    with pytest.raises(BadAmount) as refused:
        round_up_plain(text, Unit.TOKENS)
    assert (refused.value.why, refused.value.text) == (why, text)


@given(st.integers(0, LARGEST), st.decimals(0, 1, places=4))
def test_what_moves_rounds_down_and_what_stays_rounds_up(amount: int, part: Decimal) -> None:
    assert share(amount, part) <= share_up(amount, part) <= share(amount, part) + 1
    assert share(amount, part) + share_up(amount, 1 - part) == amount


@pytest.mark.parametrize(
    ("amount", "unit", "english", "chinese"),
    [
        (1_234_500_000, Unit.USD, "$1,234.50", "$1,234.50"),
        (1_234_500_000, Unit.CNY, "¥1,234.50", "¥1,234.50"),
        (20_000_000, Unit.USD, "$20.00", "$20.00"),
        (-3_250_000, Unit.USD, "-$3.25", "-$3.25"),
        (1_234_567, Unit.USD, "$1.234567", "$1.234567"),
        (0, Unit.USD, "$0.00", "$0.00"),
        (1_200, Unit.CREDITS, "1,200 credits", "1,200 积分"),
        (1, Unit.CREDITS, "1 credit", "1 积分"),
        (1_234_500, Unit.TOKENS, "1,234,500 tokens (1.2M)", "1,234,500（123万）"),
        (1_000_000, Unit.TOKENS, "1,000,000 tokens (1M)", "1,000,000（100万）"),
        (15_000, Unit.TOKENS, "15,000 tokens (15K)", "15,000（1.5万）"),
        (9_999, Unit.TOKENS, "9,999 tokens", "9,999"),
        (10_000, Unit.TOKENS, "10,000 tokens (10K)", "10,000（1万）"),
        (1, Unit.TOKENS, "1 token", "1"),
        (-20_000, Unit.TOKENS, "-20,000 tokens (-20K)", "-20,000（-2万）"),
    ],
)
def test_people_see_amounts_in_their_own_way(amount: int, unit: Unit, english: str, chinese: str) -> None:
    assert (shown(amount, unit, "en"), shown(amount, unit, "zh")) == (english, chinese)


@given(st.integers(0, LARGEST), st.sampled_from([Unit.USD, Unit.CNY]))
def test_no_digit_of_money_is_hidden(amount: int, unit: Unit) -> None:
    assert from_plain(re.sub("[$¥,]", "", shown(amount, unit, "en")), unit) == amount


def short_form(amount: int, locale: str) -> str:
    """By Babel's table of the language."""
    short = numbers.format_compact_decimal(amount, locale=locale)
    if len(short.lstrip("-")) > 2:
        return short
    return numbers.format_compact_decimal(amount, locale=locale, fraction_digits=1)


@settings(derandomize=True)
@given(st.integers(0, 53).flatmap(lambda bits: st.integers(0, 2**bits)), st.sampled_from(["en", "zh"]))
@example(999_999, "en")
@example(9_500_000, "en")
@example(1_050_000, "en")
@example(1_500_000_000_000, "zh")
@example(9_999, "zh")
def test_a_figure_is_grouped_and_shortened_as_the_language_does(amount: int, locale: str) -> None:
    for one in (amount, -amount):
        text = shown(one, Unit.TOKENS, locale)
        assert text.startswith(numbers.format_decimal(one, "#,##0", locale))
        found = re.search(r"[(（](.*)[)）]", text)
        assert (found[1] if found else "") == (short_form(one, locale) if amount >= 10_000 else "")


@settings(derandomize=True)
@given(st.integers(-LARGEST, LARGEST))
def test_money_is_grouped_as_the_language_does(amount: int) -> None:
    figure = numbers.format_decimal(Decimal(abs(amount)).scaleb(-6), "#,##0.00####", "en")
    assert shown(amount, Unit.USD, "zh") == f"{'-' if amount < 0 else ''}${figure}"
