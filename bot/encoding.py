"""The text of a spreadsheet's file: decoded where the encoding is certain, refused otherwise, never guessed."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator

HINT = "save the file as CSV UTF-8"
# At most one Chinese character in ten lies outside GB2312, which holds the common ones.
RARE_SHARE = 10
# From ten Chinese characters on, at least one begins with a later lead byte; Korean text never uses those.
KOREAN_FROM = 10
# Lead bytes: of the later common characters, and of the less common half of GB2312, where Cyrillic text
# ends up.
_LATER, _SECOND = 0xC9, 0xD8
_HAN = re.compile(r"[\u3400-\u9fff]")
# Characters of a Chinese table: ASCII, Chinese, punctuation. No kana, Greek, Cyrillic or box drawing.
_USUAL = re.compile(r"[\x00-\x7f\u3400-\u9fff\u3000-\u3017\u2014-\u2026\u00b7\uff01-\uffe5]*")
_SEPARATORS = ",;\t"


class UnreadableTextError(ValueError):
    """The file is not certainly text. `line`: the first line that shows it."""

    def __init__(self, line: int, why: str) -> None:
        self.line, self.why = line, why
        super().__init__(f"line {line}: {why}")


def decode(data: bytes) -> str:
    """UTF-8, UTF-16 with a byte order mark (Excel's "Unicode text"), or plausible GBK.

    Raises `UnreadableTextError`.
    """
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    found = _utf16(data) if wide else _utf8(data)
    text = found if found is not None else _gbk(data)
    for sign, name in (
        ("\0", "a NUL byte"),
        ("\ufffd", "a sign that stands for a lost character"),
        ("\x1b", "an escape sign"),
    ):
        if sign in text:
            raise UnreadableTextError(text.count("\n", 0, text.index(sign)) + 1, f"holds {name}; {HINT}")
    return text


def rows(text: str, known: str) -> Iterator[tuple[int, list[str]]]:
    """Each row with its first line number, from the header on; comments and empty lines above it are left out.

    The separator is the one with which `known` is a column of the header, else a comma. Raises `csv.Error`
    with (reason, line) where the file stops being CSV.
    """
    above, separator = _above_header(text)
    body = io.StringIO("".join(text.splitlines(keepends=True)[above:]), newline="")
    reader = csv.reader(body, strict=True, delimiter=separator or _separator(body, known))
    line = above + 1
    try:
        for cells in reader:
            yield line, cells
            line = above + reader.line_num + 1
    except csv.Error as error:
        raise csv.Error(str(error), line) from error


def _above_header(text: str) -> tuple[int, str]:
    """The number of lines above the header, and the separator from Excel's `sep=` line."""
    for number, line in enumerate(text.splitlines()):
        if found := re.fullmatch(r'"?sep=([,;\t])"?', line.strip(" ")):
            return number + 1, found[1]
        if line.strip(' ",;\t') and not line.lstrip(' "').startswith("#"):
            return number, ""
    return 0, ""


def _separator(body: io.StringIO, known: str) -> str:
    first = body.readline()
    body.seek(0)
    for sign in _SEPARATORS:
        if known in (cell.strip().strip("\"'").lower() for cell in first.split(sign)):
            return sign
    return max(_SEPARATORS, key=first.count)


def _utf8(data: bytes) -> str | None:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        legible = data.decode("utf-8", "replace")
        broken = legible.count("\ufffd")
        # A damaged UTF-8 file is valid GBK, too, and every name in it would be nonsense.
        if sum(not char.isascii() for char in legible) - broken > broken:
            raise UnreadableTextError(
                _line(data, error), "holds a byte that is not UTF-8, in a file that is"
            ) from error
        return None


def _utf16(data: bytes) -> str:
    try:
        return data.decode("utf-16")
    except UnicodeDecodeError as error:
        raise UnreadableTextError(1, f"is not whole UTF-16; {HINT}") from error


def _gbk(data: bytes) -> str:
    # Nearly every byte sequence is valid GBK, so the characters must also be plausible.
    try:
        text = data.decode("gbk")
    except UnicodeDecodeError as error:
        raise UnreadableTextError(_line(data, error), f"neither UTF-8 nor GBK; {HINT}") from error
    han = _HAN.findall(text)
    rare = [one for one in han if not _is_common(one)]
    if len(rare) * RARE_SHARE > len(han):
        odd = rare[0]
    elif len(second := [one for one in han if one.encode("gbk")[0] >= _SECOND]) * 3 > len(han):
        odd = second[0]
    elif (usual := _USUAL.match(text)) and usual.end() < len(text):
        odd = text[usual.end()]
    elif len(han) >= KOREAN_FROM and all(one.encode("gbk")[0] < _LATER for one in han):
        odd = han[0]
    else:
        return text
    line = text.count("\n", 0, text.index(odd)) + 1
    raise UnreadableTextError(line, f"neither UTF-8 nor plausible GBK: it would read {odd!r}; {HINT}")


def _is_common(sign: str) -> bool:
    try:
        return len(sign.encode("gb2312")) == 2
    except UnicodeEncodeError:
        return False


def _line(data: bytes, error: UnicodeDecodeError) -> int:
    return data.count(b"\n", 0, error.start) + 1
