"""A member's quota at one moment."""

from __future__ import annotations

import pytest
from sqlmodel import Session

from bot.database import Database
from models.people.member import Member
from models.quota.period import Period
from models.quota.status import QuotaStatus
from models.refusal import NoPolicyYet
from tests.actions import DECEMBER, USD, gift, spend, turn
from tests.company import NOW, who


def status(database: Database, name: str) -> QuotaStatus:
    return database.transact(lambda session: QuotaStatus.of(session, who(session, name).id))


def test_use_counts_from_the_opening_of_the_period(company: Database) -> None:
    spend(company, "alice", 30)
    november = status(company, "alice")
    assert (november.base, november.used, november.has.available) == (100 * USD, 30 * USD, 70 * USD)
    turn(company, DECEMBER)
    december = status(company, "alice")
    assert (december.used, december.has.used) == (0, 30 * USD)
    assert december.span.start == november.span.end


def test_a_grant_is_not_part_of_the_base(company: Database) -> None:
    gift(company, "alice", 25)
    alice = status(company, "alice")
    assert (alice.base, alice.has.top_ups, alice.has.available) == (100 * USD, 25 * USD, 125 * USD)


def test_two_members_are_read_at_the_same_moment(session: Session) -> None:
    alice, pia = who(session, "alice"), who(session, "pia")
    first, second = QuotaStatus.of_two(session, pia.id, alice.id)
    assert (first.member_id, first.base, second.member_id, second.base) == (
        pia.id,
        500 * USD,
        alice.id,
        100 * USD,
    )


def test_a_joiner_without_allowance_has_no_base(session: Session) -> None:
    newcomer = Member(name="Nia", email="nia@corp.example", gateway_id="nia", joined_at=NOW)
    session.add(newcomer)
    session.flush()
    nia = QuotaStatus.of(session, newcomer.id)
    assert (nia.base, nia.used, nia.since, nia.has.available) == (0, 0, None, 0)
    assert nia.period_id == Period.current(session).id


def test_without_a_policy_there_is_no_status(sqlite: Database) -> None:
    with pytest.raises(NoPolicyYet):
        sqlite.transact(lambda session: QuotaStatus.of(session, 1))
