"""What a reading tells admins: a limit that is gone or edited, a list that is edited, spend beyond a limit."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session

from models.metering.gateway_account import BUSY, MOST_MEANT, GatewayAccount
from models.metering.model_list import ModelList
from models.metering.reading import News, Reading
from tests.actions import USD, cause
from tests.company import NOW, who
from tests.models.metering.test_gateway_account import RATE

CHEAP = ModelList().begin(("cheap",)).confirm(("cheap",), ours=True, fallback=True)


def ours(session: Session, total: int | None = 100, key: str = "alice", **more: Any) -> GatewayAccount:
    """An account of Alice's with a limit (USD) of ours."""
    row = GatewayAccount.link(session, Reading(key, 0, None, NOW), who(session, "alice"))
    row.total = row.written = None if total is None else total * USD
    for key, value in more.items():
        setattr(row, key, value)
    return row


def see(
    session: Session, row: GatewayAccount, spent: float, total: int | None, minutes: float, **more: Any
) -> int:
    at = NOW + timedelta(minutes=minutes)
    cap = None if total is None else total * USD
    return row.absorb(session, Reading(row.id, round(spent * USD), cap, at, **more), RATE, cause(at))


def test_a_limit_that_is_gone_is_news_and_so_is_a_limit_that_somebody_edited(session: Session) -> None:
    row = ours(session)
    see(session, row, 1, 100, 1)
    assert row.news is None
    see(session, row, 1, None, 2)
    assert row.news == News.LIFTED
    row = ours(session, key="other")
    see(session, row, 1, 300, 1)
    assert row.news is None, "one reading may be a write under way"
    see(session, row, 1, 300, 2)
    assert row.news == News.EDITED
    row.news = None
    see(session, row, 1, 300, 3)
    assert row.news is None, "it is told once"


@pytest.mark.parametrize("row", [{"written": None}, {"total": None}])
def test_a_limit_that_was_never_there_is_not_gone(session: Session, row: dict[str, Any]) -> None:
    account = ours(session, **row)
    see(session, account, 1, None, 1)
    assert account.news is None


def test_an_account_made_again_counts_from_nothing(session: Session) -> None:
    row = ours(session)
    assert see(session, row, 30, 100, 1) == 30 * USD
    assert see(session, row, 5, None, 2) == 5 * USD
    assert (row.booked, row.spent, row.origin) == (5 * USD, 5 * USD, 0)
    assert see(session, row, 7, 100, 3) == 2 * USD
    again = ours(session, key="again")
    see(session, again, 30, 100, 1)
    assert see(session, again, 30, None, 2) == 0, "only the limit was taken away"
    assert see(session, again, 31, None, 3) == USD


def test_an_edited_list_is_news_once_and_one_that_went_with_its_limit_is_written_again(
    session: Session,
) -> None:
    row = ours(session)
    row.keep_models(CHEAP)
    see(session, row, 1, 100, 1, models=None)
    assert row.model_list == CHEAP, "a reading without lists says nothing of them"
    see(session, row, 1, 100, 2, models=("gpt",))
    assert (row.news, row.model_list.edited) == (None, False)
    see(session, row, 1, 100, 3, models=("gpt",))
    assert (row.news, row.model_list.edited, row.model_list.differs) == (News.EDITED, True, True)
    row.news = None
    see(session, row, 1, 100, 4, models=("gpt",))
    assert row.news is None
    lost = ours(session, key="lost")
    lost.keep_models(CHEAP)
    see(session, lost, 1, None, 1, models=())
    assert (lost.model_list.differs, lost.model_list.stands) == (False, ()), "it may be overwritten"
    still = ours(session, key="still")
    still.keep_models(CHEAP)
    see(session, still, 1, None, 1, models=("cheap",))
    assert still.model_list == CHEAP


def test_spend_that_grows_long_after_the_limit_was_reached_is_not_enforced(session: Session) -> None:
    row = ours(session, 10)
    busy = BUSY.total_seconds() / 60
    see(session, row, 9.999999, 10, 1)
    assert row.reached_at is None
    see(session, row, 10, 10, 2)
    assert row.reached_at == NOW + timedelta(minutes=2)
    see(session, row, 11, 10, 2 + busy)
    assert row.news is None, "calls in flight end"
    see(session, row, 11, 10, 3 + busy)
    assert row.news is None, "nothing grew"
    see(session, row, 12, 10, 4 + busy)
    assert row.news == News.UNENFORCED
    see(session, row, 12, 20, 5 + busy)
    assert row.reached_at is None


def test_a_limit_of_somebody_else_is_not_ours_to_watch(session: Session) -> None:
    row = ours(session, 10, written=None)
    for minutes in (1, 2, 60):
        see(session, row, 10 + minutes, 10, minutes)
    assert (row.reached_at, row.news) == (None, None)


def test_when_somebody_spent_is_known_from_the_figure_that_grew(session: Session) -> None:
    row = ours(session)
    assert see(session, row, 0.000001, 100, 1) == 1
    assert row.spent_at == NOW + timedelta(minutes=1)
    see(session, row, 0.000001, 100, 2)
    assert row.spent_at == NOW + timedelta(minutes=1)
    assert (row.used, row.booked) == (1, 1)


def test_use_that_raised_the_total_during_a_write_of_ours_is_remembered(session: Session) -> None:
    row = ours(session, meant=list(range(MOST_MEANT + 3)))
    see(session, row, 1, 77, 1, ours=True)
    assert row.meant == [*range(3, MOST_MEANT + 3), 77 * USD]
    see(session, row, 1, 77, 2, ours=True)
    assert row.meant.count(77 * USD) == 1


def test_two_readings_have_to_agree_on_a_lower_figure(session: Session) -> None:
    row = ours(session, None)
    see(session, row, 50, None, 1)
    for minutes, (spent, new) in enumerate(((20, 0), (15, 0), (15, 0), (18, 3)), 2):
        assert see(session, row, spent, None, minutes) == new * USD
    unsure = ours(session, None, key="unsure")
    see(session, unsure, 50, None, 1)
    for minutes in (2, 3, 4):
        assert see(session, unsure, 20, None, minutes, unsure=True) == 0
    assert (unsure.spent, unsure.suspect) == (50 * USD, None)
    assert see(session, unsure, 52, None, 5, unsure=True) == 2 * USD


def test_a_reading_of_an_unknown_window_proves_nothing(session: Session) -> None:
    row = ours(session, None, window="daily 2026-11-08")
    row.spent = row.origin = 5 * USD
    late = "daily 2026-11-10"
    assert see(session, row, 9, None, 1, window=late) == 0
    assert (row.spent, row.window) == (5 * USD, "daily 2026-11-08"), "the tenth has not begun"


def test_an_account_is_kept_as_it_was_found(session: Session) -> None:
    found = Reading(
        "eu:1", 7, 50, NOW, window="daily 2026-11-09", name="laptop", gateway="eu", models=("gpt",)
    )
    row = GatewayAccount.link(session, found, who(session, "alice"))
    assert (row.id, row.gateway, row.name, row.window) == ("eu:1", "eu", "laptop", "daily 2026-11-09")
    assert (row.origin, row.spent, row.total, row.found, row.written) == (7, 7, 50, 50, None)
    assert (row.as_of, row.adopted_at, row.model_list.found) == (NOW, NOW, ("gpt",))
    later = GatewayAccount.link(session, replace(found, id="eu:2"), who(session, "alice"), forgive=False)
    assert (later.origin, later.spent) == (0, 0), "all of it is booked with the next reading"
