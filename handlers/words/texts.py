"""Every sentence people read, English and Chinese on adjacent lines. Short, kind, exact. No plurals to get wrong."""

from __future__ import annotations

from handlers.words.text import Text

# Balance
BALANCE = Text("You have **{left}** left", "你还剩 **{left}**")
BALANCE_NONE = Text("Nothing left: you are at **{left}**", "额度已用完，当前 **{left}**")
BALANCE_FREE_ONLY = Text(
    "Your plan is the free models; there is no paid quota this period", "你本期没有付费额度，可使用免费模型"
)
USED = Text("Used", "已用")
USED_OF = Text("{used} of {base}", "{used} / {base}")
BY_WHAT = Text("By model", "按模型")
PACE = Text("Pace", "使用速度")
PACE_A_DAY = Text("{pace} a day", "每天 {pace}")
ENDS = Text("Period ends", "本期结束")
ENDS_ON = Text("{day}, {left}", "{day}，{left}")
DAYS_LEFT = Text("{days} d left", "还有 {days} 天")
RUNS_OUT = Text("Runs out", "预计用完")
LASTS = Text("lasts the period at this pace", "按目前速度够用到期末")
RUNS_OUT_ON = Text("{day} at this pace", "按目前速度，{day} 用完")
BORROWED = Text("Borrowed, unspent", "借入未用")
TOP_UPS = Text("Top-ups", "追加额度")
LENT_OUT = Text("Lent, still out", "借出未还")
OWED_TO_OTHERS = Text("You owe", "待还")
FREE_MODELS = Text("Free models", "免费模型")
AS_OF = Text("Usage as of {time}.", "用量截至 {time}。")
ASK_BUTTON = Text("Ask for more", "申请额度")
LEND_BUTTON = Text("Lend", "借给同事")
HISTORY_BUTTON = Text("History", "明细")

# Lending
LENT = Text(
    "You lent **{amount}** to {borrower}. They owe only what they use; the rest is back by {day} at the latest. You have {left} left.",
    "已借给 {borrower} **{amount}**。对方用多少还多少，没用完的最晚 {day} 退回给你。你还剩 {left}。",
)
LENT_TO_YOU = Text(
    "{lender} lent you **{amount}**. You owe only what you use; the rest goes back by itself on {day}. You have {left} left.",
    "{lender} 借给你 **{amount}**。用多少还多少，没用完的 {day} 自动退回。你现在有 {left}。",
)
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
ASK_DECLINED_TO_YOU = Text(
    "{lender} can't lend right now. You can ask somebody else, or your manager.",
    "{lender} 暂时不方便借出。可以问问其他同事，或向主管申请。",
)
WHOM = Text(
    "Whom would you like to ask? Say `borrow {amount} from @name`.",
    "想向谁借？请发送 `向 @同事 借 {amount}`。",
)
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

