"""What ought to stand at the gateway, and in which order it is written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlmodel import Session

from bot.database import Database
from models.ledger.amount import Unit
from models.metering import brake, limits
from models.metering.accounts import every_account
from models.metering.booking import book_page
from models.metering.gateway_account import GatewayAccount
from models.metering.gateway_state import GatewayState
from models.metering.ladder import WantedList
from models.metering.limits import (
    CENT,
    GatewayTraits,
    Limit,
    LimitWrite,
    adopt_edit,
    decided_since,
    due_members,
    entitled,
    glance,
    limits_of,
    live_at,
    live_members,
    lower_after_restore,
    newest_entry,
    side_by_side,
    to_write,
    waiting_members,
    waiting_without_account,
)
from models.metering.model_list import ModelList
from models.metering.reading import Rate, Reading
from models.people.member import Member
from models.policy import document
from models.quota.grant import give
from models.quota.request import Request
from models.quota.request_state import RequestState
from models.quota.wallet import wallet_of
from tests.actions import cause
from tests.company import NOW, POLICY, who

USD = 1_000_000
RATE = Rate.of(Unit.USD, Decimal(1))
CAP = GatewayTraits(lambda total: total)


def read(session: Session, *spent: tuple[str, int], minutes: int = 0) -> list[str]:
    """Book a page of accounts; returns those without an owner."""
    at = NOW + timedelta(minutes=minutes)
    page = [Reading(f"{name}@corp.example", usd * USD, None, at) for name, usd in spent]
    return [one.id for one in book_page(session, page, RATE, cause()).unlinked]


def wanted(session: Session, name: str) -> int:
    return entitled(session, every_account(session), RATE)[f"{name}@corp.example"]


def account(number: int, total: int | None, minutes: int | None = None) -> GatewayAccount:
    at = None if minutes is None else NOW + timedelta(minutes=minutes)
    return GatewayAccount(
        id=f"a{number}", member_id=number, total=total, spent_at=at, as_of=NOW, adopted_at=NOW
    )


def test_an_account_without_an_owner_is_not_booked(company: Database) -> None:
    assert company.transact(lambda session: read(session, ("alice", 1), ("robot", 2))) == [
        "robot@corp.example"
    ]


def test_booking_does_not_change_the_limit(company: Database) -> None:
    def work(session: Session) -> tuple[int, int]:
        read(session, ("alice", 7))
        before = wanted(session, "alice")
        read(session, ("alice", 30), minutes=1)
        return before, wanted(session, "alice")

    assert company.transact(work) == (107 * USD, 107 * USD)


def test_a_paused_member_can_spend_nothing_more_until_they_continue(company: Database) -> None:
    def work(session: Session) -> list[int]:
        alice = who(session, "alice")
        read(session, ("alice", 0))
        read(session, ("alice", 20), minutes=1)
        brake.pause(session, alice, NOW, actor="alice")
        found = [wanted(session, "alice"), len(due_members(session))]
        brake.resume(session, alice, NOW, actor="alice")
        return [*found, wanted(session, "alice")]

    assert company.transact(work) == [20 * USD - 1, 1, 100 * USD]


def test_one_glance_finds_a_decision_a_due_account_and_an_opening(company: Database) -> None:
    def seen(session: Session, after: int) -> tuple[bool, bool, bool]:
        session.flush()
        found = glance(session, "", after)
        return found.due, found.unread, found.released

    def work(session: Session) -> list[tuple[bool, bool, bool]]:
        found, newest = [seen(session, 0)], glance(session, "", 0).newest
        read(session, ("alice", 0))
        burnt = Reading("alice@corp.example", 5 * USD, None, NOW + timedelta(minutes=1))
        book_page(session, [burnt], RATE, cause(actor="gateway"))
        found.append(seen(session, newest))
        give(session, who(session, "alice"), USD, until=None, policy=document.parse(POLICY), cause=cause())
        found.append(seen(session, newest))
        newest = glance(session, "", newest).newest
        GatewayAccount.mark_due(session, who(session, "alice").id)
        GatewayState.release(session, NOW)
        return [*found, seen(session, newest)]

    opening, spend, decision, released = company.transact(work)
    assert opening == (False, True, False)
    assert spend == (False, True, False)
    assert decision == (True, True, False)
    assert released == (True, True, True)


def test_a_limit_is_compared_to_the_unit_the_gateway_can_hold(company: Database) -> None:
    def work(session: Session) -> tuple[int, bool]:
        read(session, ("alice", 0))
        traits = GatewayTraits(lambda total: total // 30_000_000 * 30_000_000)
        (limit,) = limits_of(session, every_account(session), RATE, traits)
        limit.account.total = 90 * USD
        member = limit.account.member_id
        return limit.wanted, live_members(session, {member}, RATE, traits) == {member}

    assert company.transact(work) == (90 * USD, True)


def test_a_limit_adopted_after_an_edit_becomes_quota(company: Database) -> None:
    def work(session: Session, total: int) -> int:
        read(session, ("alice", 0))
        (one,) = every_account(session)
        one.total, one.written = total, 100 * USD
        adopt_edit(session, one, total, RATE, document.parse(POLICY), cause())
        assert one.written == total
        return wallet_of(session, one.member_id).available

    assert company.transact(lambda session: work(session, 175 * USD)) == 175 * USD


def test_decisions_come_first_and_lowering_before_raising() -> None:
    limits = [
        Limit(account(1, total=10, minutes=1), 20),
        Limit(account(2, total=10, minutes=2), 20),
        Limit(account(3, total=30), 20),
        Limit(account(4, total=10), 20),
        Limit(account(5, total=20), 20),
    ]
    assert _ids(to_write(limits, urgent={4})) == [4, 3, 2, 1]


def test_lowering_is_never_written_beside_raising() -> None:
    limits = [Limit(account(number, total=30 if number < 4 else 10), 20) for number in range(1, 7)]
    groups = list(side_by_side(to_write(limits), 2))
    assert [[one.raises for one in group] for group in groups] == [
        [False, False],
        [False],
        [True, True],
        [True],
    ]


def test_an_edited_limit_is_left_alone_and_a_dip_of_a_wallet_is_not() -> None:
    edited = account(1, total=300)
    edited.written, edited.before = 100, 300
    dipped = account(2, total=80)
    dipped.written, dipped.before = 100, 100
    assert (Limit(edited, 150).writable, Limit(edited, 150).edited) == (False, True)
    assert (Limit(dipped, 150, wallet=True).writable, Limit(dipped, 150).writable) == (True, False)
    assert not Limit(dipped, 100, wallet=True).writable, "the call comes back by itself"


def _ids(writes: Sequence[LimitWrite]) -> list[int]:
    return [one.member for one in writes]


def test_what_people_decide_is_a_decision_and_what_is_spent_or_opened_is_none(session: Session) -> None:
    read(session, ("alice", 0), ("bob", 0))
    start = newest_entry(session)
    assert start > 0
    burnt = Reading("alice@corp.example", 5 * USD, None, NOW + timedelta(minutes=1))
    book_page(session, [burnt], RATE, cause(actor="gateway"))
    session.flush()
    after_spend = newest_entry(session)
    assert after_spend > start
    assert decided_since(session, start) == (set(), after_spend)
    give(session, who(session, "bob"), USD, until=None, policy=document.parse(POLICY), cause=cause())
    session.flush()
    newest = newest_entry(session)
    assert decided_since(session, start) == ({who(session, "bob").id}, newest)
    assert decided_since(session, newest) == (set(), newest)
    assert decided_since(session, newest - 2)[0] == {who(session, "bob").id}


def test_a_grant_waits_for_an_account_where_there_is_none_and_for_its_limit_where_there_is(
    session: Session,
) -> None:
    read(session, ("alice", 0))
    people = {name: who(session, name).id for name in ("alice", "bob", "eve")}
    states = {"alice": RequestState.APPROVED, "bob": RequestState.APPROVED, "eve": RequestState.APPLIED}
    for number, (name, state) in enumerate(states.items()):
        row = Request(
            code=f"7F3{number}", member_id=people[name], amount=1, state=state, asked_at=NOW, policy=1
        )
        session.add(row)
    assert waiting_members(session) == {people["alice"], people["bob"]}
    assert waiting_without_account(session) == [people["bob"]]


def test_a_ledger_that_was_put_back_lowers_what_it_did_not_write_and_raises_nothing() -> None:
    limits = [
        Limit(account(1, 90), 60),
        Limit(account(2, 50), 60),
        Limit(account(3, 60), 60),
        Limit(account(4, 70), 60),
        Limit(account(5, None), 60),
    ]
    for one in limits[:3]:
        one.account.written = 40
    limits[3].account.written = 70
    limits[4].account.written = 40
    above, below = lower_after_restore(limits)
    assert [one.id for one in above] == ["a1"], "a4 is only out of date"
    assert [one.id for one in below] == ["a2"], "a missing limit is no edit"
    assert (limits[0].writable, limits[1].writable) == (True, False)


@pytest.mark.parametrize(
    ("total", "live"),
    [
        (100 * USD, True),
        (100 * USD - CENT + 1, True),
        (100 * USD - CENT, False),
        (100 * USD + 1, False),
        (None, False),
    ],
)
def test_a_grant_is_live_where_the_gateway_has_the_limit_to_the_cent(
    session: Session, total: int | None, live: bool
) -> None:
    gateway(session, "api")
    at_gateway(session, "api", total)
    at_gateway(session, "api", 100 * USD, key=2)
    found = live_at(session, who(session, "alice").id, RATE)
    assert found == ((["api"], []) if live else ([], ["api"])), "each account there has to have it"


def test_a_gateway_that_does_not_enforce_is_not_waited_for(session: Session) -> None:
    for name in ("api", "late", "old", "seats"):
        gateway(session, name)
        at_gateway(session, name, 100 * USD if name == "api" else 90 * USD)
    GatewayState.of(session, "seats").enforced = False
    GatewayState.release(session, NOW, "old")
    assert live_at(session, who(session, "alice").id, RATE) == (["api"], ["late"])
    assert live_at(session, who(session, "bob").id, RATE) == ([], [])


def test_a_limit_whose_write_no_reading_has_shown_is_not_live_yet(session: Session) -> None:
    gateway(session, "api")
    row = at_gateway(session, "api", 100 * USD)
    row.begin_write(100 * USD, NOW)
    assert live_at(session, who(session, "alice").id, RATE) == ([], ["api"])


def gateway(session: Session, name: str) -> None:
    GatewayState.of(session, name).kind = "litellm"


def at_gateway(session: Session, name: str, total: int | None, key: int = 1) -> GatewayAccount:
    reading = Reading(f"{name}:alice{key}", 0, None, NOW, gateway=name)
    row = GatewayAccount.link(session, reading, who(session, "alice"))
    row.total = row.written = total
    return row


def test_a_write_carries_what_is_wrong_and_nothing_that_stands() -> None:
    wanted = WantedList(("cheap",), fallback=True)
    right = ModelList(("cheap",), (), ("cheap",), fallback=True).kept
    total, listed, both, back = (account(number, usd) for number, usd in ((1, 90), (2, 60), (3, 50), (4, 60)))
    total.models = back.models = right
    found = to_write([Limit(total, 60, models=wanted), Limit(listed, 60, models=wanted), Limit(both, 60, models=wanted),
                      Limit(back, 60, models=WantedList((), ours=False))])  # fmt: skip
    assert {one.account: (one.total, one.models, one.raises, one.widens) for one in found} == {
        "a1": (60, None, False, False),
        "a2": (None, wanted, False, False),
        "a3": (60, wanted, True, False),
        "a4": (None, WantedList((), ours=False), False, True),
    }


def test_an_account_of_somebody_without_quota_may_spend_nothing(session: Session) -> None:
    nina = Member(name="Nina", email="nina@corp.example", gateway_id="nina", joined_at=NOW)
    session.add(nina)
    session.flush()
    row = GatewayAccount.link(session, Reading("nina", 3, None, NOW), nina)
    assert entitled(session, [row], RATE) == {"nina": 3}
    assert [one.wanted for one in limits_of(session, [row], RATE, CAP)] == [3]
    brake.pause(session, nina, NOW, actor="nina")
    row.origin = 0
    assert entitled(session, [row], RATE) == {"nina": 0}


def test_more_accounts_than_are_read_at_once_all_have_their_limit(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "CHUNK", 1)
    read(session, ("alice", 0), ("bob", 0))
    assert set(entitled(session, every_account(session), RATE).values()) == {100 * USD}
    assert len(entitled(session, every_account(session), RATE)) == 2
    assert len(limits_of(session, every_account(session), RATE, CAP)) == 2


def test_due_and_live_are_asked_of_one_gateway(session: Session) -> None:
    alice, bob = who(session, "alice").id, who(session, "bob").id
    for name in ("api", "seats"):
        gateway(session, name)
        at_gateway(session, name, 100 * USD if name == "api" else 90 * USD)
    read(session, ("bob", 0))
    GatewayAccount.mark_due(session, alice)
    assert (due_members(session), due_members(session, "api"), due_members(session, "")) == (
        {alice},
        {alice},
        set(),
    )
    for name, live in (("api", {alice}), ("seats", set())):
        assert (
            live_members(session, {alice, bob}, RATE, GatewayTraits(lambda total: total, name=name)) == live
        )


def test_a_lower_limit_adopted_after_an_edit_is_taken_from_quota(session: Session) -> None:
    read(session, ("alice", 0))
    (row,) = every_account(session)
    for total, has in ((60 * USD, 60), (60 * USD, 60)):
        adopt_edit(session, row, total, RATE, document.parse(POLICY), cause())
        assert wallet_of(session, row.member_id).available == has * USD
