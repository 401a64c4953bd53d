"""Kept figures: what the clock counts where there are many people."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session, select

from bot.database import Database
from models.policy import document
from models.quota.period import Period
from models.reports import kept
from models.reports.kept import KeptFigures, Spending, count_next, keep, spending, year_of
from tests.actions import DECEMBER, USD, spend, turn
from tests.company import NOW, POLICY

PAID = document.parse(POLICY + "organisation: {year_budget: 9000}\n")
SOON, LATER = NOW + timedelta(minutes=1), NOW + timedelta(hours=1)


def counted(database: Database, at: object = LATER) -> Spending:
    def read(session: Session) -> Spending:
        period = session.exec(select(Period).order_by(Period.starts_at)).first()  # type: ignore[arg-type]
        assert period is not None
        return spending(session, PAID, period, at)  # type: ignore[arg-type]

    return database.query(read)


def all_kept(database: Database, at: object) -> int:
    number = 0
    while counted := database.query(lambda session: count_next(session, PAID, at)):  # type: ignore[arg-type]
        database.transact(lambda session, one=counted: keep(session, one))  # type: ignore[misc]
        number += 1
    return number


@pytest.fixture
def many(postgres_company: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    monkeypatch.setattr(kept, "COUNTED_AT_ONCE", 1)
    return postgres_company


def test_where_there_are_many_people_the_clock_counts_and_readers_see_its_figures(many: Database) -> None:
    spend(many, "pia", 30)
    live = counted(many, SOON)
    assert all_kept(many, SOON) == 2
    spend(many, "pia", 12)
    assert counted(many) == live
    year = many.query(lambda session: year_of(session, PAID, LATER))
    assert year is not None
    assert (year.at, year.year.spent) == (SOON, 30 * USD)
    assert all_kept(many, LATER) == 2
    assert max(line.used for line in counted(many).lines) == 42 * USD


def test_figures_that_nobody_counted_again_are_not_believed_for_ever(many: Database) -> None:
    all_kept(many, NOW)
    late = NOW + kept.BELIEVED
    assert counted(many, late).at == late


def test_a_closed_period_is_counted_once_more_and_then_stays(many: Database) -> None:
    turn(many, DECEMBER)
    done = DECEMBER + timedelta(days=4)
    all_kept(many, DECEMBER)
    assert all_kept(many, done) == 3
    assert all_kept(many, done + timedelta(days=2)) == 2
    assert counted(many, done + timedelta(days=20)).at == done


def test_where_people_are_few_nothing_is_kept(company: Database) -> None:
    assert all_kept(company, NOW) == 0
    assert counted(company).at == LATER
    assert company.query(lambda session: session.exec(select(KeptFigures)).all()) == []
