"""What an owner of teams reads on Monday morning."""

from __future__ import annotations

from handlers.words.text import Text

WEEK_TITLE = Text("Last week: {teams}", "上周概况：{teams}")
WEEK_SPEND = Text("Used", "已用")
WEEK_SPEND_OF = Text("{used} (the week before: {before})", "{used}（前一周 {before}）")
WEEK_AGENTS = Text("Active agents", "活跃 Agent")
WEEK_AGENTS_OF = Text("{average} a day, {most} at most", "日均 {average} 个，最多 {most} 个")
WEEK_FORECAST = Text("By {day} at this pace", "按目前速度至{day}")
WEEK_WAITS = Text("Waiting for a decision", "等待审批")
WEEK_WAITS_OF = Text(
    "{count} in your teams, {mine} of all for you", "你的团队 {count} 条，等你处理共 {mine} 条"
)