# Requests
REQUEST_TITLE = Text("Quota request", "额度申请")
REQUEST_SENT = Text(
    "Your request for **{amount}** ({code}) is with {approver}. I'll tell you the moment it is decided.",
    "你申请的 **{amount}**（{code}）已提交给 {approver} 审批，有结果会马上告诉你。",
)
REQUEST_UNROUTABLE = Text(
    "Your request for **{amount}** ({code}) is kept, but there is nobody to decide it yet. The admins know.",
    "你申请的 **{amount}**（{code}）已记录，但暂时找不到审批人，已通知管理员。",
)
REQUEST_UNROUTABLE_ADMIN = Text(
    "{name} asked for {amount} ({code}) and nobody can decide: no manager, owner or fallback is reachable.",
    "{name} 申请 {amount}（{code}），但没有人能审批：主管、团队负责人和备选审批人都联系不上。",
)
REQUEST_AMENDED = Text("It replaces {old}.", "原申请 {old} 已被取代。")
MEANWHILE_RECALL = Text(
    "Meanwhile you can recall up to {amount} that you lent and nobody has used.",
    "等待期间，你可以先收回借出未用的 {amount}。",
)
MEANWHILE_FREE = Text("Free meanwhile: {models}.", "等待期间可用免费模型：{models}。")
CANCEL_BUTTON = Text("Cancel request", "撤回申请")
ASKS_FOR = Text("**{name}**{team} asks for **{amount}**{until}", "**{name}**{team} 申请 **{amount}**{until}")
UNTIL_DAY = Text(" until {day}", "，用到 {day}")
IN_TEAM = Text(" · {team}", " · {team}")
CARD_USED = Text("Used", "已用")
CARD_LEFT = Text("Left", "剩余")
CARD_LEFT_DAYS = Text("{left}, {days}", "{left}，{days}")
CARD_RUNS_OUT = Text("At this pace", "按目前速度")
CARD_RUNS_OUT_ON = Text("gone by {day} ({pace} a day)", "{day} 用完（每天 {pace}）")
CARD_LASTS = Text("lasts the period ({pace} a day)", "够用到期末（每天 {pace}）")
CARD_POOL = Text("Team budget {team}", "团队预算 {team}")
CARD_POOL_CHANGE = Text("{before} → {after}", "{before} → {after}")
CARD_DEBT = Text("Owes colleagues", "欠同事")
CARD_WHY = Text("Why you", "由你审批")
WHY = {
    "manager": Text("you are their manager", "你是对方的主管"),
    "above": Text("you are their manager's manager", "你是对方主管的上级"),
    "owner": Text("you own their team", "你是对方团队的负责人"),
    "fallback": Text("you are a fallback approver", "你是备选审批人"),
    "delegate": Text("you stand in for an approver", "你受托代为审批"),
}
APPROVE_BUTTON = Text("Approve {amount}", "同意 {amount}")
LESS_BUTTON = Text("Approve {amount} (lasts the period)", "同意 {amount}（够用到期末）")
LESS_CEILING_BUTTON = Text("Approve {amount} (your limit)", "同意 {amount}（你的上限）")
DECLINE_BUTTON = Text("Decline…", "拒绝…")
DECLINE_FORM = Text("Decline request", "拒绝申请")
DECLINE_REASON = Text("Reason, for {name}", "理由（{name} 会看到）")
REVOKE_BUTTON = Text("Take back unspent", "收回未用部分")
SMALL_ASKS = Text("**{name}** asks for **{amount}**", "**{name}** 申请 **{amount}**")
STATE_PENDING = Text("⏳ waiting for {approver}", "⏳ 等待 {approver} 审批")
STATE_UNROUTABLE = Text("⏳ no approver yet, the admins know", "⏳ 暂无审批人，已通知管理员")
STATE_APPROVED = Text(
    "✅ {amount} approved by {by} · {time} · activating", "✅ {by} 已同意 {amount} · {time} · 生效中"
)
STATE_APPLIED = Text("✅ {amount} approved by {by} · {time}", "✅ {by} 已同意 {amount} · {time}")
STATE_APPLY_FAILED = Text(
    "⚠️ {amount} approved by {by} · {time} · not live yet, being retried",
    "⚠️ {by} 已同意 {amount} · {time} · 尚未生效，正在重试",
)
STATE_DECLINED = Text("✖️ declined by {by} · {time}", "✖️ {by} 已拒绝 · {time}")
STATE_CANCELLED = Text("↩️ cancelled · {time}", "↩️ 已撤回 · {time}")
STATE_EXPIRED = Text("⌛ ended without an answer · {time}", "⌛ 超时未处理，已过期 · {time}")
STATE_VOID = Text("⛔ void · {time}", "⛔ 已作废 · {time}")
STATE_REPLACED = Text("🔁 replaced by {code}, now {amount}", "🔁 已被 {code} 取代，现为 {amount}")
BY_POLICY = Text("policy", "自动规则")
YOU_APPROVED = Text(
    "Done: {name} gets **{amount}** ({code}).", "好的，已批给 {name} **{amount}**（{code}）。"
)
YOU_DECLINED = Text(
    "Declined ({code}). {name} was told, with your reason.", "已拒绝（{code}），理由已转告 {name}。"
)
GRANTED = Text(
    "{by} approved **{amount}** for you{until}. You have {left} left.",
    "{by} 同意了 **{amount}**{until}。你现在有 {left}。",
)
GRANTED_LESS = Text(
    "{by} approved **{amount}** of the {asked} you asked for{until}. You have {left} left.",
    "你申请 {asked}，{by} 同意了 **{amount}**{until}。你现在有 {left}。",
)
GRANT_ACTIVATING = Text("It is being activated; I'll tell you when it is live.", "正在生效，好了会告诉你。")
GRANT_LIVE = Text(
    "**{amount}** is live at the gateway. Try again now.", "**{amount}** 已在网关生效，现在可以重试了。"
)
GRANT_FAILED = Text(
    "Your {amount} ({code}) is approved but not live yet: {why}. It is being retried.",
    "你的 {amount}（{code}）已批准但尚未生效：{why}。系统正在重试。",
)
GRANT_FAILED_OF = Text(
    "{who}'s {amount} ({code}) is approved but not live yet: {why}. It is being retried.",
    "{who} 的 {amount}（{code}）已批准但尚未生效：{why}。系统正在重试。",
)
GATEWAY_SAID = Text("the gateway said: {why}", "网关返回：{why}")
NO_ACCOUNT = Text("no account at the gateway is linked", "网关上没有关联的账号")
CHANGED_BY_HAND = Text("somebody changed the limit at the gateway", "有人在网关上改过限额")
DECLINED = Text(
    "{by} declined your request for {amount} ({code}).", "{by} 拒绝了你的申请：{amount}（{code}）。"
)
CANCELLED = Text("Your request for {amount} ({code}) is cancelled.", "已撤回 {amount} 的申请（{code}）。")
EXPIRED = Text(
    "Nobody answered your request for {amount} ({code}) in time, so it ended. Nothing was declined.",
    "你申请的 {amount}（{code}）一直没人处理，已过期，并不是被拒绝。",
)
ASK_AGAIN_BUTTON = Text("Ask again", "再次申请")
REMINDER = Text(
    "Still open: {name} waits for an answer on {amount} ({code}).",
    "提醒：{name} 申请的 {amount}（{code}）还在等你审批。",
)
ESCALATED = Text(
    "No answer yet on {code}, so {approver} was asked as well.",
    "{code} 还没有回复，已同时请 {approver} 审批。",
)
REVOKED = Text("**{amount}** of {code} is taken back.", "已收回 {code} 中未用的 **{amount}**。")
REVOKED_FROM_YOU = Text(
    "{by} took back {amount} of {code} that was not used. You have {left} left.",
    "{by} 收回了 {code} 中未用的 {amount}。你还剩 {left}。",
)
GRANT_ENDED = Text(
    "The top-up {what} has ended; {amount} of it was unused.", "追加额度 {what} 已到期，未用 {amount}。"
)
DELEGATED = Text(
    "{name} can decide your requests until {day}. You still can, too.",
    "{name} 可代你审批，截至 {day}；你自己也仍可审批。",
)
DELEGATED_TO_YOU = Text(
    "{name} handed you their approvals until {day}.", "{name} 委托你代为审批，截至 {day}。"
)
AUTO_APPROVED = Text(
    "Approved by policy: {name} got {amount} ({code}).", "按规则自动通过：{name} 获得 {amount}（{code}）。"
)

