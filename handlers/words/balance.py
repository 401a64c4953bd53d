"""What somebody has left, what runs out when, and the page at the top of App Home."""

from __future__ import annotations

from handlers.words.text import Text

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
BALANCE_TYPED = Text("balance", "余额")
AS_OF = Text("Usage as of {time}.", "用量截至 {time}。")
ASK_BUTTON = Text("Ask for more", "申请额度")
LEND_BUTTON = Text("Lend", "借给同事")
HISTORY_BUTTON = Text("History", "明细")
HOME_OPEN_REQUEST = Text("Your open request", "你的待审批申请")
HOME_TO_DECIDE = Text("Waiting for you", "等你审批")
HOME_NOTHING = Text("No open requests.", "没有待处理的申请。")
