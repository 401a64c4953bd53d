"""Looking without touching: balance, history, the page of one's own, team; days and amounts as the reader has them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session

from bot.database import Database
from handlers import balance, home, lending, requests, team
from models.ledger.transfer import Cause
from models.metering.usage import MemberUsage, book, keep
from models.refusal import NotForYou
from tests.actions import change, say
from tests.company import NOW, asks, who

ONE = 1_000_000


def spend(session: Session, name: str, amount: float, model: str = "claude") -> None:
    ctx = asks(session, name)
    reading = MemberUsage(who(session, name).id, NOW.date(), model, round(amount * ONE))
    book(session, [reading], zone=ctx.policy.zone, cause=Cause(NOW, "gateway", f"use:{model}", model, 1))


def facts(message: object) -> dict[str, str]:
    return dict(message.facts)  # type: ignore[attr-defined]


def test_the_balance_says_what_is_left_how_fast_it_goes_and_when_it_ends(session: Session) -> None:
    spend(session, "alice", 60, "claude")
    spend(session, "alice", 10, "gpt")
    shown = balance.balance(asks(session, "alice"))
    first, bar, *_ = shown.text.split("\n")
    assert first == "You have **$30.00** left, gone 12 Nov at this pace"
    assert bar == "`▰▰▰▰▰▰▰▰▱▱▱▱` 70% used, 28% of the period gone"
    assert facts(shown)["Used"] == "$70.00 of $100.00"
    assert facts(shown)["By model"] == "claude $60.00 · gpt $10.00"
    assert facts(shown)["Pace"] == "$10.00 a day" or "a day" in facts(shown)["Pace"]
    assert "12 Nov" in facts(shown)["Runs out"]
    assert facts(shown)["Period ends"] == "30 Nov, 22 d left"
    assert facts(shown)["Free models"] == "hunyuan, deepseek-v4-flash"


def test_the_balance_in_chinese(session: Session) -> None:
    spend(session, "bob", 120)
    shown = balance.balance(asks(session, "bob"))
    assert shown.text.startswith("额度已用完，并超用了 **$20.00**\n`▰▰▰▰▰▰▰▰▰▰▰▰` 已用 100%")
    assert facts(shown)["已用"] == "$120.00，超出可用额度 $20.00"
    assert "预计用完" not in facts(shown)
    assert facts(shown)["本期结束"] == "11月30日，还有 22 天"


def test_what_was_used_is_shown_against_what_there_was_not_against_the_base(session: Session) -> None:
    lending.lend(asks(session, "alice", key="1"), who(session, "eve"), 60 * ONE)
    spend(session, "eve", 112)
    assert facts(balance.balance(asks(session, "eve")))["Used"] == "$112.00 of $160.00"


def test_the_models_add_up_to_what_was_used(session: Session) -> None:
    for number, model in enumerate("abcde"):
        spend(session, "alice", 10 - number, model)
    assert (
        facts(balance.balance(asks(session, "alice")))["By model"]
        == "a $10.00 · b $9.00 · c $8.00 · other $13.00"
    )


def test_a_breakdown_that_says_more_than_was_booked_is_not_shown(session: Session) -> None:
    spend(session, "alice", 10)
    reading = MemberUsage(who(session, "alice").id, NOW.date(), "early", 50 * ONE)
    keep(session, [reading], NOW)
    assert "By model" not in facts(balance.balance(asks(session, "alice")))


def test_what_ends_tomorrow_is_said_to_end_tomorrow(session: Session) -> None:
    spend(session, "alice", 92)
    assert "**$8.00** left, gone tomorrow at this pace" in balance.balance(asks(session, "alice")).text
    spend(session, "alice", 6, "gpt")
    assert "**$2.00** left, gone today at this pace" in balance.balance(asks(session, "alice")).text


def test_nothing_left_promises_nothing_and_says_how_much_is_missing(session: Session) -> None:
    spend(session, "alice", 125)
    shown = balance.balance(asks(session, "alice"))
    assert "calls pass" not in shown.text, "nothing is enforced"
    assert "lasts" not in str(shown)
    shown = balance.balance(asks(session, "alice", live=True))
    assert "It takes more than **$25.00** until your calls pass again." in shown.text


def test_nobody_is_promised_free_models_where_there_are_none(company: Database) -> None:
    change(company, ("free_models: [hunyuan, deepseek-v4-flash]\n", ""))
    assert say(company, balance.balance, "dan").text == "You have no quota this period"


def test_a_request_of_who_has_nothing_left_does_not_say_that_it_lasts(session: Session) -> None:
    spend(session, "alice", 125)
    requests.request(asks(session, "alice", key="1"), 50 * ONE, "paper")
    requests.request(asks(session, "dan", key="2"), 50 * ONE, "paper")
    for card in home.home(asks(session, "carol")).parts[0].parts:
        assert "nothing is left" in facts(card)["At this pace"]
        assert facts(card)["Used"] in {"$125.00, $25.00 more than there was", "$0.00 of $0.00"}


def test_who_has_only_free_models_is_told_so_and_not_that_they_have_nothing(session: Session) -> None:
    assert "free models" in balance.balance(asks(session, "dan")).text


def test_what_is_lent_borrowed_and_owed_stands_on_the_balance(session: Session) -> None:
    lending.lend(asks(session, "alice", key="1"), who(session, "eve"), 20 * ONE)
    assert facts(balance.balance(asks(session, "alice")))["Lent, still out"] == "$20.00"
    assert facts(balance.balance(asks(session, "eve")))["Borrowed, unspent"] == "$20.00"
    spend(session, "eve", 115)
    assert facts(balance.balance(asks(session, "eve")))["You owe"] == "$15.00"


def test_the_age_of_the_figures_is_said_when_they_are_old(session: Session) -> None:
    assert "09:00" in balance.balance(asks(session, "alice", as_of=NOW - timedelta(hours=1))).footnote


def test_history_names_the_direction_and_the_other_one(session: Session) -> None:
    lending.lend(asks(session, "alice", key="1"), who(session, "eve"), 20 * ONE)
    assert "lent, Eve **−$20.00** → $80.00" in balance.history(asks(session, "alice")).text
    assert "borrowed, Alice **+$20.00**" in balance.history(asks(session, "eve")).text


@pytest.mark.parametrize(
    "key", ["", "x", "~", "2026-11-09T02:00:00+00:00~x", "2026-11-09~1", "0001-01-01T00:00:00+23:59~1", "9999-12-31T23:59:59-23:59~1",
            "2026-11-09T02:00:00+00:00~" + "9" * 40, "2026-11-09T02:00:00+00:00~٣"],
)  # fmt: skip
def test_a_page_key_that_is_none_of_ours_leads_to_the_first_page(session: Session, key: str) -> None:
    assert balance.history(asks(session, "alice"), key) == balance.history(asks(session, "alice"))


def test_the_page_shows_what_waits_for_one_and_what_one_waits_for(session: Session) -> None:
    requests.request(asks(session, "alice", key="1"), 50 * ONE, "paper")
    mine, theirs = home.home(asks(session, "alice")), home.home(asks(session, "carol"))
    assert "Your open request" in [one.title for one in mine.parts]
    (waiting,) = [one for one in theirs.parts if one.title == "Waiting for you"]
    assert "request.approve" in [one.action for one in waiting.parts[0].buttons]
    assert home.home(asks(session, "eve")).parts == ()


def test_who_has_nothing_left_sees_what_can_be_recalled_borrowed_or_asked(session: Session) -> None:
    lending.lend(asks(session, "alice", key="1"), who(session, "eve"), 60 * ONE)
    spend(session, "alice", 40)
    shown = balance.balance(asks(session, "alice"))
    assert "You can recall $60.00 that you lent." in shown.text
    assert [one.action for one in shown.buttons] == ["request.open", "borrow.open", "history.open"]
    assert "hunyuan" in facts(shown)["Free models"]


def test_a_team_is_sums_and_never_a_list_of_people(session: Session) -> None:
    spend(session, "pia", 120)
    spend(session, "quinn", 30, "gpt")
    shown = team.team(asks(session, "lee"))
    assert facts(shown)["团队已用"] == "$150.00"
    assert facts(shown)["追加预算剩余"] == "$1,000.00 / $1,000.00"
    assert shown.chart is not None
    assert "Pia" not in str(shown)
    assert "3" in facts(team.team(asks(session, "lee")))["人数"]


def test_a_manager_without_a_team_of_their_own_sees_the_sum_of_their_reports(session: Session) -> None:
    shown = team.team(asks(session, "carol"))
    assert facts(shown)["People"] == "4"
    assert "top-up" not in str(shown).lower()


def test_a_team_is_not_for_everybody(session: Session) -> None:
    for name in ("alice", "ops"):
        with pytest.raises(NotForYou):
            team.team(asks(session, name))


def test_help_says_where_slash_commands_or_mentions_do_not_work(session: Session) -> None:
    assert "/quota" in balance.help_(asks(session, "alice")).text
    assert "thread" in balance.help_(asks(session, "alice")).footnote
    assert "job number" in balance.help_(asks(session, "alice", messenger="dingtalk")).footnote


def test_a_language_is_kept(session: Session) -> None:
    assert "中文" in balance.lang(asks(session, "alice"), "zh").text
    assert who(session, "alice").locale == "zh"
