"""Messages as DingTalk shows them, within its limits: pure functions.

There are two shapes: Markdown, where buttons become words to type, and the variables of our card
(`docs/dingtalk-card.json`). DingTalk does not say whether its Markdown honours a backslash, so signs in
people's words that could form a link or a picture are replaced by look-alikes.
https://open.dingtalk.com/document/orgapp/robot-message-types-and-data-format
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from urllib.parse import quote

from handlers.words import texts
from handlers.words.text import SafeText
from models.messages.message import Button, Chart, Form, Message

Variables = dict[str, str | bool]

# A sessionWebhook takes 20,000 bytes with everything around the text, a msgParam 15,000 as JSON.
MARKDOWN_BYTES = 9_000
# DingTalk allows 1 KB a variable; our API cuts at 1,000 bytes.
BODY_BYTES = 990
TITLE = 60
SLOTS = ("b1", "b2", "b3", "b4")
# Buttons of a card that waits for a decision.
ASKING = {"request.approve", "request.approve_less", "borrow.accept", "confirm.yes", "surge.continue"}
# Buttons of a card that is decided.
AFTERWARDS = {"request.revoke"}
_STYLED = re.compile(r"\\(.)|\*\*(.+?)\*\*|`([^`]*)`", re.DOTALL)
_LOOK_ALIKES = str.maketrans("\\`*[]()#>!|", "＼ˋ＊［］（）＃›！｜")
_VERBS = {
    "approve": "同意", "decline": "拒绝", "cancel": "撤回", "revoke": "收回", "request": "申请", "lend": "借给",
    "history": "明细", "repay": "归还", "recall": "收回", "forgive": "免还", "yes": "确认", "no": "取消",
    "borrow": "向", "pause": "暂停", "continue": "继续", "nudge": "催一下", "undelegate": "取消委托", "answer": "答复",
    "withdraw": "撤回借用", "resume": "恢复", "emergency": "紧急",
}  # fmt: skip
# Words that the typed form of a button still needs.
_MORE = {
    "request.decline": (" reason", " 理由"),
    "request.other": (" amount", " 数额"),
    "request.answer": (" …", " …"),
    "request.open": (" 200 reason", " 200 理由"),
    "lend.open": (" name 50", " 姓名 50"),
    "borrow.open": (" 50 from name", " 姓名 借 50"),
}


# Markdown


def markdown(message: Message) -> tuple[str, str]:
    """Title (shown on the lock screen) and text. Buttons become words to type."""
    title = plain(message.preview or message.title or message.text).split("\n")[0] or "quotabot"
    text = "\n\n".join(_paragraphs(message, message.locale))
    return title if len(title) <= TITLE else f"{title[: TITLE - 1]}…", cut(text, MARKDOWN_BYTES)


def plain(text: str) -> str:
    words = _STYLED.sub(lambda found: found[1] or found[2] or found[3] or "", text)
    return re.sub(r"\\(.)", r"\1", words)


def _paragraphs(message: Message, say: str) -> Iterator[str]:
    if message.title:
        yield f"#### {_inline(message.title)}"
    if message.text:
        yield _lines(message.text)
    if message.facts:
        yield _facts(message, say)
    if message.chart:
        yield _chart(message.chart)
    if message.buttons and (said := list(_typed_lines(message.buttons, say, link=True))):
        yield "\n".join(said)
    if message.footnote:
        yield _lines(message.footnote)
    for part in message.parts:
        yield "---"
        yield from _paragraphs(part, say)


def _lines(text: str) -> str:
    # Without an empty line after a quote, Markdown takes the next line into the quote.
    rows = groupby(text.split("\n"), lambda row: row.startswith("> "))
    return "\n\n".join(
        "  \n".join(f"> {_inline(row[2:])}" if quote else _inline(row) for row in some)
        for quote, some in rows
    )


def _inline(text: str) -> str:
    def shown(found: re.Match[str]) -> str:
        literal, bold, code = found.groups()
        if literal is not None:
            return literal.translate(_LOOK_ALIKES)
        return f"**{_inline(bold if bold is not None else code or '')}**"

    return _STYLED.sub(shown, text)


def _facts(message: Message, say: str) -> str:
    return "\n".join(f"- {_inline(name)}{_colon(say)}{_inline(value)}" for name, value in message.facts)


def _colon(say: str) -> str:
    return "：" if say.startswith("zh") else ": "


def _chart(chart: Chart) -> str:
    most = max((value for _, value, _ in chart.bars), default=0) or 1
    bars = (
        f"- {'▇' * max(1, round(8 * value / most))} {_inline(label)} {_inline(shown)}"
        for label, value, shown in chart.bars
    )
    return "\n".join([f"**{_inline(chart.title)}**", *bars])


def _typed_lines(buttons: Iterable[Button], say: str, *, link: bool) -> Iterator[str]:
    for button in buttons:
        words = typed(button, say)
        if not words:
            continue
        label = _inline(button.label).rstrip("…")
        said = words.translate(_LOOK_ALIKES)
        shown = f"[{said}]({sent(words)})" if link and button.action not in _MORE else f"**{said}**"
        yield f"- {shown}" if label == words else f"- {label} → {shown}"


def typed(button: Button, say: str) -> str:
    """The words to type in place of a button; empty when no words do the same."""
    if not button.typed:
        return ""
    verb, _, rest = button.typed.partition(" ")
    in_chinese = say.startswith("zh")
    if in_chinese and button.action == "borrow.decline":
        return f"暂不 {rest}"
    more = _MORE.get(button.action, ("", ""))[in_chinese]
    return f"{_VERBS.get(verb, verb) if in_chinese else verb} {rest}".strip() + more


def sent(words: str) -> str:
    # Tapped, a dtmd link sends these words as the reader; clients that do not know dtmd show the words.
    return f"dtmd://dingtalkclient/sendMessage?content={quote(words, safe='')}"


def form_hint(form: Form) -> str:
    verb, _, rest = form.typed.partition(" ")
    action = {"request.new": "request.open", "lend.new": "lend.open"}.get(form.callback, form.callback)
    say = "zh" if re.search("[\u4e00-\u9fff]", form.title) else "en"  # it holds no names
    words = typed(Button(form.title, action, typed=f"{verb} {rest}".strip()), say)
    return texts.TYPE_IT(say, typed=SafeText(words))


# Cards


def card(message: Message) -> Variables:
    title = plain(message.title) or texts.CARD_TITLE(message.locale)
    return {"title": title, "tag": _tag(message), "body": _body(message)} | slots(message.buttons)


def _tag(message: Message) -> str:
    # "Waiting" or "done"; a card that only informs has no tag.
    actions = {button.action for button in message.buttons}
    if actions & ASKING:
        return texts.CARD_OPEN(message.locale)
    return "" if actions - AFTERWARDS else texts.CARD_DONE(message.locale)


def slots(buttons: tuple[Button, ...] = ()) -> Variables:
    """Variables of the four button slots; unused slots are hidden."""
    shown: Variables = {}
    for slot, button in zip(SLOTS, [*buttons[: len(SLOTS)], *[None] * len(SLOTS)], strict=False):
        shown |= {
            f"{slot}_shown": button is not None,
            f"{slot}_text": plain(button.label) if button else "",
            f"{slot}_action": button.action if button else "",
            f"{slot}_value": button.value if button else "",
        }
    return shown


def hint(text: str) -> Variables:
    """A line that only the clicker sees."""
    return {"hint": cut(_lines(text), BODY_BYTES), "hint_shown": bool(text)}


def said(message: Message) -> str:
    """The whole message as plain lines, for places without formatting."""
    colon = _colon(message.locale)
    rest = [f"{name}{colon}{value}" for name, value in message.facts] + [said(part) for part in message.parts]
    return "\n".join(one for one in [message.text, *rest, message.footnote] if one)


def preview(message: Message) -> dict[str, str]:
    text = markdown(message)[0]
    return {"ZH_CN": text, "EN_US": text}


def _body(message: Message) -> str:
    """Text, facts and footnote within the limit: the longest quote is cut first, then the end."""
    text = message.text
    while len(body := _whole(message, text).encode()) > BODY_BYTES:
        shorter = _shorter(text, len(body) - BODY_BYTES)
        if shorter == text:
            break
        text = shorter
    return cut(body.decode(), BODY_BYTES)


def _whole(message: Message, text: str) -> str:
    say = message.locale
    extra = list(_typed_lines(message.buttons[len(SLOTS) :], say, link=False))
    pieces = [_lines(text), _facts(message, say), "\n".join(extra), _lines(message.footnote)]
    pieces += [_whole(part.spoken(say), part.text) for part in message.parts]
    return "\n\n".join(one for one in pieces if one)


def _shorter(text: str, by: int) -> str:
    lines = text.split("\n")
    quotes = [number for number, line in enumerate(lines) if line.startswith("> ") and len(line) > 12]
    if not quotes:
        return text
    longest = max(quotes, key=lambda number: len(lines[number]))
    kept = lines[longest].removesuffix("…").encode()
    lines[longest] = kept[: max(12, len(kept) - by - 3)].decode(errors="ignore").rstrip("\\") + "…"
    return "\n".join(lines)


def cut(text: str, most: int) -> str:
    """At most `most` bytes, cut between characters."""
    if len(text.encode()) <= most:
        return text
    return text.encode()[: most - 3].decode(errors="ignore") + "…"


def track_of(key: str) -> str:
    """The outTrackId of an effect: equal for every attempt, at most 64 safe characters."""
    safe = re.sub(r"[^A-Za-z0-9_-]", "-", key)
    return f"qb-{safe[-20:]}-{hashlib.sha256(key.encode()).hexdigest()[:24]}"
