"""Which version of a policy is in force, and from when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from sqlmodel import Session, SQLModel, create_engine

from models.policy.document import Policy
from models.policy.versions import current, due, put_in_force, record_version
from models.policy.yaml_tree import UnitChanged
from tests.policies import SMALLEST, TEAMS

NOW = datetime(2026, 12, 1, 4, tzinfo=UTC)


@pytest.fixture
def session() -> Iterator[Session]:
    engine = create_engine("sqlite://")
    SQLModel.metadata.create_all(engine)
    with Session(engine) as session:
        yield session
    engine.dispose()


def test_before_the_first_apply_there_is_no_policy(session: Session) -> None:
    assert current(session) is None


def test_the_last_one_applied_is_in_force(session: Session) -> None:
    record_version(session, SMALLEST, NOW, "cli")
    second = record_version(session, TEAMS, NOW, "cli")
    found = current(session)
    assert found is not None
    assert found[0] == second == 2
    assert found[1].base_for({"team": "payments"}).amount == 200_000_000
    assert current(session) is not None
    assert found[1] is current(session)[1]  # type: ignore[index]


def test_a_policy_for_a_day_to_come_waits_for_it_in_its_own_zone(session: Session) -> None:
    record_version(session, SMALLEST, NOW, "cli")
    text = TEAMS + "timezone: Asia/Shanghai\n"
    second = record_version(session, text, NOW, "cli", date(2027, 1, 1))
    assert current(session) == (1, parse_of(session))
    assert due(session, datetime(2026, 12, 31, 15, 59, tzinfo=UTC)) is None
    new_year = datetime(2026, 12, 31, 16, tzinfo=UTC)
    waiting = due(session, new_year)
    assert waiting is not None
    assert waiting[0] == second
    put_in_force(session, second, new_year)
    assert current(session)[0] == second  # type: ignore[index]
    assert due(session, new_year) is None


def parse_of(session: Session) -> Policy:
    found = current(session)
    assert found is not None
    return found[1]


def test_a_later_apply_replaces_one_that_still_waits(session: Session) -> None:
    record_version(session, SMALLEST, NOW, "cli")
    record_version(session, TEAMS, NOW, "cli", date(2027, 1, 1))
    third = record_version(session, SMALLEST, NOW, "cli")
    assert due(session, datetime(2027, 2, 1, tzinfo=UTC)) is None
    assert current(session)[0] == third  # type: ignore[index]


def test_a_day_that_has_come_already_is_at_once(session: Session) -> None:
    assert record_version(session, SMALLEST, NOW, "cli", date(2026, 12, 1)) == 1
    assert current(session) is not None


def test_the_unit_is_fixed_after_the_first_apply(session: Session) -> None:
    record_version(session, SMALLEST, NOW, "cli")
    with pytest.raises(UnitChanged) as refused:
        record_version(session, "# new\nunit: tokens\nallocations: []", NOW, "cli")
    (problem,) = refused.value.problems
    assert (problem.line, problem.key) == (2, "unit")
    assert "counted in USD" in problem.why
    assert current(session)[0] == 1  # type: ignore[index]
