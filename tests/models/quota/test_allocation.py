"""Many join at once, and come back."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlmodel import Session, col, select

from bot.database import Database
from models.ledger.account import AccountKind, organisation
from models.ledger.audit import audit
from models.ledger.transfer import Cause, Transfer
from models.metering.usage import MemberUsage, book
from models.people.member import Member
from models.policy import document, versions
from models.quota import allocation
from models.quota.allocation import Allowance, adjust, base_of, dues, take_allocation, welcome_all
from models.quota.leaving import leave
from models.quota.period import Period
from models.quota.wallet import wallet_of
from tests.actions import DECEMBER, turn
from tests.company import NOW, POLICY, who

LATER = NOW + timedelta(days=2)


def joiners(session: Session, count: int = 6) -> list[Member]:
    """People of every kind, who are in the directory and have nothing yet."""
    kinds = [
        ("payments", "engineer", "employee"),
        ("design", "designer", "contractor"),
        ("design", "", "employee"),
    ]
    found = []
    for number in range(count):
        team, role, employment = kinds[number % 3]
        email = f"new{number}@corp.example"
        found.append(
            Member(name=f"New {number}", email=email, gateway_id=email, team=team, role=role, employment=employment,
                   extra={"cost_center": f"c{number}"}, joined_at=LATER)
        )  # fmt: skip
    session.add_all(found)
    session.flush()
    return found


def test_many_get_together_what_each_would_get_alone(company: Database) -> None:
    def work(session: Session) -> None:
        people = joiners(session)
        for member in people[:3]:
            welcome_all(session, [member.id], LATER)
        assert welcome_all(session, [one.id for one in people[3:]], LATER) == 3
        session.expire_all()
        alone, together = (
            [(wallet_of(session, one.id).available, _given(session, one)) for one in some]
            for some in (people[:3], people[3:])
        )
        assert alone == together
        assert alone[0][0] > alone[2][0] > 0
        assert audit(session).wrong == []

    company.transact(work)


def _given(session: Session, member: Member) -> tuple[int, int, int, datetime]:
    found = session.exec(select(Allowance).where(Allowance.member_id == member.id)).one()
    return found.base, found.posted, found.rule, found.since


def test_nobody_is_welcomed_twice(company: Database) -> None:
    def work(session: Session) -> None:
        ids = [one.id for one in joiners(session)] + [who(session, "alice").id]
        assert welcome_all(session, ids, LATER) == 6
        given = session.exec(select(Transfer).order_by(col(Transfer.id).desc())).first()
        assert given is not None
        assert (given.actor, given.cause, given.policy) == ("policy", f"join:{Period.current(session).id}", 1)
        moved = len(session.exec(select(Transfer.id)).all())
        assert welcome_all(session, ids, LATER) == 0
        assert len(session.exec(select(Transfer.id)).all()) == moved

    company.transact(work)


def test_while_a_period_closes_joiners_wait_for_the_opening(company: Database) -> None:
    def work(session: Session) -> None:
        session.connection().execute(text("UPDATE period SET state = 'turning'"))
        assert welcome_all(session, [one.id for one in joiners(session)], LATER) == 0

    company.transact(work)


def test_who_comes_back_in_the_same_period_waits_for_the_next(company: Database) -> None:
    def work(session: Session) -> None:
        alice = who(session, "alice")
        leave(session, alice, LATER)
        alice.left_at = None
        session.add(alice)
        assert welcome_all(session, [alice.id], LATER) == 0
        assert wallet_of(session, alice.id).available == 0

    company.transact(work)


def test_what_somebody_used_in_an_earlier_life_is_not_use_of_this_period(company: Database) -> None:
    def work(session: Session) -> None:
        alice, period = who(session, "alice"), Period.current(session)
        policy = document.parse(POLICY)
        cause = Cause(NOW, "gateway", "late")
        book(
            session, [MemberUsage(alice.id, NOW.date(), "hunyuan", 30_000_000)], zone=policy.zone, cause=cause
        )
        leave(session, alice, NOW)
        alice.left_at = None
        session.add(alice)
        session.connection().execute(text("DELETE FROM allowance WHERE member_id = :id"), {"id": alice.id})
        assert welcome_all(session, [alice.id], LATER) == 1
        session.expire_all()
        found = session.get_one(Allowance, (alice.id, period.id))
        assert wallet_of(session, alice.id).used == found.used_before == 30_000_000

    company.transact(work)


def test_a_policy_may_match_columns_that_only_the_file_knows(company: Database) -> None:
    text_ = POLICY.replace("  - match: {}", "  - match: {cost_center: C2}\n    amount: 7\n  - match: {}")

    def work(session: Session) -> None:
        people = joiners(session)
        found = {one.member_id: one for one in dues(session, document.parse(text_))}
        assert [(found[one.id].base, found[one.id].rule) for one in people[:3]] == [
            (500_000_000, 1),
            (0, 0),
            (7_000_000, 2),
        ]

    company.transact(work)


def test_a_thousand_join_with_one_batch_of_transfers(sqlite: Database) -> None:
    def work(session: Session) -> None:
        versions.record_version(session, POLICY, NOW, "test")
        session.add(
            Period(
                starts_at=datetime(2026, 11, 1, tzinfo=UTC),
                ends_at=datetime(2026, 12, 1, tzinfo=UTC),
                state="open",
            )
        )
        people = joiners(session, 1_000)
        assert welcome_all(session, [one.id for one in people], LATER) == 1_000
        causes = set(session.exec(select(Transfer.cause)).all())
        assert len(causes) == 1
        assert audit(session).wrong == []

    sqlite.transact(work)


def test_to_whom_no_policy_gave_anything_the_base_is_nothing(session: Session) -> None:
    (nina, *_) = joiners(session, 1)
    assert base_of(session, nina.id, Period.current(session).id) == 0


def test_the_last_bit_of_an_allocation_is_taken_too(session: Session) -> None:
    alice, issued = who(session, "alice").id, organisation(session, AccountKind.ISSUED, NOW)
    why = Cause(NOW, "admin", "test")
    taken = [take_allocation(session, alice, part, issued, why) for part in (100_000_000 - 1, 5, 5)]
    assert taken == [100_000_000 - 1, 1, 0]
    assert wallet_of(session, alice).allocation == 0


def test_a_changed_policy_is_posted_page_by_page_and_names_whom_it_touched(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(allocation, "CHUNK", 2)
    people = [who(session, name) for name in ("alice", "bob", "carol")]
    leave(session, people[2], NOW)
    raised = document.parse(POLICY.replace("amount: 100\n", "amount: 130\n"))
    after, touched, pages = 0, [], 0
    while True:
        after, some = adjust(session, LATER, 2, raised, after)
        if after is None:
            break
        touched, pages = touched + some, pages + 1
        assert after > people[1].id or pages == 1
    assert pages == 6, "eleven people in pages of two"
    ids = [one.member_id for one in touched]
    assert ids == sorted(ids)
    assert people[2].id not in ids
    assert who(session, "pia").id not in ids, "payments keep their 500"
    assert {(one.before, one.after) for one in touched} == {(100_000_000, 130_000_000)}
    last = session.exec(select(Transfer).order_by(col(Transfer.id).desc())).first()
    assert last is not None
    assert (last.actor, last.cause, last.policy, last.amount) == ("policy", "policy:2", 2, 30_000_000)
    assert adjust(session, LATER, 2, raised, 0)[1] == [], "posting it again touches nobody"


def test_another_line_of_the_policy_with_the_same_amount_touches_nobody(session: Session) -> None:
    moved = POLICY.replace("  - match: {}", "  - match: {team: design}\n    amount: 100\n  - match: {}")
    assert adjust(session, LATER, 2, document.parse(moved), 0)[1] == []
    alice = session.get_one(Allowance, (who(session, "alice").id, Period.current(session).id))
    session.refresh(alice)
    assert (alice.rule, alice.base) == (2, 100_000_000)


def test_a_changed_policy_is_compared_with_what_this_period_posted(company: Database) -> None:
    turn(company)

    def work(session: Session) -> set[int]:
        raised = document.parse(POLICY.replace("amount: 100\n", "amount: 130\n"))
        return {one.before for one in adjust(session, DECEMBER, 2, raised, 0)[1]}

    company.transact(
        lambda session: (
            session.connection().execute(
                text("UPDATE allowance SET posted = 1 WHERE period_id = (SELECT MIN(id) FROM period)")
            )
            and None
        )
    )
    assert company.transact(work) == {100_000_000}
