"""The list of models of an account: whose it is, and what counts as somebody's edit."""

from __future__ import annotations

from models.metering.model_list import ModelList

ALL, OWN, CHEAP = (), ("opus", "hunyuan"), ("hunyuan",)
NARROWED = ModelList().read(OWN).begin(CHEAP).read(CHEAP).confirm(CHEAP, ours=True, fallback=True)


def test_a_list_that_is_not_ours_is_followed() -> None:
    assert ModelList().read(OWN) == ModelList(OWN, OWN)
    assert ModelList().read(OWN).read(ALL) == ModelList()


def test_nothing_is_kept_of_an_account_that_may_use_every_model() -> None:
    assert ModelList().read(ALL).kept is None
    assert ModelList.of(NARROWED.kept) == NARROWED
    assert ModelList.of(None) == ModelList()


def test_a_write_whose_reply_was_lost_is_no_edit_whether_it_arrived_or_not() -> None:
    meant = ModelList().read(OWN).begin(CHEAP)
    assert not meant.read(OWN).read(OWN).differs
    assert not meant.read(CHEAP).read(CHEAP).differs


def test_two_readings_agree_on_an_edit_and_an_admin_may_have_it_overwritten() -> None:
    once = NARROWED.read(ALL)
    assert (once.differs, once.edited) == (True, False)
    twice = once.read(ALL)
    assert twice.edited
    assert not twice.restore().differs
    assert twice.restore().begin(CHEAP).read(CHEAP).found == OWN, "release still knows what was found"


def test_back_on_the_found_list_it_is_ours_no_more() -> None:
    assert NARROWED.begin(OWN).read(OWN).confirm(OWN, ours=False, fallback=False) == ModelList(OWN, OWN)
