"""What the bot can be asked, and in which language it answers."""

from __future__ import annotations

from handlers.words.text import Text

HELP_TITLE = Text("What you can say", "你可以这样说")
HELP = Text(
    "`{command}` what you have left\n"
    "`lend @bob 50` lend at once; they owe only what they use\n"
    "`borrow 50 from @bob` ask a colleague, `borrow 50` whoever can spare it · `withdraw` · `no asks` · `mute @bob` · `give 50 to team`\n"
    "`repay @bob` · `recall @bob` · `forgive @bob`\n"
    "`request 200 until 15 Dec load test` ask your manager\n"
    "`cancel CODE` · `nudge CODE` · `pending` · `loans` · `history` · `team` · `lang zh`\n"
    "Managers: `approve CODE [amount]` · `decline CODE reason` · `ask CODE question` · `delegate @eve until friday` · `undelegate` · `pause @bob` · `resume @bob` · `budget`",
    "`{command}` 看看还剩多少\n"
    "`借给 @小李 50` 立即到账，对方用多少还多少\n"
    "`向 @小李 借 50` 请同事借一点，`借 50` 问有富余的同事 · `撤回借用` · `不接受借用` · `屏蔽 @小李` · `给团队 50`\n"
    "`还 @小李` · `收回 @小李` · `免还 @小李`\n"
    "`申请 200 用到12月15日 压测` 向主管申请\n"
    "`撤回 CODE` · `催一下 CODE` · `待办` · `借条` · `明细` · `团队` · `lang en`\n"
    "主管：`同意 CODE [数额]` · `拒绝 CODE 理由` · `问 CODE 问题` · `委托 @小王 到周五` · `取消委托` · `暂停 @小李` · `恢复 @小李` · `预算`",
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
