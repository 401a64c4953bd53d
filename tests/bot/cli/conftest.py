"""An operator at a terminal, with people and a policy."""

import pytest

from tests.console import Operator


@pytest.fixture(scope="session")
def settled(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A SQLite file with people and a policy: made once, copied for every test."""
    folder = tmp_path_factory.mktemp("settled")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", f"sqlite:///{folder}/quotabot.db")
        patch.setenv("LOG_LEVEL", "ERROR")
        Operator(folder).settle()
    return (folder / "quotabot.db").read_bytes()


@pytest.fixture
def operator(fresh: Operator, settled: bytes) -> Operator:
    (fresh.folder / "quotabot.db").write_bytes(settled)
    return fresh
