"""Requests as DingTalk's own approvals (`requests.channel: oa`), end to end: in time, twice, late, never, by whom they must not."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from bot.messengers.dingtalk import form, workflow
from models.policy import versions
from models.quota.leaving import leave
from models.quota.request import Request
from sandbox.dingtalk import approvals
from sandbox.dingtalk.objects import Form
from sandbox.dingtalk.organisation import Approval
from tests.actions import ask_for
from tests.company import NOW, POLICY, who
from tests.dingtalk_env import DingTalkEnv, open_env

OA = POLICY.replace("requests:\n", "requests:\n  channel: oa\n")


@pytest.fixture
async def env(settled_on: Callable[[str], str], request: pytest.FixtureRequest) -> AsyncIterator[DingTalkEnv]:
    more: dict[str, Any] = dict(getattr(request, "param", {}))
    kind, form = more.pop("kind", "sqlite"), more.pop("form", True)
    async with open_env(settled_on(kind), **({"language": "en"} | more)) as env:
        env.database.transact(lambda session: versions.record_version(session, OA, NOW, "ops") and None)
        if form:
            await _form(env)
        await env.app.dispatcher.home("dingtalk:alice")  # the first query of a process is slow
        yield env
        env.audit()


on_both = pytest.mark.parametrize("env", [{"kind": "sqlite"}, {"kind": "postgres"}], indirect=True)


# As it should go


@on_both
async def test_a_request_is_one_approval_that_the_manager_agrees_to(env: DingTalkEnv) -> None:
    await env.say("pia", "request 300 until 15 Dec load test")
    one = await _approval(env)
    assert (one.originator, one.approvers) == ("pia", ("lee",))
    assert one.values == {
        "申请额度": "$300.00 · USD",
        "申请理由": "until 15 Dec load test",
        "有效期至": "2026-12-15",
        "可用额度变化": "$500.00 → $800.00",
        "申请编号": _request(env).code,
        "说明": f"想批其他数额，请在和机器人的单聊里发送：同意 {_request(env).code} 数额",
    }
    assert not env.heard("lee")
    before = env.metered
    await env.ding.agree("lee", one.id)
    await env.hear("pia", "Lee approved **$300.00**")
    await env.settled()
    assert env.left("pia") == 800
    assert not env.heard("lee")
    assert env.metered == before + 2  # reading it, telling her


@on_both
async def test_the_remark_of_a_refusal_is_the_reason_that_the_requester_is_told(env: DingTalkEnv) -> None:
    one = await _asked(env)
    await env.ding.refuse("lee", one.id, "not this month")
    await env.card("pia", "Lee declined", "not this month")
    assert _request(env).state == "declined"


async def test_a_refusal_without_a_remark_says_that_no_reason_was_given(env: DingTalkEnv) -> None:
    one = await _asked(env)
    await env.ding.refuse("lee", one.id)
    await env.card("pia", "no reason was given in DingTalk")


async def test_a_typed_amount_is_granted_and_ends_the_approval(env: DingTalkEnv) -> None:
    one = await _asked(env)
    await env.say("lee", f"approve {_request(env).code} 200")
    await _ended(env, one)
    assert env.left("pia") == 700
    assert "$200.00" in one.acts[-1]["remark"]


async def test_a_cancelled_request_ends_its_approval_as_soon_as_dingtalk_allows(env: DingTalkEnv) -> None:
    one = await _asked(env)
    await env.say("pia", f"cancel {_request(env).code}")
    await _ended(env, one)
    assert one.finished - one.started >= approvals.YOUNG
    await env.settled()
    assert _request(env).state == "cancelled"


async def test_an_approval_revoked_by_the_requester_cancels_the_request(env: DingTalkEnv) -> None:
    one = await _asked(env)
    await env.ding.revoke("pia", one.id)
    await env.until(lambda: _request(env).state == "cancelled" or None)


async def test_an_expired_request_ends_its_approval(env: DingTalkEnv) -> None:
    one = await _asked(env)
    await env.at(NOW + timedelta(days=8))
    await _ended(env, one)
    assert _request(env).state == "expired"


async def test_the_next_approver_gets_an_approval_with_both_and_the_first_one_may_still_decide(
    env: DingTalkEnv,
) -> None:
    first = await _asked(env)
    await env.at(NOW + timedelta(days=3))
    await _ended(env, first)
    await env.ding.event(approvals.EVENT, approvals.news(first, "delete"))
    await env.settled()
    assert _request(env).state == "pending"
    second = await _approval(env, 2)
    assert second.approvers == ("lee", "olga")
    await env.ding.agree("lee", second.id)
    await env.hear("pia", "Lee approved **$300.00**")
    await env.settled()
    assert (env.left("pia"), len(env.ding.approvals)) == (800, 2)


async def test_an_older_approval_is_not_looked_at_again_and_changes_nothing(
    env: DingTalkEnv,
) -> None:
    first = await _asked(env)
    env.ding.forms[first.form] = _unrevocable(env)
    await env.at(NOW + timedelta(days=3))
    second = await _approval(env, 2)
    await env.hear("ops", "allow that submitters revoke")
    approvals.hand_over(env.ding, first, "lee", "eve")
    await env.ding.agree("eve", first.id)
    await env.hear("eve", "is not yours to decide")
    assert not [one for one in env.ding.messages if one.card and one.place == "lee"]
    await env.ding.agree("olga", second.id)
    await env.hear("pia", "Olga approved **$300.00**")


async def test_an_approval_that_we_ended_is_not_looked_at_again(env: DingTalkEnv) -> None:
    first = await _asked(env)
    await env.at(NOW + timedelta(days=3))
    await _ended(env, first)
    await env.settled()
    before = len(_reads(env))
    await env.at(NOW + timedelta(days=6))
    assert first.id not in [call.body["processInstanceId"] for call in _reads(env)[before:]]


async def test_a_leaver_is_no_approver_of_the_next_approval(env: DingTalkEnv) -> None:
    await _asked(env)
    env.database.transact(lambda session: leave(session, who(session, "lee"), NOW))
    await env.at(NOW + timedelta(minutes=1))
    assert (await _approval(env, 2)).approvers == ("olga",)


async def test_an_amended_request_is_a_new_approval_and_the_old_one_decides_nothing(
    env: DingTalkEnv,
) -> None:
    first = await _asked(env)
    env.ding.forms[first.form] = _unrevocable(env)
    await env.say("pia", "request 400")
    second = await _approval(env, 2)
    assert second.values["申请额度"] == "$400.00 · USD"
    await env.ding.agree("lee", first.id)
    await env.hear("lee", "was replaced by", "$400.00")
    await env.hear("pia", "Lee agreed to", "replaced by")
    assert env.left("pia") == 500


async def test_the_reminder_names_both_ways_and_is_not_a_second_card(env: DingTalkEnv) -> None:
    await _asked(env)
    await env.at(NOW + timedelta(hours=5))
    said = await env.hear("lee", "Still open: Pia", "among your approvals in DingTalk")
    assert not said.card


# Twice, late, never, too early


async def test_the_same_event_three_times_grants_once(env: DingTalkEnv) -> None:
    one = await _asked(env)
    env.ding.faults.repeat("event", copies=3, times=None)
    await env.ding.agree("lee", one.id)
    await env.ding.event(approvals.EVENT, approvals.news(one, "finish"))
    await env.hear("pia", "Lee approved **$300.00**")
    await env.settled()
    assert env.left("pia") == 800
    assert len([one for one in env.heard("pia") if "approved" in one]) == 1


async def test_a_lost_event_is_made_up_for_by_looks_at_growing_intervals(env: DingTalkEnv) -> None:
    one = await _asked(env)
    calls = len(_reads(env))
    await env.at(NOW + timedelta(minutes=14))
    assert len(_reads(env)) == calls
    for minutes in (16, 20, 31, 40, 61):
        await env.at(NOW + timedelta(minutes=minutes))
    assert len(_reads(env)) == calls + 3
    env.ding.faults.lose("event", times=None)
    await env.ding.agree("lee", one.id)
    await env.at(NOW + timedelta(minutes=121))
    await env.hear("pia", "Lee approved **$300.00**")
    assert env.left("pia") == 800


async def test_an_event_that_arrives_before_the_answer_of_the_start_is_not_lost(env: DingTalkEnv) -> None:
    answer = env.ding.faults.hold("POST /v1.0/workflow/processInstances")
    one = await _asked(env)
    await env.ding.agree("lee", one.id)
    await env.until(lambda: _reads(env) or None)
    answer.set()
    await env.hear("pia", "Lee approved **$300.00**")


async def test_an_event_of_another_form_costs_nothing(env: DingTalkEnv) -> None:
    one = await _asked(env)
    before = env.metered
    ack = await env.ding.event(approvals.EVENT, approvals.news(one, "finish") | {"processCode": "PROC-other"})
    assert ack.data == {"status": "SUCCESS", "message": "OK"}
    await env.settled()
    assert env.metered == before


async def test_an_approval_started_by_hand_with_the_same_code_is_ignored(env: DingTalkEnv) -> None:
    await _asked(env)
    await env.ding.agree("lee", _forged(env))
    await env.settled()
    assert _request(env).state == "pending"


async def test_an_approval_started_by_hand_is_ignored_while_ours_is_starting(env: DingTalkEnv) -> None:
    answer = env.ding.faults.hold("POST /v1.0/workflow/processInstances")
    await _asked(env)
    await env.ding.agree("lee", _forged(env))
    await env.until(lambda: _reads(env) or None)
    answer.set()
    await env.settled()
    assert _request(env).state == "pending"


@pytest.mark.parametrize("faults", ["time_out", "fail", "lose_reply"])
async def test_a_start_of_unknown_outcome_is_looked_for_and_not_repeated(
    env: DingTalkEnv, faults: str
) -> None:
    getattr(env.ding.faults, faults)("POST /v1.0/workflow/processInstances")
    one = await _asked(env)
    await env.settled()
    assert list(env.ding.approvals) == [one.id]
    await env.ding.agree("lee", one.id)
    await env.hear("pia", "Lee approved **$300.00**")


async def test_a_decision_before_the_start_was_known_counts(env: DingTalkEnv) -> None:
    env.ding.faults.time_out("POST /v1.0/workflow/processInstances")
    env.ding.faults.lose("event", times=None)
    one = await _asked(env)
    await env.ding.agree("lee", one.id)
    await env.hear("pia", "Lee approved **$300.00**")


async def test_a_start_that_failed_is_repeated(env: DingTalkEnv) -> None:
    env.ding.faults.refuse("POST /v1.0/workflow/processInstances", code="ServiceUnavailable", status=503)
    await env.ding.say("pia", "request 300 load test")
    await _approval(env)
    assert len(env.ding.approvals) == 1


async def test_a_request_cancelled_before_the_start_never_starts(env: DingTalkEnv) -> None:
    env.ding.faults.punish("POST /v1.0/workflow/processInstances")
    await env.say("pia", "request 300 load test")
    await env.say("pia", f"cancel {_request(env).code}")
    await env.settled(bound=60)
    assert not env.ding.approvals


async def test_a_request_cancelled_after_a_start_of_unknown_outcome_is_ended(
    env: DingTalkEnv,
) -> None:
    env.ding.faults.time_out("POST /v1.0/workflow/processInstances")
    one = await _asked(env)
    await env.say("pia", f"cancel {_request(env).code}")
    await _ended(env, one)
    assert len(env.ding.approvals) == 1


# By whom it must not be


@on_both
async def test_an_agreement_after_a_handover_grants_nothing_and_the_card_goes_out(
    env: DingTalkEnv,
) -> None:
    one = await _asked(env)
    approvals.hand_over(env.ding, one, "lee", "eve")
    await env.ding.agree("eve", one.id)
    code = _request(env).code
    await env.hear("pia", "Eve decided on your request", "does not count")
    await env.hear("ops", "was decided in DingTalk by Eve", "does not count")
    await env.hear("eve", f"{code} is not yours to decide")
    card = await env.card("lee", "asks for **$300.00**")
    assert env.left("pia") == 500
    await env.press("lee", card, "request.approve")
    await env.settled()
    assert env.left("pia") == 800


async def test_a_refusal_after_a_handover_declines_nothing(env: DingTalkEnv) -> None:
    one = await _asked(env)
    approvals.hand_over(env.ding, one, "lee", "eve")
    await env.ding.refuse("eve", one.id, "no")
    await env.card("lee", "asks for **$300.00**")
    assert _request(env).state == "pending"


async def test_a_requester_cannot_agree_to_their_own_request(env: DingTalkEnv) -> None:
    one = await _asked(env)
    approvals.hand_over(env.ding, one, "lee", "pia")
    await env.ding.agree("pia", one.id)
    await env.card("lee", "asks for **$300.00**")
    assert env.left("pia") == 500


async def test_an_agreement_by_dingtalk_itself_grants_nothing(env: DingTalkEnv) -> None:
    one = await _asked(env)
    approvals.decide_by_itself(env.ding, one)
    await env.ding.event(approvals.EVENT, approvals.news(one, "finish"))
    await env.hear("pia", "DingTalk itself decided", "does not count")
    await env.card("lee", "asks for **$300.00**")
    assert env.left("pia") == 500


async def test_an_agreement_beyond_the_teams_budget_grants_nothing_and_says_why(env: DingTalkEnv) -> None:
    one = await _asked(env, 500)
    await env.say("quinn", "request 400 load test")
    other = await _approval(env, 2)
    await env.ding.agree("lee", other.id)
    await env.hear("quinn", "Lee approved **$400.00**")
    await env.say("quinn", "request 300 more")
    third = await _approval(env, 3)
    await env.ding.agree("lee", third.id)
    await env.hear("quinn", "Lee approved **$300.00**")
    await env.ding.agree("lee", one.id)
    await env.hear("lee", "The budget of payments has $300.00 left")
    await env.card("lee", "asks for **$500.00**")
    assert env.left("pia") == 500


async def test_an_approval_revoked_by_an_administrator_becomes_a_card(env: DingTalkEnv) -> None:
    one = await _asked(env)
    await env.ding.revoke("ops", one.id)
    await _card(env)
    assert _request(env).state == "pending"


async def test_a_deleted_approval_becomes_a_card(env: DingTalkEnv) -> None:
    one = await _asked(env)
    del env.ding.approvals[one.id]
    await env.at(NOW + timedelta(minutes=16))
    await _card(env)


# Both at once


async def test_the_first_decision_in_our_ledger_wins_and_both_people_are_told(env: DingTalkEnv) -> None:
    one = await _asked(env)
    env.ding.faults.lose("event", times=None)
    await env.ding.agree("lee", one.id)
    await env.say("pia", f"cancel {_request(env).code}")
    await env.hear("lee", "is settled", "cancelled")
    await env.hear("pia", "Lee agreed to", "but it was settled before", "cancelled")
    await env.settled()
    assert (env.left("pia"), _request(env).state) == (500, "cancelled")


async def test_the_same_decision_of_the_same_person_in_both_places_is_told_once(env: DingTalkEnv) -> None:
    one = await _asked(env)
    await env.say("lee", f"approve {_request(env).code}")
    await env.ding.agree("lee", one.id)
    await env.settled()
    assert env.left("pia") == 800
    assert not [said for said in (*env.heard("pia"), *env.heard("lee")) if "settled before" in said]
    assert len(env.heard("lee")) == 1


async def test_the_admins_are_told_what_to_tick_when_dingtalk_refuses_to_end_an_approval(
    env: DingTalkEnv,
) -> None:
    one = await _asked(env)
    env.ding.forms[one.form] = _unrevocable(env)
    await env.say("pia", f"cancel {_request(env).code}")
    await env.hear("ops", "allow that submitters revoke what is pending")
    assert one.status == "RUNNING"
    await env.ding.agree("lee", one.id)
    await env.hear("lee", "is settled", "cancelled")
    assert env.left("pia") == 500


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
async def test_an_approval_that_dingtalk_refuses_becomes_a_card(
    env: DingTalkEnv, faults: dict[str, Any]
) -> None:
    env.ding.faults.refuse("POST /v1.0/workflow/processInstances", **faults)
    await env.ding.say("pia", "request 300 load test")
    card = await _card(env)
    await env.press("lee", card, "request.approve")
    await env.settled()
    assert env.left("pia") == 800
    assert not env.ding.approvals


async def test_without_the_permission_the_request_is_a_card_and_the_admins_are_told_which_is_missing(
    env: DingTalkEnv,
) -> None:
    env.ding.scopes.discard("Workflow.Instance.Write")
    await env.ding.say("pia", "request 300 load test")
    await env.hear("ops", "Workflow.Instance.Write")
    await _card(env)


@pytest.mark.parametrize("env", [{"form": False}], indirect=True)
async def test_without_a_form_the_request_is_a_card_at_once(
    env: DingTalkEnv, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        await env.ding.say("pia", "request 300 load test")
        await env.card("lee", "asks for **$300.00**")
    assert "no approval form" in caplog.text


@pytest.mark.parametrize("env", [{"on_slack": ["lee"]}, {"on_slack": ["pia"]}], indirect=True)
async def test_with_a_person_unknown_to_dingtalk_the_request_is_a_card(
    env: DingTalkEnv, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        ask_for(env.database, "pia", 300, now=env.clock())
        env.app.worker.wake()
        await env.settled()
    assert "no dingtalk id of" in caplog.text
    assert not env.ding.approvals


async def test_a_missing_permission_to_read_keeps_the_decision_until_it_is_there(env: DingTalkEnv) -> None:
    one = await _asked(env)
    env.ding.scopes.discard("Workflow.Instance.Read")
    await env.ding.agree("lee", one.id)
    await env.hear("ops", "Workflow.Instance.Read")
    env.ding.scopes.add("Workflow.Instance.Read")
    await env.hear("pia", "Lee approved **$300.00**")


async def _form(env: DingTalkEnv) -> None:
    code = await workflow.save_form(
        env.app.messengers["dingtalk"].api, form.NAME, form.LABELS.values(), long=form.LONG
    )
    env.database.transact(lambda session: form.remember(session, code, NOW))


async def _asked(env: DingTalkEnv, amount: int = 300) -> Approval:
    await env.ding.say("pia", f"request {amount} load test")
    return await _approval(env)


async def _approval(env: DingTalkEnv, number: int = 1) -> Approval:
    """The instance of this number, once it has started."""
    return await env.until(lambda: next(iter(list(env.ding.approvals.values())[number - 1 :]), None))


async def _ended(env: DingTalkEnv, one: Approval) -> None:
    await env.until(lambda: one.status == "TERMINATED" or None)


async def _card(env: DingTalkEnv) -> Any:
    """The card that goes out in place of an approval: within a minute."""
    await env.settled()
    await env.at(env.clock() + timedelta(minutes=1))
    return await env.card("lee", "asks for **$300.00**")


def _request(env: DingTalkEnv) -> Request:
    def read(session: Session) -> Request:
        return session.exec(select(Request).order_by(Request.id)).all()[0]  # type: ignore[arg-type]

    return env.database.transact(read)


def _forged(env: DingTalkEnv) -> str:
    """Somebody starts an approval of our form, about this request and little money."""
    asked = {
        "processCode": next(iter(env.ding.forms)),
        "originatorUserId": "pia",
        "approvers": [{"actionType": "NONE", "userIds": ["lee"]}],
        "formComponentValues": [
            {"name": "申请额度", "value": "$1.00"},
            {"name": "申请编号", "value": _request(env).code},
        ],
    }
    return str(approvals.start(env.ding, asked)["instanceId"])


def _reads(env: DingTalkEnv) -> list[Any]:
    path = "/v1.0/workflow/processInstances"
    return [call for call in env.ding.calls if call.path == path and "processInstanceId" in call.body]


def _unrevocable(env: DingTalkEnv) -> Form:
    return replace(next(iter(env.ding.forms.values())), revocable=False)
