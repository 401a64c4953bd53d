"""People from a file or a messenger's directory, compared with ours and applied. Nothing here commits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from bot.people.csv import PeopleError, read_people, write_people
from handlers.announcement import greet_all
from handlers.clock.leaving import let_come_back, let_leave
from handlers.clock.requests import reroute
from models.messages.outbox import Mailing
from models.people.arrival import members_of, take_over
from models.people.authority import record_roster
from models.people.member import read_addresses
from models.people.roster import Changes, Roster, Row, shared_ids
from models.policy import versions
from models.quota.allocation import welcome_all
from models.quota.period import Period


class TooManyLeave(Exception):  # noqa: N818 - a question, not a failure
    """More than a tenth of all people would leave, without a `yes`."""

    def __init__(self, leaving: int, active: int) -> None:
        self.leaving, self.active = leaving, active
        super().__init__(f"{leaving} of {active} people would leave, which is more than 10 %")


def survey(session: Session, data: bytes, *, remove_missing: bool = False) -> Changes:
    """The changes of importing this file.

    Raises `PeopleError` with every fault of the file and every conflict with our people.
    """
    try:
        rows, problems = read_people(data), []
    except PeopleError as error:
        rows, problems = list(error.rows), list(error.problems)
    roster = Roster(session)
    problems += roster.misfits(rows, remove_missing=remove_missing)
    if problems:
        raise PeopleError(problems)
    return roster.changes(rows, remove_missing=remove_missing)


def compare(session: Session, rows: Sequence[Row], *, remove_missing: bool = False) -> Changes:
    """The changes of applying these rows.

    Raises `PeopleError` if they conflict with each other or with our people.
    """
    roster = Roster(session)
    problems = [*shared_ids(rows), *roster.misfits(rows, remove_missing=remove_missing)]
    if problems:
        raise PeopleError(problems)
    return roster.changes(rows, remove_missing=remove_missing)


def apply(
    session: Session, changes: Changes, now: datetime, *, actor: str = "admin", yes: bool = False
) -> None:
    """Apply the changes in the transaction that found them. Raises `TooManyLeave`, with nothing done."""
    if changes.many_leave and not yes:
        raise TooManyLeave(len(changes.leave), changes.active)
    ids = take_over(session, changes, now)
    record_roster(session, changes, ids, at=now, actor=actor)
    if Period.latest(session) is not None:
        welcome_all(session, [ids[one.row.email] for one in changes.join], now)
    moved = {one.member_id for one in changes.change if {"manager_email", "team"} & set(one.fields)}
    reroute(session, moved, now)
    let_come_back(session, members_of(session, [one.member_id for one in changes.join if one.member_id]), now)
    _welcome(session, [ids[one.row.email] for one in changes.join if one.member_id is None], now)
    for member in members_of(session, [one.member_id for one in changes.leave]):
        let_leave(session, member, now, actor)
    session.flush()


def _welcome(session: Session, joiners: list[int], now: datetime) -> None:
    # Not before the first policy: the first import would write to everybody.
    current = versions.current(session)
    if current is not None and current[1].welcome:
        read_addresses(session, joiners)
        for _ in greet_all(session, members_of(session, joiners), now, Mailing(now)):
            pass


def export_people(session: Session) -> str:
    """Everybody as people.csv; importing it changes nothing."""
    here = [known for known in Roster(session).by_email.values() if known.active]
    extra = dict.fromkeys(key for known in here for key in known.extra)
    return write_people((known.columns | known.extra for known in here), list(extra))
