"""What waits, and reminding the approver."""

from __future__ import annotations

from handlers.words.text import Text

PENDING_TITLE = Text("What is open", "待办")
PENDING_FOR_YOU = Text("Waiting for you", "等你处理")
PENDING_YOURS = Text("You are waiting for", "你在等")
NOTHING_PENDING = Text(
    "Nothing waits for you, and you wait for nothing.", "没有等你处理的事，你也没有在等的申请。"
)
PENDING_REQUEST = Text(
    "**{name}** asks for **{amount}** ({code}) · since {day}",
    "**{name}** 申请 **{amount}**（{code}）· {day} 提交",
)
PENDING_ASK = Text(
    "**{name}** asks to borrow **{amount}** · until {time}",
    "**{name}** 想向你借 **{amount}** · {time} 前有效",
)
PENDING_SEARCH = Text("**{amount}** from whichever teammate can spare it", "正在询问组内同事借 **{amount}**")
PENDING_OWN_ASK = Text("**{amount}** from {name} · until {time}", "向 {name} 借 **{amount}** · {time} 前有效")
PENDING_WORD = Text("pending", "待办")
PENDING_BUTTON = Text("What is open", "看待办")
DIGEST_TITLE = Text("{count} requests wait for you", "有 {count} 条申请等你审批")
ALL_AT_ONCE = Text("Or several at once:", "也可以一次处理：")
ONE_BY_ONE_BUTTON = Text("One by one", "逐条处理")
APPROVE_ALL_BUTTON = Text("Approve all {count} ({amount})", "全部同意 {count} 条（{amount}）")
APPROVE_SOME_BUTTON = Text("Approve {count} of them ({amount})", "同意其中 {count} 条（{amount}）")
APPROVE_ALL_WORD = Text("approve all", "全部同意")
CONFIRM_APPROVE_ALL = Text("Approve **{amount}** in all: {names}", "全部同意，共 **{amount}**：{names}")
NAME_AND_AMOUNT = Text("{name} {amount} ({code})", "{name} {amount}（{code}）")
APPROVING_ALL = Text(
    "I am approving {amount} in all, one request after the other. What became of each follows here.",
    "正在逐条处理，共 {amount}，结果随后发给你。",
)
APPROVED_ALL = Text("Approved: {granted} of {count}", "已同意 {granted} / {count} 条")
NUDGE_BUTTON = Text("Remind", "催一下")
NUDGE = Text(
    "{name} kindly asks for your decision on {amount} ({code}).", "{name} 想请你尽快审批 {amount}（{code}）。"
)
NUDGED = Text("I reminded {name} of {code}.", "已提醒 {name} 处理 {code}。")
NUDGED_TODAY = Text(
    "You reminded them of {code} today already; tomorrow you can again.",
    "今天已就 {code} 提醒过一次，明天可以再催。",
)
NOBODY_TO_NUDGE = Text(
    "Nobody can decide {code} yet, so there is nobody to remind. The admins know.",
    "{code} 暂时没有审批人，无人可催，管理员已知悉。",
)
NOTHING_TO_NUDGE = Text("You have no open request.", "你没有待审批的申请。")
QUESTION = Text(
    "{by} asks about your request for {amount} ({code}):", "关于你申请的 {amount}（{code}），{by} 想问："
)
QUESTION_SENT = Text(
    "I asked {name}; the answer comes to you and onto the card of {code}.",
    "已转告 {name}，答复会发给你，也会写在 {code} 的卡片上。",
)
QUESTION_OPEN = Text("❓ {by}: {text}", "❓ {by}：{text}")
ANSWER_BUTTON = Text("Answer…", "答复…")
ANSWER_FORM = Text("Answer", "答复")
ANSWER_FIELD = Text("Your answer", "你的答复")
ANSWER_SENT = Text("Passed on; it stands on the card of {code} now.", "已转达，并写在 {code} 的卡片上。")
ANSWERED = Text("{name} answered on {code}:", "关于 {code}，{name} 答复：")
NOTHING_ASKED = Text("Nobody has asked you anything about {code}.", "关于 {code}，没有人向你提问。")
