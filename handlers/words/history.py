"""The lines of an account statement."""

from __future__ import annotations

from handlers.words.text import Text

HISTORY_TITLE = Text("Your history", "额度明细")
HISTORY_NONE = Text("Nothing yet.", "暂无记录。")
HISTORY_LINE = Text("`{day}` {what} **{amount}** → {balance}", "`{day}` {what} **{amount}** → {balance}")
OLDER_BUTTON = Text("Older", "更早")
MOVES = {
    "allocate": Text("allocation", "分配"),
    "cut": Text("cut", "调减"),
    "grant": Text("top-up", "追加"),
    "give": Text("given away", "转给团队"),
    "revoke": Text("top-up taken back", "追加收回"),
    "lend": Text("lent", "借出"),
    "borrow": Text("borrowed", "借入"),
    "return": Text("loan returned", "退回"),
    "repay": Text("debt repaid", "还款"),
    "use": Text("used {model}", "使用 {model}"),
    "void": Text("usage voided", "误记用量退回"),
    "fill": Text("overdraft filled", "补足透支"),
    "fallback": Text("paid for models that go on", "备用模型用量由公司承担"),
    "expire": Text("expired", "到期"),
}
OTHER_ACCOUNTS = {
    "top_up": Text("{left} of a top-up", "追加额度 {left}"),
    "loan": Text("{left} borrowed", "借入额度 {left}"),
    "overdraft": Text("{left} overdrawn", "透支 {left}"),
}
WITH_PERSON = Text("{what}, {name}", "{what}，{name}")
