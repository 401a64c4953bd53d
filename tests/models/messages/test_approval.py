"""An approval as a copy of its request's card: started, decided elsewhere, concluded, or set aside for a card."""

from __future__ import annotations

from sqlmodel import Session, select

from models.messages.approval import (
    Approval,
    ApprovalForm,
    approval_form,
    approvals,
    conclude,
    find_approval,
    lacks_card,
    promise_review,
    remember_form,
    set_aside,
    starting_approval,
    was_set_aside,
)
from models.messages.outbox import Effect, promise
from tests.company import NOW

ABOUT = "request:7F3K"
ONE = Approval("7F3K", "dingtalk:pia", ("dingtalk:lee",))


def said(session: Session, key: str, approval: Approval | None = None, reader: int | None = None) -> Effect:
    payload = {"reader": reader, **({"approval": approval.as_json()} if approval else {})}
    promise(session, Effect(key=key, kind="say", payload=payload, about=ABOUT, due_at=NOW))
    return session.exec(select(Effect).where(Effect.key == key)).one()


def test_an_approval_is_told_from_a_card_and_read_back_as_it_was_promised(session: Session) -> None:
    card, copy = said(session, "card", reader=1), said(session, "approval", ONE)
    assert (Approval.of(card), Approval.of(copy)) == (None, ONE)
    assert approvals(session, ABOUT) == [copy]


def test_each_set_of_approvers_has_a_lane_of_its_own(session: Session) -> None:
    both = Approval(ONE.code, ONE.requester, (*ONE.approvers, "dingtalk:olga"))
    assert len({ONE.lane, both.lane, "dingtalk:lee"}) == 3


def test_it_is_found_as_starting_until_the_vendors_id_is_known(session: Session) -> None:
    copy = said(session, "approval", ONE)
    assert starting_approval(session, ABOUT) is copy
    copy.ref = "PROC-1"
    session.flush()
    assert starting_approval(session, ABOUT) is None
    assert find_approval(session, ABOUT, "PROC-1") is copy
    assert find_approval(session, ABOUT, "PROC-2") is None


def test_only_one_that_was_started_is_concluded(session: Session) -> None:
    copy = said(session, "approval", ONE)
    over = []
    for ref in (None, "", "PROC-1"):
        copy.ref = ref
        conclude(session, copy)
        session.flush()
        found = Approval.of(copy)
        over.append(found is not None and found.over)
    assert over == [False, False, True]


def test_after_one_was_set_aside_a_card_is_missing_until_it_is_promised(session: Session) -> None:
    copy = said(session, "approval", ONE)
    assert (was_set_aside(session, ABOUT), lacks_card(session, ABOUT)) == (False, False)
    set_aside(session, copy, NOW, "no permission")
    session.flush()
    assert (was_set_aside(session, ABOUT), lacks_card(session, ABOUT)) == (True, True)
    assert approvals(session, ABOUT) == []
    said(session, "card", reader=1)
    assert (was_set_aside(session, ABOUT), lacks_card(session, ABOUT)) == (True, False)


def test_the_form_made_last_is_the_form(session: Session) -> None:
    assert approval_form(session) is None
    for form in (ApprovalForm("dingtalk", "PROC-1", "zh"), ApprovalForm("dingtalk", "PROC-2", "en")):
        remember_form(session, form, NOW)
        session.flush()
        assert approval_form(session) == form


def test_a_review_is_promised_once_for_each_reason_and_a_known_one_is_done(session: Session) -> None:
    for why, known in (("event", False), ("event", False), ("ended", True)):
        promise_review(session, "dingtalk", "PROC-1", why, NOW, code="7F3K", known=known)
    kept = session.exec(select(Effect).where(Effect.kind == "review").order_by(Effect.id)).all()
    assert [one.done_at for one in kept] == [None, NOW]
