"""What the tests of approvals do and look at."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from bot.messengers.dingtalk import form, workflow
from models.quota.request import Request
from sandbox.dingtalk import approvals
from sandbox.dingtalk.objects import Form
from sandbox.dingtalk.organisation import Approval
from tests.company import NOW, POLICY
from tests.dingtalk_env import DingTalkEnv

OA = POLICY.replace("requests:\n", "requests:\n  channel: oa\n")
on_both = pytest.mark.parametrize("env", [{"kind": "sqlite"}, {"kind": "postgres"}], indirect=True)


async def make_form(env: DingTalkEnv) -> None:
    code = await workflow.save_form(
        env.app.messengers["dingtalk"].api, form.NAME, form.LABELS.values(), long=form.LONG
    )
    env.database.transact(lambda session: form.remember(session, code, NOW))


async def ask(env: DingTalkEnv, amount: int = 300) -> Approval:
    await env.ding.say("pia", f"request {amount} load test")
    return await approval_of(env)


async def approval_of(env: DingTalkEnv, number: int = 1) -> Approval:
    """The instance of this number, once it has started."""
    return await env.until(lambda: next(iter(list(env.ding.approvals.values())[number - 1 :]), None))


async def has_ended(env: DingTalkEnv, one: Approval) -> None:
    await env.until(lambda: one.status == "TERMINATED" or None)


async def card_instead(env: DingTalkEnv) -> Any:
    """The card that goes out in place of an approval: within a minute."""
    await env.settled()
    await env.at(env.clock() + timedelta(minutes=1))
    return await env.card("lee", "asks for **$300.00**")


def request_in(env: DingTalkEnv) -> Request:
    def read(session: Session) -> Request:
        return session.exec(select(Request).order_by(Request.id)).all()[0]  # type: ignore[arg-type]

    return env.database.transact(read)


def forge(env: DingTalkEnv) -> str:
    """Somebody starts an approval of our form, about this request and little money."""
    asked = {
        "processCode": next(iter(env.ding.forms)),
        "originatorUserId": "pia",
        "approvers": [{"actionType": "NONE", "userIds": ["lee"]}],
        "formComponentValues": [
            {"name": "申请额度", "value": "$1.00"},
            {"name": "申请编号", "value": request_in(env).code},
        ],
    }
    return str(approvals.start(env.ding, asked)["instanceId"])


def reads_of(env: DingTalkEnv) -> list[Any]:
    path = "/v1.0/workflow/processInstances"
    return [call for call in env.ding.calls if call.path == path and "processInstanceId" in call.body]


def unrevocable(env: DingTalkEnv) -> Form:
    return replace(next(iter(env.ding.forms.values())), revocable=False)
