"""What admins hear about the messengers."""

from __future__ import annotations

from handlers.words.text import Text

NAMED_ADMINS = Text(" ({names})", "（{names}）")
NOT_DELIVERED = Text(
    "My message to {name} could not be delivered. What you did stands; please tell {name} yourself.",
    "我发给 {name} 的消息没有送达。你的操作已经生效，请自行告知 {name}。",
)
UNREACHABLE = Text(
    "My messages do not reach {name} ({reason}). Please check {name}'s messenger id in people.csv.",
    "我发给 {name} 的消息无法送达（{reason}）。请核对 people.csv 里 {name} 的消息账号。",
)
CHANNEL_UNREACHABLE = Text(
    "I cannot write to the admin channel ({reason}). Invite me there, or correct `admin_channel` in the policy.",
    "我无法在管理员频道发言（{reason}）。请把我加入该频道，或更正策略中的 `admin_channel`。",
)
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
TURN_WAITS = Text(
    "The clock says {now}, but the open period ended on {day}: {count} periods would close at once. Nothing is closed and nothing ends by itself until that is settled. If the time is right, run `quotabot tick --yes`. If the clock is wrong, put it right and I go on by myself.",
    "系统时钟为 {now}，而当前周期已于 {day} 结束，将一次结算 {count} 个周期。确认之前不会结算，也不会有任何内容自动到期。如果时间无误，请运行 `quotabot tick --yes`；如果时钟有误，校正后会自动恢复。",
)
