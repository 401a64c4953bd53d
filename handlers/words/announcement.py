"""What somebody hears about a change of their quota that they did not ask for."""

from __future__ import annotations

from handlers.words.text import Text

QUOTA_CHANGES = Text(
    "From {day} your quota is {after} a period instead of {before}.",
    "从{day}起，你每期的额度由 {before} 调整为 {after}。",
)
QUOTA_FOR_OTHER_MODELS = Text(
    "From {day} your {amount} a period are for other models.",
    "从{day}起，你每期 {amount} 的额度可用的模型有变化。",
)
QUOTA_FOR_EVERY_MODEL = Text(
    "From {day} your {amount} a period are for every model.",
    "从{day}起，你每期 {amount} 的额度可用于全部模型。",
)
FOR_MODELS_ONLY = Text("It is for these models only: {models}.", "仅限使用以下模型：{models}。")
BECAUSE = Text("Why: {reason}", "原因：{reason}")
IF_SHORT = Text(
    "When it gets tight: `request 200 reason` asks your manager, `borrow 50 from @colleague` a colleague.",
    "不够用时：发送 `申请 200 理由` 向主管申请，或发送 `向 @同事 借 50`。",
)
CHANGE_CALLED_OFF = Text(
    "The change announced for {day} is called off: your quota stays {amount} a period.",
    "原定{day}起的额度调整已取消，你每期的额度仍为 {amount}。",
)
GIVEN_BY_ADMIN = Text(
    "You were given **{amount}** until {day}. You have {left} left.",
    "已为你追加额度 **{amount}**，可用至{day}。你现在有 {left}。",
)
TAKEN_BY_ADMIN = Text(
    "**{amount}** of your quota was taken back. You have {left} left.",
    "你的额度被收回 **{amount}**，现在还剩 {left}。",
)
USAGE_VOIDED = Text(
    "The gateway had counted **{amount}** by mistake; that is put right. You have {left} left.",
    "网关多记了 **{amount}** 用量，已更正。你现在还剩 {left}。",
)
WELCOME = Text(
    "Hello! You have **{left}** for language models until {day}.",
    "你好！你有 **{left}** 大模型额度，可用至{day}。",
)
WELCOME_FREE = Text("Hello! You can use the free models: {models}.", "你好！你可以使用免费模型：{models}。")
WELCOME_FREE_TOO = Text("Free for everybody: {models}.", "免费模型人人可用：{models}。")
WELCOME_MORE = Text("`balance` shows what is left.", "发送 `余额` 可随时查看。")
CHANGED_SINCE = Text("Since {day}: {before} → {after} a period.", "{day}起，每期额度：{before} → {after}。")
CHANGE_TO_COME = Text("From {day} your quota is {amount} a period.", "从{day}起，你每期的额度为 {amount}。")
