"""What managers and owners see of a team, and what they hear of its budget."""

from __future__ import annotations

from handlers.words.text import Text

TEAM_TITLE = Text("Team {team}", "团队 {team}")
TEAM_REPORTS = Text("Your direct reports", "你直接管理的同事")
TEAM_BUDGET = Text("Top-up budget left", "追加预算剩余")
TEAM_BUDGET_OF = Text("{left} of {budget}", "{left} / {budget}")
TEAM_SUM = Text("Used by the team", "团队已用")
TEAM_PEOPLE = Text("People", "人数")
TEAM_LEFT = Text("Left in all", "合计剩余")
TEAM_LENT = Text("Borrowed between colleagues", "同事间借入")
TEAM_YEAR = Text("The organisation's year", "公司全年预算")
TEAM_YEAR_OF = Text(
    "{spent} of {budget}, at this pace {projected} by its end",
    "已用 {spent} / {budget}，按目前速度全年约 {projected}",
)
