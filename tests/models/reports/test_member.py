"""Everything about one member, as plain data."""

from __future__ import annotations

from sqlmodel import Session

from handlers import lending, requests
from models.people.member import Member
from models.reports.member import overview
from tests.actions import USD
from tests.company import NOW, asks, who


def test_amounts_are_plain_decimals_and_times_carry_the_zone(session: Session) -> None:
    shown = overview(session, who(session, "alice"))
    assert (shown["unit"], shown["base"], shown["available"]) == ("USD", "100", "100")
    assert shown["period"] == {"start": "2026-11-01T00:00:00+08:00", "end": "2026-12-01T00:00:00+08:00"}
    assert shown["limit"] is None, "no gateway was read"


def test_a_loan_is_shown_to_both_from_their_side(session: Session) -> None:
    lending.lend(asks(session, "alice"), who(session, "eve"), 30 * USD)
    lender, borrower = overview(session, who(session, "alice")), overview(session, who(session, "eve"))
    assert (lender["lent"], lender["available"]) == ("30", "70")
    assert (borrower["borrowed"], borrower["available"], borrower["owed"]) == ("30", "130", "0")
    (given,), (taken,) = lender["loans"], borrower["loans"]
    assert (given["role"], given["with"]) == ("lender", "eve@corp.example")
    assert (taken["role"], taken["with"]) == ("borrower", "alice@corp.example")


def test_a_request_is_shown_with_its_approvers(session: Session) -> None:
    requests.request(asks(session, "pia"), 200 * USD, "load test")
    (request,) = overview(session, who(session, "pia"))["requests"]
    assert (request["amount"], request["state"], request["reason"]) == ("200", "pending", "load test")
    assert request["approvers"] == ["lee@corp.example"]
    assert request["decided_by"] is None


def test_somebody_without_quota_has_nothing(session: Session) -> None:
    newcomer = Member(name="Nia", email="nia@corp.example", gateway_id="nia", joined_at=NOW)
    session.add(newcomer)
    session.flush()
    shown = overview(session, newcomer)
    assert (shown["base"], shown["available"], shown["loans"]) == ("0", "0", [])
