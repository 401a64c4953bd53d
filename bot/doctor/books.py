"""Checks of the database, the people and the policy."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlmodel import Session, col, func, select

from bot.database import Database
from bot.doctor.check import Check, ok, warning, wrong
from bot.doctor.settings import private
from bot.migrate import behind, is_empty
from models.ledger.amount import plain, share
from models.people.member import Address, Member, reachable
from models.policy import versions
from models.policy.document import Policy
from models.quota.approvers import chain
from models.reports.backup import last_backup

# Allowed difference between the clocks of this machine and of the database, in seconds.
DRIFT = 5.0
# An older backup is no daily one.
STALE = timedelta(days=3)
# Most people whom a finding names.
NAMED = 3
# Most people whose approvers are looked up.
MOST = 2_000
# Placeholders of policy.example.yaml.
EXAMPLES = ("corp.example", "C0OPS", "cidXXX")


def check_file(url: str) -> Iterator[Check]:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database and Path(parsed.database).is_file():
        yield from private(Path(parsed.database))


def check_database(database: Database, now: datetime) -> Iterator[Check]:
    """Schema and clock, then people and policy. An old schema ends the checks."""
    if database.sqlite and database.query(is_empty):
        yield warning("database", "is empty", "quotabot people import people.csv makes it (docs/people.md)")
        return
    if database.query(behind):
        yield wrong("database", "the schema is behind this program", "quotabot migrate")
        return
    yield ok("database", f"{database.engine.dialect.name}, schema at head")
    if not database.sqlite:
        yield from _clock(database, now)
        yield ok("backup", "on Postgres it is yours: pg_dump, or a continuous one")
    else:
        yield _backup(database.query(last_backup), now)
    yield from database.query(lambda session: list(_books(session, now)))


def _backup(last: datetime | None, now: datetime) -> Check:
    # Only copies by `quotabot backup` are known.
    if last is None:
        return warning("backup", "`quotabot backup` never made one", "quotabot backup FILE, daily")
    if now - last > STALE:
        return warning("backup", f"the last one is of {last:%Y-%m-%d}", "quotabot backup FILE, daily")
    return ok("backup", f"the last one is of {last:%Y-%m-%d %H:%M} UTC")


def _clock(database: Database, now: datetime) -> Iterator[Check]:
    theirs: datetime = database.query(
        lambda session: session.connection().execute(text("SELECT clock_timestamp()")).scalar_one()
    )
    drift = abs((theirs - now).total_seconds())
    if drift > DRIFT:
        yield wrong("clock", f"this machine and the database differ by {drift:.0f} s", "run NTP on both")
    else:
        yield ok("clock", "agrees with the database's")


def _books(session: Session, now: datetime) -> Iterator[Check]:
    members = list(session.exec(select(Member).where(col(Member.left_at).is_(None))).all())
    if not members:
        yield wrong("people", "there are none", "quotabot people import people.csv (docs/people.md)")
    else:
        yield from _people(session, members)
    found = versions.current(session)
    if found is None:
        yield wrong("policy", "none is in force", "quotabot policy apply (docs/policy.md)")
        return
    yield from _placeholders(session)
    yield from _admins(session, found[1])
    yield from _surge(found[1])
    yield from _approvers(session, found[1], members[:MOST], now)


def _people(session: Session, members: list[Member]) -> Iterator[Check]:
    addressed = set(session.exec(select(Address.member_id).distinct()).all())
    unknown = [one.email for one in members if one.id not in addressed]
    if unknown:
        yield warning(
            "people",
            f"{len(unknown)} of {len(members)} are on no messenger: {_some(unknown)}",
            "quotabot people sync slack (or dingtalk), or fill in slack_id, dingtalk_id",
        )
    else:
        yield ok("people", f"{len(members)}, each on a messenger")


def _placeholders(session: Session) -> Iterator[Check]:
    query = select(versions.PolicyVersion.text).order_by(col(versions.PolicyVersion.version).desc()).limit(1)
    written = "\n".join(line.split("#")[0] for line in session.exec(query).one().splitlines())
    known = int(session.exec(select(func.count()).where(col(Member.email).endswith("@corp.example"))).one())
    left = [one for one in EXAMPLES if one in written and not (one == "corp.example" and known)]
    if left:
        yield wrong(
            "policy",
            f"still names what only the example has: {', '.join(left)}",
            "write your own, or remove the line",
        )
    else:
        yield ok("policy", "in force")


def _admins(session: Session, policy: Policy) -> Iterator[Check]:
    for kind, emails in (
        ("admins", policy.admins),
        ("requests.fallback_approvers", policy.requests.fallback_approvers),
    ):
        lost = [email for email in emails if not _can_be_told(session, email)]
        if not emails:
            yield warning(kind, "nobody is named", f"name somebody under {kind} in policy.yaml")
        elif len(lost) == len(emails):
            yield wrong(
                kind, f"nobody there can be written to: {_some(lost)}", "give them an id on a messenger"
            )
        elif lost:
            yield warning(kind, f"cannot be written to: {_some(lost)}", "give them an id on a messenger")


def _surge(policy: Policy) -> Iterator[Check]:
    # A share of a large allocation is a large amount; only the workspace knows what is much in an hour.
    surge, most = policy.alerts.surge, max((rule.amount for rule in policy.allocations), default=0)
    if surge is None or surge.amount is not None or not most:
        return
    whole, least = (f"{plain(one, policy.unit)} {policy.unit}" for one in (most, share(most, surge.share)))
    said = f"whoever is given {whole} is asked from {least} within {surge.within} on"
    yield ok("alerts.surge", f"{said}; if that is late, set alerts.surge.amount")


def _can_be_told(session: Session, email: str) -> bool:
    member = session.exec(select(Member).where(Member.email == email)).one_or_none()
    return member is not None and member.active and reachable(session, member.id)


def _approvers(session: Session, policy: Policy, members: list[Member], now: datetime) -> Iterator[Check]:
    alone = [one.email for one in members if not chain(session, policy, one.id, now)]
    if alone:
        yield wrong(
            "approvers",
            f"nobody can decide a request of {_some(alone)}",
            "give them a manager, their team an owner, or name requests.fallback_approvers",
        )
    elif members:
        yield ok("approvers", "everybody has somebody who decides")


def _some(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
