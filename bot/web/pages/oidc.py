"""Sign-in with OpenID Connect: the code flow with PKCE, state and nonce.

https://openid.net/specs/openid-connect-core-1_0.html · https://openid.net/specs/openid-connect-discovery-1_0.html
https://www.rfc-editor.org/rfc/rfc9207
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import aiohttp
from authlib.common.security import generate_token
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

Json = dict[str, Any]
# Seconds for which the provider's description and keys are believed.
KEPT = 60 * 60.0
# Seconds between two fetches of the keys for tokens with an unknown key.
KEYS_AGAIN = 60.0
# Signatures with the provider's public key only; "none" and HMAC are never accepted.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
TIMEOUT = aiohttp.ClientTimeout(total=10)
# Seconds by which the provider's clock may differ from ours.
LEEWAY = 60


class SignInFailed(Exception):  # noqa: N818 - a refusal
    """The sign-in cannot be completed; the reason is for the log."""


@dataclass(frozen=True)
class Attempt:
    """The secrets of one sign-in, kept in the browser's cookie until the provider answers."""

    state: str = field(default_factory=lambda: generate_token(32))
    nonce: str = field(default_factory=lambda: generate_token(32))
    verifier: str = field(default_factory=lambda: generate_token(48))


class Provider:
    """The organisation's OpenID provider."""

    def __init__(
        self, issuer: str, client_id: str, secret: str, redirect: str, http: aiohttp.ClientSession
    ) -> None:
        self.issuer, self.client_id, self.redirect = issuer.rstrip("/"), client_id, redirect
        self._secret, self._http = secret, http
        self._known: tuple[float, Json] | None = None
        self._keys: tuple[float, KeySet] | None = None

    async def address(self, attempt: Attempt) -> str:
        """The provider's address at which the browser signs in."""
        known = await self._described()
        address: str = prepare_grant_uri(
            known["authorization_endpoint"], self.client_id, "code", redirect_uri=self.redirect,
            scope="openid email", state=attempt.state, nonce=attempt.nonce,
            code_challenge=create_s256_code_challenge(attempt.verifier), code_challenge_method="S256",
        )  # fmt: skip
        return address

    async def check_answer(self, issuer: str | None) -> None:
        """Raises `SignInFailed` where the answer is of another provider (RFC 9207).

        A provider that names itself in its answers does so in all of them.
        """
        known = await self._described()
        named = known.get("authorization_response_iss_parameter_supported") is True
        if issuer != self._issuer_of(known) and (named or issuer is not None):
            raise SignInFailed("the answer is of another provider")

    async def email(self, code: str, attempt: Attempt) -> str:
        """The verified e-mail of the person whom the provider sent back with `code`."""
        known = await self._described()
        said = await self._exchange(known, code, attempt)
        claims = await self._claims(known, str(said.get("id_token") or ""), attempt, said)
        email = claims.get("email")
        if not email and known.get("userinfo_endpoint"):
            claims = await self._userinfo(known, str(said.get("access_token") or ""), str(claims["sub"]))
            email = claims.get("email")
        if not isinstance(email, str) or not email:
            raise SignInFailed("the provider names no e-mail")
        # Some providers leave the claim out; an explicit "no" may be anybody's address.
        if claims.get("email_verified") is False:
            raise SignInFailed("the e-mail is not verified")
        return email.strip().lower()

    async def _exchange(self, known: Json, code: str, attempt: Attempt) -> Json:
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": self.redirect,
            "code_verifier": attempt.verifier,
        }  # fmt: skip
        ways = known.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        basic = "client_secret_basic" in ways
        if not basic:
            form |= {"client_id": self.client_id, "client_secret": self._secret}
        # Both parts are form-encoded before the base64 (RFC 6749, 2.3.1).
        name, secret = quote(self.client_id, safe=""), quote(self._secret, safe="")
        headers = {"Authorization": aiohttp.encode_basic_auth(name, secret)} if basic else {}
        return await self._json("POST", known["token_endpoint"], data=form, headers=headers)

    async def _claims(self, known: Json, token: str, attempt: Attempt, said: Json) -> CodeIDToken:
        decoded = None
        for fresh in (False, True):
            keys = await self._key_set(known, fresh=fresh)
            try:
                decoded = jwt.decode(token, keys, algorithms=ALGORITHMS)
                break
            except (JoseError, ValueError) as error:
                # The provider may have new keys; another failure is final.
                if fresh:
                    raise SignInFailed(f"the id_token is not valid: {type(error).__name__}") from error
        assert decoded is not None
        options = {
            "iss": {"essential": True, "value": self._issuer_of(known)},
            "aud": {"essential": True, "value": self.client_id},
            "sub": {"essential": True}, "exp": {"essential": True}, "nonce": {"essential": True, "value": attempt.nonce},
        }  # fmt: skip
        params = {
            "nonce": attempt.nonce,
            "client_id": self.client_id,
            "access_token": said.get("access_token"),
        }
        claims = CodeIDToken(decoded.claims, decoded.header, options, params)
        try:
            claims.validate(leeway=LEEWAY)
        except Exception as error:
            raise SignInFailed(f"the id_token is not for us: {error}") from error
        return claims

    async def _userinfo(self, known: Json, token: str, subject: str) -> Json:
        headers = {"Authorization": f"Bearer {token}"}
        said = await self._json("GET", known["userinfo_endpoint"], headers=headers)
        if said.get("sub") != subject:
            raise SignInFailed("userinfo is about somebody else")
        return said

    async def _described(self) -> Json:
        if self._known is None or time.monotonic() - self._known[0] > KEPT:
            found = await self._json("GET", f"{self.issuer}/.well-known/openid-configuration")
            # A description of another issuer would send people and codes elsewhere.
            if str(found.get("issuer", "")).rstrip("/") != self.issuer:
                raise SignInFailed("the description is of another issuer")
            self._known = time.monotonic(), found
        return self._known[1]

    def _issuer_of(self, known: Json) -> str:
        return str(known["issuer"])

    async def _key_set(self, known: Json, *, fresh: bool) -> KeySet:
        age = time.monotonic() - self._keys[0] if self._keys else KEPT
        if self._keys is None or age >= KEPT or (fresh and age >= KEYS_AGAIN):
            said = await self._json("GET", known["jwks_uri"])
            self._keys = time.monotonic(), KeySet.import_key_set(said)  # type: ignore[arg-type]
        return self._keys[1]

    async def _json(self, method: str, url: str, **more: Any) -> Json:
        try:
            async with self._http.request(
                method, url, timeout=TIMEOUT, allow_redirects=False, **more
            ) as answer:
                said = await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise SignInFailed(f"the provider does not answer: {type(error).__name__}") from error
        if answer.status != 200 or not isinstance(said, dict):
            reason = said.get("error") if isinstance(said, dict) else ""
            raise SignInFailed(f"the provider refuses: {answer.status} {reason}")
        return said
