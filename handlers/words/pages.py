"""The pages for people who pay."""

from __future__ import annotations

from handlers.words.text import Text

PAGE_OVERVIEW = Text("Spend", "用量")
PAGE_REQUESTS = Text("Requests", "申请")
PAGE_POLICY = Text("Policy", "规则")
PAGE_AUDIT = Text("Audit trail", "审计记录")
PAGE_SIGN_IN = Text("Sign in", "登录")
PAGE_SIGN_OUT = Text("Sign out", "退出")
PAGE_WELCOME = Text(
    "Spend, budgets, requests and the policy, for admins, finance and owners of teams.",
    "面向管理员、财务和团队负责人：用量、预算、申请和规则。",
)
PAGE_NOT_FOR_YOU = Text(
    "You are signed in as {email}. These pages are for admins, finance and owners of teams. Your own quota is in the chat with the bot.",
    "你已登录为 {email}。这些页面面向管理员、财务和团队负责人。你自己的额度请在机器人聊天里查看。",
)
PAGE_NOT_WHOLE = Text(
    "This page is for admins and finance. You see your own teams under Spend and Requests.",
    "此页面仅对管理员和财务开放。你负责的团队可在“用量”和“申请”里查看。",
)
PAGE_UNKNOWN = Text(
    "Nobody here has the e-mail {email}. Please ask an admin to add it to people.csv.",
    "这里没有邮箱为 {email} 的成员。请让管理员把它加进 people.csv。",
)
PAGE_REFUSED = Text(
    "The sign-in did not work. Please try again; if it fails again, an admin finds the reason in the log.",
    "登录没有成功，请再试一次。若仍失败，管理员可在日志里查看原因。",
)
PAGE_NO_POLICY = Text(
    "No policy is in force yet: `quotabot policy apply` puts one in force.",
    "还没有生效的规则：请先运行 `quotabot policy apply`。",
)
PAGE_AS_OF = Text("As of {moment}", "截至{moment}")
PAGE_COUNTED = Text(
    "Spend counted at {counted}, every hour; the rest as of {moment}",
    "用量每小时统计一次，截至{counted}；其余截至{moment}",
)
PAGE_PERIOD = Text("Period", "周期")
PAGE_SHOW = Text("Show", "查看")

PAGE_USED = Text("Used this period", "本期已用")
PAGE_OF_ALLOCATION = Text("{percent}% of the allocations of {amount}", "占额度总和 {amount} 的 {percent}%")
PAGE_FORECAST = Text("By the end, at this pace", "按目前速度期末")
PAGE_FORECAST_UNTIL = Text("until {day}", "到{day}")
PAGE_GRANTED = Text("Granted as top-ups", "已批追加")
PAGE_EXPIRED = Text("Expired", "已过期")
PAGE_EXPIRED_NOTE = Text("not used by the end of the period or of a top-up", "到期未用完的额度")
PAGE_CARRIED = Text("Carried over", "上期结转")
PAGE_CARRIED_NOTE = Text("left of the period before, beside the allocation", "上期剩余，额度之外另计")
PAGE_FALLBACK = Text("Paid as fallback", "备用模型用量")
PAGE_FALLBACK_NOTE = Text("used beyond own quota, paid by the organisation", "自有额度用完之后，由公司承担")
PAGE_GIVEN = Text("Given to teams", "转给团队")
PAGE_GIVEN_NOTE = Text(
    "own allocation given to a team or the organisation, for good", "员工把自己的额度转给团队或公司，不再收回"
)
PAGE_LENT = Text("Lent between colleagues", "同事互借")

