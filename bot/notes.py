"""Notes beside the database: requests whose outcome only the database knows, while it is away.

A file a request, so that they outlive the process. A note holds no words of the request.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy.engine import URL

from models.messages.receipt import KEPT

log = structlog.get_logger()


@dataclass(frozen=True)
class Note:
    """A request, as far as it is needed to settle it. `promised`: its answer is an effect of its own transaction."""

    key: str
    sender: str
    fingerprint: str
    locale: str
    promised: bool
    from_form: bool


class Notes:
    """The notes of one database in `folder`; read by whoever starts there next."""

    def __init__(self, folder: Path | None, url: URL) -> None:
        # Another database knows nothing of these requests.
        name = hashlib.sha256(str(url.set(password=None)).encode()).hexdigest()[:16]
        home = folder or Path(tempfile.gettempdir()) / f"quotabot-{os.getuid()}"
        self.folder = home / "unsettled" / name

    def keep(self, note: Note, now: datetime) -> None:
        """Raises `OSError` where it cannot be kept."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._path(note.key)
        line = json.dumps(asdict(note) | {"at": now.isoformat()})
        half = path.with_suffix(".half")
        with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        half.replace(path)

    def drop(self, key: str) -> None:
        with suppress(OSError):
            self._path(key).unlink()

    def left(self, now: datetime) -> list[Note]:
        """What an earlier process left. A note older than half the life of a receipt is nobody's any more."""
        paths = [one for one in sorted(self.folder.glob("*.json")) if one.stat().st_uid == os.getuid()]
        return [note for path in paths if (note := _read(path, now, KEPT / 2)) is not None]

    def _path(self, key: str) -> Path:
        return self.folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"


def _read(path: Path, now: datetime, life: timedelta) -> Note | None:
    try:
        kept = json.loads(path.read_text())
        at = datetime.fromisoformat(kept.pop("at"))
        note = Note(**kept)
    except (OSError, ValueError, TypeError, KeyError) as error:
        log.warning("a note cannot be read", note=str(path), error=str(error))
        return None
    if at + life < now:
        log.error("the outcome of an old request stays unknown", key=note.key, at=at.isoformat())
        path.unlink(missing_ok=True)
        return None
    return note
