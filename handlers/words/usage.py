"""How each route is used, in one line: shown when its arguments are missing or wrong."""

from __future__ import annotations

from handlers.words.text import Text

HELP = Text("`help`", "`帮助`")
LEND = Text("`lend @bob 50 [until friday] [reason]`", "`借给 @小李 50 [用到周五] [理由]`")
BORROW = Text(
    "`borrow 50 from @bob [until friday] [reason]` or `borrow 50`",
    "`向 @小李 借 50 [用到周五] [理由]` 或 `借 50`",
)
NEEDS = Text("`who needs it`", "`谁需要`")
WITHDRAW = Text("`withdraw @bob`", "`撤回借用 @小李`")
GIVE = Text("`give 500 to team`", "`给团队 500`")
MUTE = Text("`mute @bob`", "`屏蔽 @小李`")
UNMUTE = Text("`unmute @bob`", "`取消屏蔽 @小李`")
NO_ASKS = Text("`no asks`", "`不接受借用`")
ALLOW_ASKS = Text("`allow asks`", "`接受借用`")
REPAY = Text("`repay @bob [20]`", "`还 @小李 [20]`")
RECALL = Text("`recall @bob [20]`", "`收回 @小李 [20]`")
FORGIVE = Text("`forgive @bob [20] [reason]`", "`免还 @小李 [20] [理由]`")
REQUEST = Text("`request 200 [until 15 Dec] [reason]`", "`申请 200 [用到12月15日] [理由]`")
APPROVE = Text("`approve CODE [amount]`", "`同意 CODE [数额]`")
APPROVE_ALL = Text("`approve all`", "`全部同意`")
DECLINE = Text("`decline CODE reason`", "`拒绝 CODE 理由`")
CANCEL = Text("`cancel CODE`", "`撤回 CODE`")
REVOKE = Text("`revoke CODE`", "`收回 CODE`")
DELEGATE = Text("`delegate @eve until friday`", "`委托 @小王 到周五`")
ASK = Text("`ask CODE question`", "`问 CODE 问题`")
ANSWER = Text("`answer CODE …`", "`答复 CODE …`")
PENDING = Text("`pending`", "`待办`")
NUDGE = Text("`nudge CODE`", "`催一下 CODE`")
BUDGET = Text("`budget`", "`预算`")
EMERGENCY = Text("`emergency [amount] [reason]`", "`紧急 [数额] [理由]`")
UNDELEGATE = Text("`undelegate`", "`取消委托`")
PAUSE = Text(
    "`pause` or `continue`; for somebody else `pause @bob [reason]` or `resume @bob`",
    "`暂停` 或 `继续`；对同事用 `暂停 @小李 [理由]` 或 `恢复 @小李`",
)
LANG = Text("`lang en` or `lang zh`", "`lang zh` 或 `lang en`")