PAGE_YEAR = Text("The year against its budget", "全年预算执行")
PAGE_YEAR_SPENT = Text("spent", "已用")
PAGE_YEAR_BUDGET = Text("budget", "预算")
PAGE_YEAR_FORECAST = Text("forecast", "预测")
PAGE_YEAR_BETWEEN = Text("slowest to busiest week", "最慢至最快一周")
PAGE_YEAR_SAID = Text(
    "{spent} of {budget} is spent; {left} is left. At the pace of the last four weeks the year ends at {projected}.",
    "已用 {spent}，预算 {budget}，还剩 {left}。按最近四周的速度，全年约 {projected}。",
)
PAGE_YEAR_BAND = Text(
    "If every week were like the slowest of them, at {low}; like the busiest, at {high}.",
    "若每周都像其中最慢的一周，全年约 {low}；像最快的一周，约 {high}。",
)
PAGE_YEAR_RUNS_OUT = Text("The budget is spent on {day}.", "预算将在{day}用完。")
PAGE_YEAR_LASTS = Text("The budget lasts.", "预算够用。")
PAGE_NO_YEAR = Text(
    "The policy has no budget for the year: `organisation: year_budget` sets one.",
    "规则里还没有全年预算：可用 `organisation: year_budget` 设置。",
)
PAGE_DAYS = Text("Spend by day", "每日用量")
PAGE_AGENTS = Text("Active agents by day", "每日活跃智能体")
PAGE_TEAMS = Text("Teams", "团队")
PAGE_MODELS = Text("Models", "模型")
PAGE_MODEL = Text("Model", "模型")
PAGE_TOKENS = Text("Tokens", "Token 数")
PAGE_PER_MILLION = Text("Per million tokens", "每百万 Token")
PAGE_FREE = Text("free", "免费")
PAGE_NO_MODEL = Text("without a model", "未注明模型")
PAGE_NOTHING = Text("Nothing yet.", "暂无数据。")
PAGE_TEAM = Text("Team", "团队")
PAGE_PEOPLE = Text("People", "人数")
PAGE_ALLOCATION = Text("Allocation", "额度")
PAGE_COLUMN_USED = Text("Used", "已用")
PAGE_COLUMN_FORECAST = Text("Forecast", "预测")
PAGE_COLUMN_GRANTED = Text("Top-ups", "追加")
PAGE_COLUMN_BUDGET = Text("of budget", "追加预算")
PAGE_COLUMN_LENT = Text("Lent", "借出")
PAGE_COLUMN_BORROWED = Text("Borrowed", "借入")
PAGE_COLUMN_EXPIRED = Text("Expired", "过期")
PAGE_COLUMN_CARRIED = Text("Carried over", "结转")
PAGE_AND_SMALLER = Text(
    "The chart shows the {count} largest teams; the table has all.",
    "图中为用量最大的 {count} 个团队，表中为全部。",
)

PAGE_WAITING = Text("Waiting now", "待处理")
PAGE_WAITING_NOTE = Text("{amount} in all; the oldest since {moment}", "合计 {amount}，最早一条 {moment}")
PAGE_APPROVED = Text("Approved", "已批准")
PAGE_DECLINED = Text("Declined", "已拒绝")
PAGE_ENDED = Text("Cancelled or expired", "撤回或过期")
PAGE_BY_POLICY = Text("By policy, without a person", "按规则自动通过")
PAGE_MEDIAN = Text("Median time to a decision", "审批时长中位数")
PAGE_COLUMN_MEDIAN = Text("Median", "时长中位数")
PAGE_COLUMN_BY_POLICY = Text("By policy", "自动通过")
PAGE_MEDIAN_NOTE = Text("9 of 10 within {time}; decisions by people", "九成不超过 {time}；仅计人工审批")
PAGE_NINE = Text("9 of 10 within", "九成不超过")
PAGE_BY_LINE = Text("How they were decided", "审批方式")
PAGE_LINE = Text("Decided by", "审批人")
PAGE_DECIDED = Text("Decisions", "审批数")
PAGE_LINES = {
    "policy": Text("the policy, by itself", "规则自动通过"),
    "emergency": Text("the emergency rule", "紧急规则"),
    "manager": Text("the manager", "直属经理"),
    "above": Text("a manager above", "上级经理"),
    "owner": Text("the owner of the team", "团队负责人"),
    "fallback": Text("finance", "财务"),
    "delegate": Text("a delegate", "代理审批人"),
    "": Text("somebody else", "其他人"),
}
PAGE_ASKED_IN = Text("Asked in this period, or still waiting", "本期提交或仍待处理的申请")
PAGE_COLUMN_WAITING = Text("Waiting", "待处理")
PAGE_MINUTES = Text("{count} min", "{count} 分钟")
PAGE_HOURS = Text("{count} h", "{count} 小时")
PAGE_UNDER_A_MINUTE = Text("under a minute", "不到一分钟")

