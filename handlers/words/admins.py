"""What admins hear about the messengers."""

from __future__ import annotations

from handlers.words.text import Text

NAMED_ADMINS = Text(" ({names})", "（{names}）")
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
