"""A stand-in OpenID provider on loopback: the code flow, strict about client, redirect, PKCE and nonce.

    async with OpenId(redirect="http://127.0.0.1:8080/pages/callback") as provider:
        provider.person = "cfo@corp.example"      # who signs in next

Written from https://openid.net/specs/openid-connect-core-1_0.html and RFC 7636.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Sequence
from functools import cache
from typing import Any
from urllib.parse import unquote

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from yarl import URL

from sandbox.loopback import LoopbackServer

Json = dict[str, Any]
ACCESS = "for-userinfo"


@cache
def _first_key() -> RSAKey:
    # Making a key takes a tenth of a second, so all providers of a process share one.
    return RSAKey.generate_key(2048, {"kid": "1", "use": "sig"})


class OpenId(LoopbackServer):
    """`claims` are added to every id_token, also wrong ones; `refuse` is the error that the browser brings back.

    `answers_as`: another issuer, as a provider that mixes itself in would say.
    """

    client_id, secret = "quotabot", "of-the-client"

    def __init__(self, redirect: str = "", port: int = 0) -> None:
        super().__init__(port)
        self.redirect, self.person, self.refuse = redirect, "cfo@corp.example", ""
        self.claims: Json = {}
        self.answers_as = ""
        self.key = self.signing = _first_key()
        self._codes: dict[str, Json] = {}

    async def release(self) -> None:
        self._codes.clear()

    def routes(self) -> Sequence[web.RouteDef]:
        return [
            web.get("/.well-known/openid-configuration", self._described),
            web.get("/authorize", self._authorize),
            web.post("/token", self._token),
            web.get("/keys", self._keys),
            web.get("/me", self._userinfo),
        ]

    async def _described(self, _: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": self.address,
                "authorization_endpoint": f"{self.address}/authorize",
                "token_endpoint": f"{self.address}/token",
                "jwks_uri": f"{self.address}/keys",
                "userinfo_endpoint": f"{self.address}/me",
                "token_endpoint_auth_methods_supported": ["client_secret_basic"],
                "authorization_response_iss_parameter_supported": True,
            }
        )

    async def _keys(self, _: web.Request) -> web.Response:
        return web.json_response(KeySet([self.key]).as_dict(private=False))

    async def _authorize(self, request: web.Request) -> web.Response:
        asked = request.query
        known = asked.get("client_id") == self.client_id and asked.get("redirect_uri") == self.redirect
        # An unknown client or redirect must never be redirected to (RFC 6749 4.1.2.1).
        if not known:
            return web.Response(status=400, text="unknown client or redirect_uri")
        answer = {"state": asked.get("state", ""), "iss": self.answers_as or self.address}
        complete = asked.get("code_challenge_method") == "S256" and asked.get("nonce") and asked.get("state")
        if self.refuse or not complete or asked.get("response_type") != "code":
            answer |= {"error": self.refuse or "invalid_request"}
        else:
            code = secrets.token_urlsafe(16)
            self._codes[code] = {"nonce": asked["nonce"], "challenge": asked["code_challenge"]}
            answer |= {"code": code}
        raise web.HTTPFound(URL(self.redirect).update_query(answer))

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        if not self._is_client(request.headers.get("Authorization", "")):
            return web.json_response({"error": "invalid_client"}, status=401)
        # A code works once, so it is forgotten here.
        kept = self._codes.pop(str(form.get("code")), None)
        made = base64.urlsafe_b64encode(hashlib.sha256(str(form.get("code_verifier")).encode()).digest())
        proved = kept is not None and made.rstrip(b"=").decode() == kept["challenge"]
        if kept is None or not proved or form.get("redirect_uri") != self.redirect:
            return web.json_response({"error": "invalid_grant"}, status=400)
        now = int(time.time())
        claims = {
            "iss": self.address, "aud": self.client_id, "sub": "1", "iat": now, "exp": now + 300, "nonce": kept["nonce"],
        } | self.claims  # fmt: skip
        token = jwt.encode({"alg": "RS256", "kid": self.signing.kid}, claims, self.signing)
        return web.json_response({"token_type": "Bearer", "access_token": ACCESS, "id_token": token})

    async def _userinfo(self, request: web.Request) -> web.Response:
        # With an access token the claims of the scopes are here, not in the id_token (OpenID Connect Core, 5.4).
        if request.headers.get("Authorization") != f"Bearer {ACCESS}":
            return web.json_response({"error": "invalid_token"}, status=401)
        person = {"sub": "1", "email": self.person, "email_verified": True}
        return web.json_response(person | {name: self.claims[name] for name in person if name in self.claims})

    def _is_client(self, header: str) -> bool:
        try:
            name, _, secret = base64.b64decode(header.removeprefix("Basic ")).decode().partition(":")
        except ValueError:
            return False
        return (unquote(name), unquote(secret)) == (self.client_id, self.secret)
