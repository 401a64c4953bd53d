"""The differences between messengers, as data. `bot/messengers/registry.py` fills the table at import."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Traits:
    """`name` is the first part of an address (`slack:U02`)."""

    name: str
    language: str = "en"
    """What people read there who never chose a language."""
    profiles: bool = True
    """The messenger says who is a colleague, a guest or a bot; elsewhere everybody who is linked counts as a colleague."""
    slash: bool = False
    """A slash command stands in front of what is typed, and a name with @ is a mention; elsewhere people type bare words."""

    id_shape: str = r"\S+"
    """A pattern that every id there fits, and an id as an example."""
    id_example: str = ""

    @property
    def id_column(self) -> str:
        return f"{self.name}_id"


TRAITS: dict[str, Traits] = {}
"""By name, in the order of the columns in people.csv."""


def traits_of(messenger: str) -> Traits:
    # An address may name a messenger that is not configured any more.
    return TRAITS.get(messenger) or Traits(messenger)


def id_columns() -> dict[str, str]:
    """{column of people.csv: messenger whose ids it holds}."""
    return {traits.id_column: name for name, traits in TRAITS.items()}
