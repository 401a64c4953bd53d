"""The approval card: what an approver sees, its buttons, and its state."""

from __future__ import annotations

from handlers.words.text import Text

REQUEST_TITLE = Text("Quota request", "额度申请")
ASKS_FOR = Text("**{name}**{team} asks for **{amount}**{until}", "**{name}**{team} 申请 **{amount}**{until}")
UNTIL_DAY = Text(" until {day}", "，用到 {day}")
IN_TEAM = Text(" · {team}", " · {team}")
CARD_USED = Text("Used", "已用")
CARD_LEFT = Text("Left", "剩余")
CARD_LEFT_DAYS = Text("{left}, {days}", "{left}，{days}")
CARD_RUNS_OUT = Text("At this pace", "按目前速度")
CARD_RUNS_OUT_ON = Text("gone by {day} ({pace} a day)", "{day} 用完（每天 {pace}）")
CARD_LASTS = Text("lasts the period ({pace} a day)", "够用到期末（每天 {pace}）")
CARD_NOTHING_LEFT = Text("nothing is left ({pace} a day)", "已无剩余（每天 {pace}）")
CARD_POOL = Text("Team budget {team}", "团队预算 {team}")
CARD_POOL_CHANGE = Text("{before} → {after}", "{before} → {after}")
CARD_DEBT = Text("Owes colleagues", "欠同事")
CARD_BEFORE = Text("This period", "本期此前")
BEFORE_GRANTED = Text("granted {count}×, {amount} in all", "已获批 {count} 次，共 {amount}")
BEFORE_DECLINED = Text("declined on {day}", "{day} 被拒绝过")
BEFORE_BORROWED = Text("borrowed {amount} from colleagues", "向同事借入 {amount}")
BORROWED_SINCE = Text("{amount} of it since asking", "其中提交申请后借入 {amount}")
CARD_EMPLOYMENT = Text("Employment", "用工类型")
CARD_EMPLOYMENTS = {
    "contractor": Text("contractor", "外包"),
    "intern": Text("intern", "实习生"),
}
CARD_MODELS = Text("Models", "可用模型")
CARD_MODELS_ONLY = Text("{models} only", "仅限 {models}")
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
LIMITED_BUTTON = {
    "ceiling": Text("Approve {amount} (your limit)", "同意 {amount}（你的上限）"),
    "pool": Text("Approve {amount} (all the budget has)", "同意 {amount}（预算仅剩）"),
}
CARD_NOTHING_TO_GRANT = Text(
    "⚠️ The budget that would pay is empty, so nothing can be approved until an admin raises it.",
    "⚠️ 支付这笔额度的预算已用完，需管理员增加预算后才能批准。",
)
OTHER_BUTTON = Text("Other amount…", "其他数额…")
OTHER_FORM = Text("Approve another amount", "批其他数额")
OTHER_SUBMIT = Text("Approve", "同意")
OTHER_AMOUNT = Text("How much for {name} ({unit})", "批给 {name} 多少（{unit}）")
OTHER_HINT = Text("asked: {asked}; you can grant up to {most}", "申请 {asked}；你最多可批 {most}")
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
    "⚠️ {amount} approved by {by} · {time} · not live yet",
    "⚠️ {by} 已同意 {amount} · {time} · 尚未生效",
)
STATE_DECLINED = Text("✖️ declined by {by} · {time}", "✖️ {by} 已拒绝 · {time}")
STATE_NOT_YOURS = Text("↪️ no longer yours to decide", "↪️ 已不由你审批")
STATE_CANCELLED = Text("↩️ cancelled · {time}", "↩️ 已撤回 · {time}")
STATE_EXPIRED = Text("⌛ ended without an answer · {time}", "⌛ 超时未处理，已过期 · {time}")
STATE_VOID = Text("⛔ void · {time}", "⛔ 已作废 · {time}")
STATE_REPLACED = Text("🔁 replaced by {code}, now {amount}", "🔁 已被 {code} 取代，现为 {amount}")
BY_DELEGATE = Text("{by} for {behalf}", "{by}（代 {behalf}）")
BY_POLICY = Text("policy", "自动规则")
CARD_TITLE = Text("Quota", "额度")
CARD_OPEN = Text("Open", "待处理")
CARD_DONE = Text("Settled", "已处理")
