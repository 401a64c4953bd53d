"""The audit trail: each record in its order, page by page, with people by their e-mail."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session

from bot.database import Database
from handlers import lending, requests
from models.ledger.amount import Unit
from models.people.authority import What, record_authority
from models.policy import versions
from models.reports import audit
from models.reports.audit import COLUMNS, audit_page
from models.reports.style import Row, Style
from tests.actions import USD, ZONE, ask_for, say, spent
from tests.company import NOW, asks, who

STYLE = Style(Unit.USD, ZONE)


def trail(session: Session, since: object = None) -> list[Row]:
    rows, found = list[Row](), audit_page(session, STYLE, since, None)  # type: ignore[arg-type]
    while found[0]:
        rows += found[0]
        found = audit_page(session, STYLE, since, found[1])  # type: ignore[arg-type]
    return rows


def test_pages_of_one_row_are_the_same_trail(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    lending.lend(asks(session, "alice"), who(session, "bob"), 5 * USD)
    whole = trail(session)
    monkeypatch.setattr(audit, "PAGE", 1)
    assert trail(session) == whole
    assert {tuple(row) for row in whole} == {COLUMNS}


def test_people_are_named_by_email_also_within_a_text(session: Session) -> None:
    alice, bob = who(session, "alice").id, who(session, "bob").id
    words = f"paused by member:{alice}", "member:999999"
    record_authority(session, What.PAUSE, bob, *words, at=NOW, actor=f"member:{alice}")
    row = next(one for one in trail(session) if one["what"] == "pause")
    assert (row["actor"], row["who"]) == ("alice@corp.example", "bob@corp.example")
    assert (row["before"], row["after"]) == ("paused by alice@corp.example", "member:999999")


def test_a_forgiveness_is_of_the_borrower_on_behalf_of_the_lender(session: Session) -> None:
    lending.lend(asks(session, "alice"), who(session, "bob"), 50 * USD)
    spent(session, "bob", 120)
    lending.forgive(asks(session, "alice", key="forgive"), who(session, "bob"), None)
    row = next(one for one in trail(session) if one["record"] == "forgiveness")
    people = tuple(row[name] for name in ("actor", "who", "on_behalf_of"))
    assert people == ("alice@corp.example", "bob@corp.example", "alice@corp.example")
    assert (row["amount"], row["unit"]) == ("20", "USD")


def test_a_day_begins_in_the_zone_of_the_policy(session: Session) -> None:
    assert trail(session, NOW.date())
    assert trail(session, NOW.date() + timedelta(days=1)) == []


def test_the_newest_rows_of_the_trail_come_first_and_no_others(company: Database) -> None:
    say(company, requests.approve, "lee", ask_for(company, "pia", 70), now=NOW + timedelta(minutes=30))
    current = company.query(versions.current)
    assert current is not None
    style = Style(current[1].unit, current[1].zone)
    rows = company.query(lambda session: audit.newest(session, style, ("authority", "decision"), None, 3))
    assert [row["record"] for row in rows] == ["decision", "authority", "authority"]
    assert (rows[0]["actor"], rows[0]["after"]) == ("lee@corp.example", "granted 70")
    tomorrow = (NOW + timedelta(days=1)).date()
    assert company.query(lambda session: audit.newest(session, style, ("decision",), tomorrow, 3)) == []
