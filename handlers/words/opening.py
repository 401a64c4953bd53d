"""What a close and an opening did to somebody."""

from __future__ import annotations

from handlers.words.text import Text

BEGINS_WITH = Text(
    "A new period began on {day}. You start it with **{amount}**: {moves}.",
    "新一期从{day}开始，你的起始额度为 **{amount}**：{moves}。",
)
PERIOD_BEGAN = Text("A new period began on {day}.", "新一期从{day}开始。")
REPAID_TO = Text("{amount} repaid to {names}", "归还 {names} {amount}")
REPAID_BY = Text("{amount} repaid by {names}", "{names} 还给你 {amount}")
COLLEAGUES = Text("{count} colleagues", "{count} 位同事")
CAME_BACK = Text(
    "{amount} that {names} had not used came back to you at the close.",
    "{names} 借走未用的 {amount} 已在期末退回给你。",
)
CAME_BACK_AND_ENDED = Text(
    "{amount} that {names} had not used came back at the close and ended with the rest of your old quota.",
    "{names} 借走未用的 {amount} 已在期末退回，并随你上期剩余额度一起失效。",
)
WENT_BACK = Text(
    "{amount} that you had not used went back to {names} at the close.",
    "你借入未用的 {amount} 已在期末退回给 {names}。",
)
BACK_FOR_OVERSPENT = Text(
    "{amount} of what came back covered what you had overspent.", "退回的额度中有 {amount} 用于补足你的超用。"
)
STILL_OVER = Text(
    "That does not cover everything: you are still **{over}** over what you had.",
    "仍不足以补足，你还超用 **{over}**。",
)
