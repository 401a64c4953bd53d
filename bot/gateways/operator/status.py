"""`gateway status` and `gateway diff`: the known state, and the limits that enforcing would write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from sqlmodel import Session

from bot.gateways import findings
from bot.gateways.offers import preflight
from bot.gateways.operator.access import GatewayOperator, LimitLine, emails
from bot.gateways.port import GatewayError, GatewayRefused, ModelLists
from handlers.gateway import limits, spend
from models.ledger.amount import Unit
from models.metering.accounts import edited_accounts, every_account, shared_accounts
from models.metering.gateway_account import GatewayAccount
from models.metering.gateway_state import GatewayState, rate_now
from models.metering.ladder import from_kept, in_words, wanted_patterns
from models.metering.limits import GatewayTraits, LimitWrite, limits_of, to_write
from models.metering.owners import members_without_account
from models.metering.reading import Reading
from models.policy import versions
from models.quota.period import Period, PeriodState

# Calls for one limit, with the readings before and after.
CALLS = {"cap": 3, "wallet": 4}


@dataclass
class LadderStatus:
    """What the gateway can do for a policy that names models; amounts in USD millionths.

    `can`: the policy's patterns, and the models that a list there lets through. `cannot`: patterns without such a list; all of
    them where the gateway limits no models. `on_fallback`: people whose own quota is used up and who may use its models.
    `closed`: people whose allocation names models that the gateway cannot keep them to.
    """

    limits_models: bool
    can: list[tuple[str, list[str]]]
    cannot: list[str]
    on_fallback: list[str]
    closed: list[str]


@dataclass
class Status:
    """Everything that `gateway status` shows. `pending`: limits to write; `seconds`: about how long that takes."""

    name: str
    kind: str
    mode: str
    read_at: datetime | None
    took: float
    problem: str | None
    released_at: datetime | None
    restored_at: datetime | None
    people: list[str]
    strangers: list[tuple[str, str, int]]
    edited: list[LimitLine]
    errors: list[LimitLine]
    pending: int
    seconds: float
    findings: list[str] = field(default_factory=list)
    unread: bool = False
    # People with several accounts, which share one balance: e-mail and accounts.
    shared: list[tuple[str, list[str]]] = field(default_factory=list)
    ladder: LadderStatus | None = None


async def status(operator: GatewayOperator) -> Status:
    found_, problem = await _preflight(operator)  # first, because it reads the gateway's units
    found = await operator.database.read(partial(_status, operator))
    found.findings, found.problem, found.unread = found_, problem or found.problem, problem is not None
    return found


async def _preflight(operator: GatewayOperator) -> tuple[list[str], str | None]:
    """Findings in words, or the reason why they are unknown."""
    current = await operator.database.read(versions.current)
    try:
        await operator.loop.offers.read()
        found = await preflight(operator.gateway, current[1] if current else None)
    except (GatewayError, GatewayRefused) as error:
        return [], str(error)
    return [findings.in_words(one) for one in found], None


def _status(operator: GatewayOperator, session: Session) -> Status:
    state = GatewayState.as_read(session, operator.name)
    email, gateway, leader = emails(session), operator.gateway, operator.loop.leader
    pending = _pending(session, operator.loop.writer.traits)
    return Status(
        name=operator.name,
        kind=leader.kind,
        mode="released" if state.released else "enforce" if leader.mode else "observe",
        read_at=state.read_at,
        took=state.took,
        problem=state.problem,
        released_at=state.released_at,
        restored_at=state.restored_at,
        people=[member.email for member in members_without_account(session)],
        strangers=[(one[0], one[1], one[2]) for one in state.strangers],
        edited=[_edit(one, email[one.member_id]) for one in edited_accounts(session, operator.name)],
        errors=[
            LimitLine.of(one, email[one.member_id], one.total, None, one.error)
            for one in every_account(session, operator.name)
            if one.error
        ],
        pending=pending,
        shared=[] if operator.loop.writer.traits.per_key else _shared(session, email, operator.name),
        ladder=_ladder(session, operator, state, email),
        seconds=pending * CALLS[gateway.family] * 60 / gateway.calls_per_minute,
    )


def _edit(account: GatewayAccount, email: str) -> LimitLine:
    line, known = LimitLine.of(account, email, account.total, account.written), account.model_list
    return replace(line, models=(known.stands, known.written or ())) if known.edited else line


def _ladder(
    session: Session, operator: GatewayOperator, state: GatewayState, email: dict[int, str]
) -> LadderStatus | None:
    current = versions.current(session)
    if current is None or not current[1].names_models or current[1].unit is Unit.TOKENS:
        return None
    accounts, offers = every_account(session, operator.name), from_kept(state.lists)
    wanted = {in_words(one): offers.get(one) for one in wanted_patterns(current[1])}
    limits = limits_of(session, accounts, rate_now(session, current[1]), operator.loop.writer.traits)
    below = [one.account.member_id for one in limits if one.models and one.models.fallback and one.listed]
    return LadderStatus(
        limits_models=isinstance(operator.gateway, ModelLists),
        can=[(what, list(offer.models)) for what, offer in wanted.items() if offer],
        cannot=[what for what, offer in wanted.items() if not offer],
        on_fallback=sorted({email[one] for one in below}),
        closed=sorted({email[one.account.member_id] for one in limits if one.closed}),
    )


def _shared(session: Session, email: dict[int, str], gateway: str) -> list[tuple[str, list[str]]]:
    found = shared_accounts(session, gateway)
    return [(email[member], [one.label for one in accounts]) for member, accounts in sorted(found.items())]


def _pending(session: Session, traits: GatewayTraits) -> int:
    """The number of limits that differ, by the rate last in use."""
    current, period = versions.current(session), Period.latest(session)
    if (
        current is None
        or current[1].unit is Unit.TOKENS
        or period is None
        or period.state != PeriodState.OPEN
    ):
        return 0
    accounts, rate = every_account(session, traits.name), rate_now(session, current[1])
    return len(to_write(limits_of(session, accounts, rate, traits)))


async def plan(operator: GatewayOperator) -> list[LimitLine]:
    """Every limit that enforcing would write now. Changes nothing, neither here nor at the gateway."""
    pages = await operator.pages()
    return await operator.undone(partial(_plan, operator, pages=pages))


def _planned(account: GatewayAccount, email: str, write: LimitWrite) -> LimitLine:
    wanted = account.total if write.total is None else write.total
    line = LimitLine.of(account, email, account.total, wanted)
    return replace(line, models=(account.model_list.stands, write.models.words)) if write.models else line


def _plan(operator: GatewayOperator, session: Session, pages: Sequence[Sequence[Reading]]) -> list[LimitLine]:
    ctx = operator.ledger.context(session, operator.key("plan"))
    seen = {one.id for page in pages for one in page}
    for page in pages:
        spend.book_page(ctx, page, seen)
    session.flush()
    email, accounts = emails(session), every_account(session, operator.name)
    known = {one.id: one for one in accounts}
    found = [
        _planned(known[one.account], email[one.member], one)
        for one in limits.compare(ctx, accounts, operator.loop.writer.traits)
    ]
    return sorted(found, key=lambda one: (one.email, one.account))
