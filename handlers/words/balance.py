"""What somebody has left, what runs out when, and the page at the top of App Home."""

from __future__ import annotations

from handlers.words.text import Text

BALANCE = Text("You have **{left}** left{until}", "你还剩 **{left}**{until}")
GONE_BY = Text(", gone {day} at this pace", "，按目前速度{day}用完")
ENOUGH_UNTIL = Text(", enough until {day} at this pace", "，按目前速度够用到{day}")
TODAY = Text("today", "今天")
TOMORROW = Text("tomorrow", "明天")
BALANCE_NONE = Text("You have nothing left", "额度已用完")
BALANCE_OVER = Text(
    "You have nothing left and are **{over}** over what you had", "额度已用完，并超用了 **{over}**"
)
MORE_UNTIL = Text(
    "It takes more than **{over}** until your calls pass again.", "补足 **{over}** 以上，调用才会恢复。"
)
MORE_UNTIL_QUOTA = Text(
    "It takes more than **{over}** until you have quota again.", "补足 **{over}** 以上，额度才会恢复。"
)
FALLBACK_GOES_ON = Text(
    "Your own quota is used up; **{models}** can still be used, up to **{left}** more.",
    "自有额度已用完；**{models}** 还可使用，最多 **{left}**。",
)
FALLBACK_USED = Text("Beyond own quota", "额度外用量")
FALLBACK_USED_OF = Text("{spent} of {amount}, on {models}", "{spent} / {amount}，限 {models}")
YOUR_MODELS = Text("Your models", "可用模型")
MODELS_AND_MORE = Text("{models} and {count} more", "{models} 及另外 {count} 个")
BALANCE_FREE_ONLY = Text(
    "Your plan is the free models; there is no paid quota this period", "你本期没有付费额度，可使用免费模型"
)
BALANCE_NO_QUOTA = Text("You have no quota this period", "你本期没有额度")
OPENED = Text("At the opening: {moves}.", "本期开始时：{moves}。")
OPENED_GIVEN = Text("{amount} given", "分配 {amount}")
OPENED_CARRIED = Text("{amount} carried over", "上期结转 {amount}")
OPENED_FILLED = Text("{amount} taken for what you had overspent", "补足上期超用 {amount}")
OPENED_REPAID = Text("{amount} repaid to colleagues", "归还同事 {amount}")
OPENED_RETURNED = Text("{amount} repaid to you", "同事还给你 {amount}")
BAR = Text("`{bar}` {used}% used, {elapsed}% of the period gone", "`{bar}` 已用 {used}%，本期已过 {elapsed}%")
USED = Text("Used", "已用")
BY_GATEWAY = Text("By gateway", "按网关")
USED_OF = Text("{used} of {whole}", "{used} / {whole}")
USED_OVER = Text("{used}, {over} more than there was", "{used}，超出可用额度 {over}")
BY_WHAT = Text("By model", "按模型")
OTHER_MODELS = Text("other", "其他")
PACE = Text("Pace", "使用速度")
PACE_A_DAY = Text("{pace} a day", "每天 {pace}")
ENDS = Text("Period ends", "本期结束")
ENDS_ON = Text("{day}, {left}", "{day}，{left}")
DAYS_LEFT = Text("{days} d left", "还有 {days} 天")
RUNS_OUT = Text("Runs out", "预计用完")
LASTS = Text("lasts the period at this pace", "按目前速度够用到期末")
RUNS_OUT_ON = Text("{day} at this pace", "按目前速度，{day}用完")
BORROWED = Text("Borrowed, unspent", "借入未用")
TOP_UPS = Text("Top-ups", "追加额度")
LENT_OUT = Text("Lent, still out", "借出未还")
OWED_TO_OTHERS = Text("You owe", "待还")
FREE_MODELS = Text("Free models", "免费模型")
BALANCE_TYPED = Text("balance", "余额")
AS_OF = Text("Usage as of {time}.", "用量截至 {time}。")
ASK_BUTTON = Text("Ask for more", "申请额度")
LEND_BUTTON = Text("Lend", "借给同事")
HISTORY_BUTTON = Text("History", "明细")
HOME_TITLE = Text("Your quota", "你的额度")
HOME_OPEN_REQUEST = Text("Your open request", "你的待审批申请")
HOME_TO_DECIDE = Text("Waiting for you", "等你审批")
HOME_NO_POLICY = Text(
    "No quota has been handed out yet. The admins have to apply a policy first.",
    "还没有分配额度，需要管理员先启用额度规则。",
)
