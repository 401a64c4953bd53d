"""The record of decisions: what was decided, by whom and for whom, and what an amendment replaced."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import Session, col, select

from bot.database import Database
from handlers import delegations, requests
from models.people.member import Member
from models.quota.decision import Decision
from models.quota.leaving import leave
from tests.actions import USD, after, ask_for, clock, say
from tests.company import NOW, who

Row = tuple[str, float, float, str, str | None, str | None]


def record(database: Database, name: str) -> list[Row]:
    """The decisions on somebody's requests: outcome, amount, granted, reason, decider, for whom."""

    def read(session: Session) -> list[Row]:
        names = {one.id: one.name for one in session.exec(select(Member)).all()}
        rows = session.exec(select(Decision).order_by(col(Decision.id))).all()
        return [
            (one.outcome, one.amount / USD, one.granted / USD, one.reason, names.get(one.decider_id), names.get(one.for_id))
            for one in rows
        ]  # fmt: skip

    return database.query(read)


def test_what_an_amendment_replaced_stays_readable(company: Database) -> None:
    old = ask_for(company, "bob", 30, reason="load test")
    new = ask_for(company, "bob", 40, after(hours=2), reason="bigger load test")
    say(company, requests.approve, "carol", new, 35 * USD)
    assert record(company, "bob") == [
        ("amended", 30, 0, "load test", None, None),
        ("approved", 40, 35, "bigger load test", "Carol", None),
    ]
    codes = company.query(
        lambda session: list(session.exec(select(Decision.code).order_by(col(Decision.id))).all())
    )
    assert codes == [old, new]


def test_a_delegates_decision_names_for_whom(company: Database) -> None:
    say(company, delegations.delegate, "carol", "eve", NOW.date() + timedelta(days=3))
    say(company, requests.decline, "eve", ask_for(company, "bob", 30, reason="load test"), "not now")
    assert record(company, "bob") == [("declined", 30, 0, "load test", "Eve", "Carol")]


def test_every_end_of_a_request_is_kept(company: Database) -> None:
    code = ask_for(company, "bob", 30)
    say(company, requests.approve, "carol", code)
    say(company, requests.revoke, "carol", code)
    say(company, requests.cancel, "bob", ask_for(company, "bob", 31))
    ask_for(company, "bob", 32)
    company.transact(lambda session: leave(session, who(session, "bob"), NOW))
    assert [(one[0], one[1], one[4]) for one in record(company, "bob")] == [
        ("approved", 30, "Carol"),
        ("revoked", 30, "Carol"),
        ("cancelled", 31, "Bob"),
        ("void", 32, None),
    ]


def test_somebody_who_lost_the_race_leaves_no_decision(company: Database) -> None:
    code = ask_for(company, "bob", 30)
    say(company, requests.approve, "carol", code)
    clock(company, after(days=5))
    assert [one[0] for one in record(company, "bob")] == ["approved"]
    assert company.query(lambda session: session.exec(select(Decision.actor)).one()) == company.query(
        lambda session: f"member:{who(session, 'carol').id}"
    )
