"""Break-glass: off unless the policy allows it, up to a limit, so often, and told to everybody in the chain."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session

from bot.database import Database
from handlers import emergency, requests, waiting
from models.ledger.audit import audit
from models.messages.message import Message
from models.quota.decision import decisions_on
from models.quota.request import Request, find, open_request
from models.quota.wallet import wallet_of
from tests.actions import USD, available, change, sound
from tests.actions import say as run
from tests.company import NOW, who
from tests.handlers.test_policy_effects import rules
from tests.outbox_reader import by, told

ALLOWED = ("requests:\n", "requests:\n  emergency: {share: 0.1, per_period: 1}\n")
AT_ONCE = ("requests:\n", "requests:\n  emergency: {share: 0.3, per_period: 2, after: null}\n")
LATER = NOW + timedelta(hours=1)


def take(session: Session, name: str, amount: int | None = None, reason: str = "", **more: object) -> Message:
    return emergency.take(by(session, name, **more), amount, reason)


def left(session: Session, name: str) -> float:
    return wallet_of(session, who(session, name).id).available / USD


def ask(session: Session, name: str, usd: int) -> Request:
    requests.request(by(session, name), usd * USD, "prod is down")
    found = open_request(session, who(session, name).id)
    assert found is not None
    return found


def test_without_the_policy_there_is_none_and_nothing_moves(session: Session) -> None:
    ask(session, "bob", 40)
    before = {name: len(told(session, name)) for name in ("carol", "ops")}
    assert "这里没有紧急额度" in take(session, "bob", 5 * USD, now=LATER).text
    assert left(session, "bob") == 100
    assert {name: len(told(session, name)) for name in before} == before
    assert emergency.button(by(session, "bob", now=LATER)) == ()


def test_when_nobody_has_decided_for_an_hour_the_limit_is_granted_and_the_request_goes_on(
    session: Session,
) -> None:
    rules(session, ALLOWED)
    asked = ask(session, "eve", 40)
    early = take(session, "eve", now=LATER - timedelta(minutes=1)).text
    assert early == (
        f"{asked.code} is with your approvers. When nobody has decided by 9 Nov 11:00, `emergency` gives you up to $10.00 at once."
    )
    answer = take(session, "eve", now=LATER).text
    assert answer.startswith("**$10.00** (")
    assert (
        "is yours until 30 Nov, by the emergency rule. Carol, Olga, Cfo and the admins were told." in answer
    )
    assert answer.endswith(f"You have $110.00 left. {asked.code} still waits for a decision.")
    assert left(session, "eve") == 110
    assert open_request(session, who(session, "eve").id) is not None
    assert audit(session).wrong == []


def test_everybody_in_the_chain_and_the_admins_hear_once_and_the_chain_may_take_it_back(
    session: Session,
) -> None:
    rules(session, ALLOWED)
    ask(session, "eve", 40)
    cards = {name: len(told(session, name)) for name in ("carol", "olga", "cfo", "ops", "eve", "bob")}
    take(session, "eve", now=LATER)
    new = {name: told(session, name)[number:] for name, number in cards.items()}
    assert {name: len(said) for name, said in new.items()} == {
        "carol": 1, "olga": 1, "cfo": 1, "ops": 1, "eve": 0, "bob": 0,
    }  # fmt: skip
    assert "**Eve** took **$10.00**" in new["carol"][0].text
    assert "> prod is down" in new["carol"][0].text
    assert [bool(new[name][0].buttons) for name in ("carol", "olga", "cfo", "ops")] == [
        True,
        True,
        True,
        False,
    ]
    code = new["olga"][0].buttons[0].value
    requests.revoke(by(session, "olga", now=LATER), code)
    assert left(session, "eve") == 100


def test_it_is_recorded_as_a_decision_of_nobody(session: Session) -> None:
    rules(session, AT_ONCE)
    take(session, "eve", 20 * USD, "pager", now=LATER)
    code = told(session, "carol")[-1].buttons[0].value
    found = find(session, code, who(session, "carol"))
    (row,) = decisions_on(session, found.id)
    assert (row.outcome, row.granted, row.decider_id, row.reason) == ("approved", 20 * USD, None, "pager")
    assert row.actor == f"member:{who(session, 'eve').id}"


@pytest.mark.parametrize(
    ("amounts", "said"),
    [
        ([31], "at most $30.00. `emergency 30` takes that"),
        ([10, 21], "at most $20.00"),
        ([10, 10, 5], "You have used what the emergency rule allows"),
        ([30, 1], "You have used what the emergency rule allows"),
    ],
)
def test_the_limit_holds_for_all_of_a_period(session: Session, amounts: list[int], said: str) -> None:
    rules(session, AT_ONCE)
    answers = [take(session, "eve", usd * USD).text for usd in amounts]
    assert said in answers[-1]
    assert left(session, "eve") == 100 + sum(amounts[:-1])


def test_without_a_request_and_an_amount_it_says_what_to_do(session: Session) -> None:
    rules(session, ALLOWED)
    assert take(session, "eve", 5 * USD).text.startswith(
        "Ask first: `request 200 reason`. When nobody has decided after 1 h"
    )


def test_where_nobody_can_be_told_there_is_none(session: Session) -> None:
    swap = ("  fallback_approvers: [cfo@corp.example]\n", "")
    rules(session, AT_ONCE, swap)
    assert "Nobody could be told" in take(session, "max", 5 * USD).text
    assert left(session, "max") == 100


def test_the_button_stands_where_it_would_work(session: Session) -> None:
    rules(session, ALLOWED)
    asked = ask(session, "eve", 40)
    assert emergency.button(by(session, "eve")) == ()
    (button,) = emergency.button(by(session, "eve", now=LATER))
    assert button.label == "Emergency: $10.00 now"
    nudged = waiting.nudge(by(session, "eve", now=LATER), asked.code)
    assert [one.action for one in nudged.buttons] == ["request.emergency"]


def test_the_team_s_pool_pays_and_refuses_on_both_databases(company: Database) -> None:
    change(company, AT_ONCE, ("top_up_budget: 1000", "top_up_budget: 20"))
    run(company, emergency.take, "pia", 15 * USD, "on call")
    assert available(company, "pia") == 515
    with pytest.raises(Exception, match="PoolTooSmall"):
        run(company, emergency.take, "pia", 15 * USD, "on call")
    sound(company)
