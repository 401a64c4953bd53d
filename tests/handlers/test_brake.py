"""The brake: a surge asks, tells, pauses and escalates; those above somebody pause them and let them go on."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, select

from bot.database import Database
from handlers import brake
from handlers.balance import balance
from handlers.context import Context
from handlers.gateway import alerts, surges
from models.messages.message import Message
from models.messages.outbox import Effect
from models.metering.gateway_account import GatewayAccount
from models.metering.gateway_state import GatewayState
from models.metering.reading import KeyUsage, Reading
from models.people.authority import Authority, What
from models.people.member import Member
from models.policy.versions import record_version
from models.quota.period import Period
from models.refusal import NotYoursToPause
from tests.actions import USD, change, ctx, spend, spent
from tests.company import NOW, POLICY, asks, who
from tests.outbox_reader import told

ALL = "tell: [person, manager, owner, admins]"
LATER = NOW + timedelta(minutes=16)


def minutes(number: int) -> datetime:
    return NOW + timedelta(minutes=number)


def account(session: Session, name: str) -> GatewayAccount:
    """A gateway enforces a limit for this person."""
    return GatewayAccount.link(
        session, Reading(f"key-{name}", 0, 100 * USD, NOW, name="night batch"), who(session, name)
    )


def rules(session: Session, surge: str) -> None:
    text = f"{POLICY}admin_channel: {{slack: C0OPS}}\nalerts: {{at: [], surge: {{{surge}}}}}\n"
    Period.current(session).policy = record_version(session, text, NOW, "ops")


def live(session: Session, now: datetime = NOW) -> Context:
    found = ctx(session, now)
    found.live = True
    return found


def burns(
    session: Session, name: str, usd: float, now: datetime = NOW, *keys: KeyUsage, on: bool = True
) -> None:
    spent(session, name, usd, now)
    found = live(session, now)
    found.live = on
    alerts.alert(found, who(session, name).id, keys)


def look(session: Session, now: datetime, *, on: bool = True) -> None:
    found = live(session, now)
    found.live = on
    surges.unanswered(found)


def channel(session: Session) -> list[Message]:
    effects = session.exec(select(Effect).where(Effect.kind == "say")).all()
    return [
        Message.from_json(one.payload["message"])
        for one in effects
        if one.payload["address"] == "slack:C0OPS"
    ]


def tell(session: Session, name: str, what: object, *words: object, now: datetime = NOW) -> Message:
    found = asks(session, name, now, f"{name}{now}{words}", live=True)
    return what(found, *words)  # type: ignore[operator,no-any-return]


# A surge


def test_everybody_whom_the_policy_names_hears_once_of_what_and_by_which_keys(session: Session) -> None:
    rules(session, f"amount: 20, {ALL}")
    account(session, "pia")
    day = NOW.date()
    keys = [KeyUsage("key-pia", day, "opus", n * USD, f"agent-{n}") for n in range(1, 6)]
    burns(session, "pia", 30, NOW, *keys)
    (asked,) = told(session, "pia")
    assert "Is that you?" in asked.text
    for hears in (told(session, "lee"), told(session, "ops"), channel(session)):
        (message,) = hears
        assert "Pia" in message.text
        assert "agent-5" in message.text
        assert "agent-2" not in message.text, "the three largest"
    assert told(session, "olga") == []


@pytest.mark.parametrize("on", [True, False])
def test_a_pause_is_promised_and_offered_only_where_a_gateway_enforces(session: Session, on: bool) -> None:
    rules(session, f"amount: 20, then_pause_after: 15m, {ALL}")
    account(session, "pia")
    burns(session, "pia", 30, on=on)
    (asked,), (heard,) = told(session, "pia"), told(session, "lee")
    assert ("pause you at 10:15" in asked.text) is on
    assert ("surge.pause" in {one.action for one in asked.buttons}) is on
    assert ("surge.pause" in {one.action for one in heard.buttons}) is on
    assert ("拦截" in heard.text) is not on
    look(session, LATER, on=on)
    assert (who(session, "pia").paused_at is not None) is on


def test_nobody_answers_so_they_are_paused_and_everybody_above_hears(session: Session) -> None:
    rules(session, "amount: 20, then_pause_after: 15m")
    account(session, "pia")
    burns(session, "pia", 30)
    spent(session, "pia", 5, minutes(5))
    look(session, minutes(14))
    assert who(session, "pia").paused_at is None
    look(session, minutes(15))
    look(session, minutes(16))
    assert "until you say `continue`" in told(session, "pia")[-1].text
    for name in ("lee", "olga", "ops"):
        (message,) = told(session, name)
        assert "$5" in message.text
        assert [one.action for one in message.buttons] == ["surge.continue"]
    assert "Nobody answered" in channel(session)[0].text
    (row,) = session.exec(select(Authority).where(Authority.what == What.PAUSE)).all()
    assert (row.actor, row.becomes) == ("policy", "paused: nobody answered")
    tell(session, "pia", brake.resume, now=LATER)
    assert who(session, "pia").paused_at is None, "they lift it themselves"


@pytest.mark.parametrize("answers", ["pia", "lee", "ops"])
def test_an_answer_of_theirs_or_from_above_keeps_them_going(session: Session, answers: str) -> None:
    rules(session, f"amount: 20, then_pause_after: 15m, {ALL}")
    account(session, "pia")
    burns(session, "pia", 30)
    mine = who(session, "pia")
    tell(session, answers, brake.resume, *([] if answers == "pia" else [mine]))
    look(session, LATER)
    assert mine.paused_at is None
    others = {"lee", "ops"} - {answers}
    assert all(len(told(session, one)) == 2 for one in others), "they hear that it is answered"


def test_an_alarm_that_goes_on_unanswered_reaches_everybody_above(session: Session) -> None:
    rules(session, "amount: 20")
    account(session, "pia")
    burns(session, "pia", 30)
    assert told(session, "lee") == []
    look(session, LATER)
    assert told(session, "lee") == [], "it does not go on"
    spent(session, "pia", 10, LATER)
    look(session, minutes(17))
    look(session, minutes(18))
    for name in ("lee", "olga", "ops"):
        (message,) = told(session, name)
        assert "$10" in message.text
        assert {one.action for one in message.buttons} == {"surge.pause", "surge.continue"}
    assert len(channel(session)) == 1
    assert len(told(session, "pia")) == 1


def test_a_newer_alarm_does_not_put_the_pause_off(session: Session) -> None:
    rules(session, "amount: 20, then_pause_after: 90m")
    account(session, "pia")
    burns(session, "pia", 30)
    burns(session, "pia", 30, minutes(61))
    assert len(told(session, "pia")) == 2
    look(session, minutes(90))
    assert who(session, "pia").paused_at is not None


# Others


def test_a_manager_pauses_and_the_person_reads_who_why_and_how_to_go_on(session: Session) -> None:
    account(session, "bob")
    answer = tell(session, "carol", brake.pause, who(session, "bob"), "agents in a loop")
    assert "Bob is paused" in answer.text.replace("*", "")
    (heard,) = told(session, "bob")
    for words in ("Carol", "agents in a loop", "恢复 Bob"):
        assert words in heard.text
    assert "Carol" in tell(session, "bob", brake.resume).text
    assert "恢复 Bob" in tell(session, "bob", balance).text
    assert who(session, "bob").paused_at is not None, "their own word does not lift it"
    tell(session, "bob", brake.pause)
    assert who(session, "bob").pause_stands
    tell(session, "ops", brake.resume, who(session, "bob"))
    assert who(session, "bob").paused_at is None
    assert "Ops" in told(session, "bob")[-1].text
    rows = session.exec(select(Authority).where(Authority.what == What.PAUSE).order_by(Authority.id)).all()
    carol = who(session, "carol").id
    assert [(one.actor, one.becomes) for one in rows] == [
        (f"member:{carol}", f"paused by member:{carol}: agents in a loop"),
        (f"member:{who(session, 'ops').id}", "goes on"),
    ]


@pytest.mark.parametrize(
    ("name", "may"),
    [("lee", True), ("olga", True), ("ops", True), ("quinn", False), ("carol", False), ("pia", True)],
)
def test_managers_owners_and_admins_may_and_nobody_else(session: Session, name: str, may: bool) -> None:
    account(session, "pia")
    try:
        tell(session, name, brake.pause, who(session, "pia"), "")
    except NotYoursToPause:
        assert not may
    else:
        assert may
    assert (who(session, "pia").paused_at is not None) is may


@pytest.mark.parametrize("why", ["observes", "no account", "released", "edited"])
def test_where_nothing_stops_them_nothing_is_called_paused(session: Session, why: str) -> None:
    if why != "no account":
        row = account(session, "bob")
        if why == "edited":
            row.written, row.total, row.before = 50 * USD, 70 * USD, 70 * USD
    if why == "released":
        GatewayState.release(session, NOW)
    found = asks(session, "carol", live=why != "observes")
    answer = brake.pause(found, who(session, "bob"), "")
    assert "can't stop" in answer.text
    assert who(session, "bob").paused_at is None
    assert told(session, "bob") == []
    assert "拦住" in brake.pause(asks(session, "bob", live=why != "observes")).text


def test_a_button_for_a_colleague_needs_the_same_right(session: Session) -> None:
    account(session, "bob")
    value = str(who(session, "bob").id)
    with pytest.raises(NotYoursToPause):
        tell(session, "alice", brake.pause_pressed, value)
    tell(session, "carol", brake.pause_pressed, value)
    assert who(session, "bob").paused_at is not None


@pytest.fixture
def alarmed(company: Database) -> Database:
    change(company, more="alerts: {at: [], surge: {amount: 20, then_pause_after: 15m}}\n")
    company.transact(lambda session: account(session, "pia") and None)
    spend(company, "pia", 30)
    company.transact(lambda session: alerts.alert(live(session), who(session, "pia").id))
    return company


def test_on_both_databases_an_unanswered_alarm_pauses(alarmed: Database) -> None:
    alarmed.transact(lambda session: look(session, LATER))
    paused = alarmed.query(
        lambda session: session.exec(
            select(Member.paused_at, Member.pause_stands).where(Member.name == "Pia")
        ).one()
    )
    assert paused == (LATER, False)
