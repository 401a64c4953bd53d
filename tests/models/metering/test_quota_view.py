"""The one statement behind every page about a member's quota gives what the parts give."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine, event
from sqlmodel import Session

from handlers import lending
from models.metering.gateway_account import GatewayAccount
from models.metering.outlook import outlook
from models.metering.quota_view import QuotaView
from models.metering.reading import Reading
from models.people.member import addresses, found_at
from models.policy import versions
from models.quota.period import Period
from models.quota.status import QuotaStatus
from models.refusal import NoPolicyYet
from tests.actions import USD, spent
from tests.company import NOW, asks, who


def view(session: Session, name: str) -> QuotaView:
    current = versions.current(session)
    assert current is not None
    return QuotaView.of(session, who(session, name).id, *current, NOW)


def test_its_status_and_pace_are_those_of_the_single_reads(session: Session) -> None:
    lending.lend(asks(session, "alice"), who(session, "bob"), 10 * USD)
    spent(session, "bob", 7, NOW - timedelta(hours=2))
    found, status = view(session, "bob"), QuotaStatus.of(session, who(session, "bob").id)
    assert (found.status, found.outlook) == (status, outlook(session, status, NOW))
    assert [amount // USD for _, amount in found.by_model] == [7]


def test_a_loan_is_shown_from_both_sides_with_the_word_that_names_the_other(session: Session) -> None:
    lending.lend(asks(session, "alice"), who(session, "bob"), 10 * USD)
    (given,), (taken,) = view(session, "alice").loans, view(session, "bob").loans
    assert (given.taken, given.other.word, given.sums.principal) == (
        False,
        who(session, "bob").word,
        10 * USD,
    )
    assert (taken.taken, taken.other.name, taken.overdue) == (True, "Alice", False)
    assert (view(session, "bob").given, view(session, "bob").taken) == ([], [taken.sums])


def test_meeting_somebody_reads_them_their_addresses_the_policy_and_the_same_view(session: Session) -> None:
    lending.lend(asks(session, "alice"), who(session, "bob"), 10 * USD)
    spent(session, "bob", 7, NOW - timedelta(hours=2))
    bob, current, expected = who(session, "bob"), versions.current(session), view(session, "bob")
    every = [one.address for one in addresses(session, bob.id)]
    session.info.clear()
    QuotaView.question("slack:U02BOB", NOW).ask(session)
    asked = list[str]()
    event.listen(Engine, "before_cursor_execute", hear := lambda *call: asked.append(call[2]))
    met, met_under = found_at(session, "slack:U02BOB")[0], versions.current(session)
    assert ([one.address for one in addresses(session, met.id)], met_under) == (every, current)
    assert met_under is not None
    assert (met, QuotaView.of(session, met.id, *met_under, NOW), asked) == (bob, expected, [])
    event.remove(Engine, "before_cursor_execute", hear)
    QuotaView.question("slack:UNOBODY", NOW).ask(session)


def test_what_several_gateways_booked_this_period_is_shown_largest_first(session: Session) -> None:
    bob, period = who(session, "bob"), Period.current(session)
    for number, gateway, used, used_in in (
        ("1", "eu", 3, period.id),
        ("2", "us", 2, period.id),
        ("3", "us", 2, period.id),
        ("4", "old", 9, 77),
    ):
        account = GatewayAccount.link(session, Reading(number, 0, None, NOW, gateway=gateway), bob)
        account.used, account.used_in = used, used_in
    assert view(session, "bob").by_gateway == (("us", 4), ("eu", 3))


def test_nobody_has_no_view(session: Session) -> None:
    _, policy = versions.current(session) or pytest.fail("no policy")
    with pytest.raises(NoPolicyYet):
        QuotaView.of(session, 10**6, 1, policy, NOW)


def test_psycopg_keeps_the_parsed_form_of_the_statement_of_every_look() -> None:
    # psycopg's MAX_CACHED_STATEMENT_LENGTH; a longer one is parsed anew each time, for 30 µs of a processor.
    question = QuotaView.question("slack:U02BOB", NOW)
    assert len(question.statement.sql("postgresql")) <= 4096
