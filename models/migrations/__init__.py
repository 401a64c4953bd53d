"""The schema's history, inside the wheel."""

from importlib import resources

HOME = resources.files("models") / "migrations"


def head() -> str:
    """The number of the newest version."""
    return max(
        file.name.partition("_")[0] for file in (HOME / "versions").iterdir() if file.name[0].isdigit()
    )
