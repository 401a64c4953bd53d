"""A few of the random histories of two gateways; `python -m tests.gateway_histories 10000` lives through many."""

from __future__ import annotations

import pytest

from bot.database import Database
from tests.gateway_histories import History


@pytest.mark.parametrize("seed", [3, 11])
async def test_what_can_be_spent_anywhere_is_what_the_ledger_has(sqlite_company: Database, seed: int) -> None:
    history = History(sqlite_company, seed)
    await history.settle()
    await history.live()
