"""A few of the random histories of two gateways; `python -m tests.gateway_histories 10000` lives through many."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.database import Database
from tests.conftest import restore_sqlite
from tests.gateway_histories import History


@pytest.mark.parametrize("seed", [3, 11])
async def test_what_can_be_spent_anywhere_is_what_the_ledger_has(
    sqlite: Database, sqlite_settled: Path, seed: int
) -> None:
    restore_sqlite(sqlite_settled, sqlite)
    history = History(sqlite, seed)
    await history.settle()
    await history.live()