# DingTalk's own approval
OA_HINT = Text(
    "For another amount, write `approve {code} AMOUNT` to the bot in your chat.",
    "想批其他数额，请在和机器人的单聊里发送：同意 {code} 数额",
)
OA_REMINDER = Text(
    "It is among your approvals in DingTalk; `approve {code}` and `decline {code} reason` do, too.",
    "请在钉钉“OA 审批”里处理，也可以回复 `同意 {code}` 或 `拒绝 {code} 理由`。",
)
OA_NO_REMARK = Text("no reason was given in DingTalk", "钉钉审批中未填写理由")
OA_NOBODY = Text("DingTalk itself", "钉钉系统")
OA_NOT_COUNTED = Text(
    "{who} decided on your request for {amount} ({code}) in DingTalk, which does not count: nothing was granted or declined. It is still open with {approver}.",
    "你申请的 {amount}（{code}）在钉钉审批里由 {who} 处理，不能算数：既没有批准，也没有拒绝，仍由 {approver} 审批。",
)
OA_NOT_COUNTED_ADMIN = Text(
    "{name}'s request for {amount} ({code}) was decided in DingTalk by {who}, which does not count. It is still open with {approver}.",
    "{name} 申请的 {amount}（{code}）在钉钉审批里由 {who} 处理，不能算数，仍由 {approver} 审批。",
)
OA_AGREED_LATE = Text(
    "{who} agreed to {code} in DingTalk, but it was settled before: {state}",
    "{who} 在钉钉审批里同意了 {code}，但此前已有结果：{state}",
)
OA_REFUSED_LATE = Text(
    "{who} refused {code} in DingTalk, but it was settled before: {state}",
    "{who} 在钉钉审批里拒绝了 {code}，但此前已有结果：{state}",
)
OA_STAYS = Text(
    "DingTalk does not let us end an approval that is settled here. In the OA admin console, allow that submitters revoke what is pending: advanced settings of the quota form.",
    "钉钉不允许撤销已在这里有结果的审批单。请在 OA 审批管理后台“额度申请”模板的高级设置中，勾选“允许提交人撤销审批中的审批单”。",
)

