"""Keys of the policy that nothing else shows: each with another value does something else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session

from handlers import announcement, asking, lending, requests
from handlers.clock.requests import requests_due
from handlers.gateway import alerts
from models.ledger.transfer import Cause
from models.messages.outbox import Mailing
from models.metering.usage import MemberUsage, book
from models.policy import versions
from models.policy.document import Policy, parse
from models.quota.ask import Ask
from models.quota.request import open_request
from models.refusal import OverCeiling, TooManyLoans, TooMuchBorrowed
from tests.actions import USD, ZONE, ctx
from tests.company import NOW, POLICY, who
from tests.outbox_reader import by, told


def rules(session: Session, *swaps: tuple[str, str], more: str = "") -> Policy:
    written = POLICY + more
    for old, new in swaps:
        assert old in written
        written = written.replace(old, new)
    versions.record_version(session, written, NOW, "ops")
    return parse(written)


def spend(session: Session, name: str, usd: float, **later: float) -> None:
    now = NOW + timedelta(**later)
    usage = MemberUsage(who(session, name).id, now.astimezone(ZONE).date(), f"m{usd}", int(usd * USD))
    book(session, [usage], zone=ZONE, cause=Cause(now, "gateway", f"usage:{name}:{usd}:{later}"))


def alarm(session: Session, name: str, **later: float) -> list[str]:
    """What somebody hears when the gateway is read."""
    before = len(told(session, name))
    alerts.alert(ctx(session, NOW + timedelta(**later)), who(session, name).id)
    return [str(one.text) for one in told(session, name)[before:]]


@pytest.mark.parametrize(("levels", "hears"), [("[0.8]", False), ("[0.4]", True), ("[]", False)])
def test_at_which_shares_one_hears_of_ones_use(session: Session, levels: str, hears: bool) -> None:
    rules(session, more=f"alerts: {{at: {levels}, surge: null}}\n")
    spend(session, "alice", 50)
    assert bool(alarm(session, "alice", hours=1)) == hears


@pytest.mark.parametrize(("share", "asked"), [("0.6", False), ("0.4", True)])
def test_which_share_within_an_hour_is_a_surge(session: Session, share: str, asked: bool) -> None:
    rules(session, more=f"alerts: {{at: [], surge: {{share: {share}}}}}\n")
    spend(session, "alice", 50)
    assert bool(alarm(session, "alice", minutes=10)) == asked


@pytest.mark.parametrize(("within", "asked"), [("1h", False), ("6h", True)])
def test_within_which_time_it_is_a_surge(session: Session, within: str, asked: bool) -> None:
    rules(session, more=f"alerts: {{at: [], surge: {{share: 0.4, within: {within}}}}}\n")
    spend(session, "alice", 50)
    assert bool(alarm(session, "alice", hours=5)) == asked


def borrow(session: Session, lender: str, usd: int) -> None:
    asking.borrow(by(session, "bob"), who(session, lender), usd * USD)
    ask = session.exec(_newest_ask()).first()
    assert ask is not None
    asking.accept(by(session, lender), ask.code)


def _newest_ask() -> object:
    from sqlmodel import col, select  # noqa: PLC0415

    return select(Ask).order_by(col(Ask.id).desc())


def test_how_many_loans_one_may_have_asked_for(session: Session) -> None:
    rules(session, more="lending: {max_open_as_borrower: 1}\n")
    borrow(session, "alice", 5)
    with pytest.raises(TooManyLoans):
        borrow(session, "eve", 5)


def test_how_much_of_the_base_one_may_borrow(session: Session) -> None:
    rules(session, more="lending: {max_borrowed_share: 0.1}\n")
    borrow(session, "alice", 10)
    with pytest.raises(TooMuchBorrowed):
        borrow(session, "eve", 1)


def test_what_share_stays_with_the_lender(session: Session) -> None:
    rules(session, more="lending: {keep_share: 0.9}\n")
    lending.lend(by(session, "alice"), who(session, "bob"), None)
    assert "$10.00" in told(session, "bob")[0].text


@pytest.mark.parametrize(
    ("key", "hours", "hears"),
    [("remind_after", 2, ["carol"]), ("escalate_after", 3, ["carol", "olga"]), ("expire_after", 4, ["bob"])],
)
def test_after_which_time_approvers_are_reminded_others_asked_and_it_ends(
    session: Session, key: str, hours: int, hears: list[str]
) -> None:
    def heard(at: int) -> list[str]:
        before = {name: len(told(session, name)) for name in ("bob", "carol", "olga")}
        requests_due(ctx(session, NOW + timedelta(hours=at)))
        return [name for name, number in before.items() if len(told(session, name)) > number]

    rules(session, ("requests:\n", f"requests:\n  {key}: {hours}h\n"))
    requests.request(by(session, "bob"), 40 * USD)
    assert heard(hours - 1) == []
    assert set(hears) <= set(heard(hours)) | {"carol"}
    assert (open_request(session, who(session, "bob").id) is None) == (key == "expire_after")


@pytest.mark.parametrize(
    ("quiet", "reminded"),
    [
        ("hours: null", True),
        ('hours: "09:00-18:00"', False),
        ("days: [mon]", False),
        ("days: [sun]", True),
        ("holidays: JP", True),
    ],
)
def test_when_nobody_is_reminded(session: Session, quiet: str, reminded: bool) -> None:
    rules(session, more=f"quiet: {{{quiet}}}\n")
    requests.request(by(session, "bob"), 40 * USD)
    before = len(told(session, "carol"))
    requests_due(ctx(session, NOW + timedelta(hours=5)))
    assert (len(told(session, "carol")) > before) == reminded


@pytest.mark.parametrize(("who_", "limit"), [("manager", 20), ("owner", 30)])
def test_up_to_how_much_somebody_may_approve(session: Session, who_: str, limit: int) -> None:
    name, approver, swaps = "bob", "carol", [("owner: olga@corp", "owner: eve@corp")]
    if who_ == "owner":
        name, approver, swaps = "olga", "lee", [("owner: olga@corp", "owner: lee@corp")]
    limits = ("{manager: 500, owner: 5000}", "{manager: 20, owner: 30}")
    rules(session, limits, ("  fallback_approvers: [cfo@corp.example]\n", ""), *swaps)
    requests.request(by(session, name), 40 * USD)
    asked = open_request(session, who(session, name).id)
    assert asked is not None
    with pytest.raises(OverCeiling) as no:
        requests.approve(by(session, approver), asked.code)
    assert no.value.ceiling == limit * USD


@pytest.mark.parametrize(
    ("rule", "granted"),
    [
        ("{share: 0.4, per_period: 1}", [True, False]),
        ("{share: 0.4, per_period: 2}", [True, True]),
        ("{share: 0.3, per_period: 2}", [True, False]),
        ("{share: 0.1, per_period: 2}", [False]),
    ],
)
def test_what_the_policy_approves_alone_and_how_often(
    session: Session, rule: str, granted: list[bool]
) -> None:
    rules(session, ("requests:\n", f"requests:\n  auto_approve: {rule}\n"))
    for expected in granted:
        requests.request(by(session, "bob"), 20 * USD)
        assert (open_request(session, who(session, "bob").id) is None) == expected


@pytest.mark.parametrize(
    ("before", "line"),
    [
        (30, "your $30.00 a period are for other models."),
        (10, "your quota is $30.00 a period instead of $10.00."),
    ],
)
def test_a_change_of_models_is_announced_as_one(session: Session, before: int, line: str) -> None:
    rules(session, ("    amount: 0\n", "    amount: 30\n    models: [internal-*]\n"))
    at = ctx(session, NOW)
    announcement.announce(at, who(session, "dan"), before * USD, starts=None, mailing=Mailing(NOW))
    said = str(told(session, "dan")[-1].text)
    assert line in said
    assert r"It is for these models only: internal-\*." in said
