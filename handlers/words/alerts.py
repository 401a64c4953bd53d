"""What somebody hears about their own spending: levels, surges, pauses."""

from __future__ import annotations

from handlers.words.text import Text

ALERT_LEFT = Text(
    "You have used {percent}% of your quota: **{left}** left.", "额度已用 {percent}%，还剩 **{left}**。"
)
ALERT_OUT = Text("Your quota is used up.", "你的额度已用完。")
ALERT_WHAT = Text("Most of it: {what}.", "主要用在：{what}。")
ALERT_LATELY = Text("Since yesterday, mostly {what}.", "昨天以来主要用在：{what}。")
FREE_MODELS_STILL = Text("Free models keep working: {models}.", "免费模型可继续使用：{models}。")
ALERT_RECALL = Text("You can recall {amount} that you lent.", "你可以收回借出未用的 {amount}。")
EARLY_END = Text(
    "At this pace your quota is gone on **{day}**, {days} d before the period ends: **{left}** left, {pace} a day.",
    "按目前每天 {pace} 的速度，你剩下的 **{left}** 将在**{day}**用完，比期末早 {days} 天。",
)
WOULD_LAST = Text("{amount} more would last to the end.", "再有 {amount} 就够用到期末。")
EARLY_WAYS = Text(
    "Ask your manager for it, borrow from a colleague, or take smaller models till then.",
    "可以向主管申请、找同事借，或先改用更便宜的模型。",
)
SURGE = Text(
    "You spent **{amount}** in the last {minutes} minutes. Is that you?",
    "最近 {minutes} 分钟用掉了 **{amount}**，是你在用吗？",
)
SURGE_OF_ASKED = Text(
    "**{who}** spent **{amount}** in the last {minutes} minutes. They were asked whether that is meant.",
    "**{who}** 在最近 {minutes} 分钟用掉了 **{amount}**，已询问本人是否在使用。",
)
SURGE_OF = Text(
    "**{who}** spent **{amount}** in the last {minutes} minutes.",
    "**{who}** 在最近 {minutes} 分钟用掉了 **{amount}**。",
)
CONTINUE_BUTTON = Text("Keep going", "继续使用")
BORROW_BUTTON = Text("Borrow", "找同事借")
BORROW_HOW = Text(
    "Say how much and from whom: `borrow 50 from @name`. One click of theirs and it is yours.",
    "告诉我借多少、向谁借：`向 @同事 借 50`。对方点一下就到账。",
)
PAUSE_BUTTON = Text("Pause me", "先暂停")
PAUSED = Text(
    "You are paused: as soon as the gateway has the new limit it refuses your calls, until you say `continue`.",
    "已为你暂停：网关收到新限额后会拒绝你的请求，直到你发送 `继续`。",
)
PAUSE_CANNOT = Text(
    "I can't stop your calls: no limit is enforced for you at a gateway, so nothing was changed. Stop your agents themselves, or revoke their keys.",
    "我没法拦住你的调用：网关没有对你执行限额，所以未做任何改动。请直接停掉你的程序，或停用它们的密钥。",
)
CONTINUED = Text("Fine, go on.", "好的，继续。")
