"""A worker on the settled company, its messenger and its clock."""

from __future__ import annotations

import pytest

from bot.database import Database
from bot.worker import Worker
from tests.bot.worker.board import Board, Clock, built


@pytest.fixture
def board() -> Board:
    return Board()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def worker(sqlite_company: Database, board: Board, clock: Clock) -> Worker:
    return built(sqlite_company, board, clock)
