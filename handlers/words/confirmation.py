"""Asking for a yes before something moves."""

from __future__ import annotations

from handlers.words.text import Text

CONFIRM = Text("Did I get that right? {what}", "请确认：{what}")
CONFIRM_AGAIN = Text(
    "You just did exactly that. Once more? {what}", "刚刚已经操作过一次，确定再来一次吗？{what}"
)
CONFIRM_LEND = Text("Lend **{amount}** to **{name}**{team}", "借给 **{name}**{team} **{amount}**")
CONFIRM_BORROW = Text("Ask **{name}**{team} to lend you **{amount}**", "向 **{name}**{team} 借 **{amount}**")
CONFIRM_SEARCH = Text(
    "Ask teammates who can spare it for **{amount}**", "询问可能有富余的组内同事借 **{amount}**"
)
CONFIRM_REPAY = Text("Give **{amount}** back to **{name}**{team}", "还给 **{name}**{team} **{amount}**")
CONFIRM_RECALL = Text("Take **{amount}** back from **{name}**{team}", "从 **{name}**{team} 收回 **{amount}**")
CONFIRM_FORGIVE = Text("Let **{name}**{team} off **{amount}**", "免去 **{name}**{team} 欠的 **{amount}**")
CONFIRM_REQUEST = Text("Ask your manager for **{amount}**", "向主管申请 **{amount}**")
CONFIRM_APPROVE = Text("Approve **{code}** for **{amount}**", "同意 **{code}**：**{amount}**")
CONFIRM_APPROVE_MORE = Text(
    "Approve **{code}** for **{amount}**, more than the {asked} that {name} asked for",
    "同意 **{code}**：**{amount}**，超过 {name} 申请的 {asked}",
)
CONFIRM_DECLINE = Text("Decline **{code}**", "拒绝 **{code}**")
CONFIRM_CANCEL = Text("Cancel **{code}**", "撤回 **{code}**")
CONFIRM_REVOKE = Text("Take back what is unspent of **{code}**", "收回 **{code}** 未用的部分")
CONFIRM_DELEGATE = Text(
    "Hand your approvals to **{name}**{team} until {day}", "委托 **{name}**{team} 代为审批，截至 {day}"
)
CONFIRM_UNDELEGATE = Text("Take your approvals back", "取消委托，由你自己审批")
CONFIRM_WITHDRAW = Text("Take back what you asked **{name}** to lend", "撤回向 **{name}** 提出的借用")
CONFIRM_NUDGE = Text("Remind your approver", "催一下审批人")
CONFIRM_ASK = Text("Ask the requester of **{code}**", "向 **{code}** 的申请人提问")
CONFIRM_MUTE = Text("Get no more messages from **{name}**", "屏蔽 **{name}** 的消息")
CONFIRM_UNMUTE = Text("Get messages from **{name}** again", "取消屏蔽 **{name}**")
CONFIRM_NO_ASKS = Text("Be asked for no loans any more", "不再接受借用请求")
CONFIRM_ALLOW_ASKS = Text("Be asked for loans again", "重新接受借用请求")
YOUR_COLLEAGUES = Text("your colleagues", "同事")
EVERYTHING = Text("everything", "全部")
AS_ASKED = Text("the amount asked", "按申请的数额")
YES_BUTTON = Text("Yes", "确认")
NO_BUTTON = Text("No", "取消")
YES_TYPED = Text("yes", "确认")
NO_TYPED = Text("no", "取消")
NOTHING_DONE = Text("Fine, nothing was changed.", "好的，未做任何改动。")
