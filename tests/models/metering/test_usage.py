"""Usage: cumulative figures booked once, in the order of spending; pace and what would last to the end."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import event
from sqlmodel import Session, col, select

from bot.database import Database
from handlers.lending import lend
from models.ledger.account import Account
from models.ledger.transfer import Entry, Transfer
from models.metering.outlook import Outlook, needed, outlook, rounded
from models.metering.usage import ActiveAgent, MemberUsage, Usage, book, by_model
from models.quota.closing import begin_turn
from models.quota.leaving import leave
from models.quota.period import Period
from models.quota.status import QuotaStatus
from models.quota.wallet import Wallet
from models.refusal import PeriodClosing
from tests.actions import DECEMBER, USD, ZONE, after, cause, change, has, say, sound, spend, turn
from tests.company import NOW, who

TODAY = date(2026, 11, 9)


def read(company: Database, *readings: tuple[str, date, str, float], now=NOW) -> int:
    return company.transact(
        lambda session: book(
            session, [MemberUsage(who(session, name).id, day, model, int(usd * USD)) for name, day, model, usd in readings],
            zone=ZONE, cause=cause(now, "gateway"),
        )
    )  # fmt: skip


def test_a_page_that_comes_twice_counts_once(company: Database) -> None:
    page = [("alice", TODAY, "opus", 12.5), ("bob", TODAY, "opus", 3)]
    assert read(company, *page) == 15.5 * USD
    assert read(company, *page) == 0
    assert has(company, "alice").used == 12.5 * USD


def test_a_model_with_any_sign_in_its_name_is_one_model(company: Database) -> None:
    page = [("alice", TODAY, name, 1) for name in ("a\tb\\N\n", "\\.", '{"é", 千问}', "")]
    assert read(company, *page) == 4 * USD
    assert read(company, *page) == 0
    spent = company.transact(lambda session: by_model(session, who(session, "alice").id, TODAY))
    assert {model for model, _ in spent} == {model for _, _, model, _ in page}


def test_figures_out_of_order_leave_the_largest_one(company: Database) -> None:
    for usd in (5, 20, 12, 20, 7):
        read(company, ("alice", TODAY, "opus", usd))
    assert has(company, "alice").used == 20 * USD
    sound(company)


def test_each_day_and_model_is_a_figure_of_its_own(company: Database) -> None:
    read(
        company,
        ("alice", TODAY, "opus", 5),
        ("alice", TODAY, "mini", 2),
        ("alice", TODAY - timedelta(days=1), "opus", 4),
    )
    assert has(company, "alice").used == 11 * USD
    spent = company.transact(
        lambda session: by_model(session, who(session, "alice").id, TODAY - timedelta(days=2))
    )
    assert spent == [("opus", 9 * USD), ("mini", 2 * USD)]


def test_one_page_is_spent_in_order_day_by_day(company: Database) -> None:
    """Alice has 100 of her own and 20 from Bob: what a page brings beyond that is overdraft."""
    say(company, lend, "bob", "alice", 20 * USD, "")
    yesterday = TODAY - timedelta(days=1)
    read(
        company, ("alice", TODAY, "mini", 25), ("alice", yesterday, "opus", 90), ("alice", TODAY, "opus", 15)
    )
    found = has(company, "alice")
    assert (found.allocation, found.borrowed, found.overdraft, found.used) == (0, 0, -10 * USD, 130 * USD)

    def moved(session):
        query = select(Transfer.reason, Transfer.amount, Account.kind).join(
            Account, Account.id == Transfer.source_id
        )
        return session.exec(query.where(Transfer.kind == "use").order_by(Transfer.id)).all()

    assert company.transact(moved) == [
        ("opus", 90 * USD, "allocation"),
        ("mini", 10 * USD, "allocation"),
        ("mini", 15 * USD, "loan"),
        ("opus", 5 * USD, "loan"),
        ("opus", 10 * USD, "overdraft"),
    ]
    sound(company)


def test_a_long_page_takes_as_many_statements_as_a_short_one(company: Database) -> None:
    counted = []
    for models in (range(3), range(3, 300)):
        statements: list[str] = []
        count = lambda *words, seen=statements: seen.append(words[2])  # noqa: E731
        event.listen(company.engine, "before_cursor_execute", count)
        read(company, *((name, TODAY, f"m{number}", 0.01) for number in models for name in ("alice", "bob")))
        event.remove(company.engine, "before_cursor_execute", count)
        counted.append(len([one for one in statements if "FROM member" not in one]))
    assert counted[1] <= counted[0]
    sound(company)


def test_tokens_are_kept_also_where_nothing_was_spent(company: Database) -> None:
    for tokens in (7, 3):
        page = [MemberUsage(1, TODAY, "free", 0, tokens, 1)]
        company.transact(
            lambda session, page=page: book(session, page, zone=ZONE, cause=cause(NOW, "gateway"))
        )
    assert company.transact(lambda session: session.get_one(Usage, (1, TODAY, "free")).input_tokens) == 7


def test_usage_of_a_closed_month_belongs_to_the_open_one(company: Database) -> None:
    turn(company)
    read(company, ("alice", TODAY, "opus", 30), now=DECEMBER + timedelta(hours=3))
    assert has(company, "alice").available == 70 * USD

    def since(session):
        return session.exec(select(Entry.at).order_by(Entry.id.desc())).first(), Period.current(
            session
        ).starts_at

    at, starts = company.transact(since)
    assert at >= starts


def test_nothing_is_booked_while_the_month_closes(company: Database) -> None:
    company.transact(lambda session: begin_turn(session, DECEMBER))
    with pytest.raises(PeriodClosing):
        read(company, ("alice", TODAY, "opus", 30), now=DECEMBER)
    assert not company.transact(lambda session: session.exec(select(Usage)).all())


def test_late_spend_of_a_leaver_is_the_organisations(company: Database) -> None:
    spend(company, "alice", 40)
    company.transact(lambda session: leave(session, who(session, "alice"), NOW))
    spend(company, "alice", 7)
    assert (has(company, "alice").used, has(company, "alice").available) == (47 * USD, 0)
    sound(company)


def test_pace_is_the_last_seven_days_a_day(company: Database) -> None:
    spend(company, "alice", 70, NOW - timedelta(days=9))
    spend(company, "alice", 14, NOW - timedelta(days=3))
    view = view_of(company, "alice")
    assert view.pace == 2 * USD
    assert view.runs_out == NOW + timedelta(days=8)


def test_pace_counts_from_the_opening_when_that_is_nearer(company: Database) -> None:
    turn(company)
    spend(company, "alice", 10, DECEMBER + timedelta(days=2))
    assert view_of(company, "alice", DECEMBER + timedelta(days=4)).pace == 2.5 * USD


def test_who_spends_nothing_never_runs_out(company: Database) -> None:
    assert view_of(company, "alice").runs_out is None


def view_of(company: Database, name: str, now=NOW) -> Outlook:
    def run(session):
        return outlook(session, QuotaStatus.of(session, who(session, name).id), now)

    return company.transact(run)


@pytest.mark.parametrize(("pace", "shown"), [(0, 0), (7, 7), (1234, 1230), (98_765_432, 98_700_000)])
def test_a_pace_has_three_digits(pace: int, shown: int) -> None:
    assert rounded(pace) == shown


def test_less_is_pace_times_days_left_less_what_is_there_rounded_up() -> None:
    view = Outlook(pace=3 * USD, left=timedelta(days=10), runs_out=None)
    assert needed(view, Wallet(allocation=int(4.5 * USD)), USD) == 26 * USD
    assert needed(view, Wallet(allocation=31 * USD), USD) <= 0
    assert needed(view, Wallet(allocation=4_999), 1000) == 30_000_000 - 4_000


def test_a_changed_policy_does_not_touch_what_was_metered(company: Database) -> None:
    spend(company, "alice", 30)
    change(company, ("amount: 100\n", "amount: 60\n"), now=after(hours=1))
    assert (has(company, "alice").used, has(company, "alice").available) == (30 * USD, 30 * USD)


def test_of_figures_of_one_day_and_model_on_a_page_each_largest_counts_with_all_agents(
    session: Session,
) -> None:
    alice = who(session, "alice").id
    figures = ((5, 10, 3, ("a",)), (7, 4, 9, ("b", "a")), (6, 2, 1, ("c",)), (7, 4, 9, ("a",)))
    page = [
        MemberUsage(alice, TODAY, "opus", usd * USD, put, out, agents) for usd, put, out, agents in figures
    ]
    assert book(session, page, zone=ZONE, cause=cause(NOW, "gateway")) == 7 * USD
    (kept,) = session.exec(select(Usage)).all()
    assert (kept.amount, kept.input_tokens, kept.output_tokens) == (7 * USD, 10, 9)
    assert set(session.exec(select(ActiveAgent.agent)).all()) == {"a", "b"}, "c has no figure of its own"


@pytest.mark.parametrize(
    ("day", "now", "at"),
    [
        (TODAY - timedelta(days=2), NOW, datetime(2026, 11, 7, 23, 59, 59, tzinfo=ZONE)),
        (TODAY, NOW, NOW),
        (date(2026, 10, 30), NOW, datetime(2026, 11, 1, tzinfo=ZONE)),
    ],
)
def test_use_is_of_the_end_of_its_day_within_the_period_and_never_ahead_of_the_clock(
    session: Session, day: date, now: datetime, at: datetime
) -> None:
    page = [MemberUsage(who(session, "alice").id, day, "opus", USD)]
    book(session, page, zone=ZONE, cause=cause(now, "gateway"))
    last = session.exec(select(Transfer).order_by(col(Transfer.id).desc())).first()
    assert last is not None
    assert (last.at, last.kind, last.amount) == (at, "use", USD)
