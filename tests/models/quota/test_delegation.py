"""A delegate decides beside the member, until a day, while reachable."""

from __future__ import annotations

from sqlmodel import Session

from models.people.member import Address
from models.policy import document
from models.quota.approvers import chain
from models.quota.delegation import delegate, undelegate
from tests.actions import after
from tests.company import NOW, POLICY, who


def names(session: Session, days: int = 0) -> list[str]:
    """Who decides in the place of Lee, Pia's manager."""
    asked = chain(session, document.parse(POLICY), who(session, "pia").id, after(days=days))
    return sorted(
        one.name for candidate in asked if candidate.member.name == "Lee" for one in candidate.delegates
    )


def hand_over(session: Session, to: str, days: int) -> None:
    delegate(session, who(session, "lee"), who(session, to), after(days=days), NOW)
    session.flush()


def test_a_delegation_ends_on_its_day(session: Session) -> None:
    hand_over(session, "eve", 3)
    assert (names(session), names(session, 2), names(session, 3)) == (["Eve"], ["Eve"], [])


def test_a_newer_delegation_replaces_the_older_one(session: Session) -> None:
    hand_over(session, "eve", 3)
    hand_over(session, "max", 5)
    assert names(session) == ["Max"]
    hand_over(session, "max", 2)
    assert (names(session, 1), names(session, 2)) == (["Max"], []), "it can be shortened, too"


def test_a_delegation_that_was_taken_back_is_over_at_once(session: Session) -> None:
    hand_over(session, "eve", 3)
    lee = who(session, "lee")
    assert [one.name for one in undelegate(session, lee, NOW)] == ["Eve"]
    assert names(session) == []
    assert undelegate(session, lee, NOW) == []


def test_a_delegate_who_left_or_cannot_be_reached_does_not_decide(session: Session) -> None:
    hand_over(session, "eve", 3)
    who(session, "eve").left_at = NOW
    session.flush()
    assert names(session) == []
    hand_over(session, "max", 3)
    session.get_one(Address, "slack:U12MAX").status = "guest"
    session.flush()
    assert names(session) == []
