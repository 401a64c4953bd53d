"""Forget a member who has left: a pseudonym replaces name, e-mail, ids and reasons. The ledger stays exact.

Transfers and forgivenesses keep their reasons, and policies their e-mails: nobody may change these records.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, TypeVar

from sqlmodel import Session, SQLModel, col, delete, select, update

from models.messages.confirmation import Confirmation
from models.messages.outbox import Effect
from models.messages.receipt import Receipt
from models.metering.gateway_account import GatewayAccount
from models.metering.usage import ActiveAgent
from models.people.authority import What, erase_words, record_authority
from models.people.member import Address, Member
from models.quota.ask import Ask
from models.quota.decision import erase_reasons
from models.quota.question import erase_questions
from models.quota.request import Request
from models.quota.search import Search

PAGE = 1_000
DOMAIN = "gone.invalid"

Table = TypeVar("Table", bound=SQLModel)


def pseudonym(member: Member) -> str:
    return f"gone-{member.id}"


def is_forgotten(member: Member) -> bool:
    return member.email.endswith(f"@{DOMAIN}")


def forget(session: Session, member: Member, now: datetime, actor: str) -> None:
    """Replace everything that identifies the member. Only for one who has left; it cannot be undone."""
    assert member.left_at is not None
    words = _Words(session, member)
    _forget_messages(session, member, words)
    _forget_requests(session, member)
    _forget_gateway(session, member)
    _forget_managed(session, member)
    erase_words(session, member)
    session.execute(delete(Address).where(col(Address.member_id) == member.id))
    session.info.pop("met", None)
    member.name, member.role, member.extra = pseudonym(member), "", {}
    member.email = member.gateway_id = _email(member)
    member.locale = member.timezone = None
    session.add(member)
    record_authority(session, What.FORGOTTEN, member.id, "known", "forgotten", at=now, actor=actor)


def _email(member: Member) -> str:
    return f"{pseudonym(member)}@{DOMAIN}"


class _Words:
    """The words that identify a member, wherever they stand in a text."""

    def __init__(self, session: Session, member: Member) -> None:
        ids = session.exec(select(Address.address).where(Address.member_id == member.id)).all()
        reasons = session.exec(select(Request.reason).where(Request.member_id == member.id)).all()
        reasons = [*reasons, *session.exec(select(Ask.reason).where(Ask.borrower_id == member.id)).all()]
        told = {member.email, member.gateway_id, *ids, *(one.split(":", 1)[1] for one in ids)}
        told |= {str(value) for key, value in member.extra.items() if key == "job_number"}
        self.pseudonym = pseudonym(member)
        self._found = [
            *(re.compile(re.escape(one), re.IGNORECASE) for one in _longest_first(told)),
            *(re.compile(re.escape(one)) for one in _longest_first(set(reasons))),
            # Inside a Latin word it is another name; Chinese writes no spaces, so it may stand anywhere.
            re.compile(rf"(?<![A-Za-z0-9]){re.escape(member.name)}(?![A-Za-z0-9])"),
        ]

    def replaced(self, value: Any) -> Any:
        """`value`, a tree of JSON, with the pseudonym instead of these words."""
        if isinstance(value, dict):
            return {key: self.replaced(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self.replaced(one) for one in value]
        if not isinstance(value, str):
            return value
        for one in self._found:
            value = one.sub(self.pseudonym, value)
        return value


def _longest_first(words: set[str]) -> list[str]:
    # An e-mail is replaced before a word that is a part of it.
    return sorted((one for one in words if len(one.strip()) > 1), key=len, reverse=True)


def _forget_messages(session: Session, member: Member, words: _Words) -> None:
    # Also stored answers, and confirmations that are open.
    for effect in _pages(session, Effect, Effect.id, 0):
        changed = {name: words.replaced(getattr(effect, name)) for name in ("payload", "lane", "error")}
        if any(getattr(effect, name) != value for name, value in changed.items()):
            session.execute(update(Effect).where(col(Effect.id) == effect.id).values(**changed))
    session.execute(delete(Receipt).where(col(Receipt.member_id) == member.id))
    for receipt in _pages(session, Receipt, Receipt.key, ""):
        answer = words.replaced(receipt.answer)
        if answer != receipt.answer:
            session.execute(update(Receipt).where(col(Receipt.key) == receipt.key).values(answer=answer))
    session.execute(delete(Confirmation).where(col(Confirmation.member_id) == member.id))


def _pages(session: Session, table: type[Table], key: Any, first: Any) -> Iterator[Table]:
    # By key, so that a table of any size takes one page of memory.
    name, after = key.key, first
    while page := session.exec(select(table).where(key > after).order_by(key).limit(PAGE)).all():
        yield from page
        after = getattr(page[-1], name)
        for row in page:
            session.expunge(row)


def _forget_requests(session: Session, member: Member) -> None:
    mine = col(Request.member_id) == member.id
    requests = list(session.exec(select(Request.id).where(mine)).all())
    erase_reasons(session, requests)
    erase_questions(session, requests)
    session.execute(update(Request).where(mine).values(reason="", thread=None))
    answered = col(Request.decided_by_id).is_not(None)  # else it says that the policy decided
    session.execute(update(Request).where(mine, answered).values(answer=""))
    session.execute(update(Ask).where(col(Ask.borrower_id) == member.id).values(reason=""))
    session.execute(update(Search).where(col(Search.borrower_id) == member.id).values(reason=""))


def _forget_gateway(session: Session, member: Member) -> None:
    # The accounts stay for the sums, under another id: later spend there belongs to nobody.
    accounts = session.exec(
        select(GatewayAccount.id).where(GatewayAccount.member_id == member.id).order_by(GatewayAccount.id)
    ).all()
    for number, one in enumerate(accounts, 1):
        values = {"id": f"{pseudonym(member)}-{number}", "gone": True, "due": False, "error": None}
        session.execute(update(GatewayAccount).where(col(GatewayAccount.id) == one).values(**values))
    mine = col(ActiveAgent.member_id) == member.id
    agents = session.exec(select(ActiveAgent.agent).where(mine).distinct().order_by(ActiveAgent.agent)).all()
    for number, one in enumerate(filter(None, agents), 1):
        named = update(ActiveAgent).where(mine, col(ActiveAgent.agent) == one)
        session.execute(named.values(agent=f"{pseudonym(member)}-{number}"))


def _forget_managed(session: Session, member: Member) -> None:
    # Columns of the members they managed.
    said = col(Member.extra)["manager_email"].as_string() == member.email
    for one in session.exec(select(Member).where(said)).all():
        one.extra = one.extra | {"manager_email": _email(member)}
        session.add(one)
