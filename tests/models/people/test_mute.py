"""Whose asks to lend reach somebody."""

from __future__ import annotations

from sqlmodel import Session

from models.people.mute import Mute, take_no_asks, takes_asks
from tests.company import NOW, who


def test_a_mute_is_of_one_asker_in_one_direction_until_it_ends(session: Session) -> None:
    alice, bob, eve = (who(session, name) for name in ("alice", "bob", "eve"))
    for _ in range(2):
        Mute.begin(session, alice, bob, NOW)
    assert [takes_asks(session, alice, one.id) for one in (bob, eve)] == [False, True]
    assert takes_asks(session, bob, alice.id)
    assert Mute.end(session, alice, bob)
    assert takes_asks(session, alice, bob.id)
    assert not Mute.end(session, alice, bob)


def test_who_takes_no_asks_takes_nobodys(session: Session) -> None:
    alice, bob = who(session, "alice"), who(session, "bob")
    take_no_asks(session, alice, no_asks=True)
    assert not takes_asks(session, alice, bob.id)
    take_no_asks(session, alice, no_asks=False)
    assert takes_asks(session, alice, bob.id)
