"""Answers of the bot as such: where to ask, and that something broke."""

from __future__ import annotations

from handlers.words.text import Text

PUBLIC_ASK_PRIVATELY = Text(
    "Ask me in our chat: figures are private. I have answered you there.",
    "额度不在群里显示，请私聊我。这次的结果已私聊发给你。",
)
BROKE = Text(
    "Something broke on our side; nothing was moved. Reference: {ref}.",
    "系统出了点问题，额度没有变动。编号：{ref}。",
)