PAGE_VERSION = Text("Version {version} is in force since {moment}.", "第 {version} 版自{moment}起生效。")
PAGE_RULES = Text("Who gets what", "谁有多少额度")
PAGE_MATCH = Text("Match", "匹配条件")
PAGE_EVERYBODY_ELSE = Text("everybody else", "其他所有人")
PAGE_AMOUNT = Text("A period", "每期额度")
PAGE_REASON = Text("Reason", "理由")
PAGE_POOLS = Text("Top-up budgets of teams", "团队追加预算")
PAGE_STAGED = Text("Version {version} waits for {day}", "第 {version} 版将于{day}生效")
PAGE_NOT_STAGED = Text("No change waits for its day.", "没有待生效的变更。")
PAGE_DIFFERENCE = Text("What it changes", "变更内容")
PAGE_GAIN_LOSE = Text("Who gains, who loses", "谁增加，谁减少")
PAGE_GAIN_LOSE_SAID = Text(
    "People who get more: {more}, less: {less}. For them together: {before} → {after} a period. Without top-ups and loans.",
    "增加的人数：{more}，减少的人数：{less}。这些人每期合计 {before} → {after}，不含追加和借用。",
)
PAGE_NOBODYS_AMOUNT = Text("Nobody's amount changes.", "没有人的额度数目发生变化。")
PAGE_EACH_BEFORE = Text("Each, before", "每人变更前")
PAGE_EACH_AFTER = Text("Each, after", "每人变更后")
PAGE_SUM_BEFORE = Text("Sum, before", "合计变更前")
PAGE_SUM_AFTER = Text("Sum, after", "合计变更后")
PAGE_NO_LINE = Text("no line matches", "没有匹配的条目")

PAGE_RECORD = Text("Record", "记录")
PAGE_ALL_RECORDS = Text("all", "全部")
AUDIT_WORDS = {
    "joined": Text("joined", "入职"),
    "left": Text("left", "离职"),
    "manager": Text("manager", "主管"),
    "team": Text("team", "团队"),
    "employment": Text("employment", "用工类型"),
    "delegation": Text("delegation", "委托"),
    "policy": Text("policy", "策略"),
    "pause": Text("pause", "暂停"),
    "approved": Text("approved", "同意"),
    "declined": Text("declined", "拒绝"),
    "cancelled": Text("cancelled", "撤回"),
    "expired": Text("expired", "过期"),
    "void": Text("void", "作废"),
    "amended": Text("amended", "修改"),
    "revoked": Text("revoked", "收回"),
    "asked": Text("asked", "申请"),
    "granted": Text("granted", "批准"),
    "until": Text("until", "到"),
    "here": Text("here", "在职"),
    "away": Text("away", "已离开"),
    "known": Text("known", "实名"),
    "forgotten": Text("forgotten", "已匿名"),
    "goes on": Text("goes on", "继续"),
    "paused by": Text("paused by", "暂停人"),
    "version": Text("version", "版本"),
    "from": Text("from", "生效日"),
}
"""Words of the trail, which is data in English, for the page. Names, amounts and other keys stay as they are."""
PAGE_AUTHORITY = Text("authority", "权限")
PAGE_DECISION = Text("decision", "审批")
PAGE_SINCE = Text("Since", "起始日期")
PAGE_FIND = Text("Contains", "包含")
PAGE_FILTER = Text("Filter", "筛选")
PAGE_DOWNLOAD = Text("CSV", "下载 CSV")
PAGE_WHEN = Text("When", "时间")
PAGE_ACTOR = Text("By", "操作人")
PAGE_WHAT = Text("What", "操作")
PAGE_WHOM = Text("About", "对象")
PAGE_BEFORE = Text("Before", "变更前")
PAGE_AFTER = Text("After", "变更后")
PAGE_AUDIT_SAID = Text(
    "Changes of authority and decisions, the newest {count} of those that match. Words are sought in the newest {searched} of each. "
    "Transfers are in `quotabot export audit`.",
    "权限变更和审批记录，最多显示最新 {count} 条符合条件的。关键词只在每类最新的 {searched} 条中查找。转账记录请用 `quotabot export audit` 导出。",
)
