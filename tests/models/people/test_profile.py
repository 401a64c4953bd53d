"""What we keep of a messenger's word about somebody."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session

from models.people.member import HERE, Address
from models.people.profile import Profile, language_of, learn
from tests.actions import after
from tests.company import NOW, who

HERE_NOW = Profile(HERE, email="Alice@corp.example", locale="zh-CN", zone="Asia/Tokyo")


@pytest.mark.parametrize(
    ("locale", "language"),
    [("zh-CN", "zh"), ("zh_TW", "zh"), ("en_GB", "en"), ("fr-FR", None), ("", None), (None, None)],
)
def test_a_locale_we_do_not_speak_chooses_no_language(locale: str | None, language: str | None) -> None:
    assert language_of(locale) == language


def test_an_unknown_address_is_linked_by_email_where_that_is_allowed(session: Session) -> None:
    learn(session, "dingtalk:manager42", HERE_NOW, NOW, link_by_email=False)
    assert session.get(Address, "dingtalk:manager42") is None
    learn(session, "dingtalk:manager42", HERE_NOW, NOW, link_by_email=True)
    assert session.get_one(Address, "dingtalk:manager42").member_id == who(session, "alice").id


@pytest.mark.parametrize("status", ["guest", "bot", "outsider", "gone"])
def test_only_a_member_of_the_workspace_is_linked(session: Session, status: str) -> None:
    learn(session, "dingtalk:manager42", Profile(status, email="alice@corp.example"), NOW, link_by_email=True)
    assert session.get(Address, "dingtalk:manager42") is None


def test_a_second_address_on_one_messenger_is_not_linked(session: Session) -> None:
    learn(session, "slack:U99ALICE", HERE_NOW, NOW, link_by_email=True)
    assert session.get(Address, "slack:U99ALICE") is None


def test_a_chosen_language_and_zone_stay(session: Session) -> None:
    learn(session, "slack:U01ALICE", HERE_NOW, NOW, link_by_email=False)
    alice = who(session, "alice")
    assert (alice.locale, alice.timezone) == ("en", "Asia/Tokyo")
    learn(session, "slack:U01ALICE", Profile(HERE, zone="Europe/Oslo"), NOW, link_by_email=False)
    assert alice.timezone == "Asia/Tokyo"


def test_a_status_is_written_again_when_it_changes_or_is_half_an_hour_old(session: Session) -> None:
    row = session.get_one(Address, "slack:U01ALICE")
    for now, written in ((NOW, NOW), (after(minutes=30), NOW), (after(minutes=31), after(minutes=31))):
        learn(session, row.address, HERE_NOW, now, link_by_email=False)
        assert row.status_at == written
    learn(
        session, row.address, Profile("guest"), after(minutes=31) + timedelta(seconds=1), link_by_email=False
    )
    assert (row.status, row.status_at) == ("guest", after(minutes=31) + timedelta(seconds=1))
