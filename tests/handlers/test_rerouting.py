"""Whoever may not decide any more is replaced at once, and reads no figures; the requester reads the true reason."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlmodel import Session, select

from bot.database import Database
from bot.people.sync import apply, survey
from handlers import delegations, lending, requests
from handlers.clock.requests import requests_due
from models.messages.message import Message
from models.messages.outbox import Effect, mark, park
from models.people.member import Member
from models.policy import versions
from models.quota.request import Request
from models.refusal import UnknownCode
from tests.actions import DECEMBER, ask_for, ctx, spend, turn
from tests.company import NOW, POLICY, asks, who
from tests.outbox_reader import by, heard, told

ONE = 1_000_000
MINUTE = timedelta(minutes=1)


def ask(session: Session, name: str = "alice", amount: int = 60) -> Request:
    requests.request(by(session, name), amount * ONE, "load test")
    return session.exec(select(Request).order_by(Request.id.desc())).first()


def tick(session: Session, after: timedelta = MINUTE) -> None:
    requests_due(ctx(session, NOW + after))
    session.flush()


def report_to(session: Session, name: str, manager: str | None) -> None:
    member = who(session, name)
    member.manager_id = who(session, manager).id if manager else None
    session.add(member)
    session.flush()


def card(session: Session, name: str) -> Message:
    return next(one for one in told(session, name) if "Quota request" in one.title or "额度申请" in one.title)


def lose(session: Session, name: str, about: str) -> None:
    """No message about this reaches them."""
    reader = who(session, name).id
    rows = session.exec(select(Effect).where(Effect.about == about)).all()
    mark(session, [park(one, NOW, "gone") for one in rows if one.payload["reader"] == reader])
    session.expire_all()


def test_after_a_move_the_former_manager_reads_no_figures_and_the_requester_the_reason(
    session: Session,
) -> None:
    found = ask(session)
    assert "Left" in str(card(session, "carol").facts)
    report_to(session, "alice", "max")
    report_to(session, "max", "olga")
    tick(session)
    former = card(session, "carol")
    assert (former.facts, former.buttons) == ((), ())
    assert "no longer yours to decide" in former.text
    assert "load test" not in former.text
    assert "load test" in heard(session, "max")
    assert f"Your manager is no longer Carol, so {found.code} is now with Max" in heard(session, "alice")
    with pytest.raises(UnknownCode):
        requests.approve(by(session, "carol"), found.code)
    count = len(told(session, "alice")), len(told(session, "max"))
    tick(session, 2 * MINUTE)
    assert (len(told(session, "alice")), len(told(session, "max"))) == count


def test_a_former_manager_is_not_reminded(session: Session) -> None:
    ask(session)
    report_to(session, "alice", "max")
    report_to(session, "max", "olga")
    tick(session)
    before = len(told(session, "carol"))
    tick(session, timedelta(hours=5))
    assert len(told(session, "carol")) == before
    assert "Still open" in told(session, "max")[-1].text


def test_a_manager_who_is_back_gets_the_buttons_again(session: Session) -> None:
    ask(session)
    report_to(session, "alice", "max")
    tick(session)
    report_to(session, "alice", "carol")
    tick(session, 2 * MINUTE)
    assert "request.approve" in [one.action for one in card(session, "carol").buttons]


def test_each_approver_whom_no_message_reaches_is_replaced_at_once(session: Session) -> None:
    found = ask(session)
    lose(session, "carol", found.about)
    tick(session)
    assert "load test" in heard(session, "olga")
    assert f"I cannot reach Carol about {found.code}, so Olga was asked" in heard(session, "alice")
    assert "do not reach Carol" in heard(session, "ops")
    lose(session, "olga", found.about)
    tick(session, 2 * MINUTE)
    assert "load test" in heard(session, "cfo")
    count = len(told(session, "cfo")), len(told(session, "ops"))
    tick(session, 3 * MINUTE)
    assert (len(told(session, "cfo")), len(told(session, "ops"))) == count


def test_a_request_that_nobody_can_decide_any_more_is_unroutable_and_told(session: Session) -> None:
    found = ask(session, "max")
    lose(session, "cfo", found.about)
    tick(session)
    session.refresh(found)
    assert found.state == "unroutable"
    assert "nobody to decide it yet" in heard(session, "max")
    assert "nobody can decide" in heard(session, "ops")
    count = len(told(session, "ops"))
    tick(session, 2 * MINUTE)
    assert len(told(session, "ops")) == count
    report_to(session, "max", "carol")
    tick(session, 3 * MINUTE)
    assert f"{found.code} has an approver now: Carol" in heard(session, "max")


def test_a_lowered_ceiling_changes_the_buttons_of_open_cards(session: Session) -> None:
    found = ask(session, amount=400)
    versions.record_version(session, POLICY.replace("manager: 500", "manager: 200"), NOW, "ops")
    tick(session)
    first = card(session, "carol").buttons[0]
    assert (first.action, first.value) == ("request.approve_less", f"{found.code}:200")
    assert "$200.00 (your limit)" in first.label


def test_the_card_remembers_what_was_granted_declined_and_borrowed(session: Session) -> None:
    for amount in (20, 30):
        requests.approve(by(session, "carol"), ask(session, amount=amount).code)
    requests.decline(by(session, "carol"), ask(session).code, "not now")
    lending.lend(by(session, "bob"), who(session, "alice"), 5 * ONE)
    ask(session)
    newest = told(session, "carol")[-1]
    said = "granted 2×, $50.00 in all; declined on 9 Nov; borrowed $5.00 from colleagues"
    assert dict(newest.facts)["This period"].startswith(said)
    lending.lend(by(session, "eve", now=NOW + MINUTE), who(session, "alice"), 7 * ONE)
    tick(session, 2 * MINUTE)
    newest = told(session, "carol")[-1]
    assert "borrowed $12.00 from colleagues" in dict(newest.facts)["This period"]
    assert "of it since asking" in dict(newest.facts)["This period"]


def test_the_card_says_who_is_no_employee(session: Session) -> None:
    ask(session, "dan")
    assert dict(told(session, "carol")[-1].facts)["Employment"] == "contractor"
    ask(session, "alice")
    assert "Employment" not in dict(told(session, "carol")[-1].facts)
    assert "This period" not in dict(told(session, "carol")[-1].facts)


# Delegation

UNTIL = date(2026, 11, 13)


def test_a_delegate_gets_the_cards_of_what_waits_and_they_settle_at_its_end(session: Session) -> None:
    found = ask(session)
    delegations.delegate(by(session, "carol"), who(session, "eve"), UNTIL)
    assert "request.approve" in [one.action for one in card(session, "eve").buttons]
    assert "stand in" in str(card(session, "eve").facts)
    answer = delegations.undelegate(by(session, "carol"))
    assert "Eve no longer decides" in answer.text
    assert "Carol took their approvals back" in heard(session, "eve")
    assert (card(session, "eve").facts, card(session, "eve").buttons) == ((), ())
    with pytest.raises(UnknownCode):
        requests.approve(by(session, "eve"), found.code)
    assert "nobody" in delegations.undelegate(by(session, "carol")).text


def test_a_card_of_a_delegate_settles_when_the_day_is_over(session: Session) -> None:
    ask(session)
    delegations.delegate(by(session, "carol"), who(session, "eve"), NOW.date())
    tick(session, timedelta(hours=14, minutes=1))  # past midnight in Shanghai
    assert card(session, "eve").buttons == ()
    assert card(session, "carol").buttons


def test_a_newer_delegation_moves_the_cards(session: Session) -> None:
    ask(session)
    delegations.delegate(by(session, "carol"), who(session, "eve"), UNTIL)
    answer = delegations.delegate(by(session, "carol"), who(session, "max"), UNTIL)
    assert "in place of Eve" in answer.text
    assert (card(session, "eve").buttons, bool(card(session, "max").buttons)) == ((), True)


def test_a_delegation_into_next_year_says_the_year(session: Session) -> None:
    answer = delegations.delegate(by(session, "carol"), who(session, "eve"), date(2027, 1, 8))
    assert "until 8 Jan 2027" in answer.text


def test_a_delegates_decision_names_for_whom(session: Session) -> None:
    found = ask(session)
    delegations.delegate(by(session, "carol"), who(session, "eve"), UNTIL)
    requests.approve(by(session, "eve"), found.code)
    assert "Eve for Carol approved" in heard(session, "alice")
    assert "approved by Eve for Carol" in card(session, "carol").text


def test_two_people_never_decide_each_others_requests_through_a_delegation(session: Session) -> None:
    delegations.delegate(by(session, "carol"), who(session, "eve"), UNTIL)
    requests.approve(by(session, "eve"), ask(session, "bob").code)
    delegations.delegate(by(session, "carol"), who(session, "bob"), UNTIL)
    before = len(told(session, "bob"))
    found = ask(session, "eve")
    assert len(told(session, "bob")) == before, "Eve decided for Bob in this month"
    with pytest.raises(UnknownCode):
        requests.approve(by(session, "bob"), found.code)
    requests.approve(by(session, "bob"), ask(session, "alice").code)
    requests.approve(by(session, "carol"), found.code)


# Revoking


def test_a_former_manager_cannot_revoke_and_the_present_one_can(session: Session) -> None:
    found = ask(session)
    requests.approve(by(session, "carol"), found.code)
    with pytest.raises(UnknownCode):
        requests.revoke(by(session, "olga"), found.code)
    report_to(session, "alice", "max")
    report_to(session, "max", "olga")
    for stranger in ("carol", "olga", "bob"):
        with pytest.raises(UnknownCode):
            requests.revoke(by(session, stranger), found.code)
    requests.revoke(by(session, "max"), found.code)
    assert "Max took back $60.00" in heard(session, "alice")


def test_a_delegate_revokes_while_the_delegation_lasts_and_the_delegator_always(session: Session) -> None:
    delegations.delegate(by(session, "carol"), who(session, "eve"), UNTIL)
    first, second = ask(session, "alice"), ask(session, "bob")
    for one in (first, second):
        requests.approve(by(session, "eve"), one.code)
    requests.revoke(by(session, "eve"), first.code)
    delegations.undelegate(by(session, "carol"))
    with pytest.raises(UnknownCode):
        requests.revoke(by(session, "eve"), second.code)
    requests.revoke(by(session, "carol"), second.code)


def test_where_the_decider_has_left_whoever_would_be_asked_today_may_revoke(session: Session) -> None:
    found = ask(session)
    requests.approve(by(session, "carol"), found.code)
    carol: Member = who(session, "carol")
    carol.left_at = NOW
    session.add(carol)
    session.flush()
    requests.revoke(asks(session, "olga", key="late"), found.code)


def test_a_request_that_outlives_a_close_gets_the_new_figures(sqlite_company: Database) -> None:
    spend(sqlite_company, "alice", 90)
    code = ask_for(sqlite_company, "alice", 60, now=DECEMBER - timedelta(hours=6))
    turn(sqlite_company)
    later = DECEMBER + timedelta(hours=1)
    sqlite_company.transact(lambda session: requests_due(ctx(session, later)))
    shown = sqlite_company.transact(lambda session: card(session, "carol"))
    assert code in shown.title
    assert "$0.00 of $100.00" in str(shown.facts)
    assert "$100.00" in dict(shown.facts)["Left"]


def test_an_import_that_moves_somebody_settles_and_sends_the_cards_at_once(session: Session) -> None:
    ask(session)
    row = (
        "name,email,slack_id,team,manager_email\nAlice,alice@corp.example,U01ALICE,design,max@corp.example\n"
    )
    apply(session, survey(session, row.encode()), NOW + MINUTE)
    assert not card(session, "carol").buttons
    assert {"request.approve", "request.decline"} <= {one.action for one in card(session, "max").buttons}
    said = heard(session, "alice")
    tick(session, 2 * MINUTE)
    assert heard(session, "alice") == said
