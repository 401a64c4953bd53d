"""What is said when a sentence alone is not enough: small talk, a question back, what may have been meant."""

from __future__ import annotations

from handlers.words.text import Text

HELLO = Text("Hello! What can I do for you?", "你好！要办点什么？")
MAYBE_MEANT = Text(
    "I did not get that; nothing was changed. Did you mean one of these?",
    "没听懂，未做任何改动。你想办的是下面哪一件？",
)
THUMB = Text("👍", "👍")
HOW_MUCH_FOR = Text(
    "How much for **{name}**? Just send the number.", "给 **{name}** 多少？直接回复数额就行。"
)
TO_WHOM = Text("Lend {amount} to whom? Just send the name.", "{amount} 借给谁？直接回复姓名就行。")
HOW_MUCH_FROM = Text(
    "How much from **{name}**? Just send the number.", "向 **{name}** 借多少？直接回复数额就行。"
)
HOW_MUCH_MORE = Text(
    "How much more do you need, on top of what you have? Just send the number.",
    "在现有额度之外还需要多少？直接回复数额就行。",
)
BALANCE_BUTTON = Text("What I have left", "我还剩多少")
LOANS_BUTTON = Text("My loans", "我的借款")
TEAM_BUTTON = Text("My team", "我的团队")
HELP_BUTTON = Text("What I can say", "怎么说")
BALANCE_WORD = Text("balance", "余额")
LOANS_WORD = Text("loans", "借款")
TEAM_WORD = Text("team", "团队")
HELP_WORD = Text("help", "帮助")
HISTORY_WORD = Text("history", "明细")
REQUEST_WORD = Text("request", "申请")
LEND_WORD = Text("lend", "借给")
BORROW_WORD = Text("borrow", "借")

MEANT_BUTTONS = {
    "repay": Text("Give back what I borrowed", "归还借来的"),
    "recall": Text("Take back what I lent", "收回借出的"),
    "forgive": Text("Let a debt go", "免还欠款"),
    "approve": Text("Approve a request", "同意申请"),
    "decline": Text("Decline a request", "拒绝申请"),
    "ask": Text("Ask about a request", "就申请提问"),
    "nudge": Text("Remind my approver", "催审批人"),
    "cancel": Text("Withdraw my request", "撤回我的申请"),
    "revoke": Text("Take back an approval", "收回批出的额度"),
    "delegate": Text("Hand over my approvals", "委托审批"),
    "undelegate": Text("Approve again myself", "结束委托"),
    "pause": Text("Pause spending", "暂停消费"),
    "resume": Text("Resume spending", "恢复消费"),
    "withdraw": Text("Take back my ask", "撤回借用请求"),
    "give": Text("Give quota to my team", "把额度给团队"),
    "mute": Text("No asks from a colleague", "不让某人找我借"),
    "unmute": Text("Allow a colleague's asks", "允许某人找我借"),
    "no_asks": Text("No asks from anybody", "谁都别找我借"),
    "allow_asks": Text("Allow asks again", "可以找我借"),
    "lang": Text("Another language", "换语言"),
}
"""What a sentence may have meant. Pressed, the sentence is read that way and said back."""
MEANT_WORDS = {
    "repay": Text("repay", "归还"),
    "recall": Text("recall", "收回"),
    "forgive": Text("forgive", "免还"),
    "approve": Text("approve", "同意"),
    "decline": Text("decline", "拒绝"),
    "ask": Text("ask", "提问"),
    "nudge": Text("nudge", "催一下"),
    "cancel": Text("cancel", "撤回"),
    "revoke": Text("revoke", "作废"),
    "delegate": Text("delegate", "委托"),
    "undelegate": Text("undelegate", "取消委托"),
    "pause": Text("pause", "暂停"),
    "resume": Text("resume", "恢复"),
    "withdraw": Text("withdraw", "撤回借用"),
    "give": Text("give", "给团队"),
    "mute": Text("mute", "屏蔽"),
    "unmute": Text("unmute", "取消屏蔽"),
    "no_asks": Text("no asks", "不接受借用"),
    "allow_asks": Text("allow asks", "接受借用"),
    "lang": Text("lang", "语言"),
}

RULE_RANKING = Text(
    "People are not ranked here. `team` shows your team's budget, `history` your own use.",
    "这里不给人排名。团队预算发送 `团队` 查看，你自己的用量发送 `明细`。",
)
RULE_OUTSIDERS = Text(
    "Only colleagues can lend and borrow: no guests, no people from outside, no bots.",
    "只有公司同事能借出和借入，访客、外部人员和机器人都不行。",
)
RULE_PRIVATE = Text(
    "Balances, histories and loans are private. A manager sees totals, not what you ask a model.",
    "余额、明细和借款都不公开。主管只看得到总数，看不到你问了模型什么。",
)
RULE_EXPIRY = Text(
    "What you have not used expires when the period ends, as far as the policy does not carry it over. Borrowed and unused quota goes back then.",
    "没用完的额度到期末失效，政策允许结转的部分除外；借来没用的那时自动归还。",
)
RULE_DEBT = Text(
    "You owe only what you use of a loan. What is unused goes back when the period ends; what you owe is paid from your next quota. There is no interest.",
    "借来的额度，用多少还多少。没用的到期末自动归还，用掉的从你之后的额度里扣还，没有利息。",
)
