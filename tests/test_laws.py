"""The laws of the ledger hold over random histories of every command that moves quota (rules.md, 9).

`tests/reference_ledger.py` predicts each balance and each refusal. After every step the database must agree to the last
unit, and the audit must find nothing. A refused command must have changed nothing.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import (
    invariant,
    run_state_machine_as_test,
)

from bot.database import Database
from models.ledger.audit import audit
from models.quota import closing
from tests.company import settle_company
from tests.examples import FACTOR
from tests.laws.authority_rules import AuthorityRules
from tests.laws.books import came_and_went, picture
from tests.laws.clock_rules import ClockRules
from tests.laws.lending_rules import LendingRules
from tests.laws.machine import LedgerMachine
from tests.laws.organisation_rules import OrganisationRules
from tests.laws.people_rules import PeopleRules
from tests.laws.request_rules import RequestRules
from tests.laws.terms import TERMS, policy_text
from tests.settled import empty_postgres


class Checks(LedgerMachine):
    """The laws that are checked after each step."""

    @invariant()
    def the_audit_finds_nothing(self) -> None:
        assert self.database.transact(audit).wrong == []

    @invariant()
    def every_balance_is_as_predicted(self) -> None:
        if not self.turning:
            assert self.database.transact(picture) == self.reference.picture()

    @invariant()
    def those_who_may_decide_are_as_predicted(self) -> None:
        for requester in self.directory.open:
            may = self.directory.may_decide(requester, self.now)
            predicted = {name: place.ceiling for name, place in may.items()}
            assert self.database.transact(lambda session: self.deciders(session, requester)) == predicted  # noqa: B023

    @invariant()
    def entitlement_is_what_came_in_less_what_went_out(self) -> None:
        own, wallets = self.database.transact(came_and_went)
        assert own == {member: wallet.entitlement for member, wallet in wallets.items()}
        assert all(wallet.available == wallet.entitlement - wallet.used for wallet in wallets.values())


class Laws(LendingRules, RequestRules, AuthorityRules, PeopleRules, OrganisationRules, ClockRules, Checks):
    """Every rule together."""


class Authority(RequestRules, AuthorityRules, PeopleRules, Checks):
    """Requests alone, so that a history is dense in decisions, delegations and people who come and go."""


@pytest.fixture(scope="session")
def settled(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("laws") / "settled.db"
    shutil.copy(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    settle_company(database, policy_text(TERMS[0]))
    with database.engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
    database.close()
    return path


@pytest.fixture
def copies(settled: Path, tmp_path: Path) -> Callable[[], Database]:
    def fresh() -> Database:
        path = tmp_path / "laws.db"
        for old in tmp_path.glob("laws.db*"):
            old.unlink()
        shutil.copy(settled, path)
        return Database(f"sqlite:///{path}")

    return fresh


def histories(examples: int, steps: int) -> settings:
    return settings(
        max_examples=examples * FACTOR,
        stateful_step_count=steps,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
        phases=(Phase.generate,),
    )


@pytest.mark.hypothesis
def test_no_history_breaks_a_law(copies: Callable[[], Database], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closing, "CHUNK", 5)  # so that a step has several pieces
    run_state_machine_as_test(partial(Laws, copies), settings=histories(8, 30))


@pytest.mark.hypothesis
def test_no_history_lets_anybody_else_decide(copies: Callable[[], Database]) -> None:
    run_state_machine_as_test(partial(Authority, copies), settings=histories(8, 30))


@pytest.mark.hypothesis
def test_no_history_breaks_a_law_on_postgres(
    postgres: Database, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closing, "CHUNK", 5)

    def fresh() -> Database:
        database = Database(postgres_url)
        empty_postgres(database)
        settle_company(database, policy_text(TERMS[0]))
        return database

    run_state_machine_as_test(partial(Laws, fresh), settings=histories(2, 20))
