"""Emergency grants: what the member reads, and what everybody above them is told."""

from __future__ import annotations

from handlers.words.text import Text

EMERGENCY_TAKEN = Text(
    "**{amount}** ({code}) is yours until {day}, by the emergency rule. {names} and the admins were told. You have {left} left.",
    "已按紧急规则为你追加 **{amount}**（{code}），可用至{day}。已告知 {names} 和管理员。你现在有 {left}。",
)
EMERGENCY_STILL_WAITS = Text("{code} still waits for a decision.", "{code} 仍在等待审批。")
EMERGENCY_TOLD = Text(
    "⚠️ **{name}** took **{amount}** ({code}) by the emergency rule, without a decision.",
    "⚠️ **{name}** 按紧急规则直接追加了 **{amount}**（{code}），未经审批。",
)
EMERGENCY_BUTTON = Text("Emergency: {amount} now", "紧急：先用 {amount}")
CONFIRM_EMERGENCY = Text("Take **{amount}** by the emergency rule", "按紧急规则追加 **{amount}**")
NO_EMERGENCY = {
    "off": Text(
        "There are no emergency grants here. `request 200 reason` asks your manager; `nudge CODE` reminds them.",
        "这里没有紧急额度。可发送 `申请 200 理由` 向主管申请，或发送 `催一下 CODE` 提醒审批。",
    ),
    "nothing_asked": Text(
        "Ask first: `request 200 reason`. When nobody has decided after {wait}, `emergency` gives you up to {most} at once.",
        "请先申请：`申请 200 理由`。{wait}后仍无人审批，可发送 `紧急` 直接获得最多 {most}。",
    ),
    "early": Text(
        "{code} is with your approvers. When nobody has decided by {time}, `emergency` gives you up to {most} at once.",
        "{code} 正在审批。如到 {time} 仍无人处理，可发送 `紧急` 直接获得最多 {most}。",
    ),
    "used": Text(
        "You have used what the emergency rule allows in this period. `nudge CODE` reminds your approver.",
        "你本期的紧急额度已用完。可发送 `催一下 CODE` 提醒审批。",
    ),
    "too_much": Text(
        "The emergency rule gives you at most {most}. `emergency {plain}` takes that.",
        "紧急规则最多给你 {most}，可发送 `紧急 {plain}`。",
    ),
    "nobody": Text(
        "Nobody could be told of an emergency grant, so there is none. Please ask an admin.",
        "没有可以告知的审批人，因此无法使用紧急额度，请联系管理员。",
    ),
}
WAIT_HOURS = Text("{count} h", "{count} 小时")
WAIT_MINUTES = Text("{count} min", "{count} 分钟")
