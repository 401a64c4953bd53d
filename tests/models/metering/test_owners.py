"""Whose a gateway account is: the surest hint that names one active member."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlmodel import Session

from models.metering.gateway_account import GatewayAccount
from models.metering.owners import members_without_account, owners_of
from models.metering.reading import Reading
from tests.company import CAST, NOW, who

PLAIN = Reading("k1", 0, None, NOW)
UUID = "6f1c2b3a-1111-2222-3333-44445555abcd"


def owner(session: Session, reading: Reading) -> str | None:
    found = owners_of(session, [reading]).get(reading.id)
    return found and found.word


@pytest.mark.parametrize(
    "hint", [{"id": "alice@corp.example"}, {"email": "Alice@Corp.Example"}, {"owner": "alice@corp.example"}]
)
def test_the_id_the_email_or_the_keys_owner_names_a_member(session: Session, hint: dict[str, str]) -> None:
    assert owner(session, replace(PLAIN, **hint)) == who(session, "alice").word


def test_the_id_is_surer_than_the_email_and_the_email_than_the_owner(session: Session) -> None:
    several = replace(PLAIN, id="alice@corp.example", email="bob@corp.example", owner="eve@corp.example")
    assert owner(session, several) == who(session, "alice").word
    assert owner(session, replace(several, id="k1")) == who(session, "bob").word


def test_an_id_of_two_members_is_no_hint_and_a_leaver_owns_nothing(session: Session) -> None:
    for name in ("alice", "bob"):
        who(session, name).gateway_id = "shared"
    who(session, "eve").left_at = NOW
    session.flush()
    shared = replace(PLAIN, id="shared")
    assert owner(session, shared) is None
    assert owner(session, replace(shared, email="bob@corp.example")) == who(session, "bob").word
    assert owner(session, replace(PLAIN, email="eve@corp.example")) is None


def test_of_several_gateways_each_has_a_column_of_its_own(session: Session) -> None:
    alice = who(session, "alice")
    alice.extra = {"gateway_id.eu": "a-7"}
    session.flush()
    there = replace(PLAIN, id="eu:a-7", gateway="eu")
    assert owner(session, there) == alice.word
    assert owner(session, replace(there, id="us:a-7", gateway="us")) is None
    assert owner(session, replace(there, id="eu:alice@corp.example")) is None


def test_the_same_uuid_in_capital_letters_is_the_same_account(session: Session) -> None:
    who(session, "alice").gateway_id = UUID.upper()
    session.flush()
    assert owner(session, replace(PLAIN, id=UUID)) == who(session, "alice").word
    assert owner(session, replace(PLAIN, id="Alice")) is None, "other ids are as they are written"


def test_who_has_no_account_is_listed_until_there_is_one(session: Session) -> None:
    assert len(members_without_account(session)) == len(CAST)
    account = GatewayAccount.link(session, PLAIN, who(session, "alice"))
    assert who(session, "alice") not in members_without_account(session)
    account.gone = True
    session.flush()
    assert who(session, "alice") in members_without_account(session)
