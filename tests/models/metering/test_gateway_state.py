"""One replica writes to the gateway at a time, and a new rate counts from the next opening."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session

from bot.database import Database
from models.metering.gateway_state import LEASE, GatewayState, free_models, rate_in_use, rate_now, unread_end
from models.policy import document
from tests.actions import DECEMBER, turn
from tests.company import NOW, POLICY


def leads(database: Database, holder: str, later: timedelta = timedelta()) -> bool:
    return database.transact(lambda session: GatewayState.lead(session, holder, NOW + later))


def test_one_replica_leads_until_its_lease_ends(company: Database) -> None:
    assert leads(company, "one")
    assert not leads(company, "two")
    assert leads(company, "one", LEASE / 2)
    assert not leads(company, "two", LEASE / 2 - timedelta(seconds=1)), "its clock is a second behind"
    assert not leads(company, "two", LEASE)
    assert leads(company, "two", LEASE * 3 / 2)


def test_a_lease_that_a_wrong_clock_stamped_holds_nobody_up(company: Database) -> None:
    assert leads(company, "one", timedelta(days=70))
    assert leads(company, "two")
    assert timedelta(seconds=10) > LEASE


def test_a_replica_that_lets_go_is_followed_at_once(company: Database) -> None:
    assert leads(company, "one")
    company.transact(lambda session: GatewayState.let_go(session, "two"))
    assert not leads(company, "two"), "only the holder lets go"
    company.transact(lambda session: GatewayState.let_go(session, "one"))
    assert leads(company, "two")


def test_an_operator_takes_over_from_whoever_leads(company: Database) -> None:
    assert leads(company, "one")
    company.transact(lambda session: GatewayState.take_over(session, "operator", NOW))
    assert not leads(company, "one")


def test_a_new_rate_counts_from_the_next_opening(company: Database) -> None:
    credits_ = POLICY.replace("unit: USD", "unit: credits")
    cheap, dear = (document.parse(credits_.replace("per_usd: 1", f"per_usd: {usd}")) for usd in (10, 20))

    def rate(session: Session, rules: document.Policy) -> int:
        return rate_in_use(session, rules).booked(100_000)

    assert company.transact(lambda session: rate(session, cheap)) == 1
    assert company.transact(lambda session: rate(session, dear)) == 1
    turn(company, DECEMBER)
    assert company.transact(lambda session: rate(session, dear)) == 2
    assert company.transact(lambda session: rate_now(session, cheap).booked(100_000)) == 2, "the one in use"


def test_a_closing_waits_for_a_reading_from_after_the_end(session: Session) -> None:
    assert unread_end(session, NOW) is None
    assert unread_end(session, DECEMBER) == DECEMBER
    GatewayState.of(session).read_at = DECEMBER
    assert unread_end(session, DECEMBER) is None


def test_a_gateway_names_the_free_models_it_lets_through(session: Session) -> None:
    rules = document.parse(POLICY)
    assert free_models(session, rules) == ("hunyuan", "deepseek-v4-flash")
    state = GatewayState.of(session)
    state.kind, state.free = "litellm", ["hunyuan", "gpt-free"]
    assert free_models(session, rules) == ("hunyuan",)


@pytest.mark.parametrize(
    ("known", "read_at", "marked"),
    [
        (None, NOW, False),
        (NOW + timedelta(minutes=1), NOW, False),  # another replica read meanwhile
        (NOW + timedelta(hours=1), NOW, True),
        (NOW, None, True),
    ],
)
def test_a_ledger_older_than_a_known_reading_was_put_back(known: Any, read_at: Any, marked: bool) -> None:
    row = GatewayState(read_at=read_at)
    row.compare(known, NOW)
    assert (row.restored_at is not None) == marked
