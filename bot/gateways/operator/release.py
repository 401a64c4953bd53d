"""`gateway release`: put every limit back as it was found, and write none until `--undo`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sqlmodel import Session

from bot.gateways.operator.access import GatewayOperator, LimitLine, emails
from bot.gateways.port import GatewayError, GatewayRefused, ModelLists, NoSuchAccount
from models.metering.accounts import every_account
from models.metering.gateway_account import GatewayAccount
from models.metering.gateway_state import GatewayState
from models.metering.reading import Reading


async def release(operator: GatewayOperator, done: Callable[[int], None]) -> tuple[int, list[LimitLine]]:
    """Returns the number of limits put back, and those left alone with the reason. Can be run again."""
    await operator.database.write(
        partial(GatewayState.release, at=operator.ledger.clock(), name=operator.name)
    )
    left: list[LimitLine] = []
    async with operator.alone():
        accounts = await operator.database.read(partial(_ours, gateway=operator.name))
        email = await operator.database.read(emails)
        for account in accounts:
            if why := await _release_one(operator, account):
                left.append(
                    LimitLine.of(account, email[account.member_id], account.total, account.found, why)
                )
            done(1)
    return len(accounts) - len(left), left


def _ours(session: Session, gateway: str) -> list[GatewayAccount]:
    return [one for one in every_account(session, gateway) if one.ours or one.model_list.ours]


async def _release_one(operator: GatewayOperator, account: GatewayAccount) -> str:
    """The reason why the limit was left alone, or ""."""
    if account.edited or account.model_list.edited:
        return "somebody changed it by hand"
    await operator.loop.leader.lead()
    reading, why = None, ""
    try:
        reading = await _put_back(operator, account)
    except NoSuchAccount as missing:
        why = str(missing)
    except (GatewayError, GatewayRefused) as error:
        return str(error)
    await operator.database.write(partial(_released, account_id=account.id, reading=reading))
    return why


async def _put_back(operator: GatewayOperator, account: GatewayAccount) -> Reading:
    # The list first: a member of a LiteLLM team follows the team's defaults again once the limit is off.
    if account.model_list.ours and isinstance(operator.gateway, ModelLists):
        reading = await operator.gateway.set_models(account.id, account.model_list.found)
    return await operator.gateway.release(account.id, account.found) if account.ours else reading


def _released(session: Session, account_id: str, reading: Reading | None) -> None:
    session.get_one(GatewayAccount, account_id).release(reading)


async def enforce_again(operator: GatewayOperator) -> None:
    await operator.database.write(partial(GatewayState.release, at=None, name=operator.name))
