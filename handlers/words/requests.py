"""A request on its way: sent, decided, live at the gateway, reminded, ended; delegations."""

from __future__ import annotations

from handlers.words.text import Text

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
NOBODY_GRANTS_ALL = Text(
    "Nobody here can approve more than {most}, so you may get that at most. The admins know.",
    "这里没有人能批超过 {most}，所以最多可获批这么多，已通知管理员。",
)
NOBODY_GRANTS_ALL_ADMIN = Text(
    "{name} asked for {amount} ({code}); no approver may grant more than {most}. To grant it all, raise `approve_up_to` or name a fallback approver in the policy.",
    "{name} 申请 {amount}（{code}），但没有审批人能批超过 {most}。如需全额批准，请在额度规则里提高 `approve_up_to` 或设置备选审批人。",
)
REQUEST_AMENDED = Text("It replaces {old}.", "原申请 {old} 已被取代。")
MEANWHILE_RECALL = Text(
    "Meanwhile you can recall up to {amount} that you lent and nobody has used.",
    "等待期间，你可以先收回借出未用的 {amount}。",
)
MEANWHILE_FREE = Text("Free meanwhile: {models}.", "等待期间可用免费模型：{models}。")
MEANWHILE_FALLBACK = Text(
    "Meanwhile {models} can still be used, up to {left} more.", "等待期间仍可使用 {models}，最多 {left}。"
)
CANCEL_BUTTON = Text("Cancel request", "撤回申请")
YOU_APPROVED = Text(
    "Done: {name} gets **{amount}** ({code}){until}.", "好的，已批给 {name} **{amount}**（{code}）{until}。"
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
GRANT_WOULD_END_SOON = Text(
    "Approved now, it ends {left}. For longer, they would have to ask until a later day.",
    "现在批准，额度 {left}就到期；想用更久，需要对方申请用到更晚的日期。",
)
GRANT_ENDS_SOON = Text("It ends {left}.", "它 {left}就到期。")
GRANT_ENDS_SOON_YOU = Text(
    "It ends {left}. For longer, ask until a later day: `request 200 until 15 Dec`.",
    "它 {left}就到期；想用更久，请申请用到更晚的日期：`申请 200 用到12月15日`。",
)
IN_MINUTES = Text("in {count} min", "{count} 分钟后")
IN_HOURS = Text("in {count} h", "{count} 小时后")
UNTIL_PASSED = Text(
    "{code} was asked until {day}, which has passed, so nothing was approved. I asked {name} for another day.",
    "{code} 申请用到 {day}，已经过了，所以没有批准。已请 {name} 换一个日期。",
)
UNTIL_PASSED_ASK = Text(
    "{by} wanted to approve {amount} ({code}), but you asked until {day}, which has passed. Until which day do you need it?",
    "{by} 想同意你申请的 {amount}（{code}），但你写的日期 {day} 已过。需要用到哪天？请重新申请。",
)
GRANT_ACTIVATING = Text("It is being activated; I'll tell you when it is live.", "正在生效，好了会告诉你。")
GRANT_LIVE = Text(
    "**{amount}** is live at the gateway. Try again now.", "**{amount}** 已在网关生效，现在可以重试了。"
)
GRANT_LIVE_AT = Text(
    "**{amount}** is live at {here}: try again there. At {there} it can be used as soon as that gateway takes it.",
    "**{amount}** 已在 {here} 生效，可以在那里重试。{there} 接受新限额后，那边也能使用。",
)
GRANT_LIVE_BACK = Text(
    "**{amount}** is live at the gateway, and all your models are back. Try again now.",
    "**{amount}** 已在网关生效，全部模型已恢复，现在可以重试了。",
)
GRANT_FILLS = Text(
    "**{amount}** is live at the gateway; it went into what you had overspent.",
    "**{amount}** 已在网关生效，已用于补足你之前的超用。",
)
GRANT_LIVE_USED_UP = Text(
    "**{amount}** is live at the gateway, but you have nothing left to spend.",
    "**{amount}** 已在网关生效，但你目前没有可用额度。",
)
GRANT_LIVE_PAUSED = Text(
    "**{amount}** is yours. You are paused, so the gateway refuses your calls until you say `continue`.",
    "**{amount}** 已到账。你处于暂停状态，发送 `继续` 之前网关会拒绝你的请求。",
)
GRANT_FAILED = Text(
    "Your {amount} ({code}) is approved but not live yet: {why}. {next}",
    "你的 {amount}（{code}）已批准但尚未生效：{why}。{next}",
)
GRANT_FAILED_OF = Text(
    "{who}'s {amount} ({code}) is approved but not live yet: {why}. {next}",
    "{who} 的 {amount}（{code}）已批准但尚未生效：{why}。{next}",
)
BEING_RETRIED = Text("It is being retried.", "系统正在重试。")
ADMIN_HAS_TO_LINK = Text("An admin has to link your account there.", "需要管理员关联你的网关账号。")
ADMIN_HAS_TO_CHOOSE = Text("An admin has to say which limit counts.", "需要管理员确认以哪个限额为准。")
PLEASE_LINK = Text(
    "Please link one: `quotabot gateway link --plan` shows who matches.",
    "请关联账号：`quotabot gateway link --plan` 会列出可匹配的人。",
)
PLEASE_CHOOSE = Text(
    "Please choose: `quotabot gateway adopt {email}` keeps what stands there, `quotabot gateway restore {email}` writes ours.",
    "请选择：`quotabot gateway adopt {email}` 以网关现值为准，`quotabot gateway restore {email}` 写回我们的限额。",
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
MANAGER_CHANGED = Text(
    "Your manager is no longer {before}, so {code} is now with {approver}.",
    "你的主管已不是 {before}，{code} 现由 {approver} 审批。",
)
APPROVER_GONE = Text(
    "{before} can no longer decide {code}, so it is now with {approver}.",
    "{before} 已不能审批 {code}，现由 {approver} 审批。",
)
APPROVER_UNREACHED = Text(
    "I cannot reach {before} about {code}, so {approver} was asked.",
    "{code} 的消息无法送达 {before}，已改请 {approver} 审批。",
)
APPROVER_FOUND = Text("{code} has an approver now: {approver}.", "{code} 现在有审批人了：{approver}。")
UNREACHED_ADMIN = Text(
    "My messages do not reach {name}. {who}'s request {code} went on to {approver}. Please check {name}'s messenger id.",
    "我发给 {name} 的消息无法送达，{who} 的申请 {code} 已转给 {approver}。请核对 {name} 的消息账号。",
)
UNREACHED_ADMIN_NOBODY = Text(
    "My messages do not reach {name}, and nobody else is left to ask about {who}'s request {code}. Please check {name}'s messenger id.",
    "我发给 {name} 的消息无法送达，{who} 的申请 {code} 也没有其他审批人。请核对 {name} 的消息账号。",
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
DELEGATED_INSTEAD = Text(
    "{name} can decide your requests until {day}, in place of {before}. You still can, too.",
    "{name} 可代你审批，截至 {day}，不再由 {before} 代办；你自己也仍可审批。",
)
DELEGATED_TO_YOU = Text(
    "{name} handed you their approvals until {day}.", "{name} 委托你代为审批，截至 {day}。"
)
DELEGATION_ENDED = Text(
    "{name} took their approvals back; you no longer decide for them.",
    "{name} 已取消委托，你不再代为审批。",
)
UNDELEGATED = Text("Done: {name} no longer decides your requests.", "好的，{name} 不再代你审批。")
NOTHING_DELEGATED = Text("You had delegated to nobody.", "你目前没有委托任何人。")
UNDELEGATE_BUTTON = Text("End it now", "取消委托")
AUTO_APPROVED = Text(
    "Approved by policy: {name} got {amount} ({code}).", "按规则自动通过：{name} 获得 {amount}（{code}）。"
)
