"""Everything that a member reads of their quota, in one statement (sql/quota_view.sql).

The balance, App Home, the list of loans and an approver's card show parts of it.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any, NamedTuple, Self

from sqlmodel import Session

from models.metering.gateway_state import free_through
from models.metering.ladder import Accounts, FallbackView, Offers, from_kept
from models.metering.outlook import PACE, Outlook
from models.people.member import ADDRESS, MEMBER, remember, word_for
from models.policy import versions
from models.policy.document import Policy
from models.quota.fallback import Given
from models.quota.loan import OPEN_LOANS
from models.quota.loan_sums import SUMS, Sums
from models.quota.opening import Opening
from models.quota.status import GROUPED, HOLDS, MEMBERS, STATUS, QuotaStatus, StatusRow
from models.refusal import NoPolicyYet
from models.statement import Question, SqlFile, Statement, moment, row_reader


class Other(NamedTuple):
    """The other party of a loan."""

    name: str
    email: str

    @property
    def word(self) -> str:
        """The name in a typed command."""
        return word_for(self.name, self.email)


@dataclass(frozen=True)
class OpenLoan:
    """`taken`: the member borrows. `ends_at`: an end of its own; `due`: the end of its period; `openings`: since then."""

    id: int
    taken: bool
    other: Other
    ends_at: datetime | None
    due: datetime
    openings: int
    sums: Sums

    @property
    def overdue(self) -> bool:
        return self.openings > 0


class Applied(NamedTuple):
    """A version of the policy; `in_force_at` is None while it waits for its day."""

    version: int
    effective: date | None
    in_force_at: datetime | None
    text: str


@dataclass(frozen=True)
class QuotaView:
    """One member at one moment. `opening`: what it posted; `versions`: the policies of a change in or after this period."""

    status: QuotaStatus
    outlook: Outlook
    by_model: tuple[tuple[str, int], ...]
    by_gateway: tuple[tuple[str, int], ...]
    loans: tuple[OpenLoan, ...]
    opening: Opening | None
    versions: tuple[Applied, ...]
    free_models: tuple[str, ...]
    fallback: FallbackView | None

    @classmethod
    def of(
        cls,
        session: Session,
        member_id: int,
        version: int,
        policy: Policy,
        now: datetime,
        tier: tuple[str, ...] = (),
    ) -> Self:
        """`version`, `policy`: those in force; `tier`: the models that the member's allocation names. Raises `NoPolicyYet`."""
        session.flush()
        row = session.info.pop((_SEEN, member_id), None) or _VIEW.first(
            session, member=member_id, version=version, since=now - PACE, now=now
        )
        if row is None:
            raise NoPolicyYet
        status, rest = QuotaStatus.from_row(_read_status(row[:_WIDTH])), _read_rest(row[_WIDTH:])
        return cls(
            status=status,
            outlook=Outlook.of(status, rest.spent, now),
            by_gateway=_by_gateway(rest.spent_at or ()),
            by_model=_by_model(rest.models or (), status.span.start.astimezone(policy.zone).date()),
            loans=tuple(map(_loan, sorted(rest.loans or ()))),
            opening=Opening.of(one[1:] for one in sorted(rest.first or ())),
            versions=tuple(map(_applied, sorted(rest.versions or ()))),
            free_models=free_through(policy, [free for _, free, *_ in rest.gateways or ()]),
            fallback=_fallback(policy, status, tier, rest),
        )

    @staticmethod
    def question(address: str, now: datetime) -> Question:
        """Whoever is at this address, the policy in force and their view: all of it is kept for the transaction."""
        return Question(_MEETING, {"address": address, "since": now - PACE, "now": now}, _keep)

    @cached_property
    def given(self) -> list[Sums]:
        return [one.sums for one in self.loans if not one.taken]

    @cached_property
    def taken(self) -> list[Sums]:
        return [one.sums for one in self.loans if one.taken]


def _keep(session: Session, rows: list[Any]) -> None:
    if not rows:
        return
    row, width = rows[0], MEMBER.width
    version, text, every = row[width : width + 3]
    every = json.loads(every) if isinstance(every, str) else every
    remember(session, ([*row[:width], *one] for one in every))
    versions.remember(session, version, text)
    view = row[width + 3 :]
    if view[1] is not None:  # there is a period
        session.info[_SEEN, view[0]] = view


def _by_gateway(rows: Any) -> tuple[tuple[str, int], ...]:
    used = Counter[str]()
    for gateway, amount in rows:
        used[gateway] += amount
    return tuple(used.most_common())


def _by_model(rows: Any, since: date) -> tuple[tuple[str, int], ...]:
    used = Counter[str]()
    for model, day, amount in rows:
        # Without a day: later than any edge of the period.
        if day is None or date.fromisoformat(day) >= since:
            used[model] += amount
    return tuple((model, amount) for model, amount in used.most_common() if amount > 0)


def _loan(row: list[Any]) -> OpenLoan:
    number, taken, name, email, ends_at, due, openings, *sums = row
    end = moment(ends_at) if ends_at else None
    return OpenLoan(number, bool(taken), Other(name, email), end, moment(due), openings, Sums(*sums))


def _applied(row: list[Any]) -> Applied:
    version, effective, in_force_at, text = row
    day = date.fromisoformat(effective) if effective else None
    return Applied(version, day, moment(in_force_at) if in_force_at else None, text)


def _fallback(policy: Policy, status: QuotaStatus, tier: tuple[str, ...], rest: _Rest) -> FallbackView | None:
    if policy.fallback is None:
        return None
    offers: Offers = {name: from_kept(lists) for name, _, lists, live in rest.gateways or () if live}
    accounts: Accounts = [(gateway, kept) for gateway, kept in rest.lists or ()]
    given = Given(status.base, status.fallback)
    return FallbackView.of(policy, given, status.has.available, tier, accounts, offers)


class _Rest(NamedTuple):
    spent: int
    models: list[Any] | None
    loans: list[Any] | None
    first: list[Any] | None
    versions: list[Any] | None
    gateways: list[Any] | None
    lists: list[Any] | None
    spent_at: list[Any] | None


_SEEN = "view"
"""With the id of a member, the key of `Session.info` for the row of their view, until it is used."""
_WIDTH = len(StatusRow._fields)
_read_status, _read_rest = row_reader(StatusRow), row_reader(_Rest)
_SQL = SqlFile("models.metering", "sql/quota_view.sql")
_PARTS = {"status": STATUS, "sums": SUMS, "open_of": OPEN_LOANS, "grouped": GROUPED}
_VIEW: Statement[Any] = Statement(_SQL.text("view", members=MEMBERS, version=":version", **_PARTS))
_MEETING: Statement[Any] = Statement(
    _SQL.text(
        "meeting",
        who=MEMBER.columns("m"),
        address=ADDRESS.columns("d"),
        holds=HOLDS,
        in_force=versions.IN_FORCE,
        version="v.version",
        **_PARTS,
    )
)
