"""Clean a sentence of markup, hidden characters and odd spaces. The original is kept for the reason.

Characters are compared with explicit tables: NFKC would turn `10²` into `102`.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

LONGEST = 600
"""Characters that are read; the rest of a text is ignored."""


@dataclass(frozen=True)
class Cleaned:
    """`text` is read, `original` is quoted. `places`: the place of each character in the original."""

    text: str
    original: str
    places: tuple[int, ...]
    quoted: bool = False
    """The whole sentence stood in quotation marks, so these may be the words of somebody else."""

    @property
    def mended(self) -> bool:
        """Whether more than spaces was cleaned. Such a command is confirmed, unless it reads the same without."""
        return self.text != " ".join(self.original.split())

    def quote(self, start: int, end: int) -> str:
        """The original at `text[start:end]`, on one line."""
        if start >= end:
            return ""
        first, last = self.places[start], self.places[end - 1] + 1
        while first > 0 and self.original[first - 1] in _MARKUP:
            first -= 1
        while last < len(self.original) and self.original[last] in _MARKUP:
            last += 1
        return " ".join(self.original[first:last].split())


def clean(text: str) -> Cleaned:
    original = text[:LONGEST]
    kept = [
        (place, char) for place, char in enumerate(map(_folded, original)) if not _is_hidden(original, place)
    ]
    start, end, quoted = _unquoted("".join(char for _, char in kept))
    kept = kept[start:end]
    dropped = {
        place
        for match in _NOISE.finditer("".join(char for _, char in kept))
        for group in match.groupdict()
        for place in range(*match.span(group))
    }
    kept = _single_spaced([(place, " " if at in dropped else char) for at, (place, char) in enumerate(kept)])
    text = "".join(char for _, char in kept)
    return Cleaned(text, original, tuple(place for place, _ in kept), quoted=quoted)


def as_typed(text: str) -> Cleaned:
    original = text[:LONGEST]
    kept = _single_spaced(
        [(place, " " if char.isspace() or char in _RESERVED else char) for place, char in enumerate(original)]
    )
    return Cleaned("".join(char for _, char in kept), original, tuple(place for place, _ in kept))


def _folded(char: str) -> str:
    if char.isspace() or unicodedata.category(char) == "Zs" or char in _RESERVED:
        return " "
    return _TABLE.get(char, char)


def _is_hidden(text: str, place: int) -> bool:
    # Between digits a hidden character stays: the amount is then refused with that reason.
    char = text[place]
    if unicodedata.category(char) != "Cf" and char not in "\ufe0e\ufe0f\u3164\u115f\u1160":
        return False
    around = text[max(0, place - 1) : place] + text[place + 1 : place + 2]
    return not (len(around) == 2 and around.isdigit())


def _unquoted(text: str) -> tuple[int, int, bool]:
    match = _IN_QUOTES.fullmatch(text)
    return (*match.span("words"), True) if match else (0, len(text), False)


def _single_spaced(kept: list[tuple[int, str]]) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    for place, char in kept:
        if char != " " or (found and found[-1][1] != " "):
            found.append((place, char))
    return found[:-1] if found and found[-1][1] == " " else found


_MARKUP = frozenset('`*_"“”')
_RESERVED = frozenset(map(chr, range(0xE000, 0xE010)))
_FULL_WIDTH = {chr(code + 0xFEE0): chr(code) for code in range(0x21, 0x7F) if chr(code).isalpha()}
_QUOTES = dict(zip("‘’‛′＇“”„‟″＂", '\'\'\'\'\'""""""', strict=True))
_TRADITIONAL = dict(
    zip(
        "請給還錢貸撥轉額積團隊預餘權證據請對誰麼嗎沒們個這樣說讓幾過來應為與從將萬億兩塊點優貳參陸圓開關當時問題審標準駁絕決"
        "處託託託託內網絡級總監領導經歷記錄細節寫數據測試運評項報備註終種東現單價實際會議員歸銷銀補聽難場還後後復製號條紅軟體"
        "設換語言漢顯頁幫確認見親愛謝嚴暫緊費買賣學無強勁調訓練縮擴飛執計劃劃變動產業務",
        "请给还钱贷拨转额积团队预余权证据请对谁么吗没们个这样说让几过来应为与从将万亿两块点优贰叁陆圆开关当时问题审标准驳绝决"
        "处托托托托内网络级总监领导经历记录细节写数据测试运评项报备注终种东现单价实际会议员归销银补听难场还后后复制号条红软体"
        "设换语言汉显页帮确认见亲爱谢严暂紧费买卖学无强劲调训练缩扩飞执计划划变动产业务",
        strict=True,
    )
)
_DOTS = dict.fromkeys("・•‧∙⋅", "·")  # inside names: 欧阳・娜娜
_TABLE = _FULL_WIDTH | _QUOTES | _TRADITIONAL | _DOTS
_NOISE = re.compile(
    r"^\s*(?P<command>/[A-Za-z][\w-]{1,30}(?=\s|$)|:(?=\s*\w))"  # /quota lend @bob 50
    r"|^\s*(?P<called>@(?i:quotabot)\b)|(?P<called_last>@(?i:quotabot))\s*$"  # clients that keep our name in the text
    r"|(?:<@[^<>\s]*>|(?<![\w.])@\w+)(?P<comma>\s*[,，:：;；、]+)(?=\s)"  # @bob, 50
    r"|(?P<code>`{1,3})|(?<![\w*])(?P<bold>\*{1,2})(?=[^\s*])|(?<=[^\s*])(?P<bold_end>\*{1,2})(?![\w*])"
    r"|(?<!\w)(?P<italic>_)(?=[^\s_])|(?<=[^\s_])(?P<italic_end>_)(?!\w)"
    r"|(?P<quote>\")[$¥]?[0-9.,]+[kmw万]?(?P<quote_end>\")"
)
_IN_QUOTES = re.compile(r"\s*[\"'「『«](?P<words>.+?)[\"'」』»]\s*[.!。！]?\s*", re.DOTALL)
