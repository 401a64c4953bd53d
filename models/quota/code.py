"""CODEs: the short names of requests and asks."""

from __future__ import annotations

import secrets

from sqlmodel import Field, Session, SQLModel

from models.db import ref
from models.statement import Statement

_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


def new_code(session: Session) -> str:
    # Signs that are hard to confuse; a letter and a digit, so that a CODE is not read as an amount.
    while True:
        code = "".join(secrets.choice(_LETTERS) for _ in range(4))
        mixed = any(sign.isdigit() for sign in code) and any(sign.isalpha() for sign in code)
        amount_like = code[:-1].isdigit()
        if mixed and not amount_like and not _taken(session, code):
            return code


def _taken(session: Session, code: str) -> bool:
    session.flush()
    return bool(_TAKEN.all(session, code=code))


_TAKEN = Statement(  # requests, asks and searches share one space of CODEs
    "SELECT 1 FROM code WHERE code = :code UNION ALL SELECT 1 FROM ask WHERE code = :code "
    "UNION ALL SELECT 1 FROM search WHERE code = :code"
)


class Code(SQLModel, table=True):
    """Every CODE of a request: an amended request gets a new one, and the old ones still lead to it."""

    code: str = Field(primary_key=True)
    request_id: int = ref("request.id", index=True)
