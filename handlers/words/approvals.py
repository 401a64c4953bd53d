"""What is said about DingTalk's own approvals (OA)."""

from __future__ import annotations

from handlers.words.text import Text

APPROVAL_HINT = Text(
    "For another amount, write `approve {code} AMOUNT` to the bot in your chat.",
    "想批其他数额，请在和机器人的单聊里发送：同意 {code} 数额",
)
APPROVAL_REMINDER = Text(
    "It is among your approvals in DingTalk; `approve {code}` and `decline {code} reason` do, too.",
    "请在钉钉“OA 审批”里处理，也可以回复 `同意 {code}` 或 `拒绝 {code} 理由`。",
)
APPROVAL_NO_REMARK = Text("no reason was given in DingTalk", "钉钉审批中未填写理由")
APPROVAL_NOBODY = Text("DingTalk itself", "钉钉系统")
APPROVAL_NOT_COUNTED = Text(
    "{who} decided on your request for {amount} ({code}) in DingTalk, which does not count: nothing was granted or declined. It is still open with {approver}.",
    "你申请的 {amount}（{code}）在钉钉审批里由 {who} 处理，不能算数：既没有批准，也没有拒绝，仍由 {approver} 审批。",
)
APPROVAL_NOT_COUNTED_ADMIN = Text(
    "{name}'s request for {amount} ({code}) was decided in DingTalk by {who}, which does not count. It is still open with {approver}.",
    "{name} 申请的 {amount}（{code}）在钉钉审批里由 {who} 处理，不能算数，仍由 {approver} 审批。",
)
APPROVAL_AGREED_LATE = Text(
    "{who} agreed to {code} in DingTalk, but it was settled before: {state}",
    "{who} 在钉钉审批里同意了 {code}，但此前已有结果：{state}",
)
APPROVAL_REFUSED_LATE = Text(
    "{who} refused {code} in DingTalk, but it was settled before: {state}",
    "{who} 在钉钉审批里拒绝了 {code}，但此前已有结果：{state}",
)
APPROVAL_STAYS = Text(
    "DingTalk does not let us end an approval that is settled here. In the OA admin console, allow that submitters revoke what is pending: advanced settings of the quota form.",
    "钉钉不允许撤销已在这里有结果的审批单。请在 OA 审批管理后台“额度申请”模板的高级设置中，勾选“允许提交人撤销审批中的审批单”。",
)
