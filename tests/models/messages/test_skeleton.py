"""Sentences that nobody understood: how many wrote them, and never who."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlmodel import Session, select

from models.messages import skeleton
from models.messages.skeleton import PEOPLE, Skeleton, forget_skeletons, label, note, seen

TODAY = date(2026, 11, 9)


def test_one_person_is_one_mark_however_often_they_write(session: Session) -> None:
    for _ in range(20):
        note(session, "toss me some juice", 7, TODAY)
    (row,) = session.exec(select(Skeleton)).all()
    assert row.marks.bit_count() == 1
    assert seen(session) == []


def test_three_marks_are_at_least_three_people_and_end_the_salt(session: Session) -> None:
    member = 0
    while not (found := seen(session)):
        member += 1
        note(session, "toss me some juice", member, TODAY)
    assert member >= PEOPLE
    assert found[0].text == "toss me some juice"
    assert session.exec(select(Skeleton.salt)).all() == [""]


def test_buttons_are_counted_and_a_row_lives_for_thirty_days(session: Session) -> None:
    row = note(session, "toss me some juice", 7, TODAY)
    assert row is not None
    for intent in ("lend", "borrow", "borrow"):
        label(session, row, intent)
    session.flush()
    assert session.get_one(Skeleton, row).labels == {"lend": 1, "borrow": 2}
    forget_skeletons(session, TODAY + timedelta(days=29))
    assert session.get(Skeleton, row) is not None
    forget_skeletons(session, TODAY + timedelta(days=30))
    assert session.exec(select(Skeleton)).all() == []
    label(session, row, "lend")


def test_a_flood_of_nonsense_fills_no_disk(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(skeleton, "MOST", 2)
    assert [note(session, f"sentence {n}", 7, TODAY) is None for n in range(3)] == [False, False, True]
