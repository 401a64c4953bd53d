"""Quota between colleagues: loans, asks to borrow, repaying, recalling, forgiving."""

from __future__ import annotations

from handlers.words.text import Text

LENT = Text(
    "You lent **{amount}** to {borrower}. They owe only what they use; the rest is back by {day} at the latest. You have {left} left.",
    "已借给 {borrower} **{amount}**。对方用多少还多少，没用完的最晚 {day} 退回给你。你还剩 {left}。",
)
LENT_TO_YOU = Text(
    "{lender} lent you **{amount}**. You owe only what you use; the rest goes back by itself on {day}. You have {left} left.",
    "{lender} 借给你 **{amount}**。用多少还多少，没用完的 {day} 自动退回。你现在有 {left}。",
)
WHOLE_LOAN_ENDS = Text(
    "That day now holds for everything unspent of this loan: {day}.",
    "之前借出还没用完的部分也一并改为 {day} 退回。",
)
LOAN_ENDED_YOURS = Text(
    "**{amount}** that {borrower} had not used is back, as agreed. You have {left} left.",
    "按约定，{borrower} 未用的 **{amount}** 已退回给你。你现在有 {left}。",
)
LOAN_ENDED_THEIRS = Text(
    "**{amount}** that you had not used went back to {lender}, as agreed. You have {left} left.",
    "按约定，你未用的 **{amount}** 已退回给 {lender}。你还剩 {left}。",
)
ASKED_UNTIL = Text("What is unspent comes back at the end of {day}.", "没用完的 {day} 结束时退回给你。")
BACK_ON = Text(", unspent back on {day}", "，未用部分 {day} 退回")
GIVE_BACK_BUTTON = Text("Give back", "归还")
RECALL_BUTTON = Text("Recall", "收回")
FORGIVE_BUTTON = Text("Forgive", "免还")
ASKED_TO_LEND = Text(
    "I asked {lender} to lend you **{amount}**. They can say yes until {day}.",
    "已问 {lender} 能不能借你 **{amount}**，{day} 前有效。",
)
ASKS_YOU = Text(
    "{borrower} asks to borrow **{amount}** from you. They would owe only what they use.",
    "{borrower} 想向你借 **{amount}**。对方用多少还多少。",
)
ASK_TITLE = Text("{borrower} asks to borrow", "{borrower} 想借额度")
LEND_IT_BUTTON = Text("Lend {amount}", "借出 {amount}")
NOT_NOW_BUTTON = Text("Not now", "暂不")
ASK_LENT = Text("You lent {amount} to {borrower} · {time}", "已借给 {borrower} {amount} · {time}")
ASK_DECLINED = Text("Not this time · {time}", "这次没有借出 · {time}")
ASK_EXPIRED = Text("The ask to borrow {amount} has ended", "借 {amount} 的请求已过期")
ASK_CLOSED = Text("That ask is over: nothing moved.", "该请求已结束，额度未变动。")
ASK_WITHDRAWN = Text(
    "{borrower} no longer needs the {amount}: nothing to do.",
    "{borrower} 已撤回借 {amount} 的请求，无需处理。",
)
WITHDRAW_BUTTON = Text("Withdraw", "撤回借用")
WITHDRAWN = Text("Withdrawn: {names} need not answer any more.", "已撤回，{names} 无需再回复。")
NO_OPEN_ASK = Text("You have asked for nothing that is still open.", "你没有等待答复的借用请求。")
ASK_OVER = Text(
    "That ask has ended already, so there is nothing to withdraw. `loans` shows what you hold.",
    "该请求已结束，无需撤回。发送 `借条` 查看借还情况。",
)
OTHERS_WITHDRAWN = Text(
    "What else you had asked colleagues for is withdrawn.", "你向其他同事发出的借用请求已一并撤回。"
)
ASK_DECLINED_TO_YOU = Text(
    "{lender} can't lend right now. You can ask somebody else, or your manager.",
    "{lender} 暂时不方便借出。可以问问其他同事，或向主管申请。",
)
SEARCHING = Text(
    "I look for teammates who can spare **{amount}** and ask them in private and one after the other. You hear as soon as one lends it, or that nobody could.",
    "正在组内找能借出 **{amount}** 的同事，逐个私下询问。有人借出或都不方便，都会告诉你。",
)
NO_TEAMMATES = Text(
    "I know no teammate of yours to ask. Name a colleague: `borrow {amount} from @name`.",
    "没有找到可以询问的组内同事。请指定同事：`向 @同事 借 {amount}`。",
)
SEARCH_OVER = Text(
    "No teammate could lend you **{amount}** this time. You can ask a colleague by name, or your manager.",
    "这次没有组内同事能借出 **{amount}**。可以指定同事再问，或向主管申请。",
)
SEARCH_WITHDRAWN = Text("Withdrawn: nobody needs to answer any more.", "已撤回，没有人需要再回复。")
ASKED_AROUND = Text(
    "I ask teammates one after the other; {borrower} is not told whom, so a no is fine.",
    "我在逐个私下询问，{borrower} 不会知道问过谁，不方便也没关系。",
)
THESE_NEED = Text(
    "{names} asked the team for quota. You have a card for each: one click lends.",
    "{names} 正在组内借额度。已私下发给你卡片，一键即可借出。",
)
NOBODY_NEEDS = Text(
    "No teammate whom you could lend to is looking for quota right now. You can still lend to a colleague by name.",
    "目前组内没有你能帮上忙的借用请求。你仍可指定同事借出。",
)
WHO_NEEDS_BUTTON = Text("Who needs it?", "谁需要")
WHO_NEEDS_WORD = Text("who needs it", "谁需要")
GAVE_TO_TEAM = Text(
    "Given to {team}: **{amount}**, for grants to whoever needs it. You have {left} left.",
    "已给团队 {team} **{amount}**，可批给需要的人。你还剩 {left}。",
)
GAVE_BACK_QUOTA = Text(
    "Given back to the organisation: **{amount}**. You have {left} left.",
    "已退回组织 **{amount}**。你还剩 {left}。",
)
GAVE_YOUR_TEAM = Text(
    "{name} gave **{amount}** of their own quota to {team}. Its budget has {pool} left for grants.",
    "{name} 把自己的 **{amount}** 给了团队 {team}，团队预算现有 {pool} 可用于审批。",
)
CONFIRM_GIVE = Text(
    "Give **{amount}** of your own quota to **{team}**, for good",
    "把你自己的 **{amount}** 给团队 **{team}**，给出后不能收回",
)
CONFIRM_GIVE_BACK = Text(
    "Give **{amount}** of your own quota back to the organisation, for good",
    "把你自己的 **{amount}** 退回组织，退回后不能收回",
)
GIVE_BUTTON = Text("Give to team", "给团队")
GIVE_ALL_WORD = Text("give all to team", "给团队 全部")
UNUSED = Text(
    "Use it or lend it: at your pace about **{amount}** of your own quota is left on {day}, and expires then.",
    "用不完可以借出：按目前速度，到 {day} 你的额度约有 **{amount}** 用不完，届时作废。",
)
UNUSED_KEPT = Text("Another {kept} carries over.", "另有 {kept} 结转到下期。")
UNUSED_NOTHING_KEPT = Text("Nothing carries over.", "不结转到下期。")
NO_ASKS = Text(
    "Done: asks to borrow do not reach you any more; whoever tries reads that you take none. `allow asks` lets them in again.",
    "好的，借用请求不会再发给你，对方会看到你目前不接受。发送 `接受借用` 可恢复。",
)
ASKS_ALLOWED = Text(
    "Done: colleagues can ask you to lend. Whom you muted stays muted.",
    "好的，同事可以向你借用了，已屏蔽的同事除外。",
)
MUTED = Text(
    "Done: asks of {name} to borrow do not reach you any more; they read only that you take none. `unmute {word}` undoes it.",
    "好的，{name} 的借用请求不会再发给你，对方只会看到你目前不接受。发送 `取消屏蔽 {word}` 可恢复。",
)
UNMUTED = Text("Done: {name} is not muted any more.", "好的，已取消屏蔽 {name}。")
NOT_MUTED = Text("{name} was not muted.", "你没有屏蔽 {name}。")
GAVE_BACK = Text(
    "Given back to {lender}: **{amount}** that you had not used.", "已归还 {lender} 未用的 **{amount}**。"
)
PAID_BACK = Text("Paid back to {lender}: **{amount}** that you owed.", "已向 {lender} 还款 **{amount}**。")
YOU_OWE = Text("You still owe {owed}.", "你还欠 {owed}。")
GAVE_BACK_TO_YOU = Text("{borrower} gave back **{amount}** unused.", "{borrower} 归还了未用的 **{amount}**。")
PAID_YOU_BACK = Text("{borrower} paid you back **{amount}**.", "{borrower} 还了你 **{amount}**。")
THEY_OWE = Text("They still owe you {owed}.", "对方还欠你 {owed}。")
EVEN = Text("That loan is settled.", "这笔借款已结清。")
RECALLED = Text("**{amount}** is back from {borrower}.", "已从 {borrower} 收回 **{amount}**。")
RECALLED_FROM_YOU = Text(
    "{lender} took back **{amount}** that you had not used. You have {left} left.",
    "{lender} 收回了你尚未使用的 **{amount}**。你还剩 {left}。",
)
FORGAVE = Text(
    "Done: {borrower} no longer owes you **{amount}**.", "好的，{borrower} 不用再还你 **{amount}** 了。"
)
FORGAVE_YOU = Text(
    "{lender} let **{amount}** go: you no longer owe it. Say thanks!",
    "{lender} 免去了你欠的 **{amount}**，不用还了，记得道声谢！",
)
LOANS_TITLE = Text("Your loans", "借还情况")
NO_LOANS = Text(
    "No open loans: you owe nobody, and nobody owes you.", "没有未结清的借条：你不欠别人，别人也不欠你。"
)
LOAN_TAKEN = Text(
    "From {name}: {unspent} unspent, you owe **{owed}**{due}",
    "向 {name} 借入：未用 {unspent}，待还 **{owed}**{due}",
)
LOAN_GIVEN = Text(
    "To {name}: {unspent} unspent, they owe you **{owed}**{due}",
    "借给 {name}：未用 {unspent}，欠你 **{owed}**{due}",
)
AND_MORE = Text("… and {count} more", "……另有 {count} 条")
DUE_ON = Text(", due {day}", "，{day} 到期")
OVERDUE = Text(", overdue", "，已逾期")
LOAN_ENDS_SOON = Text(
    "{amount} that {lender} lent {borrower} is unspent and goes back on {day}.",
    "{lender} 借给 {borrower} 的额度还有 {amount} 未用，将于 {day} 自动退回。",
)
