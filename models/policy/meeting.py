"""The members of a request and the policy in force, read in one statement; with what was said before, where it may move something."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Session

from models.messages import receipt, tally
from models.people.member import ADDRESS, BEHIND, MEMBER, hold, remember
from models.policy import versions
from models.statement import Question, SqlFile, Statement, as_list, moment

_SQL = SqlFile("models.policy", "sql/meeting.sql")
_WHO = f"{MEMBER.columns('m')}, {ADDRESS.columns('a')}"
_MEETING: Statement[Any] = Statement(
    _SQL.text("meeting", who=_WHO, behind=BEHIND, in_force=versions.IN_FORCE)
)
_REQUEST: Statement[Any] = Statement(
    _SQL.text("request", who=_WHO, behind=BEHIND, in_force=versions.IN_FORCE)
)
_WIDTH = MEMBER.width + ADDRESS.width


def question(one: str, other: str | None = None) -> Question:
    """The members at these addresses and the policy in force: all of it is kept for the transaction."""
    return Question(_MEETING, {"one": one, "other": other or one}, _keep)


def _keep(session: Session, rows: list[Any]) -> None:
    remember(session, rows)
    if rows:
        versions.remember(session, *rows[0][_WIDTH:])


def meet_request(
    session: Session, sender: str, named: str | None, keys: tuple[str, ...], fingerprint: str, now: datetime
) -> None:
    """The same; with the receipts of `keys`, when these words last moved something, and what the sender lately caused."""
    rows = _REQUEST.all(
        session, one=sender, other=named or sender, key=keys[0], other_key=keys[-1], fingerprint=fingerprint,
        since=now - 2 * tally.HOUR,
    )  # fmt: skip
    version, text, me, receipts, moved_at, counted = rows[0][_WIDTH:]
    remember(session, (row for row in rows if row[0] is not None))
    versions.remember(session, version, text)
    moved = moment(moved_at) if moved_at else None
    receipt.remember(session, keys, as_list(receipts), me, fingerprint, moved)
    if me is not None:
        hold(session, [me])  # else what an earlier request of theirs left behind is not there yet
        found = (tally.Counted(what, other, moment(at)) for what, other, at in as_list(counted))
        tally.remember(session, me, found)
