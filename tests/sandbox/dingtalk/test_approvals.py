"""The stand-in's own approvals say no where DingTalk's documents say so, and tell what happened as DingTalk would."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sandbox.dingtalk import approvals
from sandbox.dingtalk.objects import Json, Refusal
from sandbox.dingtalk.organisation import Approval, DingTalk, Person

PEOPLE = [
    Person("pia", "Pia"),
    Person("lee", "Lee"),
    Person("eve", "Eve"),
    Person("zoe", "Zoe", corp_id="other"),
]


class Clock:
    now = 1_794_189_600.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def ding() -> AsyncIterator[DingTalk]:
    clock = Clock()
    async with DingTalk(people=PEOPLE, clock=clock) as ding:
        yield ding


def form(ding: DingTalk, **more: Any) -> str:
    asked = {"name": "额度申请", "formComponents": [field("申请额度"), field("申请编号")]}
    return str(approvals.save_form(ding, asked | more)["result"]["processCode"])


def field(label: str) -> Json:
    return {"componentType": "TextField", "props": {"label": label}}


def started(ding: DingTalk, code: str, **more: Any) -> Approval:
    return ding.approvals[approvals.start(ding, wanted(code) | more)["instanceId"]]


def wanted(code: str) -> Json:
    return {
        "processCode": code,
        "originatorUserId": "pia",
        "approvers": [{"actionType": "NONE", "userIds": ["lee"]}],
        "formComponentValues": [{"name": "申请额度", "value": "$300.00"}],
    }


def refused(call: Any, ding: DingTalk, asked: Json) -> str:
    with pytest.raises(Refusal) as no:
        call(ding, asked)
    return no.value.code


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"processCode": "PROC-none"}, "processCodeError"),
        ({"originatorUserId": "nobody"}, "invalidParameter"),
        ({"originatorUserId": "zoe"}, "invalidParameter"),
        ({"approvers": []}, "invalidParameter"),
        (
            {"approvers": [{"actionType": "NONE", "userIds": ["lee", "eve"]}]},
            "processInstanceInvalidParameter",
        ),
        ({"approvers": [{"actionType": "OR", "userIds": ["lee"]}]}, "processInstanceInvalidParameter"),
        ({"approvers": [{"actionType": "NONE", "userIds": ["zoe"]}]}, "processInstanceInvalidParameter"),
        ({"formComponentValues": []}, "invalidParameter"),
        ({"formComponentValues": [{"name": "额度", "value": "1"}]}, "formConverterError"),
        ({"formComponentValues": [{"name": "申请额度", "value": 1}]}, "illegalComponent"),
    ],
    ids=str,
)
async def test_a_new_approval_is_checked_against_the_form_and_the_directory(
    ding: DingTalk, change: Json, code: str
) -> None:
    assert refused(approvals.start, ding, wanted(form(ding)) | change) == code
    assert not ding.approvals


async def test_the_same_start_twice_is_two_approvals(ding: DingTalk) -> None:
    code = form(ding)
    assert started(ding, code).id != started(ding, code).id


async def test_a_form_has_a_name_of_its_own_and_can_be_brought_up_to_date(ding: DingTalk) -> None:
    code = form(ding)
    asked = {"name": "额度申请", "formComponents": [field("申请额度")]}
    assert refused(approvals.save_form, ding, asked) == "formName.error"
    assert refused(approvals.save_form, ding, asked | {"processCode": "PROC-none"}) == "processcode.error"
    assert form(ding, processCode=code, formComponents=[field("数额")]) == code
    assert list(ding.forms[code].fields) == ["数额"]
    twice = {"name": "另一个", "formComponents": [field("数额"), field("数额")]}
    assert refused(approvals.save_form, ding, twice) == "formschema.error"


async def test_a_young_finished_or_locked_approval_cannot_be_ended(ding: DingTalk) -> None:
    one = started(ding, form(ding))
    asked: Json = {"processInstanceId": one.id, "isSystem": True, "remark": "over"}
    assert refused(approvals.terminate, ding, asked) == "aflowProcessInstStatusException"
    ding.clock.now += approvals.YOUNG  # type: ignore[attr-defined]
    assert (
        refused(approvals.terminate, ding, {"processInstanceId": one.id})
        == "invalidInstanceTerminateIsSystem"
    )
    assert (
        refused(approvals.terminate, ding, asked | {"isSystem": False, "operatingUserId": "lee"})
        == "invalidInstanceTerminateOperatingUserId"
    )
    assert (
        refused(approvals.terminate, ding, asked | {"processInstanceId": "x"}) == "aflowProcessInstNotExist"
    )
    assert approvals.terminate(ding, asked) == {"result": True, "success": True}
    assert one.status == "TERMINATED"
    assert refused(approvals.terminate, ding, asked) == "aflowProcessInstStatusException"


async def test_only_a_waiting_approver_decides_and_the_first_decision_counts(ding: DingTalk) -> None:
    one = started(ding, form(ding), approvers=[{"actionType": "OR", "userIds": ["lee", "eve"]}])
    with pytest.raises(ValueError, match="does not wait for pia"):
        approvals.decide(ding, one, "pia", "agree", "")
    approvals.hand_over(ding, one, "eve", "pia")
    approvals.decide(ding, one, "pia", "refuse", "no")
    with pytest.raises(ValueError, match="does not wait for lee"):
        approvals.decide(ding, one, "lee", "agree", "")
    told = approvals.read(ding, {"processInstanceId": one.id})["result"]
    assert (told["status"], told["result"]) == ("COMPLETED", "refuse")
    assert [(act["userId"], act["type"], act["result"]) for act in told["operationRecords"]] == [
        ("pia", "START_PROCESS_INSTANCE", "NONE"),
        ("eve", "REDIRECT_TASK", "NONE"),
        ("pia", "EXECUTE_TASK_NORMAL", "REFUSE"),
        ("pia", "FINISH_PROCESS_INSTANCE", "NONE"),
    ]


async def test_instances_are_listed_by_form_person_and_time_a_page_at_a_time(ding: DingTalk) -> None:
    code = form(ding)
    first = started(ding, code)
    ding.clock.now += 60  # type: ignore[attr-defined]
    later = [started(ding, code) for _ in range(3)]
    started(ding, code, originatorUserId="eve")
    since = int(ding.clock() * 1000)
    asked: Json = {
        "processCode": code,
        "startTime": since,
        "nextToken": 0,
        "maxResults": 2,
        "userIds": ["pia"],
    }
    page = approvals.listed(ding, asked)["result"]
    assert page == {"list": [later[0].id, later[1].id], "nextToken": "2"}
    assert approvals.listed(ding, asked | {"nextToken": 2})["result"] == {"list": [later[2].id]}
    every = approvals.listed(ding, asked | {"startTime": since - 60_000, "maxResults": 20})["result"]["list"]
    assert every[0] == first.id
    assert refused(approvals.listed, ding, asked | {"maxResults": 21}) == "invalidMaxResults"
    assert refused(approvals.listed, ding, asked | {"nextToken": None}) == "invalidNextToken"


async def test_starting_and_ending_are_announced_as_events(ding: DingTalk) -> None:
    one = started(ding, form(ding))
    ding.clock.now += approvals.YOUNG  # type: ignore[attr-defined]
    approvals.terminate(ding, {"processInstanceId": one.id, "isSystem": True})
    await asyncio.gather(*ding._pushing)
    pushed = [(push.headers["eventType"], push.data["type"]) for push in ding.pushes.values()]
    assert pushed == [("bpms_instance_change", "start"), ("bpms_instance_change", "terminate")]
    assert "result" not in list(ding.pushes.values())[1].data
