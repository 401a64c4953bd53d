"""DingTalk's own approval in the stand-in: forms, instances, and the decisions of people.

https://open.dingtalk.com/document/development/create-an-approval-instance and its neighbours
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sandbox.dingtalk.objects import Approval, Form, Json, Refusal
from sandbox.dingtalk.state import State

EVENT, TASK = "bpms_instance_change", "bpms_task_change"
# Seconds after its start in which nobody can revoke an instance.
YOUNG = 15
MOST_APPROVERS, MOST_VALUES, PAGE, REMARK = 20, 150, 20, 1024
DAYS = 120
# Most people in one list call.
LISTED = 10


def save_form(state: State, asked: Json) -> Json:
    # POST /v1.0/workflow/forms: make a form, or change the form of this processCode.
    name, code = asked.get("name"), asked.get("processCode")
    if not isinstance(name, str) or not 1 <= len(name) <= 200:
        raise Refusal("formName.error", "表单名称错误")
    if code and code not in state.forms:
        raise Refusal("processcode.error", "processCode对应的审批流程不存在")
    if any(one.name == name and one.code != code for one in state.forms.values()):
        raise Refusal("formName.error", "已有相同名称表单")
    fields = [_field(one) for one in asked.get("formComponents") or ()]
    labels = [label for label, _ in fields]
    if not fields or len(set(labels)) < len(labels):
        raise Refusal("formschema.error", "表单schema不合法")
    code = code or state.number("PROC-")
    state.forms[code] = Form(
        code, name, dict(fields), (asked.get("templateConfig") or {}).get("hidden") is True
    )
    return {"result": {"processCode": code}}


def start(state: State, asked: Json) -> Json:
    # POST /v1.0/workflow/processInstances: start an instance. There is no idempotency key: two equal calls
    # start two.
    form, originator = state.forms.get(asked.get("processCode") or ""), asked.get("originatorUserId") or ""
    if form is None:
        raise Refusal("processCodeError", "获取审批模板失败或者模板已被删除")
    if not _works_here(state, originator):
        raise Refusal("invalidParameter", "发起人已离职")
    approvers = _approvers(state, asked)
    now = state.clock()
    one = Approval(state.number("instance-"), form.code, originator, approvers, _values(form, asked), now)
    one.waiting = list(approvers)
    one.did(originator, "START_PROCESS_INSTANCE", now)
    state.approvals[one.id] = one
    state.announce(EVENT, news(one, "start"))
    state.tell("approval", one.as_row())
    return {"instanceId": one.id}


def read(state: State, asked: Json) -> Json:
    # GET /v1.0/workflow/processInstances?processInstanceId=…
    one = state.approvals.get(asked.get("processInstanceId") or "")
    if one is None:
        raise Refusal("processInstanceNotExist", "审批实例不存在")
    return {"result": told(state, one), "success": "true"}


def listed(state: State, asked: Json) -> Json:
    # POST /v1.0/workflow/processes/instanceIds/query: the oldest first, twenty at once.
    if not asked.get("processCode"):
        raise Refusal("invalidProcessCode", "审批模板processCode不能为空")
    since, cursor, size = asked.get("startTime"), asked.get("nextToken"), asked.get("maxResults")
    if not isinstance(since, int):
        raise Refusal("invalidInstanceListIdsStartTime", "审批实例开始时间不能为空")
    if state.clock() * 1000 - since > DAYS * 86_400_000:
        raise Refusal("invalidEndTime", "查询时间范围不能超过120天")
    if not isinstance(cursor, int):
        raise Refusal("invalidNextToken", "分页查询的游标不能为空")
    if not isinstance(size, int) or not 1 <= size <= PAGE:
        raise Refusal("invalidMaxResults", "每页大小，最多传20")
    users = asked.get("userIds") or []
    if len(users) > LISTED:
        raise Refusal("invalidUserIds", "最大列表长度为10")
    found = [
        one.id
        for one in state.approvals.values()
        if one.form == asked["processCode"]
        and one.started * 1000 >= since
        and (not users or one.originator in users)
        and one.status in (asked.get("statuses") or (one.status,))
    ]
    page: Json = {"list": found[cursor : cursor + size]}
    if len(found) > cursor + size:
        page["nextToken"] = str(cursor + size)
    return {"result": page, "success": True}


def terminate(state: State, asked: Json) -> Json:
    # POST /v1.0/workflow/processInstances/terminate: refused when it is over, or younger than 15 seconds.
    if not isinstance(asked.get("isSystem"), bool):
        raise Refusal("invalidInstanceTerminateIsSystem", "是否通过系统操作参数不能为空")
    one = state.approvals.get(asked.get("processInstanceId") or "")
    if one is None:
        raise Refusal("aflowProcessInstNotExist", "审批实例不存在")
    if len(asked.get("remark") or "") > REMARK:
        raise Refusal("invalidParameter", "撤销审批实例参数错误")
    who = "" if asked["isSystem"] else asked.get("operatingUserId") or ""
    if not asked["isSystem"] and who != one.originator:
        raise Refusal("invalidInstanceTerminateOperatingUserId", "操作人的userId不能为空")
    if one.status != "RUNNING":
        raise Refusal("aflowProcessInstStatusException", "审批单已结束")
    if state.clock() - one.started < YOUNG:
        raise Refusal("aflowProcessInstStatusException", "提交审批后 15 秒内不允许撤销")
    if not state.forms[one.form].revocable:
        raise Refusal("internalError", "您没有任务处理的权限")
    # Whose name stands at what the system has ended is not documented: the hardest case for an app is the originator's.
    revoke(state, one, who or one.originator, asked.get("remark") or "")
    state.announce(EVENT, news(one, "terminate"))
    return {"result": True, "success": True}


# What people do


def decide(state: State, one: Approval, user: str, word: str, remark: str) -> None:
    # The first decision counts.
    _take(one, user)
    now = state.clock()
    one.did(user, "EXECUTE_TASK_NORMAL", now, word.upper(), remark)
    one.status, one.result, one.waiting, one.finished = "COMPLETED", word, [], now
    one.did(user, "FINISH_PROCESS_INSTANCE", now)
    state.tell("approval", one.as_row())


def decide_by_itself(state: State, one: Approval) -> None:
    # An organisation may let DingTalk agree when there is no approver.
    now = state.clock()
    one.did(one.waiting[0], "EXECUTE_TASK_AUTO", now, "AGREE")
    one.status, one.result, one.waiting, one.finished = "COMPLETED", "agree", [], now


def hand_over(state: State, one: Approval, user: str, to: str) -> None:
    """转交: another approver decides."""
    _take(one, user)
    one.waiting[one.waiting.index(user)] = to
    one.did(user, "REDIRECT_TASK", state.clock())


def revoke(state: State, one: Approval, user: str, remark: str = "") -> None:
    """撤销: the instance ends without a result."""
    now = state.clock()
    one.did(user, "TERMINATE_PROCESS_INSTANCE", now, remark=remark)
    one.status, one.waiting, one.finished = "TERMINATED", [], now
    state.tell("approval", one.as_row())


def news(one: Approval, kind: str) -> Json:
    """The data of bpms_instance_change; a revoked instance has no result."""
    data: Json = {
        "processInstanceId": one.id,
        "processCode": one.form,
        "businessId": one.id[-6:],
        "title": f"{one.originator}提交的审批",
        "type": kind,
        "staffId": one.originator,
        "createTime": int(one.started * 1000),
        "url": "https://aflow.dingtalk.com/dingtalk/mobile/homepage.htm",
    }
    if one.finished:
        data["finishTime"] = int(one.finished * 1000)
    return data | ({"result": one.result} if kind == "finish" else {})


def told(state: State, one: Approval) -> Json:
    return {
        "title": f"{state.people[one.originator].name}提交的{state.forms[one.form].name}",
        "originatorUserId": one.originator,
        "originatorDeptId": "-1",
        "status": one.status,
        "result": one.result,
        "approverUserIds": list(one.approvers),
        "businessId": one.id[-6:],
        "createTime": _minute(one.started),
        "finishTime": _minute(one.finished) if one.finished else "",
        "bizAction": "NONE",
        "operationRecords": [act | {"date": _minute(act["date"])} for act in one.acts],
        "tasks": [{"userId": user, "status": "RUNNING", "result": "NONE"} for user in one.waiting],
        "formComponentValues": [
            {"name": label, "value": value, "componentType": state.forms[one.form].fields[label]}
            for label, value in one.values.items()
        ],
    }


# What is refused


def _field(given: Any) -> tuple[str, str]:
    props = given.get("props") if isinstance(given, dict) else None
    label = props.get("label") if isinstance(props, dict) else None
    if not isinstance(label, str) or not label or not given.get("componentType"):
        raise Refusal("formschema.error", "表单schema不合法")
    return label, str(given["componentType"])


def _works_here(state: State, user: object) -> bool:
    person = state.people.get(str(user))
    return person is not None and not person.corp_id and person.active


def _approvers(state: State, asked: Json) -> tuple[str, ...]:
    given = asked.get("approvers") or []
    if not given and asked.get("deptId") is None:
        raise Refusal("invalidParameter", "发起审批参数错误")
    if len(given) > MOST_APPROVERS:
        raise Refusal("processInstanceInvalidParameter", "审批实例参数错误")
    users: list[str] = []
    for one in given:
        some, kind = one.get("userIds") or [], one.get("actionType")
        if kind not in ("AND", "OR", "NONE") or (len(some) != 1 if kind == "NONE" else len(some) < 2):
            raise Refusal("processInstanceInvalidParameter", "审批实例参数错误")
        users += some
    if not all(_works_here(state, user) for user in users):
        raise Refusal("processInstanceInvalidParameter", "审批人的userid错误")
    return tuple(users)


def _values(form: Form, asked: Json) -> dict[str, str]:
    given = asked.get("formComponentValues")
    if not isinstance(given, list) or not 1 <= len(given) <= MOST_VALUES:
        raise Refusal("invalidParameter", "发起审批参数错误")
    values: dict[str, str] = {}
    for one in given:
        label, value = one.get("name"), one.get("value")
        if label not in form.fields:
            raise Refusal("formConverterError", f"表单数据校验失败，失败控件：{label}")
        if not isinstance(value, str):
            raise Refusal("illegalComponent", "表单组件入参错误")
        values[label] = value
    return values


def _take(one: Approval, user: str) -> None:
    if user not in one.waiting:
        raise ValueError(f"{one.id} does not wait for {user}")


def _minute(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%MZ")
