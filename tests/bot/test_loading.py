"""Loading: the garbage collector waits until the modules are there."""

from __future__ import annotations

import gc

import pytest

from bot.loading import loading


def test_the_collector_works_again_after_loading_also_when_loading_failed() -> None:
    with loading():
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ModuleNotFoundError), loading():
        raise ModuleNotFoundError
    assert gc.isenabled()


def test_only_what_brought_modules_is_kept_from_the_collector() -> None:
    frozen = gc.get_freeze_count()
    with loading():
        assert gc.get_freeze_count() == frozen
    assert gc.get_freeze_count() == frozen
