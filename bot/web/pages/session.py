"""Signed cookies: who is signed in, and a sign-in that is under way."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

SIGNED_IN, ATTEMPT = "quotabot_session", "quotabot_sign_in"
DAY, MINUTES = timedelta(hours=8), timedelta(minutes=10)
PATH = "/pages"


class Cookies:
    """Every replica has the same key, because it is made from the client's secret."""

    def __init__(self, secret: str, *, secure: bool) -> None:
        self._key = OctKey.import_key(hashlib.sha256(b"quotabot pages:" + secret.encode()).digest())
        self._secure = secure

    def read(self, request: web.Request, name: str, now: datetime) -> dict[str, Any]:
        """The cookie's facts; empty if it is missing, forged or old."""
        try:
            token = jwt.decode(request.cookies.get(name, ""), self._key, algorithms=["HS256"])
        except (JoseError, ValueError):
            return {}
        # The name is signed, too: one cookie cannot stand in for the other.
        if token.claims.get("for") != name or token.claims.get("exp", 0) <= now.timestamp():
            return {}
        return token.claims

    def give(
        self, answer: web.StreamResponse, name: str, facts: dict[str, Any], now: datetime, lasts: timedelta
    ) -> None:
        claims = facts | {"for": name, "exp": int((now + lasts).timestamp())}
        token = jwt.encode({"alg": "HS256"}, claims, self._key)
        answer.set_cookie(
            name, token, path=PATH, httponly=True, secure=self._secure, samesite="Lax",
            max_age=int(lasts.total_seconds()),
        )  # fmt: skip

    def take(self, answer: web.StreamResponse, name: str) -> None:
        answer.del_cookie(name, path=PATH, httponly=True, secure=self._secure, samesite="Lax")
