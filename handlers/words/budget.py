"""Budgets: what owners, admins and the people of finance ask and are told."""

from __future__ import annotations

from handlers.words.text import Text

BUDGET_TITLE = Text("Budget", "预算")
BUDGET_PERIOD = Text("The period until {day}", "本期（至{day}）")
BUDGET_SPEND = Text(
    "used {used}, at this pace {forecast} by its end", "已用 {used}，按目前速度期末约 {forecast}"
)
BUDGET_TOP_UPS = Text("top-ups: {spent} of {budget} granted", "追加预算：已批 {spent} / {budget}")
BUDGET_COUNTED = Text("Spend counted at {moment}", "用量统计截至{moment}")
BUDGET_ALL = Text("Everybody", "全公司")
NO_TEAM = Text("without a team", "未分团队")
YEAR_ENDS = Text(" It is spent on {day}.", "，预计{day}用完。")
BUDGET_BUTTON = Text("Budget", "看预算")
BUDGET_WORD = Text("budget", "预算")
POOL_GRANTED = Text(
    "Team **{team}**: {percent}% of the top-up budget is granted, {spent} of {budget}. **{left}** is left until {day}.",
    "团队 **{team}** 的追加预算已批出 {percent}%：{spent} / {budget}，到{day}前还剩 **{left}**。",
)
POOL_OVERRUNS = Text(
    "At this pace {forecast} would be granted by then. Once the budget is spent, requests of the team are refused; an admin can raise `top_up_budget` in the policy.",
    "按目前速度到期末将批出约 {forecast}。预算用完后，该团队的申请将无法批准；管理员可在规则里调高 `top_up_budget`。",
)
POOL_FORECAST = Text(
    "Team **{team}**: {spent} of the top-up budget of {budget} is granted, **{left}** is left until {day}.",
    "团队 **{team}** 的追加预算已批 {spent} / {budget}，到{day}前还剩 **{left}**。",
)
YEAR_SPENT = Text(
    "The organisation has spent {percent}% of its budget of the year, {spent} of {budget}. **{left}** is left.",
    "公司全年预算已用 {percent}%：{spent} / {budget}，还剩 **{left}**。",
)
YEAR_FORECAST = Text(
    "The organisation has spent {spent} of its budget of {budget} for the year; **{left}** is left.",
    "公司全年预算已用 {spent} / {budget}，还剩 **{left}**。",
)
YEAR_OVERRUNS = Text(
    "At the pace of the last weeks the year ends at {forecast}, and the budget is spent on {day}. It limits nobody: calls go on.",
    "按最近几周的速度，全年约 {forecast}，预算将在{day}用完。该预算不限制任何人，调用不会中断。",
)
YEAR_OVERSPENT = Text(
    "The organisation has spent {spent}, {over} more than its budget of {budget} for the year. It limits nobody: calls go on.",
    "公司今年已用 {spent}，超出全年预算 {budget} 共 {over}。该预算不限制任何人，调用不会中断。",
)
POOL_EMPTY = Text(
    "Until then requests of the team are refused. An admin can raise `top_up_budget` in the policy.",
    "在此之前该团队的申请无法批准；管理员可在规则里调高 `top_up_budget`。",
)
