"""The table of events walked: each event tells whom the table names, once, in their language, and nobody else."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from sqlmodel import Session, select

from bot.database import Database
from bot.people.sync import apply, survey
from handlers import (
    announcement,
    asking,
    brake,
    delegations,
    emergency,
    giving,
    lending,
    muting,
    requests,
    undelivered,
)
from handlers.clock.asks import ask_around
from handlers.clock.budgets import warn_of_pools, warn_of_the_year
from handlers.clock.grants import end_grants
from handlers.clock.leaving import let_leave
from handlers.clock.openings import tell_of_openings
from handlers.clock.unused import warn_of_unused
from handlers.clock.weekly import write_to_owners
from handlers.context import Context
from handlers.events import EVENTS, Who
from handlers.gateway import alerts
from handlers.gateway.surges import unanswered
from handlers.gateway.trouble import tell_news
from handlers.words import texts
from models.messages.message import Message
from models.messages.outbox import Effect, Mailing
from models.metering.gateway_account import GatewayAccount
from models.metering.gateway_state import GatewayState
from models.metering.ladder import Offer, as_kept
from models.metering.model_list import ModelList
from models.metering.reading import News, Reading
from models.people.member import Member
from models.quota.ask import Ask
from models.quota.fallback import pay
from models.quota.loan import Loan
from tests.actions import DECEMBER, USD, after, ask_for, change, clock, ctx, gift, say, spend, told, turn
from tests.company import CAST, NOW, who
from tests.handlers.clock.test_budgets import grant

CHEAP = ("deepseek",)
DECIDING = {"request.approve", "request.approve_less", "request.decline", "borrow.accept", "borrow.decline"}


def _code(company: Database) -> str:
    return company.transact(lambda session: session.exec(select(Ask.code)).one())


def _loan(company: Database) -> str:
    return str(company.transact(lambda session: session.exec(select(Loan.id)).one()))


def _leave(company: Database, name: str) -> None:
    company.transact(lambda session: let_leave(session, who(session, name), NOW))


def _rejoin(company: Database) -> None:
    row = "name,email,slack_id,team\nEve,eve@corp.example,U09EVE,design\n"
    company.transact(lambda session: apply(session, survey(session, row.encode()), NOW))


Step = Callable[[Database], object]


def lent(company: Database) -> None:
    say(company, lending.lend, "alice", "bob", 20 * USD)


def used(company: Database) -> None:
    lent(company)
    spend(company, "bob", 115)


def asked(company: Database) -> None:
    say(company, asking.borrow, "bob", "alice", 20 * USD, "")


def around(company: Database) -> None:
    say(company, asking.borrow, "quinn", None, 20 * USD, "")


def alone(company: Database) -> None:
    for name in ("pia", "lee"):
        say(company, muting.no_asks, name)
    around(company)


LATE = DECEMBER - timedelta(days=4)


def nearly_all_spent(company: Database) -> None:
    for name in CAST:
        if name not in ("max", "dan"):
            spend(company, name, 480 if name in ("pia", "quinn") else 95)


def wanted(company: Database) -> str:
    return ask_for(company, "bob", 40)


def granted(company: Database) -> str:
    code = wanted(company)
    say(company, requests.approve, "carol", code)
    return code


def nobody_decides(company: Database) -> None:
    change(company, ("  fallback_approvers: [cfo@corp.example]\n", ""))


def limited(company: Database) -> None:
    """A gateway enforces a limit for Bob."""
    reading = Reading("key-bob", 0, None, NOW)
    company.transact(lambda session: GatewayAccount.link(session, reading, who(session, "bob")) and None)


def paused(company: Database) -> None:
    say(company, brake.pause, "carol", "bob", "a key leaked", live=True)


def nothing(_: Database) -> None:
    pass


def end_a_grant(company: Database) -> None:
    company.transact(lambda session: end_grants(ctx(session, after(days=3))))


def close(company: Database) -> None:
    turn(company, DECEMBER)
    while company.transact(lambda session: tell_of_openings(ctx(session, DECEMBER))):
        pass


def a_full_pool(company: Database) -> None:
    company.transact(lambda session: grant(session, 600))


def gateway_read(company: Database, now: datetime) -> None:
    company.transact(lambda session: alerts.alert(ctx(session, now), who(session, "bob").id))


def a_week(company: Database) -> None:
    change(company, more="alerts: {weekly: true}\n")
    spend(company, "pia", 60)


def a_year(company: Database) -> None:
    change(company, more="organisation: {year_budget: 100}\n")
    spend(company, "pia", 60)


def _to_bob(company: Database, run: Callable[[Context, Member], object], now: datetime = NOW) -> None:
    company.transact(lambda session: run(ctx(session, now), who(session, "bob")) and None)


def confirmed_later(company: Database) -> None:
    """A grant that the gateway has not confirmed yet."""
    say(company, requests.approve, "carol", wanted(company), live=True)


def surging(company: Database) -> None:
    surge = "{share: 0.25, tell: [person, manager, admins]}"
    change(company, more=f"alerts: {{surge: {surge}}}\n")
    spend(company, "bob", 60, after(minutes=1))


def surge(company: Database) -> None:
    gateway_read(company, after(minutes=1))


def half_an_hour_on(company: Database) -> None:
    spend(company, "bob", 60, after(minutes=35))
    company.transact(lambda session: unanswered(ctx(session, after(minutes=36))) and None)


def edited(session: Session) -> None:
    reading = Reading("key-bob", 0, 90, NOW)
    account = GatewayAccount.link(session, reading, who(session, "bob"))
    account.written, account.total, account.before, account.news = 50, 90, 90, News.EDITED


def on_the_fallback(company: Database) -> None:
    """Bob is 5 beyond own quota, and the gateway has the fallback's list."""
    change(company, more="fallback: {models: [deepseek], amount: 20}\nalerts: {surge: null}\n")
    spend(company, "bob", 105)

    def run(session: Session) -> None:
        state = GatewayState.of(session)
        state.kind, state.lists = "litellm", as_kept({(CHEAP,): Offer(CHEAP, CHEAP)})
        _narrowed(session, CHEAP)

    company.transact(run)


