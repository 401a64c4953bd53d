"""CODEs: the names by which people refer to a request or an ask."""

from __future__ import annotations

import secrets

from sqlmodel import Field, Session, SQLModel

from models.db import ref

_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


def new_code(session: Session) -> str:
    """A name of four signs that nobody mistypes, never used before; it holds a letter and a digit, so it is no amount."""
    while True:
        code = "".join(secrets.choice(_LETTERS) for _ in range(4))
        mixed = any(sign.isdigit() for sign in code) and any(sign.isalpha() for sign in code)
        amount_like = code[:-1].isdigit()
        if mixed and not amount_like and session.get(Code, code) is None:
            return code


class Code(SQLModel, table=True):
    """Every name a request ever had: an amended one has a new CODE, and the old ones lead to it."""

    code: str = Field(primary_key=True)
    request_id: int = ref("request.id", index=True)
