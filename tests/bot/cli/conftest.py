"""An operator at a terminal, with people and a policy."""

import pytest

from tests.console import Operator


@pytest.fixture
def operator(fresh: Operator) -> Operator:
    fresh.settle()
    return fresh
