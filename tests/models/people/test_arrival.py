"""A changed roster is written with as many rows as it has, whatever their order."""

from __future__ import annotations

from sqlmodel import Session, select

from models.people.arrival import members_of, take_over
from models.people.member import Address, Member
from models.people.roster import Roster, Row
from tests.company import NOW, who

ALICE, BOB, ZOE = (f"{name}@corp.example" for name in ("alice", "bob", "zoe"))


def written(session: Session, *rows: Row) -> dict[str, int]:
    return take_over(session, Roster(session).changes(rows, remove_missing=False), NOW)


def holder(session: Session, address: str) -> str | None:
    found = session.get(Address, address)
    return session.get_one(Member, found.member_id).email if found else None


def test_a_manager_may_stand_further_down_in_the_same_file(session: Session) -> None:
    ids = written(session, Row(2, ALICE, manager_email=ZOE), Row(3, ZOE, name="Zoe", ids={"slack_id": "U99"}))
    zoe = who(session, "zoe")
    assert (who(session, "alice").manager_id, ids[ZOE], zoe.joined_at) == (zoe.id, zoe.id, NOW)
    assert holder(session, "slack:U99") == ZOE


def test_two_members_may_exchange_their_ids(session: Session) -> None:
    written(session, Row(2, ALICE, ids={"slack_id": "U02BOB"}), Row(3, BOB, ids={"slack_id": "U01ALICE"}))
    assert (holder(session, "slack:U02BOB"), holder(session, "slack:U01ALICE")) == (ALICE, BOB)


def test_an_id_is_taken_from_a_holder_who_is_not_in_the_file(session: Session) -> None:
    written(session, Row(2, ZOE, ids={"slack_id": "U01ALICE"}))
    assert holder(session, "slack:U01ALICE") == ZOE


def test_a_new_id_replaces_the_old_one_on_its_messenger_and_no_other(session: Session) -> None:
    Address.give(session, who(session, "alice"), "dingtalk:alice")
    session.flush()
    written(session, Row(2, ALICE, ids={"slack_id": "U99"}))
    theirs = session.exec(select(Address.address).where(Address.member_id == who(session, "alice").id)).all()
    assert set(theirs) == {"slack:U99", "dingtalk:alice"}


def test_a_leaver_who_comes_back_is_the_same_member_with_what_the_file_said(session: Session) -> None:
    alice = who(session, "alice")
    alice.left_at, before = NOW, alice.id
    session.flush()
    ids = written(session, Row(2, ALICE, locale="zh", extra={"cost_centre": "7"}))
    assert (ids[ALICE], alice.id, alice.left_at) == (before, before, None)
    assert alice.extra == {
        "cost_centre": "7",
        "locale": "zh",
        "gateway_id": ALICE,
        "manager_email": "carol@corp.example",
    }


def test_members_come_in_the_order_of_their_ids(session: Session) -> None:
    some = [who(session, name).id for name in ("eve", "alice", "bob")]
    assert [one.id for one in members_of(session, some)] == sorted(some)
