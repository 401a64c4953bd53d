"""The traits of messengers as data."""

from __future__ import annotations

from models.people.messenger import TRAITS, Traits, id_columns, traits_of


def test_every_messenger_has_a_column_of_people_csv() -> None:
    assert {messenger: column for column, messenger in id_columns().items()} == {
        name: f"{name}_id" for name in TRAITS
    }


def test_an_address_of_a_messenger_that_is_gone_has_plain_traits() -> None:
    assert traits_of("pager") == Traits("pager")
    assert traits_of("slack") is TRAITS["slack"]
