"""What somebody hears about their own spending: levels, and an early end."""

from __future__ import annotations

from handlers.words.text import Text

ALERT_LEFT = Text(
    "You have used {percent}% of your quota: **{left}** left.", "额度已用 {percent}%，还剩 **{left}**。"
)
ALERT_OUT = Text("Your quota is used up.", "你的额度已用完。")
FALLBACK_OVER = Text(
    "The **{amount}** beyond your own quota, on {models}, are used up as well. All your models are back with your next quota.",
    "额度外可用的 **{amount}**（{models}）也已用完。下次有额度时，全部模型会自动恢复。",
)
ALERT_WHAT = Text("Most of it: {what}.", "主要用在：{what}。")
ALERT_LATELY = Text("Since yesterday, mostly {what}.", "昨天以来主要用在：{what}。")
FREE_MODELS_STILL = Text("Free models keep working: {models}.", "免费模型可继续使用：{models}。")
ALERT_RECALL = Text("You can recall {amount} that you lent.", "你可以收回借出未用的 {amount}。")
EARLY_END = Text(
    "At this pace your quota is gone on **{day}**, {days} before the period ends: **{left}** left, {pace} a day.",
    "按目前每天 {pace} 的速度，你剩下的 **{left}** 将在**{day}**用完，比期末早{days}。",
)
ONE_DAY = Text("a day", " 1 天")
MANY_DAYS = Text("{days} days", " {days} 天")
WOULD_LAST = Text("{amount} more would last to the end.", "再有 {amount} 就够用到期末。")
EARLY_WAYS = Text(
    "Ask your manager for it, borrow from a colleague, or take smaller models till then.",
    "可以向主管申请、找同事借，或先改用更便宜的模型。",
)
BORROW_BUTTON = Text("Borrow", "找同事借")
BORROW_HOW = Text(
    "Say how much and from whom: `borrow 50 from @name`. One click of theirs and it is yours.",
    "告诉我借多少、向谁借：`向 @同事 借 50`。对方点一下就到账。",
)
