"""The difference between a source's rows and our members."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlmodel import Session

from models.people.roster import Changes, Difference, Leaver, Roster, Row, shared_ids, wanted
from tests.company import NOW, who

ALICE = Row(2, "alice@corp.example")
ZOE = Row(3, "zoe@corp.example")


def test_what_a_source_does_not_say_stays_and_what_it_empties_goes_except_an_identifier(
    session: Session,
) -> None:
    silent = Roster(session).changes([ALICE], remove_missing=False)
    assert (silent.unchanged, silent.written) == (1, ())
    empty = replace(ALICE, team="", gateway_id="", ids={"slack_id": ""}, manager_email="")
    (changed,) = Roster(session).changes([empty], remove_missing=False).change
    assert changed.fields == {"team": ("design", ""), "manager_email": ("carol@corp.example", "")}


def test_a_joiner_gets_a_name_and_a_gateway_id_from_the_email(session: Session) -> None:
    becomes, extra = wanted(ZOE, None)
    assert (becomes["name"], becomes["gateway_id"], becomes["employment"]) == ("zoe", ZOE.email, "employee")
    assert extra == {}


def test_a_language_that_somebody_chose_since_is_overruled_only_by_a_new_word_of_the_file(
    session: Session,
) -> None:
    who(session, "alice").extra = {"locale": "en"}
    who(session, "alice").locale = "zh"
    session.flush()
    known = Roster(session).by_email[ALICE.email]
    assert [wanted(replace(ALICE, locale=said), known)[0]["locale"] for said in ("en", "", "fr")] == [
        "zh",
        "zh",
        "fr",
    ]


def test_who_left_joins_again_and_who_is_missing_leaves_only_when_asked_for(session: Session) -> None:
    who(session, "alice").left_at = NOW
    session.flush()
    roster = Roster(session)
    kept, removed = (roster.changes([ALICE], remove_missing=remove) for remove in (False, True))
    assert [one.member_id for one in kept.join] == [who(session, "alice").id]
    assert (kept.leave, len(removed.leave), removed.active) == ((), 11, 11)


def test_an_id_belongs_to_its_holder_unless_the_file_moves_it(session: Session) -> None:
    takes = replace(ZOE, ids={"slack_id": "U01ALICE"})
    roster = Roster(session)
    why = "slack_id U01ALICE belongs to alice@corp.example"
    assert list(roster.misfits([takes], remove_missing=False)) == [(3, why)]
    moved = replace(ALICE, ids={"slack_id": "U99"})
    assert list(roster.misfits([takes, moved], remove_missing=False)) == []
    assert list(roster.misfits([takes], remove_missing=True)) == [], "its holder leaves"


def test_a_manager_is_a_member_or_stands_in_the_file(session: Session) -> None:
    rows = [replace(ALICE, manager_email="zoe@corp.example")]
    assert len(list(Roster(session).misfits(rows, remove_missing=False))) == 1
    assert list(Roster(session).misfits([*rows, ZOE], remove_missing=False)) == []


def test_two_rows_with_one_id_are_named_with_the_line_of_the_first() -> None:
    rows = [replace(ALICE, gateway_id="g1"), replace(ZOE, gateway_id="g1")]
    assert list(shared_ids(rows)) == [(3, "gateway_id g1 is also on line 2, alice@corp.example")]
    assert list(shared_ids([replace(ALICE, gateway_id=ZOE.email), ZOE])), "a missing one is the e-mail"
    assert list(shared_ids([ALICE, ZOE])) == []


@pytest.mark.parametrize(("leave", "active", "many"), [(1, 10, False), (1, 9, True), (0, 0, False)])
def test_more_than_a_tenth_of_leavers_is_many(leave: int, active: int, many: bool) -> None:
    gone = tuple(Leaver(number, "", "") for number in range(leave))
    assert Changes(leave=gone, active=active).many_leave is many


def test_another_spelling_is_no_move_and_a_single_member_never_many() -> None:
    pairs = [("design", "Design "), ("design", "it"), ("", "it"), ("design", "")]
    changes = Changes(change=tuple(Difference(ALICE, 1, {"team": pair}) for pair in pairs), active=10)
    assert len(changes.moved("team")) == 2
    assert changes.moves_many("team")
    assert not replace(changes, change=changes.change[:2], active=2).moves_many("team")
