"""Requests as DingTalk's own approvals (`requests.channel: oa`), end to end: in time, twice, late, never, by whom they must not."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from bot.messengers.dingtalk import workflow
from handlers.approval import oa_form
from models.policy import versions
from models.quota.leaving import leave
from models.quota.request import Request
from sandbox.dingtalk import approvals
from sandbox.dingtalk.objects import Form
from sandbox.dingtalk.organisation import Approval
from tests.actions import ask_for
from tests.company import NOW, POLICY, who
from tests.dingtalk_env import DingTalkEnv, raised

OA = POLICY.replace("requests:\n", "requests:\n  channel: oa\n")


@pytest.fixture
async def stage(
    settled_on: Callable[[str], str], request: pytest.FixtureRequest
) -> AsyncIterator[DingTalkEnv]:
    more: dict[str, Any] = dict(getattr(request, "param", {}))
    kind, form = more.pop("kind", "sqlite"), more.pop("form", True)
    async with raised(settled_on(kind), **({"language": "en"} | more)) as stage:
        stage.database.transact(lambda session: versions.record_version(session, OA, NOW, "ops") and None)
        if form:
            await _form(stage)
        await stage.app.dispatcher.home("dingtalk:alice")  # the first query of a process is slow
        yield stage
        stage.audit()


on_both = pytest.mark.parametrize("stage", [{"kind": "sqlite"}, {"kind": "postgres"}], indirect=True)


# As it should go


@on_both
async def test_a_request_is_one_approval_that_the_manager_agrees_to(stage: DingTalkEnv) -> None:
    await stage.say("pia", "request 300 until 15 Dec load test")
    one = await _approval(stage)
    assert (one.originator, one.approvers) == ("pia", ("lee",))
    assert one.values == {
        "申请额度": "$300.00 · USD",
        "申请理由": "load test",
        "有效期至": "2026-12-15",
        "可用额度变化": "$500.00 → $800.00",
        "申请编号": _request(stage).code,
        "说明": f"想批其他数额，请在和机器人的单聊里发送：同意 {_request(stage).code} 数额",
    }
    assert not stage.heard("lee")
    before = stage.metered
    await stage.ding.agree("lee", one.id)
    await stage.hear("pia", "Lee approved **$300.00**")
    await stage.settled()
    assert stage.left("pia") == 800
    assert not stage.heard("lee")
    assert stage.metered == before + 2  # reading it, telling her


@on_both
async def test_a_refusal_takes_its_remark_to_who_asked(stage: DingTalkEnv) -> None:
    one = await _asked(stage)
    await stage.ding.refuse("lee", one.id, "not this month")
    await stage.card("pia", "Lee declined", "not this month")
    assert _request(stage).state == "declined"


async def test_a_refusal_without_a_remark_says_so(stage: DingTalkEnv) -> None:
    one = await _asked(stage)
    await stage.ding.refuse("lee", one.id)
    await stage.card("pia", "no reason was given in DingTalk")


async def test_another_amount_is_typed_and_ends_the_approval(stage: DingTalkEnv) -> None:
    one = await _asked(stage)
    await stage.say("lee", f"approve {_request(stage).code} 200")
    await _ended(stage, one)
    assert stage.left("pia") == 700
    assert "$200.00" in one.acts[-1]["remark"]


async def test_who_asked_takes_it_back_and_it_ends_when_dingtalk_lets_it(stage: DingTalkEnv) -> None:
    one = await _asked(stage)
    await stage.say("pia", f"cancel {_request(stage).code}")
    await _ended(stage, one)
    assert one.finished - one.started >= approvals.YOUNG
    await stage.settled()
    assert _request(stage).state == "cancelled"


async def test_revoked_there_by_who_asked_it_is_cancelled_here(stage: DingTalkEnv) -> None:
    one = await _asked(stage)
    await stage.ding.revoke("pia", one.id)
    await stage.until(lambda: _request(stage).state == "cancelled" or None)


async def test_what_expires_here_ends_there(stage: DingTalkEnv) -> None:
    one = await _asked(stage)
    await stage.at(NOW + timedelta(days=8))
    await _ended(stage, one)
    assert _request(stage).state == "expired"


async def test_the_next_approver_gets_an_approval_with_both_and_the_first_one_may_still_decide(
    stage: DingTalkEnv,
) -> None:
    first = await _asked(stage)
    await stage.at(NOW + timedelta(days=3))
    await _ended(stage, first)
    await stage.ding.event(approvals.EVENT, approvals.news(first, "delete"))
    await stage.settled()
    assert _request(stage).state == "pending"
    second = await _approval(stage, 2)
    assert second.approvers == ("lee", "olga")
    await stage.ding.agree("lee", second.id)
    await stage.hear("pia", "Lee approved **$300.00**")
    await stage.settled()
    assert (stage.left("pia"), len(stage.ding.approvals)) == (800, 2)


async def test_a_form_that_others_were_asked_after_is_looked_at_no_more_and_takes_nothing_back(
    stage: DingTalkEnv,
) -> None:
    first = await _asked(stage)
    stage.ding.forms[first.form] = _unrevocable(stage)
    await stage.at(NOW + timedelta(days=3))
    second = await _approval(stage, 2)
    await stage.hear("ops", "allow that submitters revoke")
    approvals.hand_over(stage.ding, first, "lee", "eve")
    await stage.ding.agree("eve", first.id)
    await stage.hear("eve", "is not yours to decide")
    assert not [one for one in stage.ding.messages if one.card and one.place == "lee"]
    await stage.ding.agree("olga", second.id)
    await stage.hear("pia", "Olga approved **$300.00**")


async def test_what_we_ended_ourselves_is_not_looked_at_again(stage: DingTalkEnv) -> None:
    first = await _asked(stage)
    await stage.at(NOW + timedelta(days=3))
    await _ended(stage, first)
    await stage.settled()
    before = len(_reads(stage))
    await stage.at(NOW + timedelta(days=6))
    assert first.id not in [call.body["processInstanceId"] for call in _reads(stage)[before:]]


async def test_whoever_has_left_is_no_approver_of_the_next_one(stage: DingTalkEnv) -> None:
    await _asked(stage)
    stage.database.transact(lambda session: leave(session, who(session, "lee"), NOW))
    await stage.at(NOW + timedelta(minutes=1))
    assert (await _approval(stage, 2)).approvers == ("olga",)


async def test_a_changed_request_is_a_new_approval_and_the_old_one_decides_nothing(
    stage: DingTalkEnv,
) -> None:
    first = await _asked(stage)
    stage.ding.forms[first.form] = _unrevocable(stage)
    await stage.say("pia", "request 400")
    second = await _approval(stage, 2)
    assert second.values["申请额度"] == "$400.00 · USD"
    await stage.ding.agree("lee", first.id)
    await stage.hear("lee", "was replaced by", "$400.00")
    await stage.hear("pia", "Lee agreed to", "replaced by")
    assert stage.left("pia") == 500


async def test_the_reminder_names_both_ways_and_is_no_second_card(stage: DingTalkEnv) -> None:
    await _asked(stage)
    await stage.at(NOW + timedelta(hours=5))
    said = await stage.hear("lee", "Still open: Pia", "among your approvals in DingTalk")
    assert not said.card


# Twice, late, never, too early


async def test_the_same_event_three_times_grants_once(stage: DingTalkEnv) -> None:
    one = await _asked(stage)
    stage.ding.faults.repeat("event", copies=3, times=None)
    await stage.ding.agree("lee", one.id)
    await stage.ding.event(approvals.EVENT, approvals.news(one, "finish"))
    await stage.hear("pia", "Lee approved **$300.00**")
    await stage.settled()
    assert stage.left("pia") == 800
    assert len([one for one in stage.heard("pia") if "approved" in one]) == 1


async def test_an_event_that_never_comes_is_made_up_for_by_looking_ever_seldomer(stage: DingTalkEnv) -> None:
    one = await _asked(stage)
    calls = len(_reads(stage))
    await stage.at(NOW + timedelta(minutes=14))
    assert len(_reads(stage)) == calls
    for minutes in (16, 20, 31, 40, 61):
        await stage.at(NOW + timedelta(minutes=minutes))
    assert len(_reads(stage)) == calls + 3
    stage.ding.faults.lose("event", times=None)
    await stage.ding.agree("lee", one.id)
    await stage.at(NOW + timedelta(minutes=121))
    await stage.hear("pia", "Lee approved **$300.00**")
    assert stage.left("pia") == 800


async def test_an_event_that_overtakes_the_answer_of_the_start_is_not_lost(stage: DingTalkEnv) -> None:
    answer = stage.ding.faults.hold("POST /v1.0/workflow/processInstances")
    one = await _asked(stage)
    await stage.ding.agree("lee", one.id)
    await stage.until(lambda: _reads(stage) or None)
    answer.set()
    await stage.hear("pia", "Lee approved **$300.00**")


async def test_an_event_of_another_form_costs_nothing(stage: DingTalkEnv) -> None:
    one = await _asked(stage)
    before = stage.metered
    ack = await stage.ding.event(
        approvals.EVENT, approvals.news(one, "finish") | {"processCode": "PROC-other"}
    )
    assert ack.data == {"status": "SUCCESS", "message": "OK"}
    await stage.settled()
    assert stage.metered == before


async def test_an_approval_started_by_hand_with_the_same_code_is_none_of_ours(stage: DingTalkEnv) -> None:
    await _asked(stage)
    await stage.ding.agree("lee", _forged(stage))
    await stage.settled()
    assert _request(stage).state == "pending"


async def test_nor_is_it_while_ours_is_being_started(stage: DingTalkEnv) -> None:
    answer = stage.ding.faults.hold("POST /v1.0/workflow/processInstances")
    await _asked(stage)
    await stage.ding.agree("lee", _forged(stage))
    await stage.until(lambda: _reads(stage) or None)
    answer.set()
    await stage.settled()
    assert _request(stage).state == "pending"


@pytest.mark.parametrize("faults", ["time_out", "fail", "lose_reply"])
async def test_a_start_of_unknown_outcome_is_looked_for_and_not_done_again(
    stage: DingTalkEnv, faults: str
) -> None:
    getattr(stage.ding.faults, faults)("POST /v1.0/workflow/processInstances")
    one = await _asked(stage)
    await stage.settled()
    assert list(stage.ding.approvals) == [one.id]
    await stage.ding.agree("lee", one.id)
    await stage.hear("pia", "Lee approved **$300.00**")


async def test_what_was_decided_while_nobody_knew_that_it_had_started_counts(stage: DingTalkEnv) -> None:
    stage.ding.faults.time_out("POST /v1.0/workflow/processInstances")
    stage.ding.faults.lose("event", times=None)
    one = await _asked(stage)
    await stage.ding.agree("lee", one.id)
    await stage.hear("pia", "Lee approved **$300.00**")


async def test_a_start_that_did_nothing_is_done_again(stage: DingTalkEnv) -> None:
    stage.ding.faults.refuse("POST /v1.0/workflow/processInstances", code="ServiceUnavailable", status=503)
    await stage.ding.say("pia", "request 300 load test")
    await _approval(stage)
    assert len(stage.ding.approvals) == 1


async def test_what_is_taken_back_before_it_could_start_never_starts(stage: DingTalkEnv) -> None:
    stage.ding.faults.punish("POST /v1.0/workflow/processInstances")
    await stage.say("pia", "request 300 load test")
    await stage.say("pia", f"cancel {_request(stage).code}")
    await stage.settled(bound=60)
    assert not stage.ding.approvals


async def test_what_is_taken_back_while_nobody_knows_whether_it_has_started_is_ended(
    stage: DingTalkEnv,
) -> None:
    stage.ding.faults.time_out("POST /v1.0/workflow/processInstances")
    one = await _asked(stage)
    await stage.say("pia", f"cancel {_request(stage).code}")
    await _ended(stage, one)
    assert len(stage.ding.approvals) == 1


# By whom it must not be


@on_both
async def test_a_yes_of_somebody_it_was_handed_to_grants_nothing_and_the_card_goes_out(
    stage: DingTalkEnv,
) -> None:
    one = await _asked(stage)
    approvals.hand_over(stage.ding, one, "lee", "eve")
    await stage.ding.agree("eve", one.id)
    code = _request(stage).code
    await stage.hear("pia", "Eve decided on your request", "does not count")
    await stage.hear("ops", "was decided in DingTalk by Eve", "does not count")
    await stage.hear("eve", f"{code} is not yours to decide")
    card = await stage.card("lee", "asks for **$300.00**")
    assert stage.left("pia") == 500
    await stage.press("lee", card, "request.approve")
    await stage.settled()
    assert stage.left("pia") == 800


async def test_a_no_of_somebody_it_was_handed_to_declines_nothing(stage: DingTalkEnv) -> None:
    one = await _asked(stage)
    approvals.hand_over(stage.ding, one, "lee", "eve")
    await stage.ding.refuse("eve", one.id, "no")
    await stage.card("lee", "asks for **$300.00**")
    assert _request(stage).state == "pending"


async def test_nobody_agrees_for_themselves(stage: DingTalkEnv) -> None:
    one = await _asked(stage)
    approvals.hand_over(stage.ding, one, "lee", "pia")
    await stage.ding.agree("pia", one.id)
    await stage.card("lee", "asks for **$300.00**")
    assert stage.left("pia") == 500


async def test_what_dingtalk_agrees_to_by_itself_is_nobodys_word(stage: DingTalkEnv) -> None:
    one = await _asked(stage)
    approvals.decide_by_itself(stage.ding, one)
    await stage.ding.event(approvals.EVENT, approvals.news(one, "finish"))
    await stage.hear("pia", "DingTalk itself decided", "does not count")
    await stage.card("lee", "asks for **$300.00**")
    assert stage.left("pia") == 500


async def test_a_yes_beyond_the_teams_budget_grants_nothing_and_says_why(stage: DingTalkEnv) -> None:
    one = await _asked(stage, 500)
    await stage.say("quinn", "request 400 load test")
    other = await _approval(stage, 2)
    await stage.ding.agree("lee", other.id)
    await stage.hear("quinn", "Lee approved **$400.00**")
    await stage.say("quinn", "request 300 more")
    third = await _approval(stage, 3)
    await stage.ding.agree("lee", third.id)
    await stage.hear("quinn", "Lee approved **$300.00**")
    await stage.ding.agree("lee", one.id)
    await stage.hear("lee", "The budget of payments has $300.00 left")
    await stage.card("lee", "asks for **$500.00**")
    assert stage.left("pia") == 500


async def test_revoked_there_by_an_administrator_it_goes_out_as_a_card(stage: DingTalkEnv) -> None:
    one = await _asked(stage)
    await stage.ding.revoke("ops", one.id)
    await _card(stage)
    assert _request(stage).state == "pending"


async def test_deleted_there_it_goes_out_as_a_card(stage: DingTalkEnv) -> None:
    one = await _asked(stage)
    del stage.ding.approvals[one.id]
    await stage.at(NOW + timedelta(minutes=16))
    await _card(stage)


# Both at once


async def test_whoever_is_first_here_wins_and_both_hear_of_it(stage: DingTalkEnv) -> None:
    one = await _asked(stage)
    stage.ding.faults.lose("event", times=None)
    await stage.ding.agree("lee", one.id)
    await stage.say("pia", f"cancel {_request(stage).code}")
    await stage.hear("lee", "is settled", "cancelled")
    await stage.hear("pia", "Lee agreed to", "but it was settled before", "cancelled")
    await stage.settled()
    assert (stage.left("pia"), _request(stage).state) == (500, "cancelled")


async def test_the_same_word_of_the_same_person_in_both_places_is_no_news(stage: DingTalkEnv) -> None:
    one = await _asked(stage)
    await stage.say("lee", f"approve {_request(stage).code}")
    await stage.ding.agree("lee", one.id)
    await stage.settled()
    assert stage.left("pia") == 800
    assert not [said for said in (*stage.heard("pia"), *stage.heard("lee")) if "settled before" in said]
    assert len(stage.heard("lee")) == 1


async def test_where_dingtalk_lets_nobody_end_it_the_admins_hear_what_to_tick(stage: DingTalkEnv) -> None:
    one = await _asked(stage)
    stage.ding.forms[one.form] = _unrevocable(stage)
    await stage.say("pia", f"cancel {_request(stage).code}")
    await stage.hear("ops", "allow that submitters revoke what is pending")
    assert one.status == "RUNNING"
    await stage.ding.agree("lee", one.id)
    await stage.hear("lee", "is settled", "cancelled")
    assert stage.left("pia") == 500


# Where it cannot be


@pytest.mark.parametrize(
    "faults",
    [
        {"code": "Forbidden.AccessDenied.ApiCountLimitForOrg", "status": 403},
        {"code": "processCodeError"},
        {"code": "formConverterError"},
        {"code": "processInstanceInvalidParameter"},
    ],
    ids=lambda one: one["code"],
)
async def test_what_dingtalk_refuses_to_start_goes_out_as_a_card(
    stage: DingTalkEnv, faults: dict[str, Any]
) -> None:
    stage.ding.faults.refuse("POST /v1.0/workflow/processInstances", **faults)
    await stage.ding.say("pia", "request 300 load test")
    card = await _card(stage)
    await stage.press("lee", card, "request.approve")
    await stage.settled()
    assert stage.left("pia") == 800
    assert not stage.ding.approvals


async def test_without_the_permission_it_is_a_card_and_the_admins_hear_which_is_missing(
    stage: DingTalkEnv,
) -> None:
    stage.ding.scopes.discard("Workflow.Instance.Write")
    await stage.ding.say("pia", "request 300 load test")
    await stage.hear("ops", "Workflow.Instance.Write")
    await _card(stage)


@pytest.mark.parametrize("stage", [{"form": False}], indirect=True)
async def test_without_a_form_it_is_a_card_at_once(
    stage: DingTalkEnv, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        await stage.ding.say("pia", "request 300 load test")
        await stage.card("lee", "asks for **$300.00**")
    assert "no approval form" in caplog.text


@pytest.mark.parametrize("stage", [{"on_slack": ["lee"]}, {"on_slack": ["pia"]}], indirect=True)
async def test_with_somebody_whom_dingtalk_does_not_know_it_is_a_card(
    stage: DingTalkEnv, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        ask_for(stage.database, "pia", 300, now=stage.clock())
        stage.app.worker.wake()
        await stage.settled()
    assert "no DingTalk id of" in caplog.text
    assert not stage.ding.approvals


async def test_a_missing_permission_to_read_keeps_the_decision_until_it_is_there(stage: DingTalkEnv) -> None:
    one = await _asked(stage)
    stage.ding.scopes.discard("Workflow.Instance.Read")
    await stage.ding.agree("lee", one.id)
    await stage.hear("ops", "Workflow.Instance.Read")
    stage.ding.scopes.add("Workflow.Instance.Read")
    await stage.hear("pia", "Lee approved **$300.00**")


async def _form(stage: DingTalkEnv) -> None:
    assert stage.app.dingtalk is not None
    code = await workflow.save_form(stage.app.dingtalk.api, oa_form.NAME, oa_form.LABELS, long=oa_form.REASON)
    stage.database.transact(lambda session: oa_form.remember(session, code, NOW))


async def _asked(stage: DingTalkEnv, amount: int = 300) -> Approval:
    await stage.ding.say("pia", f"request {amount} load test")
    return await _approval(stage)


async def _approval(stage: DingTalkEnv, number: int = 1) -> Approval:
    """The instance of this number, once it has started."""
    return await stage.until(lambda: next(iter(list(stage.ding.approvals.values())[number - 1 :]), None))


async def _ended(stage: DingTalkEnv, one: Approval) -> None:
    await stage.until(lambda: one.status == "TERMINATED" or None)


async def _card(stage: DingTalkEnv) -> Any:
    """The card that goes out in place of an approval: within a minute."""
    await stage.settled()
    await stage.at(stage.clock() + timedelta(minutes=1))
    return await stage.card("lee", "asks for **$300.00**")


def _request(stage: DingTalkEnv) -> Request:
    def read(session: Session) -> Request:
        return session.exec(select(Request).order_by(Request.id)).all()[0]  # type: ignore[arg-type]

    return stage.database.transact(read)


def _forged(stage: DingTalkEnv) -> str:
    """Somebody starts an approval of our form, about this request and little money."""
    asked = {
        "processCode": next(iter(stage.ding.forms)),
        "originatorUserId": "pia",
        "approvers": [{"actionType": "NONE", "userIds": ["lee"]}],
        "formComponentValues": [
            {"name": "申请额度", "value": "$1.00"},
            {"name": "申请编号", "value": _request(stage).code},
        ],
    }
    return str(approvals.start(stage.ding, asked)["instanceId"])


def _reads(stage: DingTalkEnv) -> list[Any]:
    path = "/v1.0/workflow/processInstances"
    return [call for call in stage.ding.calls if call.path == path and "processInstanceId" in call.body]


def _unrevocable(stage: DingTalkEnv) -> Form:
    return replace(next(iter(stage.ding.forms.values())), revocable=False)
