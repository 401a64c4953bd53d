"""A worker on the settled company, its messenger and its clock."""

from __future__ import annotations

import pytest

from bot.database import Database
from bot.worker import Worker
from tests.bot.worker.board import Board, Clock, built
from tests.company import settle_company


@pytest.fixture
def board() -> Board:
    return Board()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def worker(sqlite: Database, board: Board, clock: Clock) -> Worker:
    settle_company(sqlite)
    return built(sqlite, board, clock)
