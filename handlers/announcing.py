"""What changed without their asking is announced to whom it touches: what, from when, why, and what one can do."""

from __future__ import annotations

from datetime import date, datetime

from handlers.context import Voice
from handlers.wording import Shown, Text
from models.grant import ending
from models.member import Member
from models.message import Message
from models.period import Period
from models.wallet import wallet_of

CHANGED = Text(
    "From {day} on your quota is {after} a period instead of {before}.",
    "从{day}起，你每期的额度由 {before} 调整为 {after}。",
)
BECAUSE = Text("Why: {reason}", "原因：{reason}")
IF_SHORT = Text(
    "When it gets tight: `request 200 reason` asks for more, `borrow 50 from @colleague` asks a colleague.",
    "不够用时：发送 `申请 200 理由` 向主管申请，或发送 `向 @同事 借 50`。",
)
CALLED_OFF = Text(
    "The change announced for {day} does not come: your quota stays {amount} a period.",
    "原定{day}起的额度调整已取消，你每期的额度仍为 {amount}。",
)
GIVEN = Text(
    "You were given **{amount}** until {day}. You have {left} left.",
    "已为你追加额度 **{amount}**，可用至{day}。你现在有 {left}。",
)
TAKEN = Text(
    "**{amount}** of your quota was taken back. You have {left} left.",
    "你的额度被收回 **{amount}**，现在还剩 {left}。",
)
WELCOME_MORE = Text("`balance` shows what is left.", "发送 `余额` 可随时查看。")


def announce(
    voice: Voice, member: Member, before: int, after: int, *, starts: datetime, due: datetime
) -> bool:
    """Promise to tell somebody at `due` that their base changes from `starts` on; False when they cannot be reached."""
    reader = voice.reader_of(member)
    rule = voice.policy.base_for(member.columns())
    facts = {"day": reader.day(starts), "before": reader.amount(before), "after": reader.amount(after)}
    said = [CHANGED(reader.locale, **facts)]
    if rule.reason:
        said.append(BECAUSE(reader.locale, reason=rule.reason))
    said.append((IF_SHORT if after < before else WELCOME_MORE)(reader.locale))
    return voice.tell(member, Message(text=Shown("\n".join(said))), about=announced(voice.version), due=due)


def call_off(voice: Voice, member: Member, amount: int, *, starts: datetime, due: datetime) -> bool:
    """Promise to tell somebody at `due` that the change announced for `starts` does not come."""
    reader = voice.reader_of(member)
    facts = {"day": reader.day(starts), "amount": reader.amount(amount)}
    return voice.tell(member, Message(text=CALLED_OFF(reader.locale, **facts)), due=due)


def given(
    voice: Voice, member: Member, amount: int, *, until: date | None, reason: str, due: datetime
) -> bool:
    """Promise to tell somebody at `due` what an operator gave them; below zero: took from them."""
    reader, left = voice.reader_of(member), wallet_of(voice.session, member.id).available
    facts = {"amount": reader.amount(abs(amount)), "left": reader.amount(left)}
    if amount > 0:
        ends = ending(Period.current(voice.session), until, voice.policy)
        said = GIVEN(reader.locale, day=reader.last_day(ends), **facts)
    else:
        said = TAKEN(reader.locale, **facts)
    text = Shown(f"{said}\n{BECAUSE(reader.locale, reason=reason)}")
    return voice.tell(member, Message(text=text), due=due)


def announced(version: int) -> str:
    """What the messages about one version of the policy are about."""
    return f"policy:{version}"
