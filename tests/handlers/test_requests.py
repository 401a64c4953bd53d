"""Quota from the manager: who hears what, and in which words."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import Session, select

from handlers import delegations, forms, lending, requests
from models.messages.message import Form, Message
from models.messages.outbox import Effect
from models.policy import document, versions
from models.quota.delegation import Delegation
from models.quota.request import open_request
from models.quota.wallet import wallet_of
from models.refusal import (
    AlreadyDecided,
    BadDate,
    NothingToRevoke,
    OverCeiling,
    PoolTooSmall,
    Replaced,
    UnknownCode,
    WrongUsage,
)
from tests.company import NOW, POLICY, asks, who
from tests.outbox_reader import by, heard, told

ONE = 1_000_000


def ask(session: Session, name: str = "pia", amount: int = 300, **more: object) -> str:
    requests.request(by(session, name, **more), amount * ONE, "load test")  # type: ignore[arg-type]
    found = open_request(session, who(session, name).id)
    assert found is not None
    return found.code


def test_the_answer_names_the_approver_and_the_cheaper_ways(session: Session) -> None:
    lending.lend(by(session, "pia"), who(session, "quinn"), 20 * ONE)
    answer = requests.request(by(session, "pia"), 300 * ONE, "load test")
    assert isinstance(answer, Message)
    assert "is with Lee" in answer.text
    assert "recall up to $20.00" in answer.text
    assert "hunyuan" in answer.text
    assert [one.action for one in answer.buttons] == ["request.cancel"]


def test_without_an_amount_a_form_is_shown(session: Session) -> None:
    form = requests.request(by(session, "pia"), None)
    assert isinstance(form, Form)
    assert [one.name for one in form.fields] == ["amount", "reason", "until"]


def test_a_past_day_is_refused(session: Session) -> None:
    with pytest.raises(BadDate):
        requests.request(by(session, "pia"), ONE, "", date(2026, 11, 8))
    requests.request(by(session, "pia"), ONE, "", date(2026, 11, 9))


def test_the_last_day_of_a_request_is_shown_to_everybody(session: Session) -> None:
    requests.request(by(session, "pia"), 300 * ONE, "load test", date(2026, 12, 15))
    assert "用到 12月15日" in heard(session, "lee")
    found = open_request(session, who(session, "pia").id)
    assert found is not None
    requests.approve(by(session, "lee"), found.code)
    assert "until 15 Dec" in heard(session, "pia")


def test_a_budget_a_ceiling_and_a_replaced_code_each_have_their_own_refusal(session: Session) -> None:
    old = ask(session)
    code = ask(session, amount=400)
    with pytest.raises(Replaced):
        requests.approve(by(session, "lee"), old)
    with pytest.raises(OverCeiling):
        requests.approve(by(session, "lee"), code, 5001 * ONE)
    requests.approve(by(session, "lee"), code)
    with pytest.raises(AlreadyDecided) as late:
        requests.approve(by(session, "lee"), code)
    assert (late.value.by, late.value.granted) == ("Lee", 400 * ONE)
    second = ask(session, "quinn", 700)
    with pytest.raises(PoolTooSmall) as short:
        requests.approve(by(session, "lee"), second)
    assert short.value.left == 600 * ONE


def test_a_late_decline_is_refused_in_the_words_of_the_card(session: Session) -> None:
    code = ask(session)
    requests.approve(by(session, "lee"), code)
    with pytest.raises(AlreadyDecided) as late:
        requests.decline(by(session, "lee"), code, "no")
    assert "Lee 已同意 $300.00 · 11月9日 10:00" in str(
        requests.explain(by(session, "lee"), late.value)["state"]
    )


def test_a_decline_needs_a_reason_which_is_masked_and_passed_on(session: Session) -> None:
    code = ask(session)
    for empty in ("", "  ", "\u200b"):
        with pytest.raises(WrongUsage):
            requests.decline(by(session, "lee"), code, empty)
    requests.decline(by(session, "lee"), code, "ask again with sk-abcdefgh12345678")
    assert "sk-abc" not in heard(session, "pia")
    assert "ask again with" in heard(session, "pia")


@pytest.mark.parametrize("name", ["pia", "quinn", "olga", "carol", "ops"])
def test_only_people_who_were_asked_decide(session: Session, name: str) -> None:
    code = ask(session)
    for decide in (requests.approve, requests.approve_less, forms.decline_form):
        with pytest.raises(UnknownCode):
            decide(by(session, name), code)
    with pytest.raises(UnknownCode):
        requests.decline(by(session, name), code, "no")


def test_only_the_requester_cancels_and_only_the_decider_revokes(session: Session) -> None:
    code = ask(session)
    with pytest.raises(UnknownCode):
        requests.cancel(by(session, "lee"), code)
    requests.approve(by(session, "lee"), code)
    with pytest.raises(UnknownCode):
        requests.revoke(by(session, "olga"), code)
    requests.revoke(by(session, "lee"), code)
    assert "Lee took back $300.00" in heard(session, "pia")
    with pytest.raises(NothingToRevoke):
        requests.revoke(by(session, "lee"), code)
    assert wallet_of(session, who(session, "pia").id).available == 500 * ONE


def test_an_unconfirmed_grant_is_not_called_live(session: Session) -> None:
    code = ask(session)
    requests.approve(by(session, "lee", live=True), code)
    assert "being activated" in heard(session, "pia")


def test_a_delegation_lasts_until_the_end_of_its_last_day(session: Session) -> None:
    answer = delegations.delegate(by(session, "lee"), who(session, "quinn"), date(2026, 11, 20))
    assert "11月20日" in answer.text
    assert "Lee handed you their approvals until 20 Nov" in heard(session, "quinn")
    row = session.get_one(Delegation, 1)
    assert row.until_at > NOW
    with pytest.raises(WrongUsage):
        delegations.delegate(by(session, "lee"), who(session, "lee"), date(2026, 11, 20))
    with pytest.raises(BadDate):
        delegations.delegate(by(session, "lee"), who(session, "quinn"), date(2026, 11, 8))
    with pytest.raises(WrongUsage):
        delegations.delegate(by(session, "lee"), who(session, "quinn"), None)


def test_a_small_request_is_approved_by_policy_and_the_manager_can_revoke_it(session: Session) -> None:
    policy = POLICY.replace("requests:\n", "requests:\n  auto_approve: {share: 0.1, per_period: 1}\n")
    versions.record_version(session, policy, NOW, "ops")
    first = by(session, "pia")
    first.policy = document.parse(policy)
    answer = requests.request(first, 50 * ONE, "small")
    assert isinstance(answer, Message)
    assert "policy approved **$50.00**" in answer.text
    assert "按规则自动通过" in heard(session, "lee")
    assert [one.action for one in told(session, "lee")[-1].buttons] == ["request.revoke"]
    second = by(session, "pia")
    second.policy = first.policy
    assert "is with Lee" in str(requests.request(second, 50 * ONE, "small"))


def test_above_every_ceiling_an_approver_can_still_grant_up_to_their_own(session: Session) -> None:
    policy = POLICY.replace("  fallback_approvers: [cfo@corp.example]\n", "").replace(
        "owner: 5000", "owner: 600"
    )
    versions.record_version(session, policy, NOW, "ops")
    answer = requests.request(by(session, "pia"), 900 * ONE, "load test")
    assert isinstance(answer, Message)
    assert "Nobody here can approve more than $600.00" in answer.text
    card = told(session, "lee")[-1]
    assert [one.action for one in card.buttons] == [
        "request.approve_less",
        "request.other",
        "request.decline",
    ]
    assert "$600.00" in card.buttons[0].label
    assert card.buttons[0].style == "primary"
    assert "no approver may grant more than $600.00" in heard(session, "ops")
    found = open_request(session, who(session, "pia").id)
    assert found is not None
    requests.approve_less(by(session, "lee"), card.buttons[0].value)
    assert "Lee approved **$600.00** of the $900.00 you asked for" in heard(session, "pia")


def buttons(session: Session, name: str) -> list[tuple[str, str, str]]:
    return [(one.action, one.label, one.value) for one in told(session, name)[-1].buttons]


def test_the_primary_button_is_what_the_budget_can_pay(session: Session) -> None:
    requests.approve(by(session, "lee"), ask(session, amount=700))
    code = ask(session, "quinn", 600)
    label = "同意 $300.00（预算仅剩）"
    assert buttons(session, "lee")[0] == ("request.approve_less", label, f"{code}:300")
    assert "payments: $300.00 → $0.00" in heard(session, "lee")
    requests.approve_less(by(session, "lee"), f"{code}:300")
    assert "Lee approved **$300.00** of the $600.00" in heard(session, "quinn")


def test_an_empty_budget_shows_no_button_that_must_fail(session: Session) -> None:
    requests.approve(by(session, "lee"), ask(session, amount=1000))
    ask(session, "quinn", 600)
    assert [action for action, *_ in buttons(session, "lee")] == ["request.decline"]
    assert "预算已用完" in heard(session, "lee")


def test_a_button_that_was_forged_grants_no_more_than_was_asked(session: Session) -> None:
    code = ask(session)
    for decide in (requests.approve_shown, requests.approve_less):
        for amount in ("301", "all"):
            with pytest.raises(WrongUsage):
                decide(by(session, "lee"), f"{code}:{amount}")


def test_a_card_in_a_thread_tells_nothing_of_the_budget(session: Session) -> None:
    requests.approve(by(session, "lee"), ask(session, amount=700))
    ask(session, "quinn", 600, thread="slack:C1/1.2")
    small = session.exec(select(Effect).where(Effect.kind == "say").order_by(Effect.id.desc())).all()
    card = next(one for one in small if one.payload["address"] == "slack:C1/1.2").payload["message"]
    assert [one["action"] for one in card["buttons"]] == ["request.other", "request.decline"]
    assert "300" not in str(card)


def test_the_end_of_a_grant_is_always_said(session: Session) -> None:
    answer = requests.approve(by(session, "lee"), ask(session))
    assert "用到 11月30日" in answer.text
    assert "for you until 30 Nov" in heard(session, "pia")
    requests.request(by(session, "quinn"), 10 * ONE, "", date(2027, 1, 8))
    code = open_request(session, who(session, "quinn").id).code
    requests.approve(by(session, "lee"), code)
    assert "until 8 Jan 2027" in heard(session, "quinn")


def test_a_grant_of_the_last_minutes_says_how_short_it_is(session: Session) -> None:
    late = datetime(2026, 11, 30, 15, 50, tzinfo=UTC)  # 23:50 in Shanghai
    requests.request(asks(session, "pia", now=late), 300 * ONE, "load test")
    assert "现在批准，额度 10 分钟后就到期" in heard(session, "lee")
    code = open_request(session, who(session, "pia").id).code
    answer = requests.approve(asks(session, "lee", now=late, key="approve"), code)
    assert "10 分钟后就到期" in answer.text
    assert "It ends in 10 min. For longer" in heard(session, "pia")


def test_a_day_that_has_passed_at_the_decision_is_asked_back(session: Session) -> None:
    requests.request(by(session, "pia"), 300 * ONE, "load test", date(2026, 11, 10))
    found = open_request(session, who(session, "pia").id)
    later = NOW + timedelta(days=2)
    for _ in range(2):
        answer = requests.approve(by(session, "lee", now=later), found.code)
        assert "没有批准" in answer.text
    assert found.open
    asked = [one for one in told(session, "pia") if "Until which day" in one.text]
    assert [one.buttons[0].action for one in asked] == ["request.open"]
    with pytest.raises(UnknownCode):
        requests.approve(by(session, "carol", now=later), found.code)
