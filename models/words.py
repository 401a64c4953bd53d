"""Personal words in rows that nobody may change: they are covered by a digest, and can only be erased."""

from __future__ import annotations

import hashlib
import json
import secrets


def sealed(*words: str) -> dict[str, str]:
    """A new salt, and the digest of `words` with it. Erased words leave the digest, and without the salt nobody can guess them."""
    salt = secrets.token_hex(16)
    return {"salt": salt, "digest": digest(salt, *words)}


def digest(salt: str, *words: str) -> str:
    return hashlib.sha256(json.dumps([salt, *words], ensure_ascii=False).encode()).hexdigest()