def _narrowed(session: Session, stands: tuple[str, ...]) -> GatewayAccount:
    account = GatewayAccount.link(session, Reading("key-bob", 0, 90, NOW), who(session, "bob"))
    account.keep_models(ModelList(stands, (), CHEAP, fallback=True, edited=stands != CHEAP))
    return account


def all_of_the_fallback(company: Database) -> None:
    def run(session: Session) -> None:
        at = ctx(session, after(minutes=2))
        pay(session, who(session, "bob").id, 20 * USD, at.policy, at.cause())

    spend(company, "bob", 20, after(minutes=2))
    company.transact(run)
    gateway_read(company, after(minutes=2))


def list_edited(session: Session) -> None:
    _narrowed(session, ()).news = News.EDITED


def undelivered_to_bob(company: Database) -> None:
    def run(session: Session) -> None:
        bob = who(session, "bob").id
        for one in session.exec(select(Effect).where(Effect.kind == "say")).all():
            if one.payload["reader"] == bob:
                one.parked_at = one.done_at = NOW
                one.error = "user_not_found"
                undelivered.tell(ctx(session, NOW), one)

    company.transact(run)


def _open_code(company: Database) -> str:
    from models.quota.request import Request  # noqa: PLC0415

    return company.transact(lambda session: session.exec(select(Request.code)).one())


