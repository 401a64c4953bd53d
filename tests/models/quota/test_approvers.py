"""Who is asked: manager, the one above, team owner, fallback; their delegates. The chain fails closed."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlmodel import Session, select

from bot.database import Database
from handlers import delegations, requests
from handlers.clock.requests import requests_due
from models.people.member import Address, reachable
from models.policy import versions
from models.quota.approvers import Asked, chain
from models.quota.leaving import leave
from models.quota.request import Request
from models.refusal import AlreadyDecided, BadDate, UnknownCode, WrongUsage
from tests.actions import after, ask_for, change, ctx, request, say, told
from tests.company import NOW, who


@pytest.fixture
def company(sqlite_company: Database) -> Database:
    """One database will do: nothing here depends on which."""
    return sqlite_company


def asked_in_turn(company: Database, name: str, now=NOW) -> list[tuple[str, str, int | None]]:
    def run(session: Session) -> list[tuple[str, str, int | None]]:
        policy = versions.current(session)[1]
        found = chain(session, policy, who(session, name).id, now)
        return [(one.member.name.lower(), one.why, one.ceiling and one.ceiling // 1_000_000) for one in found]

    return company.transact(run)


def report_to(company: Database, name: str, manager: str | None) -> None:
    def run(session: Session) -> None:
        member = who(session, name)
        member.manager_id = who(session, manager).id if manager else None
        session.add(member)

    company.transact(run)


def said_of(company: Database, name: str, status: str | None) -> None:
    def run(session: Session) -> None:
        for one in session.exec(select(Address).where(Address.member_id == who(session, name).id)):
            one.status = status
            session.add(one)

    company.transact(run)


def test_the_chain_is_manager_above_owners_fallback(company: Database) -> None:
    report_to(company, "lee", "carol")
    assert asked_in_turn(company, "pia") == [
        ("lee", "manager", 5000),  # owns the team, too
        ("carol", "above", 500),
        ("olga", "owner", 5000),
        ("cfo", "fallback", None),
    ]


def test_nobody_is_asked_twice(company: Database) -> None:
    assert [name for name, *_ in asked_in_turn(company, "pia")] == ["lee", "olga", "cfo"]


def test_without_a_manager_the_owner_is_asked(company: Database) -> None:
    report_to(company, "pia", None)
    assert asked_in_turn(company, "pia")[0] == ("lee", "owner", 5000)


def test_without_anybody_else_the_fallback_is_asked(company: Database) -> None:
    assert [name for name, *_ in asked_in_turn(company, "max")] == ["cfo"]


def test_the_requester_is_never_asked(company: Database) -> None:
    report_to(company, "bob", "bob")
    assert [name for name, *_ in asked_in_turn(company, "bob")] == ["cfo"]
    assert [name for name, *_ in asked_in_turn(company, "lee")] == ["olga", "cfo"]
    assert asked_in_turn(company, "cfo") == []


def test_a_cycle_of_managers_is_cut(company: Database) -> None:
    report_to(company, "carol", "bob")
    assert [name for name, *_ in asked_in_turn(company, "bob")] == ["carol", "cfo"]


def test_a_leaver_is_skipped(company: Database) -> None:
    company.transact(lambda session: leave(session, who(session, "carol"), NOW))
    assert [name for name, *_ in asked_in_turn(company, "bob")] == ["olga", "cfo"]


@pytest.mark.parametrize("status", ["guest", "bot", "outsider", "gone"])
def test_guests_bots_and_outsiders_are_skipped(company: Database, status: str) -> None:
    said_of(company, "carol", status)
    assert [name for name, *_ in asked_in_turn(company, "bob")] == ["olga", "cfo"]
    said_of(company, "carol", "member")
    assert asked_in_turn(company, "bob")[0][0] == "carol"


def test_a_person_without_an_address_cannot_be_asked(company: Database) -> None:
    def lost(session: Session) -> None:
        carol = who(session, "carol")
        for one in session.exec(select(Address).where(Address.member_id == carol.id)).all():
            session.delete(one)

    company.transact(lost)
    assert not company.transact(lambda session: reachable(session, who(session, "carol").id))
    assert [name for name, *_ in asked_in_turn(company, "bob")] == ["olga", "cfo"]


def test_an_unknown_owner_is_skipped(company: Database) -> None:
    change(company, ("owner: lee@corp.example", "owner: gone@corp.example"))
    report_to(company, "pia", None)
    assert [name for name, *_ in asked_in_turn(company, "pia")] == ["olga", "cfo"]


def test_an_approver_with_a_lower_ceiling_is_passed_over(company: Database) -> None:
    ask_for(company, "bob", 501)
    assert asked(company) == {"cfo"}, "managers up to 500, a fallback approver without a ceiling"


def test_an_owner_who_is_the_manager_as_well_has_the_higher_ceiling(company: Database) -> None:
    ask_for(company, "pia", 4000)
    assert asked(company) == {"lee"}


def test_a_fallback_approver_who_is_the_manager_has_no_ceiling(company: Database) -> None:
    change(company, ("[cfo@corp.example]", "[carol@corp.example]"))
    ask_for(company, "bob", 8000)
    assert asked(company) == {"carol"}


def test_a_very_large_request_goes_to_an_approver_without_a_ceiling(company: Database) -> None:
    ask_for(company, "pia", 5001)
    assert asked(company) == {"cfo"}


def asked(company: Database) -> set[str]:
    def run(session: Session) -> set[str]:
        ids = session.exec(select(Asked.member_id)).all()
        return {
            name
            for name in ("bob", "carol", "cfo", "eve", "lee", "olga", "ops")
            if who(session, name).id in ids
        }

    return company.transact(run)


# Stand-ins


def delegate(company: Database, name: str, to: str, until: date = date(2026, 11, 13)) -> None:
    say(company, delegations.delegate, name, to, until)


def test_a_delegate_is_asked_too_and_may_decide(company: Database) -> None:
    delegate(company, "carol", "eve")
    code = ask_for(company, "bob", 30)
    assert asked(company) == {"carol", "eve"}
    say(company, requests.approve, "eve", code)
    assert request(company, code).state == "applied"


def test_a_later_delegate_may_decide_as_well(company: Database) -> None:
    code = ask_for(company, "bob", 30)
    with pytest.raises(UnknownCode):
        say(company, requests.approve, "eve", code)
    delegate(company, "carol", "eve")
    say(company, requests.approve, "eve", code)


def test_a_later_delegate_who_comes_second_is_told_who_decided(company: Database) -> None:
    code = ask_for(company, "bob", 30)
    delegate(company, "carol", "eve")
    say(company, requests.approve, "carol", code)
    with pytest.raises(AlreadyDecided) as late:
        say(company, requests.approve, "eve", code)
    assert late.value.by == "Carol"


def test_a_delegate_never_decides_their_own_request(company: Database) -> None:
    delegate(company, "carol", "bob")
    code = ask_for(company, "bob", 30)
    assert asked(company) == {"carol"}
    with pytest.raises(UnknownCode):
        say(company, requests.approve, "bob", code)


def test_a_delegation_ends_after_its_last_day(company: Database) -> None:
    delegate(company, "carol", "eve", date(2026, 11, 10))
    code = ask_for(company, "bob", 30)
    with pytest.raises(UnknownCode):
        say(company, requests.approve, "eve", code, now=after(days=1, hours=14))
    say(company, requests.approve, "eve", code, now=after(days=1, hours=13, minutes=59))


def test_a_delegate_has_the_ceiling_of_the_delegator(company: Database) -> None:
    delegate(company, "carol", "eve")
    code = ask_for(company, "bob", 30)
    with pytest.raises(Exception, match="500000000"):
        say(company, requests.approve, "eve", code, 501_000_000)


def test_delegating_twice_asks_once(company: Database) -> None:
    delegate(company, "carol", "eve")
    delegate(company, "carol", "eve")
    ask_for(company, "bob", 30)
    assert (asked(company), len(told(company, "eve"))) == ({"carol", "eve"}, 3)


def test_a_delegate_of_two_approvers_is_asked_once(company: Database) -> None:
    delegate(company, "carol", "eve")
    delegate(company, "olga", "eve")
    code = ask_for(company, "bob", 30)
    escalate(company)
    assert asked(company) == {"carol", "eve", "olga"}
    say(company, requests.approve, "eve", code, now=after(days=2))


def test_a_delegate_whose_own_turn_comes_is_asked_in_their_own_right(company: Database) -> None:
    """Carol's delegate is her manager, who is the next one to be asked."""
    delegate(company, "carol", "olga")
    code = ask_for(company, "bob", 30)
    assert asked(company) == {"carol", "olga"}
    escalate(company)
    escalate(company, days=4)
    assert asked(company) == {"carol", "olga", "cfo"}
    rows = company.transact(lambda session: session.exec(select(Asked).order_by(Asked.member_id)).all())
    assert {(row.member_id == row.for_id) for row in rows} == {True}
    say(company, requests.approve, "olga", code, now=after(days=4))


def escalate(company: Database, days: int = 2) -> None:
    company.transact(lambda session: requests_due(ctx(session, after(days=days))))


@pytest.mark.parametrize(
    ("to", "until", "no"),
    [("carol", date(2026, 11, 13), WrongUsage), ("eve", date(2026, 11, 8), BadDate)],
)
def test_delegating_to_oneself_or_until_yesterday_is_refused(
    company: Database, to: str, until: date, no: type[Exception]
) -> None:
    with pytest.raises(no):
        delegate(company, "carol", to, until)


def test_the_next_approver_is_asked_at_once_when_everybody_asked_has_left(company: Database) -> None:
    ask_for(company, "bob", 30)
    company.transact(lambda session: leave(session, who(session, "carol"), NOW))
    company.transact(lambda session: requests_due(ctx(session, NOW + timedelta(minutes=1))))
    assert "olga" in asked(company)
    assert company.transact(lambda session: session.exec(select(Request.state)).one()) == "pending"
