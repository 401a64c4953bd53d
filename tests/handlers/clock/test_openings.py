"""What a close did to somebody is told once, in the morning, with exact figures; a plain new period is no news."""

from datetime import timedelta

import pytest
from sqlmodel import Session, select

from bot.database import Database
from handlers import lending
from handlers.clock import openings
from models.messages.outbox import Effect
from models.quota.period import Period
from tests.actions import (
    DECEMBER,
    NEW_YEAR,
    USD,
    ask_for,
    available,
    change,
    ctx,
    gift,
    say,
    spend,
    told,
    turn,
)
from tests.company import CAST, NOW, who

ALWAYS_AWAKE = "quiet: null\n"


def tell(company: Database) -> None:
    while company.transact(lambda session: openings.tell_of_openings(ctx(session, DECEMBER))):
        pass


def new(company: Database, name: str, before: int) -> list[str]:
    return [str(one.text) for one in told(company, name)[before:]]


def heard(company: Database) -> dict[str, str]:
    """What everybody who heard something at the close was told last."""
    before = {name: len(told(company, name)) for name in CAST}
    turn(company, DECEMBER)
    tell(company)
    tell(company)
    found = {name: new(company, name, before[name]) for name in CAST}
    assert all(len(said) < 2 for said in found.values())
    return {name: said[0] for name, said in found.items() if said}


def test_a_plain_new_period_is_no_news(company: Database) -> None:
    change(company, more="carry_over: {share: 0.5}\n")
    spend(company, "alice", 30)
    assert heard(company) == {}


def test_who_repays_is_repaid_or_was_over_reads_why_it_is_not_the_base(company: Database) -> None:
    say(company, lending.lend, "alice", "eve", 50 * USD)
    spend(company, "eve", 160)
    spend(company, "bob", 130)
    assert heard(company) == {
        "eve": "A new period began on 1 Dec. You start it with **$40.00**: + $100.00 given, − $50.00 repaid to Alice, "
        "− $10.00 taken for what you had overspent.",
        "alice": "A new period began on 1 Dec. You start it with **$150.00**: + $100.00 given, + $50.00 repaid by Eve.",
        "bob": "新一期从12月1日开始，你的起始额度为 **$70.00**：+ 分配 $100.00、− 补足上期超用 $30.00。",
    }
    assert [available(company, name) for name in ("eve", "alice", "bob")] == [40, 150, 70]


def test_both_parties_of_an_unspent_loan_read_what_became_of_it(company: Database) -> None:
    say(company, lending.lend, "alice", "bob", 50 * USD)
    said = heard(company)
    assert said["alice"].endswith(
        "$50.00 that Bob had not used came back at the close and ended with the rest of your old quota."
    )
    assert said["bob"].endswith("你借入未用的 $50.00 已在期末退回给 Alice。")


def test_where_quota_is_carried_over_it_does_not_say_that_it_ended(company: Database) -> None:
    change(company, more="carry_over: {share: 0.5}\n")
    say(company, lending.lend, "alice", "bob", 50 * USD)
    assert heard(company)["alice"] == (
        "A new period began on 1 Dec. You start it with **$150.00**: + $100.00 given, + $50.00 carried over.\n"
        "$50.00 that Bob had not used came back to you at the close."
    )


def test_a_lender_who_was_over_reads_what_the_returned_quota_covered(company: Database) -> None:
    say(company, lending.lend, "alice", "bob", 50 * USD)
    spend(company, "alice", 80)
    text = heard(company)["alice"]
    assert "$30.00 of what came back covered what you had overspent." in text
    assert available(company, "alice") == 100


def test_a_grant_that_ends_at_the_close_is_named_with_what_was_unused(company: Database) -> None:
    gift(company, "alice", 40)
    gift(company, "eve", 40)
    spend(company, "eve", 140)
    said = heard(company)
    assert set(said) == {"alice"}, "a grant that was used up does not end unannounced"
    assert "$40.00 of it was unused" in said["alice"]


def test_a_grant_that_goes_on_is_no_news(company: Database) -> None:
    gift(company, "alice", 40, ends=NEW_YEAR)
    assert heard(company) == {}


def test_who_is_over_by_more_than_the_base_reads_how_much_is_missing(company: Database) -> None:
    spend(company, "alice", 230)
    assert "you are still **$30.00** over what you had" in heard(company)["alice"]
    assert available(company, "alice") == -30


def test_many_colleagues_are_counted(company: Database) -> None:
    for name in ("bob", "carol", "eve", "max"):
        say(company, lending.lend, "alice", name, 10 * USD)
    assert "$40.00 that 4 colleagues had not used came back" in heard(company)["alice"]


def due(session: Session) -> list[str]:
    query = select(Effect).where(Effect.kind == "say", Effect.key.like("clock%")).order_by(Effect.due_at)
    return [f"{one.due_at:%d %H:%M:%S}" for one in session.exec(query).all()]


def test_it_comes_in_the_morning_of_its_reader_one_a_second(company: Database) -> None:
    say(company, lending.lend, "alice", "bob", 50 * USD)

    def move(session: Session) -> None:
        carol = who(session, "carol")
        carol.timezone = "America/New_York"
        session.add(carol)

    company.transact(move)
    gift(company, "carol", 5)
    heard(company)
    # 08:00 in Shanghai for two, and 11:00 in New York, where the close is at 11 in the morning
    assert company.transact(due) == ["30 16:00:00", "01 00:00:00", "01 00:00:01"]


def test_without_quiet_hours_it_comes_at_once(company: Database) -> None:
    change(company, more=ALWAYS_AWAKE)
    gift(company, "alice", 5)
    heard(company)
    assert company.transact(due) == ["30 16:00:00"]


def test_an_opening_of_an_earlier_version_is_not_told(company: Database) -> None:
    gift(company, "alice", 5)
    turn(company, DECEMBER)

    def forget(session: Session) -> None:
        for one in session.exec(select(Period)).all():
            one.mark_told(session, None)

    company.transact(forget)
    before = len(told(company, "alice"))
    tell(company)
    assert len(told(company, "alice")) == before


@pytest.mark.parametrize("pieces", [1, 3])
def test_everybody_hears_also_where_a_piece_is_small(
    company: Database, monkeypatch: pytest.MonkeyPatch, pieces: int
) -> None:
    monkeypatch.setattr(openings, "PIECE", pieces)
    gift(company, "alice", 5)
    gift(company, "max", 5)
    assert set(heard(company)) == {"alice", "max"}


def test_the_code_of_a_request_names_its_grant(company: Database) -> None:
    from handlers import requests  # noqa: PLC0415

    code = ask_for(company, "eve", 40, now=NOW + timedelta(hours=1))
    say(company, requests.approve, "carol", code, now=NOW + timedelta(hours=2))
    assert f"The top-up {code} has ended; $40.00 of it was unused." in heard(company)["eve"]
