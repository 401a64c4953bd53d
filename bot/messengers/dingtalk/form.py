"""The form of DingTalk's own approval (OA 审批): its Chinese labels and its prerequisites."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session, col, select

from models.messages.approval import ApprovalForm, approval_form, remember_form
from models.people.member import Address, Member
from models.policy.document import Policy

NAME = "额度申请"
# The label of each value of an approval.
LABELS = {
    "amount": "申请额度",
    "reason": "申请理由",
    "until": "有效期至",
    "change": "可用额度变化",
    "code": "申请编号",
    "hint": "说明",
}
CODE, LONG = LABELS["code"], LABELS["reason"]
NEEDS = (
    "the app needs the permissions Workflow.Form.Write, Workflow.Instance.Write and Workflow.Instance.Read "
    "and the event bpms_instance_change (docs/dingtalk.md, section 6)"
)


def process_code(session: Session) -> str:
    """The processCode of the form that `quotabot dingtalk form` made; empty before that."""
    form = approval_form(session)
    return form.id if form is not None and form.messenger == "dingtalk" else ""


def remember(session: Session, code: str, now: datetime) -> None:
    remember_form(session, ApprovalForm("dingtalk", code, "zh"), now)


def labelled(values: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(LABELS.get(name, name), value) for name, value in values]


def missing(session: Session, policy: Policy) -> list[str]:
    """The missing prerequisites of `requests.channel: oa`, for an operator. Requests go out as cards meanwhile."""
    if policy.requests.channel != "oa":
        return []
    strangers = select(Member.name).where(
        col(Member.left_at).is_(None),
        col(Member.id).not_in(select(Address.member_id).where(Address.messenger == "dingtalk")),
    )
    found = []
    if not process_code(session):
        found.append(f"there is no form yet, `quotabot dingtalk form` makes it; {NEEDS}")
    if number := len(session.exec(strangers).all()):
        found.append(f"{number} people have no DingTalk id; what they ask, or are asked, goes out as a card")
    return found
