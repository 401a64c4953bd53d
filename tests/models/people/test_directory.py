"""A messenger's directory held against our members."""

from __future__ import annotations

from sqlmodel import Session

from models.people.directory import (
    GONE,
    addresses_known,
    count_unknown_everywhere,
    is_taken_over,
    mark_gone,
    note,
)
from models.people.member import Address
from tests.company import CAST, NOW, who


def test_known_addresses_are_of_active_members_and_not_gone(session: Session) -> None:
    who(session, "eve").left_at = NOW
    mark_gone(session, ["slack:U02BOB", "slack:NOBODY"], NOW)
    session.flush()
    known = addresses_known(session, "slack")
    assert {f"slack:{one[0]}" for one in CAST.values()} - known == {"slack:U02BOB", "slack:U09EVE"}
    assert addresses_known(session, "dingtalk") == set()


def test_nothing_reaches_a_member_all_of_whose_addresses_are_gone(session: Session) -> None:
    Address.give(session, who(session, "alice"), "dingtalk:alice")
    mark_gone(session, ["slack:U01ALICE", "slack:U02BOB"], NOW)
    session.flush()
    assert count_unknown_everywhere(session) == 1
    who(session, "bob").left_at = NOW
    session.flush()
    assert count_unknown_everywhere(session) == 0


def test_a_directory_is_taken_over_once_an_active_member_was_noted(session: Session) -> None:
    assert not is_taken_over(session, "slack")
    note(session, "slack", {"slack:U02BOB": {"title": "lead"}})
    assert is_taken_over(session, "slack")
    assert not is_taken_over(session, "dingtalk")
    who(session, "bob").left_at = NOW
    session.flush()
    assert not is_taken_over(session, "slack")


def test_facts_are_kept_beside_those_of_the_file_and_not_for_leavers(session: Session) -> None:
    bob, eve = who(session, "bob"), who(session, "eve")
    bob.extra, eve.left_at = {"cost_centre": "7", "title": "junior"}, NOW
    session.flush()
    note(session, "slack", {f"slack:{CAST[name][0]}": {"title": "lead"} for name in ("bob", "eve")})
    assert bob.extra == {"cost_centre": "7", "title": "lead", "directory": "slack"}
    assert eve.extra == {}


def test_the_status_says_since_when(session: Session) -> None:
    mark_gone(session, ["slack:U02BOB"], NOW)
    found = session.get_one(Address, "slack:U02BOB")
    assert (found.status, found.status_at) == (GONE, NOW)
