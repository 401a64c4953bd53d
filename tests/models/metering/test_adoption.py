"""A new account of a known member: forgiven, booked in full, or the old one under a new key."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlmodel import Session

from models.metering.adoption import adopt, end_round, take_news
from models.metering.gateway_account import GatewayAccount
from models.metering.reading import News, Reading
from tests.actions import USD
from tests.company import NOW, who

KEY = Reading("k1", 5 * USD, None, NOW, name="laptop")


def adopted(session: Session, reading: Reading, *seen: str) -> GatewayAccount:
    found = adopt(session, reading, who(session, "alice"), seen)
    assert found is not None
    return found


def test_spend_before_the_first_account_is_nobodys_and_a_later_one_is_booked_in_full(
    session: Session,
) -> None:
    assert adopted(session, KEY, "k1").origin == 5 * USD
    assert adopted(session, replace(KEY, id="k2", name="desk"), "k1", "k2").origin == 5 * USD, (
        "in the same round"
    )
    end_round(session, {"k1", "k2"})
    session.expire_all()
    assert adopted(session, replace(KEY, id="k3", name="phone"), "k1", "k2", "k3").origin == 0


def test_a_replaced_key_goes_on_under_its_new_id(session: Session) -> None:
    old = adopted(session, KEY, "k1")
    new = replace(KEY, id="k2", spent=6 * USD)
    assert adopt(session, new, who(session, "alice"), None) is None, (
        "only a whole round shows that k1 is gone"
    )
    assert adopted(session, new, "k2") is old
    assert old.id == "k2"


def test_a_key_of_the_same_name_beside_the_old_one_is_another_account(session: Session) -> None:
    old = adopted(session, KEY, "k1")
    assert adopted(session, replace(KEY, id="k2", spent=6 * USD), "k1", "k2") is not old


def test_an_account_is_missing_after_two_rounds_in_a_row(session: Session) -> None:
    adopted(session, KEY, "k1")
    rounds = [end_round(session, seen) for seen in ((), ("k1",), (), (), ())]
    assert rounds == [[], [], [], ["k1"], ["k1"]]


def test_news_are_told_once_and_by_kind(session: Session) -> None:
    one = adopted(session, KEY, "k1")
    one.news, one.as_of = News.UNENFORCED, NOW + timedelta(minutes=1)
    session.flush()
    assert take_news(session) == {News.UNENFORCED: [one]}
    session.flush()
    assert take_news(session) == {}


def test_a_round_and_its_news_are_of_one_gateway(session: Session) -> None:
    alice = who(session, "alice")
    own, other, gone = (
        GatewayAccount.link(session, Reading(name, 0, None, NOW, gateway=gateway), alice)
        for name, gateway in (("own", ""), ("b:other", "b"), ("gone", ""))
    )
    gone.mark_missing()
    session.flush()
    assert end_round(session, []) == []
    assert end_round(session, []) == ["own"], "missing for the second time"
    for account in (own, other, gone):
        session.refresh(account)
    assert [(one.missed, one.settled) for one in (own, other, gone)] == [(2, True), (0, False), (0, True)]
    assert end_round(session, ["own"]) == []
    own.news = other.news = News.EDITED
    session.flush()
    assert take_news(session) == {News.EDITED: [own], News.GONE: [gone]}
    assert take_news(session, "b") == {News.EDITED: [other]}
    assert take_news(session, "b") == {}


def test_another_name_replaces_nothing_and_waits_for_no_round(session: Session) -> None:
    adopted(session, KEY, "k1")
    assert adopt(session, replace(KEY, id="k2"), who(session, "alice"), None) is None
    found = adopt(session, replace(KEY, id="k2", name="desk"), who(session, "alice"), None)
    assert found is not None
    assert found.id == "k2"


def test_an_account_of_another_gateway_is_booked_in_full_once_that_one_was_taken_over(
    session: Session,
) -> None:
    adopted(session, KEY)
    GatewayAccount.link(session, replace(KEY, id="b:bob", gateway="b"), who(session, "bob"))
    for gateway in ("", "b"):
        end_round(session, ["k1", "b:bob"], gateway)
    session.expire_all()
    origins = {
        (name, gateway): adopt(
            session, replace(KEY, id=f"{gateway}:{name}", gateway=gateway), who(session, name), ()
        )
        for name, gateway in (("alice", "b"), ("alice", "c"), ("carol", "b"))
    }
    assert [one and one.origin for one in origins.values()] == [0, 5 * USD, 5 * USD]
