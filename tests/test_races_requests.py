"""Clicks on one request at the same moment: it is decided once, and everybody is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from bot.database import Database
from bot.dispatch import Dispatcher, Outcome
from bot.messengers.port import Request as Asking
from handlers import requests
from handlers.clock.requests import requests_due
from handlers.command import Command
from handlers.language.reader import read_command
from models.ledger.transfer import Kind, Transfer
from models.messages.message import Message
from models.messages.outbox import Effect, claim
from models.messages.receipt import Receipt
from models.quota.request import Request, find
from models.refusal import (
    AlreadyDecided,
    Replaced,
)
from tests.actions import USD, ask_for, available, ctx, has, sound
from tests.company import CAST, NOW, asks, who
from tests.races import at_once, held, kinds
from tests.slack_env import PATIENT


def test_two_hundred_clicks_on_one_request_decide_it_once(company: Database) -> None:
    """Carol approves and declines, Bob cancels, a stranger tries: one decision, at most one grant, 200 answers."""
    code = ask_for(company, "bob", 30)
    clicks: list[Callable[[Session], Any]] = []
    for number in range(50):
        clicks += [
            lambda session, n=number: requests.approve(asks(session, "carol", key=f"yes{n}"), code),
            lambda session, n=number: requests.decline(asks(session, "carol", key=f"no{n}"), code, "not now"),
            lambda session, n=number: requests.cancel(asks(session, "bob", key=f"back{n}"), code),
            lambda session, n=number: requests.approve(
                asks(session, "carol", key=f"less{n}"), code, 10 * USD
            ),
        ]
    answers = at_once(company, clicks)
    assert kinds(answers) == {"Message": 1, "AlreadyDecided": 199}
    decided = company.transact(lambda session: find(session, code, who(session, "carol")))
    assert {(one.state, one.granted) for one in answers if isinstance(one, AlreadyDecided)} == {
        (decided.state, decided.granted)
    }
    grants = company.transact(
        lambda session: session.exec(select(Transfer).where(Transfer.kind == Kind.GRANT)).all()
    )
    assert [one.amount for one in grants] == ([decided.granted] if decided.state == "applied" else [])
    sound(company)


def test_a_request_declined_while_it_is_amended_is_declined_or_amended(postgres_company: Database) -> None:
    code = ask_for(postgres_company, "bob", 30)
    _, amended = held(
        postgres_company,
        lambda session: requests.decline(asks(session, "carol", key="no"), code, "not now"),
        lambda session: requests.request(asks(session, "bob", key="more"), 40 * USD),
    )
    assert isinstance(amended, Message)
    old, new = postgres_company.transact(
        lambda session: session.exec(select(Request).order_by(col(Request.id))).all()
    )
    assert (old.state, old.code, old.amount) == ("declined", code, 30 * USD)
    assert (new.state, new.amount) == ("pending", 40 * USD)


def test_a_request_amended_while_it_is_declined_stays_open(postgres_company: Database) -> None:
    code = ask_for(postgres_company, "bob", 30)
    _, declined = held(
        postgres_company,
        lambda session: requests.request(asks(session, "bob", key="more"), 40 * USD),
        lambda session: requests.decline(asks(session, "carol", key="no"), code, "not now"),
    )
    assert isinstance(declined, Replaced)
    assert postgres_company.transact(lambda session: session.exec(select(Request)).one()).state == "pending"


def test_a_cancelled_request_is_not_revived_by_its_escalation(postgres_company: Database) -> None:
    code = ask_for(postgres_company, "cfo", 30)  # nobody can be asked: unroutable

    def find_somebody(session: Session) -> None:
        cfo = who(session, "cfo")
        cfo.manager_id = who(session, "olga").id
        session.add(cfo)

    postgres_company.transact(find_somebody)
    held(
        postgres_company,
        lambda session: requests.cancel(asks(session, "cfo", key="back"), code),
        lambda session: requests_due(ctx(session, NOW)),
    )
    assert (
        postgres_company.transact(lambda session: find(session, code, who(session, "cfo"))).state
        == "cancelled"
    )


def test_a_card_changed_while_it_is_fetched_for_sending_is_changed_there_too(
    postgres_company: Database,
) -> None:
    """Claimed with its old words, so a replacement has to follow."""
    code = ask_for(postgres_company, "bob", 30)
    held(
        postgres_company,
        lambda session: claim(session, NOW) and None,
        lambda session: requests.cancel(asks(session, "bob", key="back"), code),
    )
    left = postgres_company.transact(
        lambda session: session.exec(select(Effect).where(Effect.kind == "replace")).all()
    )
    assert len(left) == 1


def asking(name: str, words: str, key: str) -> Asking:
    return Asking(key, f"slack:{CAST[name][0]}", read_command(words, NOW.date()))


async def test_one_key_delivered_four_times_at_once_has_one_effect_and_one_answer(company: Database) -> None:
    dispatcher = Dispatcher(company, lambda: NOW, patience=PATIENT)
    lend = asking("alice", "lend <@U02BOB> 80", "evt1")
    answers = await asyncio.gather(*(dispatcher.handle(lend) for _ in range(4)))
    assert len({repr(one) for one in answers}) == 1
    assert not answers[0].refused
    assert has(company, "bob").borrowed == 80 * USD
    assert (
        company.transact(lambda session: session.exec(select(func.count()).select_from(Receipt)).one()) == 1
    )
    assert company.transact(lambda session: session.exec(select(func.count()).select_from(Effect)).one()) == 1
    sound(company)


async def test_one_click_delivered_four_times_at_once_grants_once(company: Database) -> None:
    dispatcher, code = Dispatcher(company, lambda: NOW, patience=PATIENT), ask_for(company, "bob", 30)
    click = Asking("click1", f"slack:{CAST['carol'][0]}", Command.pressed("request.approve", code))
    answers = await asyncio.gather(*(dispatcher.handle(click) for _ in range(4)))
    assert len({repr(one) for one in answers}) == 1
    assert not answers[0].refused
    assert available(company, "bob") == 130
    sound(company)


async def test_everybody_in_a_crowd_of_clicks_is_answered_with_who_decided(company: Database) -> None:
    dispatcher, code = Dispatcher(company, lambda: NOW, patience=PATIENT), ask_for(company, "bob", 30)
    carol, bob = f"slack:{CAST['carol'][0]}", f"slack:{CAST['bob'][0]}"
    clicks = [
        Asking(
            f"c{n}",
            bob if n % 3 == 2 else carol,
            Command.pressed("request.cancel" if n % 3 == 2 else "request.approve", code),
        )
        for n in range(40)
    ]
    answers: list[Outcome] = await asyncio.gather(*(dispatcher.handle(click) for click in clicks))
    assert sum(not one.refused for one in answers) == 1
    assert all(isinstance(one.message, Message) and one.message.text for one in answers)
    receipts = company.transact(lambda session: session.exec(select(func.count()).select_from(Receipt)).one())
    assert receipts == 40
    sound(company)
