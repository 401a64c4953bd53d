"""Calls of DingTalk's own approval (OA 审批): make the form; start, read, find and end an instance. All are metered.

A start has no idempotency key, and a started instance cannot be changed.
Sources: https://open.dingtalk.com/document/development/create-an-approval-instance,
…/revoke-an-approval-instance, …/obtains-the-details-of-a-single-approval-instance-pop,
…/obtain-an-approval-list-of-instance-ids, …/create-an-approval-form-template (copies of April to August
2026) and the models of alibabacloud-dingtalk 2.2.65.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from bot.messengers.dingtalk.api import DingTalkApi
from bot.messengers.dingtalk.client import Api, part
from bot.messengers.dingtalk.errors import DingTalkError, Json, OutcomeUnknown

FORM = Api("workflow/forms", "/v1.0/workflow/forms")
START = Api("workflow/processInstances/start", "/v1.0/workflow/processInstances")
READ = Api("workflow/processInstances/read", "/v1.0/workflow/processInstances", method="GET", repeatable=True)
LIST = Api(
    "workflow/processes/instanceIds/query", "/v1.0/workflow/processes/instanceIds/query", repeatable=True
)
END = Api("workflow/processInstances/terminate", "/v1.0/workflow/processInstances/terminate", repeatable=True)

MOST_APPROVERS = 20
# Most instance ids in one page of a list.
PAGE = 20
# Most characters of a remark.
REMARK = 1024
NO_SUCH_FORM = "processcode.error"
NO_SUCH_INSTANCE = {"processInstanceNotExist", "processInstanceIdError", "aflowProcessInstNotExist"}
# The instance is over, or younger than 15 seconds (nobody can end it before).
WRONG_STATE = "aflowProcessInstStatusException"
# Operations of a person. DingTalk's own operations (nobody to ask, asked twice) are no decisions.
_BY_HAND = {"EXECUTE_TASK_NORMAL", "EXECUTE_TASK_AGENT"}


@dataclass(frozen=True)
class Act:
    """One operation on an instance. `result`: AGREE, REFUSE or NONE."""

    user: str
    type: str
    result: str
    remark: str = ""


@dataclass(frozen=True)
class Instance:
    """An approval as DingTalk returns it.

    `status`: RUNNING, TERMINATED (revoked) or COMPLETED; `result`: agree or refuse.
    """

    originator: str
    status: str
    result: str
    # Empty for an instance that a person started by hand.
    approvers: tuple[str, ...]
    values: dict[str, str]
    acts: tuple[Act, ...]

    @classmethod
    def read(cls, row: Json) -> Self:
        values = {
            str(one.get("name")): str(one.get("value") or "") for one in row.get("formComponentValues") or ()
        }
        acts = (
            Act(*(str(one.get(name) or "") for name in ("userId", "type", "result", "remark")))
            for one in row.get("operationRecords") or ()
        )
        return cls(
            part(row, "originatorUserId", str), part(row, "status", str), str(row.get("result") or ""),
            tuple(row.get("approverUserIds") or ()), values, tuple(acts),
        )  # fmt: skip

    @property
    def over(self) -> bool:
        return self.status in ("COMPLETED", "TERMINATED")

    @property
    def agreed(self) -> bool:
        return self.result == "agree"

    @property
    def decisions(self) -> list[Act]:
        """Operations of people that led to the result, latest first."""
        word = "AGREE" if self.agreed else "REFUSE"
        return [one for one in reversed(self.acts) if one.type in _BY_HAND and one.result.upper() == word]

    @property
    def revoked_by(self) -> str:
        found = (one.user for one in reversed(self.acts) if one.type == "TERMINATE_PROCESS_INSTANCE")
        return next(found, "")


async def save_form(api: DingTalkApi, name: str, labels: Iterable[str], *, long: str, code: str = "") -> str:
    """Make the form, or relabel the form `code`; return its processCode. Needs Workflow.Form.Write.

    The form is hidden from the organisation's list, because only approvals that we start count.
    """
    fields = [
        {
            "componentType": "TextareaField" if label == long else "TextField",
            "props": {"componentId": f"quotabot-{number}", "label": label, "required": False},
        }
        for number, label in enumerate(labels, 1)
    ]
    body: Json = {
        "name": name,
        "formComponents": fields,
        "templateConfig": {"hidden": True, "disableHomepage": True, "disableResubmit": True},
    }
    answer = await api.call(FORM, body | ({"processCode": code} if code else {}))
    return part(part(answer, "result", dict), "processCode", str)


async def start(
    api: DingTalkApi, form: str, who: str, approvers: Sequence[str], values: Iterable[tuple[str, str]]
) -> str:
    """Start an approval as `who`, decided by one of the approvers; return its id. Needs Workflow.Instance.Write.

    With approvers given, DingTalk ignores the flow drawn for the form, and needs no department.
    """
    if not 1 <= len(approvers) <= MOST_APPROVERS:
        raise DingTalkError("approvers", f"{len(approvers)}: DingTalk takes 1 to {MOST_APPROVERS}")
    kind = "OR" if len(approvers) > 1 else "NONE"
    body = {
        "processCode": form,
        "originatorUserId": who,
        "approvers": [{"actionType": kind, "userIds": list(approvers)}],
        "formComponentValues": [{"name": label, "value": value} for label, value in values],
    }
    found = (await api.call(START, body)).get("instanceId")
    if not isinstance(found, str) or not found:
        raise OutcomeUnknown("odd answer", "no instanceId in it")
    return found


async def read(api: DingTalkApi, instance: str) -> Instance:
    """The present state. Needs Workflow.Instance.Read. Raises a code of `NO_SUCH_INSTANCE`."""
    return Instance.read(part(await api.call(READ, {"processInstanceId": instance}), "result", dict))


async def listed(api: DingTalkApi, form: str, who: str, since: int) -> list[str]:
    """Ids of the approvals that `who` started with this form since `since` (ms). Needs Workflow.Instance.Read."""
    found: list[str] = []
    cursor: int | None = 0
    while cursor is not None:
        asked = {
            "processCode": form,
            "userIds": [who],
            "startTime": since,
            "nextToken": cursor,
            "maxResults": PAGE,
        }
        page = part(await api.call(LIST, asked), "result", dict)
        found += part(page, "list", list)
        cursor = int(page["nextToken"]) if page.get("nextToken") else None
    return found


async def end(api: DingTalkApi, instance: str, remark: str) -> None:
    """End the instance as the system. `WRONG_STATE`: it is over, or too young. Needs Workflow.Instance.Write.

    The form must allow it (高级设置, 允许提交人撤销审批中的审批单); only an administrator can set that.
    """
    await api.call(END, {"processInstanceId": instance, "isSystem": True, "remark": remark[:REMARK]})