# Forms
REQUEST_FORM = Text("Ask for more quota", "申请额度")
AMOUNT_FIELD = Text("How much ({unit})", "数额（{unit}）")
REASON_FIELD = Text("What for", "用途")
UNTIL_FIELD = Text("Until (optional)", "用到哪天（可不填）")
PERSON_FIELD = Text("To whom", "借给谁")
LEND_FORM = Text("Lend to a colleague", "借给同事")
SEND = Text("Send", "提交")
LEND_SUBMIT = Text("Lend", "借出")
DECLINE_SUBMIT = Text("Decline", "拒绝")
BACK = Text("Back", "返回")

# Confirming
ECHO = Text("Did I get that right? {what}", "请确认：{what}")
ECHO_AGAIN = Text(
    "You just did exactly that. Once more? {what}", "刚刚已经操作过一次，确定再来一次吗？{what}"
)
ECHO_LEND = Text("Lend **{amount}** to **{name}**{team}", "借给 **{name}**{team} **{amount}**")
ECHO_BORROW = Text("Ask **{name}**{team} to lend you **{amount}**", "向 **{name}**{team} 借 **{amount}**")
ECHO_REPAY = Text("Give **{amount}** back to **{name}**{team}", "还给 **{name}**{team} **{amount}**")
ECHO_RECALL = Text("Take **{amount}** back from **{name}**{team}", "从 **{name}**{team} 收回 **{amount}**")
ECHO_FORGIVE = Text("Let **{name}**{team} off **{amount}**", "免去 **{name}**{team} 欠的 **{amount}**")
ECHO_REQUEST = Text("Ask your manager for **{amount}**", "向主管申请 **{amount}**")
ECHO_APPROVE = Text("Approve **{code}** for **{amount}**", "同意 **{code}**：**{amount}**")
ECHO_DECLINE = Text("Decline **{code}**", "拒绝 **{code}**")
ECHO_CANCEL = Text("Cancel **{code}**", "撤回 **{code}**")
ECHO_REVOKE = Text("Take back what is unspent of **{code}**", "收回 **{code}** 未用的部分")
ECHO_DELEGATE = Text(
    "Hand your approvals to **{name}**{team} until {day}", "委托 **{name}**{team} 代为审批，截至 {day}"
)
EVERYTHING = Text("everything", "全部")
AS_ASKED = Text("the amount asked", "按申请的数额")
YES_BUTTON = Text("Yes", "确认")
NO_BUTTON = Text("No", "取消")
NOTHING_DONE = Text("Fine, nothing was changed.", "好的，未做任何改动。")

# History, team, help
HISTORY_TITLE = Text("Your history", "额度明细")
HISTORY_NONE = Text("Nothing yet.", "暂无记录。")
HISTORY_LINE = Text("`{day}` {what} **{amount}** → {balance}", "`{day}` {what} **{amount}** → {balance}")
OLDER_BUTTON = Text("Older", "更早")
MOVES = {
    "allocate": Text("allocation", "分配"),
    "cut": Text("cut", "调减"),
    "grant": Text("top-up", "追加"),
    "revoke": Text("top-up taken back", "追加收回"),
    "lend": Text("lent", "借出"),
    "borrow": Text("borrowed", "借入"),
    "return": Text("loan returned", "退回"),
    "repay": Text("debt repaid", "还款"),
    "use": Text("used {model}", "使用 {model}"),
    "fill": Text("overdraft filled", "补足透支"),
    "expire": Text("expired", "到期"),
}
OTHER_ACCOUNTS = {
    "top_up": Text("{left} of a top-up", "追加额度 {left}"),
    "loan": Text("{left} borrowed", "借入额度 {left}"),
    "overdraft": Text("{left} overdrawn", "透支 {left}"),
}
WITH_PERSON = Text("{what}, {name}", "{what}，{name}")
TEAM_TITLE = Text("Team {team}", "团队 {team}")
TEAM_REPORTS = Text("Your direct reports", "你直接管理的同事")
TEAM_BUDGET = Text("Top-up budget left", "追加预算剩余")
TEAM_BUDGET_OF = Text("{left} of {budget}", "{left} / {budget}")
TEAM_SUM = Text("Used by the team", "团队已用")
TEAM_PEOPLE = Text("People", "人数")
TEAM_LEFT = Text("Left in all", "合计剩余")
TEAM_LENT = Text("Borrowed between colleagues", "同事间借入")
HELP_TITLE = Text("What you can say", "你可以这样说")
HELP = Text(
    "`{command}` what you have left\n"
    "`lend @bob 50` lend at once; they owe only what they use\n"
    "`borrow 50 from @bob` ask a colleague\n"
    "`repay @bob` · `recall @bob` · `forgive @bob`\n"
    "`request 200 until 15 Dec load test` ask your manager\n"
    "`cancel CODE` · `loans` · `history` · `team` · `lang zh`\n"
    "Managers: `approve CODE [amount]` · `decline CODE reason` · `delegate @eve until friday`",
    "`{command}` 看看还剩多少\n"
    "`借给 @小李 50` 立即到账，对方用多少还多少\n"
    "`向 @小李 借 50` 请同事借一点\n"
    "`还 @小李` · `收回 @小李` · `免还 @小李`\n"
    "`申请 200 用到12月15日 压测` 向主管申请\n"
    "`撤回 CODE` · `借条` · `明细` · `团队` · `lang en`\n"
    "主管：`同意 CODE [数额]` · `拒绝 CODE 理由` · `委托 @小王 到周五`",
)
HELP_THREADS = Text(
    "Slash commands do not work inside threads; mention me there. Plain sentences work, too.",
    "消息列（thread）里不能用斜杠命令，@我 就行；也可以直接说大白话。",
)
HELP_NAMES = Text(
    "In our chat, where nobody can be mentioned, write a name, job number or e-mail. Plain sentences work, too.",
    "单聊里没法 @ 人，写对方的姓名、工号或邮箱即可；也可以直接说大白话。",
)
LANG_SET = Text("I'll speak English with you.", "好的，之后我用中文。")