WALK: dict[str, tuple[Step, Step, dict[Who, str | tuple[str, ...]]]] = {
    # event: what comes before, what happens, who plays which part
    "loan": (nothing, lent, {Who.BORROWER: "bob"}),
    "recall": (lent, lambda c: say(c, lending.recall, "alice", "bob", 5 * USD), {Who.BORROWER: "bob"}),
    "return": (lent, lambda c: say(c, lending.return_loan, "bob", _loan(c)), {Who.LENDER: "alice"}),
    "repayment": (lent, lambda c: say(c, lending.repay, "bob", "alice", 5 * USD), {Who.LENDER: "alice"}),
    "forgiveness": (used, lambda c: say(c, lending.forgive, "alice", "bob", 5 * USD), {Who.BORROWER: "bob"}),
    "ask to borrow": (nothing, asked, {Who.ASKED: "alice"}),
    "withdrawal of an ask": (asked, lambda c: say(c, asking.withdraw, "bob", "alice"), {}),
    "ask accepted": (asked, lambda c: say(c, asking.accept, "alice", _code(c)), {Who.BORROWER: "bob"}),
    "ask declined": (asked, lambda c: say(c, asking.not_now, "alice", _code(c)), {Who.BORROWER: "bob"}),
    "gift to the team": (nothing, lambda c: say(c, giving.give_to_team, "pia", 5 * USD), {Who.OWNER: "lee"}),
    "quota that will expire": (nearly_all_spent, lambda c: c.transact(lambda s: warn_of_unused(ctx(s, LATE))), {Who.HOLDER: "max"}),
    "asking around": (nothing, around, {Who.ASKED: "pia"}),
    "nobody could lend": (alone, lambda c: c.transact(lambda s: ask_around(ctx(s, after(minutes=10)))), {Who.BORROWER: "quinn"}),
    "request": (nothing, wanted, {Who.APPROVERS: "carol"}),
    "request nobody can decide": (nobody_decides, lambda c: ask_for(c, "max", 40), {Who.ADMINS: "ops"}),
    "approval": (wanted, lambda c: say(c, requests.approve, "carol", _open_code(c)), {Who.REQUESTER: "bob"}),
    "decline": (wanted, lambda c: say(c, requests.decline, "carol", _open_code(c), "no"), {Who.REQUESTER: "bob"}),
    "grant is live": (
        confirmed_later,
        lambda c: _to_bob(c, lambda at, bob: alerts.live(at, bob.id)),
        {Who.REQUESTER: "bob"},
    ),
    "grant is held up": (
        confirmed_later,
        lambda c: _to_bob(c, lambda at, bob: alerts.not_live(at, bob.id, texts.NO_ACCOUNT)),
        {Who.REQUESTER: "bob", Who.ADMINS: "ops"},
    ),
    "limit waits for a colleague's": (
        lent,
        lambda c: _to_bob(c, lambda at, bob: alerts.held_back(at, bob.id, who(at.session, "alice").id, 20 * USD)),
        {Who.BORROWER: "bob", Who.LENDER: "alice"},
    ),
    "cancellation": (wanted, lambda c: say(c, requests.cancel, "bob", _open_code(c)), {}),
    "reminder": (wanted, lambda c: clock(c, NOW + timedelta(hours=5)), {Who.APPROVERS: "carol"}),
    "reminder of many": (
        lambda c: [ask_for(c, name, 10) for name in ("alice", "bob", "dan", "eve")],
        lambda c: clock(c, NOW + timedelta(hours=5)),
        {Who.APPROVERS: "carol"},
    ),
    "escalation": (
        wanted,
        lambda c: [clock(c, NOW + timedelta(hours=5)), clock(c, NOW + timedelta(days=3))],
        {Who.NEXT: "olga", Who.REQUESTER: "bob", Who.APPROVERS: "carol"},
    ),
    "emergency grant": (
        lambda c: change(c, ("requests:\n", "requests:\n  emergency: {after: null}\n")),
        lambda c: say(c, emergency.take, "bob", 5 * USD, "pager"),
        {Who.CHAIN: ("carol", "olga", "cfo"), Who.ADMINS: "ops"},
    ),
    "revocation": (granted, lambda c: say(c, requests.revoke, "carol", _open_code(c)), {Who.REQUESTER: "bob"}),
    "end of a grant": (lambda c: gift(c, "bob", 10, after(days=1)), end_a_grant, {Who.HOLDER: "bob"}),
    "grant by an operator": (
        lambda c: gift(c, "bob", 10),
        lambda c: _to_bob(c, lambda at, bob: announcement.given(at, bob, 10 * USD, until=None, reason="demo", mailing=Mailing(NOW))),
        {Who.HOLDER: "bob"},
    ),
    "usage taken back": (
        lambda c: spend(c, "bob", 10),
        lambda c: _to_bob(c, lambda at, bob: announcement.voided(at, bob, 5 * USD, "booked twice")),
        {Who.HOLDER: "bob"},
    ),
    "cut or raise": (
        nothing,
        lambda c: _to_bob(c, lambda at, bob: announcement.announce(at, bob, 80 * USD, starts=None, mailing=Mailing(NOW))),
        {Who.HOLDER: "bob"},
    ),
    "cut or raise called off": (
        nothing,
        lambda c: _to_bob(c, lambda at, bob: announcement.call_off(at, bob, starts=date(2026, 12, 1), mailing=Mailing(NOW))),
        {Who.HOLDER: "bob"},
    ),
    "joining": (
        nothing,
        lambda c: _to_bob(c, lambda at, bob: list(announcement.greet_all(at.session, [bob], NOW, Mailing(NOW)))),
        {Who.HOLDER: "bob"},
    ),
    "close settles a debt": (used, close, {Who.BORROWER: "bob", Who.LENDER: "alice"}),
    "close returns a loan": (lent, close, {Who.BORROWER: "bob", Who.LENDER: "alice"}),
    "close ends a grant": (lambda c: gift(c, "bob", 10), close, {Who.HOLDER: "bob"}),
    "budget of a team": (
        a_full_pool,
        lambda c: c.transact(lambda session: warn_of_pools(ctx(session, after(days=16)))),
        {Who.OWNER: "lee", Who.ADMINS: "ops"},
    ),
    "week of an owner": (
        a_week,
        lambda c: c.transact(lambda session: write_to_owners(ctx(session, after(days=7)))),
        {Who.OWNER: ("lee", "olga")},
    ),
    "budget of the year": (
        a_year,
        lambda c: c.transact(lambda session: warn_of_the_year(ctx(session, after(days=1)))),
        {Who.FINANCE: "cfo", Who.ADMINS: "ops"},
    ),
    "level of use": (
        lambda c: change(c, more="alerts: {surge: null}\n"),
        lambda c: [spend(c, "bob", 85), gateway_read(c, after(minutes=1))],
        {Who.HOLDER: "bob"},
    ),
    "fallback goes on": (on_the_fallback, lambda c: gateway_read(c, after(minutes=1)), {Who.HOLDER: "bob"}),
    "fallback is used up": (
        lambda c: [on_the_fallback(c), gateway_read(c, after(minutes=1))],
        all_of_the_fallback,
        {Who.HOLDER: "bob"},
    ),
    "early end of a quota": (
        lambda c: [change(c, more="alerts: {surge: null}\n"), *(spend(c, "bob", 12, after(days=n)) for n in range(4))],
        lambda c: gateway_read(c, after(days=3, hours=1)),
        {Who.HOLDER: "bob"},
    ),
    "surge": (surging, surge, {Who.HOLDER: "bob", Who.MANAGER: "carol", Who.ADMINS: "ops"}),
    "surge nobody answers": (
        lambda c: [surging(c), surge(c)],
        half_an_hour_on,
        {Who.ABOVE: ("carol", "olga"), Who.ADMINS: "ops"},
    ),
    "limit edited at the gateway": (
        lambda c: c.transact(edited),
        lambda c: c.transact(lambda session: tell_news(ctx(session, NOW), "")),
        {Who.ADMINS: "ops"},
    ),
    "list of models edited at the gateway": (
        lambda c: c.transact(list_edited),
        lambda c: c.transact(lambda session: tell_news(ctx(session, NOW), "")),
        {Who.ADMINS: "ops"},
    ),
    "message nobody gets": (lent, undelivered_to_bob, {Who.SENDER: "alice", Who.ADMINS: "ops"}),
    "delegation": (
        nothing,
        lambda c: say(c, delegations.delegate, "carol", "bob", date(2026, 11, 20)),
        {Who.DELEGATE: "bob"},
    ),
    "lender leaves": (lent, lambda c: _leave(c, "alice"), {Who.BORROWER: "bob"}),
    "borrower leaves": (
        lambda c: say(c, lending.lend, "bob", "alice", 20 * USD),
        lambda c: _leave(c, "alice"),
        {Who.LENDER: "bob"},
    ),
    "asked colleague leaves": (asked, lambda c: _leave(c, "alice"), {Who.BORROWER: "bob"}),
    "requester leaves": (wanted, lambda c: _leave(c, "bob"), {}),
    "rehire": (lambda c: _leave(c, "eve"), _rejoin, {Who.HOLDER: "eve"}),
    "pause by others": (limited, paused, {Who.HOLDER: "bob"}),
    "end of a pause by others": (
        lambda c: [limited(c), paused(c)],
        lambda c: say(c, brake.resume, "ops", "bob"),
        {Who.HOLDER: "bob"},
    ),
}  # fmt: skip


