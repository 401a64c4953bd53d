"""Finding a member: by address, by e-mail, by what people type."""

from __future__ import annotations

import pytest
from sqlalchemy import event
from sqlmodel import Session

from bot.database import Database
from models.people.member import (
    Address,
    Member,
    addresses,
    ids_by_email,
    meet,
    reachable,
    require_colleague,
)
from models.refusal import AmbiguousPerson, NotAColleague, UnknownPerson, UnknownSender
from tests.actions import after
from tests.company import NOW, who


@pytest.mark.parametrize("typed", ["alice@corp.example", "Alice", "alice", "@alice", " ALICE@corp.example "])
def test_a_member_is_found_by_name_email_or_handle(session: Session, typed: str) -> None:
    assert Member.named(session, typed).email == "alice@corp.example"


def test_a_member_is_found_by_job_number(session: Session) -> None:
    who(session, "bob").extra = {"job_number": "A-007"}
    session.flush()
    assert Member.named(session, "a-007").email == "bob@corp.example"


@pytest.mark.parametrize(
    ("name", "typed"),
    [("Иван Петров", "иван ПЕТРОВ"), ("Émile", "émile"), ("Émile", "E\u0301MILE"), ("Anna Müller", "anna müller"), ("王芳", "王芳"), ("ΟΔΥΣΣΕΥΣ", "οδυσσευς")],
)  # fmt: skip
def test_a_name_outside_ascii_is_found_in_any_case(company: Database, name: str, typed: str) -> None:
    def found(session: Session) -> str:
        who(session, "alice").name = name
        session.flush()
        return Member.named(session, typed).email

    assert company.transact(found) == "alice@corp.example"


def test_a_wildcard_in_a_name_finds_nobody(session: Session) -> None:
    for typed in ("%", "_lice", "alice%"):
        with pytest.raises(UnknownPerson):
            Member.named(session, typed)


def test_two_members_of_one_name_are_told_apart_by_team_and_email(session: Session) -> None:
    who(session, "bob").name = "Alice"
    session.flush()
    with pytest.raises(AmbiguousPerson) as refused:
        Member.named(session, "alice")
    assert set(refused.value.names) == {
        "Alice · design · alice@corp.example",
        "Alice · design · bob@corp.example",
    }


def test_who_was_found_by_email_is_remembered_until_it_changes(session: Session) -> None:
    asked: list[str] = []
    connection = session.connection()
    event.listen(connection, "before_cursor_execute", lambda _, __, sql, *___: asked.append(sql))
    assert Member.by_email(session, "nobody@corp.example") is None
    alice = Member.by_email(session, "alice@corp.example")
    assert alice is not None
    assert Member.by_email(session, "Alice@corp.example") is alice
    assert len(asked) == 2
    alice.email = "nobody@corp.example"
    assert Member.by_email(session, "alice@corp.example") is None
    assert Member.by_email(session, "nobody@corp.example") is alice


def test_a_leaver_is_found_by_email_and_not_by_name(session: Session) -> None:
    who(session, "alice").left_at = NOW
    session.flush()
    found = Member.by_email(session, "Alice@corp.example")
    assert found is not None
    with pytest.raises(NotAColleague):
        require_colleague(found)
    with pytest.raises(UnknownPerson):
        Member.named(session, "alice")
    assert ids_by_email(session, ["alice@corp.example", "nobody@corp.example"]) == {found.email: found.id}


def test_an_address_of_a_leaver_is_an_unknown_sender(session: Session) -> None:
    assert Member.at(session, "slack:U01ALICE").email == "alice@corp.example"
    who(session, "alice").left_at = NOW
    for address in ("slack:U01ALICE", "slack:U99NOBODY"):
        with pytest.raises(UnknownSender):
            Member.at(session, address)


def test_a_new_address_replaces_the_one_on_the_same_messenger(session: Session) -> None:
    alice = who(session, "alice")
    Address.give(session, alice, "dingtalk:manager42")
    Address.give(session, alice, "slack:U99ALICE")
    assert {one.address for one in addresses(session, alice.id)} == {"dingtalk:manager42", "slack:U99ALICE"}
    assert Member.at(session, "slack:U99ALICE").id == alice.id


def test_the_address_seen_last_comes_first(session: Session) -> None:
    alice = who(session, "alice")
    Address.give(session, alice, "dingtalk:manager42").seen_at = NOW
    session.flush()
    assert addresses(session, alice.id)[0].address == "dingtalk:manager42"
    meet(session, "slack:U01ALICE")
    session.get_one(Address, "slack:U01ALICE").seen_at = after(days=1)
    assert addresses(session, alice.id)[0].address == "slack:U01ALICE"


def test_a_member_whose_only_address_is_a_guests_cannot_be_reached(session: Session) -> None:
    alice = who(session, "alice")
    assert reachable(session, alice.id)
    session.get_one(Address, "slack:U01ALICE").status = "guest"
    session.flush()
    assert not reachable(session, alice.id)


def test_a_name_of_several_words_is_typed_as_the_email() -> None:
    mae = Member(name="Mae Ling", email="mae@corp.example", gateway_id="mae", joined_at=NOW)
    assert mae.word == "mae@corp.example"
    mae.name = "Mae"
    assert mae.word == "Mae"


def test_a_policy_matches_own_columns_before_extra_ones() -> None:
    extra = {"team": "other", "site": "BJ"}
    mae = Member(
        name="Mae", email="mae@corp.example", gateway_id="mae", team="design", extra=extra, joined_at=NOW
    )
    assert (mae.columns()["team"], mae.columns()["site"]) == ("design", "BJ")
