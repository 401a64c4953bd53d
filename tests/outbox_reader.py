"""Messages that handlers put into the outbox."""

from __future__ import annotations

from itertools import count
from typing import Any

from sqlmodel import Session, col, select

from handlers.context import RequestContext
from models.messages.message import Message
from models.messages.outbox import Effect
from tests.company import asks, who

_keys = count()


def by(session: Session, name: str, **more: Any) -> RequestContext:
    """A RequestContext of this person, with a key of its own."""
    return asks(session, name, key=f"request-{next(_keys)}", **more)


def told(session: Session, name: str) -> list[Message]:
    """Messages to somebody, oldest first, with their present content."""
    reader = who(session, name).id
    effects = session.exec(select(Effect).where(Effect.kind == "say").order_by(col(Effect.id))).all()
    return [
        Message.from_json(one.payload["message"]) for one in effects if one.payload.get("reader") == reader
    ]


def heard(session: Session, name: str) -> str:
    """The newest message to somebody, as one text."""
    said = told(session, name)[-1]
    return "\n".join([said.title, said.text, *(f"{a}: {b}" for a, b in said.facts), said.footnote])
