"""Answers of the bot as such: where to ask, and that something broke."""

from __future__ import annotations

from handlers.words.text import Text

PUBLIC_ASK_PRIVATELY = Text(
    "Ask me in our chat: figures are private. I have answered you there.",
    "额度不在群里显示，请私聊我。这次的结果已私聊发给你。",
)
LINKED = Text(
    "An account on {messenger} has your e-mail {email}, so it is yours here now: what is asked from it counts as asked by you. "
    "If it is not your account, tell {admins} at once.",
    "{messenger} 上有一个账号的邮箱是 {email}，已与你关联：该账号的操作视为你本人的操作。如果那不是你的账号，请立即告知 {admins}。",
)
LINKED_BY_LIST = Text(
    "The list of people says that the {messenger} account {id} is yours, so it is yours here now: what is asked from it counts as asked "
    "by you. If it is not your account, tell {admins} at once.",
    "人员名单把 {messenger} 账号 {id} 记为你的，已与你关联：该账号的操作视为你本人的操作。如果那不是你的账号，请立即告知 {admins}。",
)
BROKE = Text(
    "Something broke on our side; nothing was moved. Reference: {ref}.",
    "系统出了点问题，额度没有变动。编号：{ref}。",
)
UNKNOWN_YET = Text(
    "I can't tell yet whether that went through. There is no need to send it again: I will write to you as soon as I know.",
    "我暂时无法确定这一步是否成功。不用重发，一有结果我会马上告诉你。",
)
WENT_THROUGH = Text(
    "Now I know: what I was not sure of went through, once.",
    "现在确定了：刚才不确定的那一步已经成功，只执行了一次。",
)
DID_NOT_GO_THROUGH = Text(
    "Now I know: what I was not sure of did not go through, and nothing was moved. Please send it again if you still want it.",
    "现在确定了：刚才不确定的那一步没有成功，额度没有变动。如仍需要，请重新发送。",
)
