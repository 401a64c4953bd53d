"""What admins hear about the gateway: accounts that vanish, limits that are lost, edited or not enforced."""

from __future__ import annotations

from handlers.words.text import Text

ACCOUNTS_GONE = Text(
    "No longer at the gateway: {accounts}. Nothing is booked from there and no limit is written. An account that comes back is taken up again.",
    "网关上已找不到：{accounts}。不再从这些账号记账，也不再写入限额；账号恢复后会自动接上。",
)
LIMITS_LIFTED = Text(
    "The gateway had no limit any more for {accounts}. Ours is being written again. Accounts that were deleted and made again look like this, and so does a gateway whose database was reset.",
    "网关上 {accounts} 的限额已不存在，正在重新写入。账号被删除后重建，或网关数据库被重置，都会出现这种情况。",
)
NOT_ENFORCED = Text(
    "The gateway lets through what it should refuse: {accounts} spent more although the limit was reached. It is all booked, but nothing stops it. `quotabot gateway status` names what else decides there.",
    "网关没有按限额拦截：{accounts} 达到限额后仍在消耗。用量已全部记账，但无法阻止。请运行 `quotabot gateway status` 查看原因。",
)
LEDGER_RESTORED = Text(
    "The ledger was put back from a backup, and the gateway knows more than it. What was spent since is booked; loans, grants and decisions since are not in it.",
    "账本已从备份恢复，网关上的记录比账本新。备份之后的用量会照常记账，但之后的借用、追加和审批都不在账本里。",
)
LOWERED_AFTER_RESTORE = Text(
    "{count} limits above the ledger are being lowered: {accounts}.",
    "{count} 个高于账本的限额正在调低：{accounts}。",
)
LEFT_AFTER_RESTORE = Text(
    "{count} limits below the ledger stay until an admin decides: {accounts}. `quotabot gateway restore --all` writes what the ledger has, `quotabot gateway adopt EMAIL` keeps one as it is.",
    "{count} 个低于账本的限额保持不变，等管理员决定：{accounts}。`quotabot gateway restore --all` 按账本写入，`quotabot gateway adopt EMAIL` 则保留现有限额。",
)
ACCOUNTS_SHARED = Text(
    "{who} has {count} accounts at the gateway: {accounts}. They share one balance, but between two readings each can spend all of it. If one is not needed, delete it at the gateway.",
    "{who} 在网关上有 {count} 个账号：{accounts}。它们共用一份额度，但在两次读取之间，每个账号都可能把额度用完。如有多余的账号，请在网关上删除。",
)
SPENT_OF_LIMIT = Text("{account} ({spent} of {limit})", "{account}（限额 {limit}，已用 {spent}）")
LIMIT_EDITED = Text(
    "{account}: somebody changed the limit at the gateway. Ours is {ours}, now it is {found}. It stays like this until an admin decides.",
    "{account}：网关上的限额被人改动。我们写入的是 {ours}，现在是 {found}。管理员决定之前保持不变。",
)
LIMITS_EDITED = Text(
    "Somebody changed {count} limits at the gateway: {accounts}. They stay like this until an admin decides. `quotabot gateway status` lists them, `quotabot gateway restore --all` writes ours again.",
    "网关上有 {count} 个限额被人改动：{accounts}。管理员决定之前保持不变。`quotabot gateway status` 可查看明细，`quotabot gateway restore --all` 重新写入我们的限额。",
)
LIST_EDITED = Text(
    "{account}: somebody changed the list of models at the gateway. Ours is {ours}, now it is {found}. It stays like this until an admin decides: restore ours, or change the policy.",
    "{account}：网关上的可用模型被人改动。我们写入的是 {ours}，现在是 {found}。管理员决定之前保持不变：可恢复我们的设置，或修改额度规则。",
)
EVERY_MODEL = Text("every model", "全部模型")
RESTORE_BUTTON = Text("Restore ours", "恢复我们的设置")
ADOPT_BUTTON = Text("Adopt theirs", "采用新限额")
RESTORED = Text("{account}: ours is being written again.", "{account}：正在重新写入我们的设置。")
ADOPTED = Text(
    "{account}: {found} is right from now on, and the ledger follows: {available} is left.",
    "{account}：以 {found} 为准，账本已随之调整，目前可用 {available}。",
)
ACCOUNTS_AND_MORE = Text("{accounts} and {count} more", "{accounts} 等另外 {count} 个")
NO_LIMIT = Text("no limit", "无上限")
HELD_BACK = Text(
    "**{amount}** that colleagues passed on to you cannot be used yet: the gateway has not taken {other}'s lower limit. It is tried again until that is done, then your limit is raised.",
    "同事转给你的 **{amount}** 暂时不能用：网关还没有接受 {other} 调低后的限额。系统会一直重试，成功后随即提高你的限额。",
)
HOLDS_BACK = Text(
    "The gateway has not taken your lower limit, so {other} cannot use **{amount}** yet. It is tried again until that is done; you need not do anything.",
    "网关还没有接受你调低后的限额，因此 {other} 暂时用不了 **{amount}**。系统会一直重试，无需你操作。",
)
