"""A policy comes into force piece by piece, in the order of the calendar."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import event
from sqlmodel import Session

from bot.database import Database
from models.policy import document, versions
from models.quota.period import Period
from models.quota.policy_change import begin, enact, move_on
from models.quota.wallet import wallet_of
from tests.actions import DECEMBER, USD
from tests.company import NOW, POLICY, who

MORE = POLICY.replace("amount: 100", "amount: 120").replace("top_up_budget: 1000", "top_up_budget: 1500")
TOMORROW = NOW + timedelta(days=1)


def finish(session: Session, now: datetime) -> None:
    while move_on(session, now):
        pass


def has(session: Session, name: str = "alice") -> int:
    return wallet_of(session, who(session, name).id).allocation // USD


def in_force(session: Session) -> int:
    current = versions.current(session)
    assert current is not None
    return current[0]


def test_a_first_policy_is_recorded_once(session: Session) -> None:
    begin(session, MORE, document.parse(MORE), NOW, "ops")
    assert in_force(session) == 1


def test_a_staged_policy_changes_nothing_before_its_day_and_everybody_on_it(session: Session) -> None:
    versions.stage_once(session, MORE, NOW, "ops", TOMORROW.date())
    assert not enact(session, NOW)
    assert (has(session), in_force(session)) == (100, 1)
    finish(session, TOMORROW)
    assert (has(session), has(session, "bob"), in_force(session)) == (120, 120, 2)
    assert not enact(session, TOMORROW), "it is done once"


def test_one_that_begins_with_the_next_period_posts_whole_bases_at_the_opening(session: Session) -> None:
    versions.stage_once(session, MORE, NOW, "ops", date(2026, 12, 1))
    finish(session, DECEMBER)
    period = Period.current(session)
    assert (period.starts_at, in_force(session), has(session)) == (DECEMBER, 2, 120)


def test_a_policy_whose_day_came_before_the_close_is_in_force_for_it(session: Session) -> None:
    versions.stage_once(session, MORE, NOW, "ops", TOMORROW.date())
    enacted = []
    while move_on(session, DECEMBER):
        enacted.append((in_force(session), Period.latest(session).starts_at < DECEMBER))
    assert (2, True) in enacted, "before the new period begins"


def test_of_two_ended_periods_only_a_turning_one_is_finished_without_an_operator(session: Session) -> None:
    january = datetime(2027, 1, 31, 16, tzinfo=NOW.tzinfo)
    finish(session, january)
    assert Period.current(session).starts_at < DECEMBER
    while move_on(session, january, several=True):
        pass
    assert Period.current(session).starts_at == january


def test_that_nothing_is_due_is_found_out_by_one_statement_on_both_databases(company: Database) -> None:
    said: list[str] = []
    with company.engine.connect() as connection, Session(connection) as session:
        event.listen(company.engine, "before_cursor_execute", lambda *call: said.append(call[2]))
        assert not move_on(session, NOW)
        assert len([one for one in said if one.startswith("SELECT")]) == 1
        assert move_on(session, DECEMBER)
