"""Team pools: the top-up budget of a team in a period."""

from __future__ import annotations

from sqlalchemy import text
from sqlmodel import Session, select

from models.ledger.account import Account, AccountKind, open_account, organisation
from models.ledger.transfer import Cause, Kind, transfer
from models.people.member import Member
from models.policy.document import Policy
from models.quota.period import Period


def fit_pools(session: Session, period: Period, policy: Policy, cause: Cause) -> None:
    """Bring each team's pool of this period to its budget. A smaller budget takes back at most the rest."""
    issued = organisation(session, AccountKind.ISSUED, cause.at)
    for team in policy.teams:
        if team.top_up_budget is None:
            continue
        pool = pool_of(session, team.name, period.id)
        number = (
            pool.id
            if pool
            else open_account(session, AccountKind.POOL, cause.at, team=team.name, period_id=period.id)
        )
        missing = team.top_up_budget - funded(session, number)
        if missing > 0:
            transfer(session, Kind.FUND, missing, source=issued, target=number, cause=cause)
        elif pool is not None and min(-missing, pool.balance) > 0:
            transfer(
                session, Kind.CUT, min(-missing, pool.balance), source=number, target=issued, cause=cause
            )


def pool_of(session: Session, team: str, period_id: int) -> Account | None:
    return session.exec(
        select(Account).where(Account.team == team, Account.period_id == period_id)
    ).one_or_none()


def funded(session: Session, pool_id: int) -> int:
    return int(session.connection().execute(_FUNDED, {"pool": pool_id}).scalar_one())


# SQLite uses a partial index only where the query repeats its condition word for word
_FUNDED = text(
    "SELECT COALESCE((SELECT SUM(amount) FROM transfer WHERE kind = 'fund' AND target_id = :pool), 0) "
    "- COALESCE((SELECT SUM(amount) FROM transfer WHERE kind = 'cut' AND source_id = :pool), 0)"
)


def pool_for(session: Session, member: Member, policy: Policy, period_id: int) -> Account | None:
    """The pool of the member's team, or of the nearest team above with a budget."""
    for team in policy.team_chain(member.team):
        if team.top_up_budget is not None:
            return pool_of(session, team.name, period_id)
    return None
