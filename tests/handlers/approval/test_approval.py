"""When a request is a messenger's own approval, and when a card: what is promised, before anybody is called."""

from __future__ import annotations

import logging

import pytest
from sqlmodel import Session, select

from handlers import requests
from handlers.clock.requests import requests_due
from handlers.context import Context
from models.messages.approval import Approval, ApprovalForm, approvals, remember_form
from models.messages.outbox import Effect, mark, park
from models.people.member import Address
from models.policy import versions
from models.quota.request import Request
from tests.company import CAST, NOW, POLICY, asks, who

ONE = 1_000_000
OA = POLICY.replace("requests:\n", "requests:\n  channel: oa\n")


@pytest.fixture(autouse=True)
def _on_forms(session: Session) -> None:
    """Everybody is on DingTalk, too, under an id that could be mistaken for something else; the form is made."""
    versions.record_version(session, OA, NOW, "ops")
    remember_form(session, ApprovalForm("dingtalk", "PROC-1", "zh"), NOW)
    for name in CAST:
        Address.give(session, who(session, name), f"dingtalk:{name}/1,x")


def ask(session: Session, amount: int = 300, name: str = "pia", **more: object) -> Request:
    requests.request(asks(session, name, **more), amount * ONE, "load test")
    return session.exec(select(Request)).one()


def due(session: Session) -> None:
    current = versions.current(session)
    assert current is not None
    requests_due(Context(session=session, now=NOW, key="tick", version=current[0], policy=current[1]))


def shapes(session: Session, request: Request) -> list[str]:
    """Of every copy that was promised, in order; `approval` for an approval."""
    said = select(Effect).where(Effect.about == request.about).order_by(Effect.id)  # type: ignore[arg-type]
    return [one.payload["shape"] or "approval" for one in session.exec(said).all()]


def approvers(session: Session, request: Request) -> list[tuple[str, ...]]:
    """Of every approval that was promised, in order."""
    found = [Approval.of(one) for one in approvals(session, request.about)]
    return [one.approvers for one in found if one]


def test_an_approval_names_its_code_and_people_however_odd_their_ids(session: Session) -> None:
    request = ask(session)
    (promised,) = approvals(session, request.about)
    assert Approval.of(promised) == Approval(request.code, "dingtalk:pia/1,x", ("dingtalk:lee/1,x",))


def test_a_request_from_a_thread_shows_no_second_card_there(session: Session) -> None:
    assert len(shapes(session, ask(session, thread="slack:C1/1.2"))) == 1


def test_above_the_approvers_ceiling_the_request_is_a_card(
    session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    versions.record_version(session, OA.replace("  fallback_approvers: [cfo@corp.example]\n", ""), NOW, "ops")
    with caplog.at_level(logging.WARNING):
        assert shapes(session, ask(session, 600, "alice")) == ["full"]
    assert "ceiling" in caplog.text


def test_a_person_who_left_the_messenger_is_not_asked_there(session: Session) -> None:
    address = session.get_one(Address, "dingtalk:lee/1,x")
    address.status = "gone"
    session.add(address)
    session.flush()
    assert shapes(session, ask(session)) == ["full"]


def test_a_former_approver_is_not_asked_in_the_next_approval(session: Session) -> None:
    request, alice = ask(session, 50, "alice"), who(session, "alice")
    alice.manager_id = who(session, "lee").id
    session.add(alice)
    due(session)
    assert approvers(session, request) == [("dingtalk:carol/1,x",), ("dingtalk:lee/1,x",)]


def test_an_approval_that_was_set_aside_is_replaced_by_the_card_once(session: Session) -> None:
    request = ask(session)
    (form,) = approvals(session, request.about)
    assert mark(session, [park(form, NOW, "no approval: permission")]) == 1
    for _ in range(2):
        due(session)
    assert shapes(session, request)[1:] == ["full"]
    requests.request(asks(session, "pia", key="again"), 200 * ONE, "less")
    session.refresh(request)
    assert shapes(session, request)[0] == "approval"  # another CODE is another try


def test_the_channel_card_makes_no_approvals(session: Session) -> None:
    versions.record_version(session, POLICY, NOW, "ops")
    assert shapes(session, ask(session)) == ["full"]


def test_the_form_of_any_messenger_is_filled_in_the_language_of_the_form(session: Session) -> None:
    remember_form(session, ApprovalForm("feishu", "F-1", "en"), NOW)
    for name in CAST:
        Address.give(session, who(session, name), f"feishu:{name}")
    request = ask(session)
    (promised,) = approvals(session, request.about)
    assert Approval.of(promised) == Approval(request.code, "feishu:pia", ("feishu:lee",))
    assert dict(promised.payload["message"]["facts"])["change"] == "$500.00 → $800.00"
    assert "write `approve" in dict(promised.payload["message"]["facts"])["hint"]