# App Home
HOME_OPEN_REQUEST = Text("Your open request", "你的待审批申请")
HOME_TO_DECIDE = Text("Waiting for you", "等你审批")
HOME_NOTHING = Text("No open requests.", "没有待处理的申请。")

# Alerts
ALERT_LEFT = Text(
    "You have used {percent}% of your quota: **{left}** left.", "额度已用 {percent}%，还剩 **{left}**。"
)
ALERT_OUT = Text("Your quota is used up.", "你的额度已用完。")
ALERT_WHAT = Text("Most of it: {what}.", "主要用在：{what}。")
ALERT_LATELY = Text("Since yesterday, mostly {what}.", "昨天以来主要用在：{what}。")
FREE_MODELS_STILL = Text("Free models keep working: {models}.", "免费模型可继续使用：{models}。")
ALERT_RECALL = Text("You can recall {amount} that you lent.", "你可以收回借出未用的 {amount}。")

SURGE = Text(
    "You spent **{amount}** in the last {minutes} minutes. Is that you?",
    "最近 {minutes} 分钟用掉了 **{amount}**，是你在用吗？",
)
CONTINUE_BUTTON = Text("Keep going", "继续使用")
BORROW_BUTTON = Text("Borrow", "找同事借")
BORROW_HOW = Text(
    "Say how much and from whom: `borrow 50 from @name`. One click of theirs and it is yours.",
    "告诉我借多少、向谁借：`向 @同事 借 50`。对方点一下就到账。",
)
PAUSE_BUTTON = Text("Pause me", "先暂停")
PAUSED = Text(
    "Paused: the gateway takes nothing more from you until you say to go on.",
    "已暂停：恢复前网关不会再放行你的请求。",
)
CONTINUED = Text("Fine, go on.", "好的，继续。")

# Answers that are not refusals
PUBLIC_ASK_PRIVATELY = Text(
    "Ask me in our chat: figures are private. I have answered you there.",
    "额度不在群里显示，请私聊我。这次的结果已私聊发给你。",
)
BROKE = Text(
    "Something broke on our side; nothing was moved. Reference: {ref}.",
    "系统出了点问题，额度没有变动。编号：{ref}。",
)

# Where forms are not to be had, and cards that many see
FORM_STUCK = Text("The form did not open. Please type {usage}", "表单没能打开，请直接发送 {usage}")
TYPE_IT = Text("Please reply: `{typed}`", "请回复：`{typed}`")
CARD_TITLE = Text("Quota", "额度")
CARD_OPEN = Text("Open", "待处理")
CARD_DONE = Text("Settled", "已处理")
CALLS_USED_UP = Text(
    "DingTalk says that the organisation's API calls of this month are used up: cards and late answers no longer reach people there.",
    "钉钉提示本组织当月 API 调用量已用完，审批卡片和后续通知暂时无法送达。",
)
MISSING_SCOPES = Text(
    "DingTalk refuses a call for want of permissions: {scopes}. Tick them in the developer console and publish a version.",
    "钉钉拒绝了调用，应用缺少权限：{scopes}。请在开发者后台开通并发布新版本。",
)
LEAVING_HELD_BACK = Text(
    "The nightly read of the DingTalk directory would let {number} people leave; nothing was done. Look at `quotabot people sync dingtalk --dry-run`.",
    "按今晚读取的钉钉通讯录，会有 {number} 人被视为离职，已暂停处理。请查看 `quotabot people sync dingtalk --dry-run`。",
)
