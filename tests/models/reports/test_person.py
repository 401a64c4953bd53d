"""Everything about one member, and of others no more than an id."""

from __future__ import annotations

import json

from sqlmodel import Session

from handlers import lending, requests
from models.quota.request import open_request
from models.reports.person import own_data
from tests.actions import USD
from tests.company import asks, who


def rows(session: Session, name: str) -> dict[str, list[dict[str, object]]]:
    found = own_data(session, who(session, name))
    assert found["stored_units_per_unit"] == USD
    return found["tables"]


def test_both_ends_of_a_loan_have_its_rows_and_a_third_has_none(session: Session) -> None:
    lending.lend(asks(session, "alice"), who(session, "bob"), 5 * USD)
    assert [len(rows(session, name).get("loan", [])) for name in ("alice", "bob", "eve")] == [1, 1, 0]


def test_a_decision_is_shown_to_requester_and_decider_without_its_seal(session: Session) -> None:
    requests.request(asks(session, "alice"), 5 * USD, "demo")
    asked = open_request(session, who(session, "alice").id)
    assert asked is not None
    requests.approve(asks(session, "carol", key="yes"), asked.code)
    for name in ("alice", "carol"):
        (decision,) = rows(session, name)["decision"]
        assert not {"salt", "digest"} & set(decision)
    assert "decision" not in rows(session, "eve")


def test_messages_to_others_and_their_addresses_are_left_out(session: Session) -> None:
    lending.lend(asks(session, "alice"), who(session, "bob"), 5 * USD)
    assert [one["address"] for one in rows(session, "alice")["address"]] == ["slack:U01ALICE"]
    assert "slack:U02BOB" not in json.dumps(rows(session, "alice"), default=str)
    assert {one["lane"] for one in rows(session, "bob")["effect"]} == {"slack:U02BOB"}
