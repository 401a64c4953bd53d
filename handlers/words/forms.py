"""The forms: titles, fields and buttons; what is said where a form does not open."""

from __future__ import annotations

from handlers.words.text import Text

REQUEST_FORM = Text("Ask for more quota", "申请额度")
AMOUNT_FIELD = Text("How much ({unit})", "数额（{unit}）")
REASON_FIELD = Text("What for", "用途")
UNTIL_FIELD = Text("Until (optional)", "用到哪天（可不填）")
PERSON_FIELD = Text("To whom", "借给谁")
LEND_FORM = Text("Lend to a colleague", "借给同事")
SEND = Text("Send", "提交")
LEND_SUBMIT = Text("Lend", "借出")
DECLINE_SUBMIT = Text("Decline", "拒绝")
BACK = Text("Back", "返回")
FORM_STUCK = Text("The form did not open. Please type {usage}", "表单没能打开，请直接发送 {usage}")
TYPE_IT = Text("Please reply: `{typed}`", "请回复：`{typed}`")
