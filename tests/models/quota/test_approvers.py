"""Who is asked: manager, the one above, team owner, fallback; their stand-ins. It fails closed."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlmodel import Session, select

from bot.database import Database
from handlers import requests
from handlers.clock.housekeeping import requests_due
from models.people.member import Address, reachable
from models.policy import versions
from models.quota.approvers import Asked, chain
from models.quota.leaving import leave
from models.quota.request import Request
from models.refusal import AlreadyDecided, BadDate, UnknownCode, WrongUsage
from tests.actions import after, ask_for, change, request, say, told, voice
from tests.company import NOW, settle_town, who


@pytest.fixture
def town(sqlite: Database) -> Database:
    """One database will do: nothing here depends on which."""
    settle_town(sqlite)
    return sqlite


def asked_in_turn(town: Database, name: str, now=NOW) -> list[tuple[str, str, int | None]]:
    def run(session: Session) -> list[tuple[str, str, int | None]]:
        policy = versions.current(session)[1]
        found = chain(session, policy, who(session, name).id, now)
        return [(one.member.name.lower(), one.why, one.ceiling and one.ceiling // 1_000_000) for one in found]

    return town.transact(run)


def report_to(town: Database, name: str, manager: str | None) -> None:
    def run(session: Session) -> None:
        member = who(session, name)
        member.manager_id = who(session, manager).id if manager else None
        session.add(member)

    town.transact(run)


def said_of(town: Database, name: str, status: str | None) -> None:
    def run(session: Session) -> None:
        for one in session.exec(select(Address).where(Address.member_id == who(session, name).id)):
            one.status = status
            session.add(one)

    town.transact(run)


def test_the_chain_is_manager_above_owners_fallback(town: Database) -> None:
    report_to(town, "lee", "carol")
    assert asked_in_turn(town, "pia") == [
        ("lee", "manager", 500),
        ("carol", "above", 500),
        ("olga", "owner", 5000),
        ("cfo", "fallback", None),
    ]


def test_nobody_is_asked_twice(town: Database) -> None:
    assert [name for name, *_ in asked_in_turn(town, "pia")] == ["lee", "olga", "cfo"]


def test_without_a_manager_the_owner_is_asked(town: Database) -> None:
    report_to(town, "pia", None)
    assert asked_in_turn(town, "pia")[0] == ("lee", "owner", 5000)


def test_without_anybody_else_the_fallback_is_asked(town: Database) -> None:
    assert [name for name, *_ in asked_in_turn(town, "max")] == ["cfo"]


def test_the_requester_is_never_asked(town: Database) -> None:
    report_to(town, "bob", "bob")
    assert [name for name, *_ in asked_in_turn(town, "bob")] == ["cfo"]
    assert [name for name, *_ in asked_in_turn(town, "lee")] == ["olga", "cfo"]
    assert asked_in_turn(town, "cfo") == []


def test_two_who_manage_each_other_are_cut(town: Database) -> None:
    report_to(town, "carol", "bob")
    assert [name for name, *_ in asked_in_turn(town, "bob")] == ["carol", "cfo"]


def test_who_has_left_is_skipped(town: Database) -> None:
    town.transact(lambda session: leave(session, who(session, "carol"), NOW))
    assert [name for name, *_ in asked_in_turn(town, "bob")] == ["olga", "cfo"]


@pytest.mark.parametrize("status", ["guest", "bot", "outsider", "gone"])
def test_guests_bots_and_outsiders_are_skipped(town: Database, status: str) -> None:
    said_of(town, "carol", status)
    assert [name for name, *_ in asked_in_turn(town, "bob")] == ["olga", "cfo"]
    said_of(town, "carol", "member")
    assert asked_in_turn(town, "bob")[0][0] == "carol"


def test_who_has_no_address_cannot_be_asked(town: Database) -> None:
    def lost(session: Session) -> None:
        carol = who(session, "carol")
        for one in session.exec(select(Address).where(Address.member_id == carol.id)).all():
            session.delete(one)

    town.transact(lost)
    assert not town.transact(lambda session: reachable(session, who(session, "carol").id))
    assert [name for name, *_ in asked_in_turn(town, "bob")] == ["olga", "cfo"]


def test_an_owner_whom_nobody_knows_is_skipped(town: Database) -> None:
    change(town, ("owner: lee@corp.example", "owner: gone@corp.example"))
    report_to(town, "pia", None)
    assert [name for name, *_ in asked_in_turn(town, "pia")] == ["olga", "cfo"]


def test_who_may_not_grant_so_much_is_passed_over(town: Database) -> None:
    report_to(town, "lee", "carol")
    ask_for(town, "pia", 501)
    assert asked(town) == {"olga"}, "managers up to 500, owners up to 5000"


def test_the_very_large_goes_to_who_has_no_ceiling(town: Database) -> None:
    ask_for(town, "pia", 5001)
    assert asked(town) == {"cfo"}


def asked(town: Database) -> set[str]:
    def run(session: Session) -> set[str]:
        ids = session.exec(select(Asked.member_id)).all()
        return {
            name
            for name in ("bob", "carol", "cfo", "eve", "lee", "olga", "ops")
            if who(session, name).id in ids
        }

    return town.transact(run)


# Stand-ins


def delegate(town: Database, name: str, to: str, until: date = date(2026, 11, 13)) -> None:
    say(town, requests.delegate, name, to, until)


def test_a_stand_in_is_asked_too_and_may_decide(town: Database) -> None:
    delegate(town, "carol", "eve")
    code = ask_for(town, "bob", 30)
    assert asked(town) == {"carol", "eve"}
    say(town, requests.approve, "eve", code)
    assert request(town, code).state == "applied"


def test_a_stand_in_who_comes_later_may_decide_as_well(town: Database) -> None:
    code = ask_for(town, "bob", 30)
    with pytest.raises(UnknownCode):
        say(town, requests.approve, "eve", code)
    delegate(town, "carol", "eve")
    say(town, requests.approve, "eve", code)


def test_a_stand_in_who_comes_later_and_is_second_hears_who_decided(town: Database) -> None:
    code = ask_for(town, "bob", 30)
    delegate(town, "carol", "eve")
    say(town, requests.approve, "carol", code)
    with pytest.raises(AlreadyDecided) as late:
        say(town, requests.approve, "eve", code)
    assert late.value.by == "Carol"


def test_a_stand_in_never_decides_their_own_request(town: Database) -> None:
    delegate(town, "carol", "bob")
    code = ask_for(town, "bob", 30)
    assert asked(town) == {"carol"}
    with pytest.raises(UnknownCode):
        say(town, requests.approve, "bob", code)


def test_after_the_last_day_it_is_over(town: Database) -> None:
    delegate(town, "carol", "eve", date(2026, 11, 10))
    code = ask_for(town, "bob", 30)
    with pytest.raises(UnknownCode):
        say(town, requests.approve, "eve", code, now=after(days=1, hours=14))
    say(town, requests.approve, "eve", code, now=after(days=1, hours=13, minutes=59))


def test_a_stand_in_has_the_ceiling_of_whom_they_stand_in_for(town: Database) -> None:
    delegate(town, "carol", "eve")
    code = ask_for(town, "bob", 30)
    with pytest.raises(Exception, match="500000000"):
        say(town, requests.approve, "eve", code, 501_000_000)


def test_delegating_twice_asks_once(town: Database) -> None:
    delegate(town, "carol", "eve")
    delegate(town, "carol", "eve")
    ask_for(town, "bob", 30)
    assert (asked(town), len(told(town, "eve"))) == ({"carol", "eve"}, 3)


def test_one_stand_in_for_two_is_asked_once(town: Database) -> None:
    delegate(town, "carol", "eve")
    delegate(town, "olga", "eve")
    code = ask_for(town, "bob", 30)
    escalate(town)
    assert asked(town) == {"carol", "eve", "olga"}
    say(town, requests.approve, "eve", code, now=after(days=2))


def test_a_stand_in_whose_own_turn_comes_is_asked_in_their_own_right(town: Database) -> None:
    """Carol's stand-in is her manager, who is the next one to be asked."""
    delegate(town, "carol", "olga")
    code = ask_for(town, "bob", 30)
    assert asked(town) == {"carol", "olga"}
    escalate(town)
    escalate(town, days=4)
    assert asked(town) == {"carol", "olga", "cfo"}
    rows = town.transact(lambda session: session.exec(select(Asked).order_by(Asked.member_id)).all())
    assert {(row.member_id == row.for_id) for row in rows} == {True}
    say(town, requests.approve, "olga", code, now=after(days=4))


def escalate(town: Database, days: int = 2) -> None:
    town.transact(lambda session: requests_due(voice(session, after(days=days))))


@pytest.mark.parametrize(
    ("to", "until", "no"),
    [("carol", date(2026, 11, 13), WrongUsage), ("eve", date(2026, 11, 8), BadDate)],
)
def test_delegating_to_oneself_or_until_yesterday_is_refused(
    town: Database, to: str, until: date, no: type[Exception]
) -> None:
    with pytest.raises(no):
        delegate(town, "carol", to, until)


def test_when_all_who_were_asked_have_gone_the_next_is_asked_at_once(town: Database) -> None:
    ask_for(town, "bob", 30)
    town.transact(lambda session: leave(session, who(session, "carol"), NOW))
    town.transact(lambda session: requests_due(voice(session, NOW + timedelta(minutes=1))))
    assert "olga" in asked(town)
    assert town.transact(lambda session: session.exec(select(Request.state)).one()) == "pending"