def test_the_walk_covers_the_table() -> None:
    assert set(WALK) == set(EVENTS)


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_an_event_tells_whom_the_table_names_once_and_nobody_else(company: Database, name: str) -> None:
    language = "en" if company.sqlite else "zh"  # in both: tests/bot/messengers/test_events_delivered.py
    event, (before, happen, parts) = EVENTS[name], WALK[name]
    company.transact(lambda session: _speak(session, language))
    before(company)
    old = {one: len(told(company, one)) for one in CAST}
    happen(company)
    new: dict[str, list[Message]] = {one: told(company, one)[old[one] :] for one in CAST}
    hearers = sorted(one for one, said in new.items() for _ in said)
    played = (parts[who] for who in event.hears)
    named = {one for part in played for one in ((part,) if isinstance(part, str) else part)}
    if name == "escalation":  # the reminder of the steps before it
        hearers.remove("carol")
    assert hearers == sorted(named)
    said = [message for one in named for message in new[one]]
    assert all(bool(re.search("[\u4e00-\u9fff]", one.title + one.text)) == (language == "zh") for one in said)
    offered = {button.action for one in said for button in one.buttons}
    assert set(event.buttons) <= offered
    if event.settles:
        live = {button.action for one in CAST for message in told(company, one) for button in message.buttons}
        assert not live & DECIDING


def _speak(session: Session, language: str) -> None:
    for name in CAST:
        who(session, name).choose_language(session, language)
