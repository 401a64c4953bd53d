"""The operator behind a command: the operating system's user."""

from __future__ import annotations

import getpass
import os


def acting_user() -> str:
    """`admin:NAME`, from the process's own user and not from the environment; under sudo, the user who called it."""
    if not hasattr(os, "getuid"):
        return f"admin:{getpass.getuser()}"
    import pwd  # noqa: PLC0415 - not on Windows

    number = os.getuid()
    if number == 0 and (caller := os.environ.get("SUDO_USER")):
        return f"admin:{caller}"
    try:
        return f"admin:{pwd.getpwuid(number).pw_name}"
    except KeyError:  # a container's user without a name
        return f"admin:{number}"
