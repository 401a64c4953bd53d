"""What a messenger says of somebody, kept by chat and by `people sync` alike."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlmodel import Session

from bot.database import Database
from models.people.linking import carry_out, compare
from models.people.member import Address, addresses
from models.people.profile import Profile, language_of, learn
from tests.company import CAST, NOW, who


@pytest.fixture
def session(company: Database) -> Iterator[Session]:
    with Session(company.engine) as session:
        yield session


@pytest.mark.parametrize(
    ("locale", "language"),
    [
        ("zh-CN", "zh"),
        ("zh_TW", "zh"),
        ("en-GB", "en"),
        ("EN", "en"),
        ("fr-FR", None),
        ("", None),
        (None, None),
    ],
)
def test_a_locale_is_a_language_of_ours_or_none(locale: str | None, language: str | None) -> None:
    assert language_of(locale) == language


@pytest.mark.parametrize("locale", ["fr-FR", "zh-CN", "en-US"])
def test_chat_and_sync_store_the_same_language_for_one_person(session: Session, locale: str) -> None:
    address, member = f"slack:{CAST['max'][0]}", who(session, "max")
    profile = Profile("member", member.name, member.email, locale, "Europe/Paris")
    stored = []
    for way in ("chat", "sync"):
        member.locale = member.timezone = None
        if way == "chat":
            learn(session, address, profile, NOW, link_by_email=False)
        else:
            people = [(address, profile)]
            carry_out(session, compare(session, "slack", people), people, NOW, "admin:root")
        stored.append((member.locale, member.timezone))
    assert stored[0] == stored[1] == (language_of(locale), "Europe/Paris")


def test_an_unknown_address_is_linked_by_e_mail_where_that_is_wanted_and_only_then(session: Session) -> None:
    member = who(session, "max")
    session.delete(session.get_one(Address, f"slack:{CAST['max'][0]}"))
    session.flush()
    profile = Profile("member", member.name, member.email.upper())
    for link_by_email in (False, True):
        learn(session, "slack:U99NEW", profile, NOW, link_by_email=link_by_email)
        assert (session.get(Address, "slack:U99NEW") is not None) is link_by_email
    assert [one.address for one in addresses(session, member.id)] == ["slack:U99NEW"]
