"""What people hear when a colleague leaves, or when they come back themselves."""

from __future__ import annotations

from handlers.words.text import Text

HAS_LEFT = Text("{name} has left the company.", "{name} 已离职。")
LENDER_TOOK = Text(
    "The {amount} that you had borrowed from them and not used went back.",
    "你向对方借入而未用的 {amount} 已退回。",
)
LENDER_FORGAVE = Text(
    "You need not pay back the {amount} that you owed them.", "你欠对方的 {amount} 不用再还了。"
)
BORROWER_RETURNED = Text(
    "The {amount} that they had borrowed from you and not used is yours again.",
    "对方向你借入而未用的 {amount} 已退回给你。",
)
BORROWER_PAID = Text(
    "The {amount} that they owed you is paid in their place.", "对方欠你的 {amount} 已由公司代为归还。"
)
LEFT_NOW = Text("You have {left} left.", "你现在有 {left}。")
ASKED_HAS_LEFT = Text(
    "{name} has left the company, so your ask to borrow {amount} has ended.",
    "{name} 已离职，你借 {amount} 的请求已结束。",
)
STANDS_IN_NO_MORE = Text(
    "{name} has left the company, so you no longer stand in for them.", "{name} 已离职，你不再代其审批。"
)
DELEGATE_HAS_LEFT = Text(
    "{name} has left the company and no longer stands in for you: your approvals are yours alone.",
    "{name} 已离职，不再代你审批，请自行处理你的审批。",
)
WELCOME_BACK = Text(
    "Welcome back! You have **{left}** left until {day}.", "欢迎回来！你现在有 **{left}**，可用至{day}。"
)
WELCOME_BACK_NOTHING = Text(
    "Welcome back! You have nothing left in this period; your next quota comes on {day}.",
    "欢迎回来！你本期额度已用完，新额度将于{day}发放。",
)
