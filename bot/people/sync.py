"""People from a file or a messenger's directory, compared with ours and applied. Nothing here commits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlmodel import Session

from bot.people.csv import PeopleError, read_people, write_people
from handlers.announcement import greet_all
from handlers.clock.leaving import let_come_back, let_leave
from handlers.clock.requests import reroute
from handlers.context import Context
from handlers.links import tell_of_link
from handlers.words import texts
from handlers.words.text import Text
from models.messages.outbox import Mailing
from models.people.arrival import members_of, take_over
from models.people.authority import record_roster
from models.people.linking import Found
from models.people.member import HERE, Member, read_addresses
from models.people.messenger import id_columns
from models.people.profile import Profile
from models.people.roster import Changes, Roster, Row, columns, shared_ids
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
    session: Session,
    changes: Changes,
    now: datetime,
    *,
    actor: str = "admin",
    yes: bool = False,
    words: Text = texts.LINKED_BY_LIST,
) -> None:
    """Apply the changes in the transaction that found them. Raises `TooManyLeave`, with nothing done.

    `words`: how members hear that an account was linked to them.
    """
    if changes.many_leave and not yes:
        raise TooManyLeave(len(changes.leave), changes.active)
    ids = take_over(session, changes, now)
    record_roster(session, changes, ids, at=now, actor=actor)
    if Period.latest(session) is not None:
        welcome_all(session, [ids[one.row.email] for one in changes.join], now)
    moved = {one.member_id for one in changes.change if {"manager_email", "team"} & set(one.fields)}
    reroute(session, moved, now)
    let_come_back(session, members_of(session, [one.member_id for one in changes.join if one.member_id]), now)
    _tell_of_links(session, changes, now, words)
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


def _tell_of_links(session: Session, changes: Changes, now: datetime, words: Text) -> None:
    # A joiner hears nothing of it: the ids came with them.
    ctx, mailing = Context.of(session, now, f"links:{now.isoformat()}"), Mailing(now)
    if ctx is None:
        return
    for one in changes.change:
        for column, messenger in id_columns().items():
            was, becomes = one.fields.get(column, ("", ""))
            if becomes and one.member_id is not None:
                member, old = session.get_one(Member, one.member_id), f"{messenger}:{was}" if was else None
                tell_of_link(ctx, member, f"{messenger}:{becomes}", mailing, old=old, words=words)


def rows_from(
    session: Session, messenger: str, people: Sequence[Found]
) -> tuple[list[Row], list[tuple[str, str]]]:
    """A workspace's members as rows, and the others with the reason. Of people we know only the id is new."""
    here, times = Roster(session).by_email, Counter(_email(profile) for _, profile in people)
    rows, skipped = list[Row](), list[tuple[str, str]]()
    for address, profile in people:
        number, email = address.partition(":")[2], _email(profile)
        if email and times[email] > 1:
            skipped.append((profile.name or number, f"{email} is also somebody else's"))
        elif profile.status == HERE and email:
            row = Row(len(rows) + 1, email, ids={f"{messenger}_id": number})
            name, locale, zone = profile.name, profile.language, profile.zone
            rows.append(row if email in here else replace(row, name=name, locale=locale, timezone=zone))
        elif profile.status in (HERE, "guest"):
            skipped.append((profile.name or number, "no e-mail" if profile.status == HERE else "a guest"))
    return rows, skipped


def _email(profile: Profile) -> str:
    return (profile.email or "").strip().lower()


def as_csv(session: Session, rows: Sequence[Row]) -> str:
    """These people as people.csv, to start from. Members keep what the rows do not say, so importing it takes nothing away."""
    known = Roster(session).by_email
    people = []
    for row in rows:
        here = known.get(row.email)
        ours = here.columns | here.extra if here else {"email": row.email}
        people.append(ours | {name: said for name in columns() if (said := row.says(name))})
    extra = dict.fromkeys(key for row in rows if row.email in known for key in known[row.email].extra)
    return write_people(people, list(extra))


def export_people(session: Session) -> str:
    """Everybody as people.csv; importing it changes nothing."""
    here = [known for known in Roster(session).by_email.values() if known.active]
    extra = dict.fromkeys(key for known in here for key in known.extra)
    return write_people((known.columns | known.extra for known in here), list(extra))
