"""Requests of a period by team, on both databases."""

from datetime import timedelta

from sqlmodel import Session

from bot.database import Database
from handlers import requests
from models.policy import versions
from models.policy.sight import Sight
from models.quota.period import Period
from models.reports.requests import Requests, requests_of, within
from tests.actions import ask_for, say
from tests.company import NOW

USD = 10**6


def test_requests_are_counted_by_team_with_the_time_that_people_took(company: Database) -> None:
    code = ask_for(company, "pia", 70)
    say(company, requests.approve, "lee", code, now=NOW + timedelta(minutes=30))
    say(
        company,
        requests.decline,
        "carol",
        ask_for(company, "alice", 10),
        "not now",
        now=NOW + timedelta(minutes=10),
    )
    ask_for(company, "quinn", 40)
    found = company.query(lambda session: _requests(session, "cfo"))
    assert [(one.team, one.waiting, one.approved, one.declined) for one in found] == [
        ("*", 1, 1, 1), ("design", 0, 0, 1), ("payments", 1, 1, 0)
    ]  # fmt: skip
    assert (found[2].granted, found[2].waiting_amount, found[2].median) == (
        70 * USD,
        40 * USD,
        timedelta(minutes=30),
    )
    (line,) = found[0].by_line()
    assert (line.why, line.granted, line.declined, sorted(line.took)) == (
        "manager", 1, 1, [timedelta(minutes=10), timedelta(minutes=30)]
    )  # fmt: skip
    assert [one.team for one in company.query(lambda session: _requests(session, "lee"))] == ["*", "payments"]


def _requests(session: Session, name: str) -> list[Requests]:
    current = versions.current(session)
    assert current is not None
    sight = Sight.of(current[1], f"{name}@corp.example")
    period = Period.latest(session)
    assert period is not None
    teams, total = requests_of(session, current[1], period, sight.shows)
    return [total, *teams]


def test_nine_of_ten_decisions_came_within_a_time() -> None:
    hours = [timedelta(hours=number) for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)]
    assert (within(hours[::-1], 0.5), within(hours, 0.9)) == (timedelta(hours=6), timedelta(hours=10))
    assert (within(hours[:2], 0.5), within([], 0.9)) == (timedelta(minutes=90), None)
