"""Shared by the connectors: JSON calls at the gateway's pace, exact money, and writes confirmed by a reading."""

from __future__ import annotations

import asyncio
import functools
import json
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final

from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientConnectorSSLError,
    ClientError,
    ClientResponse,
    ClientTimeout,
    ConnectionTimeoutError,
    InvalidURL,
)
from yarl import URL

from bot.gateways.port import Access, GatewayError, GatewayRefused
from models.masking import masked
from models.metering.reading import KeyUsage, Reading

Json = dict[str, Any]
MICRO: Final = 1_000_000

_TEMPORARY = {408, 425}
_WORDS = 300  # characters of a gateway's reason: some answer with an HTML page


class _Answer(Json):
    """An object of an answer; a missing field raises `GatewayError`."""

    def __missing__(self, key: str) -> Any:
        raise GatewayError(f"an answer without {key}")


# Decimal keeps the digits that the gateway sent; a float would round again. NaN and infinity mean "no limit".
_loads = functools.partial(
    json.loads, parse_float=Decimal, parse_constant=lambda _: None, object_hook=_Answer
)


def micro(usd: Decimal | float | None) -> int:
    """Micro-USD, rounded up; 0 for None."""
    return int(Decimal(str(usd or 0)).scaleb(6).to_integral_value(ROUND_CEILING))


def cap(usd: Decimal | float | None) -> int | None:
    """A limit in micro-USD; None means unlimited."""
    return None if usd is None else micro(usd)


def dollars(total: int) -> float:
    """For a JSON body: the shortest float that reads back as `total` micro-USD.

    Never None, which would mean unlimited.
    """
    if total < 0:
        raise ValueError(f"a limit cannot be negative: {total}")
    return total / MICRO


class Pace:
    """Spaces calls: `burst` at once, then `per_minute`."""

    def __init__(self, per_minute: float, burst: int) -> None:
        self._step = 60 / per_minute
        self._slack = self._step * (burst - 1)
        self._next = 0.0

    async def turn(self) -> None:
        now = time.monotonic()
        self._next = max(self._next, now - self._slack)
        wait, self._next = self._next - now, self._next + self._step
        if wait > 0:
            await asyncio.sleep(wait)

    def rest(self, seconds: float) -> None:
        self._next = max(self._next, time.monotonic() + seconds)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer and the time at which it was asked for."""

    data: Any
    asked: datetime


class Calls:
    """JSON calls to one gateway. Numbers come back as int and Decimal."""

    def __init__(self, access: Access, headers: Mapping[str, str], pace: Pace) -> None:
        self._access, self._headers, self._pace = access, headers, pace
        self._timeout = ClientTimeout(total=access.timeout)

    async def get(self, path: str, **query: str | int) -> Reply:
        """GET. It has no effects, so ignore `unknown` of its errors."""
        return await self.send("GET", path, query=query)

    async def send(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        query: Mapping[str, str | int] | None = None,
        pace: Pace | None = None,
    ) -> Reply:
        """One call. Raises `GatewayError` (`unknown` when it may have been carried out) or `GatewayRefused`."""
        pace = pace or self._pace
        await pace.turn()
        asked = self._access.clock()
        try:
            async with self._access.http.request(
                method,
                self._access.url + path,
                params=query,
                json=body,
                headers=self._headers,
                timeout=self._timeout,
                allow_redirects=False,  # the admin key goes to the configured address only
            ) as response:
                return Reply(await self._read(response, path, pace), asked)
        except InvalidURL as error:
            raise GatewayRefused(f"{self._access.url_setting} {self._access.url}: no address") from error
        except (ClientConnectorError, ConnectionTimeoutError) as error:
            said = f"{self._access.url_setting} {self._access.url}: {why_unreachable(error)}"
            raise GatewayError(f"unreachable: {said}") from error
        except (TimeoutError, ClientError) as error:
            raise GatewayError(f"no answer: {type(error).__name__}", unknown=True) from error

    async def _read(self, response: ClientResponse, path: str, pace: Pace) -> Any:
        text = await response.text(errors="replace")
        status = response.status
        if status == 429:
            wait = _seconds(response.headers.get("Retry-After", ""))
            pace.rest(wait)
            raise GatewayError("HTTP 429", retry_after=wait)
        # A proxy may answer 5xx although the gateway behind it has done the work.
        if status >= 500 or status in _TEMPORARY:
            raise GatewayError(f"HTTP {status}: {_said(text)}", unknown=True)
        if 300 <= status < 400:
            raise GatewayRefused(self._redirected(response, path), status=status)
        if status >= 400:
            raise GatewayRefused(f"HTTP {status}: {_said(text)}", status=status)
        try:
            return _loads(text)
        except ValueError as error:
            where = f"is {self._access.url_setting} {self._access.url} the address of its API?"
            said = f"HTTP {status}, not JSON: {shortened(text)}; {where}"
            raise GatewayError(said, unknown=True) from error

    def _redirected(self, response: ClientResponse, path: str) -> str:
        """The address to set instead, where the gateway only moves: the key is sent to no other one."""
        setting, url = self._access.url_setting, self._access.url
        target = str(response.url.join(URL(response.headers.get("Location", ""))).with_query(None))
        if target.endswith(path):
            return f"{setting} {url} redirects: set it to {target.removesuffix(path)}"
        return f"{setting} {url} redirects to {target}, and the key is sent nowhere else: set its own address"


def why_unreachable(error: Exception) -> str:
    """The reason why no connection is made, in words for an operator."""
    if isinstance(error, ClientConnectorCertificateError):
        failed = error.certificate_error
        why = failed.verify_message if isinstance(failed, ssl.SSLCertVerificationError) else failed
        return f"its certificate is not trusted ({why}): name its CA in SSL_CERT_FILE"
    if isinstance(error, ClientConnectorSSLError):
        return "it does not speak https there: begin the address with http://, or name the port of https"
    if isinstance(error, ClientConnectorDNSError):
        return "there is no such host"
    if isinstance(error, ClientConnectorError):
        return (error.strerror or type(error.os_error).__name__).lower()
    return "nothing answers there"


def _seconds(header: str) -> float:
    # Retry-After may also be a date; then five seconds are tried.
    return min(float(header), 600.0) if header.isdecimal() else 5.0


def _said(text: str) -> str:
    # Gateways wrap their reason in {"error": {"message": ...}}, {"detail": ...} and other shapes.
    try:
        found = json.loads(text)
    except ValueError:
        return shortened(text)
    while isinstance(found, dict):
        found = next((found[k] for k in ("error", "detail", "message") if found.get(k)), text)
    return shortened(str(found))


def shortened(text: str) -> str:
    # The words are stored and shown: one line, cut, keys removed.
    return masked(" ".join(text.split()), "…")[:_WORDS]


Write = Callable[[], Awaitable[Any]]
Read = Callable[[], Awaitable[Reading]]


async def confirmed(write: Write, read: Read, total: int | None) -> Reading:
    """Write an absolute value and read it back. A lost answer is no failure if the reading shows the value."""
    return await _read_back(
        write, read, lambda found: "" if found.total == total else f"{total} µUSD, read back {found.total}"
    )


async def listed(write: Write, read: Read, words: tuple[str, ...]) -> Reading:
    """As `confirmed`, for a list of models."""

    def difference(found: Reading) -> str:
        return (
            "" if found.models == words else f"the models {list(words)}, read back {list(found.models or ())}"
        )

    return await _read_back(write, read, difference)


async def _read_back(write: Write, read: Read, difference: Callable[[Reading], str]) -> Reading:
    lost: GatewayError | None = None
    try:
        await write()
    except GatewayError as error:
        if not error.unknown:
            raise
        lost = error
    found = await read()
    if differs := difference(found):
        raise lost or GatewayError(f"wrote {differs}")
    return found


class Tally:
    """Sums usage that a gateway returns in pieces. `rounded` is applied once, to the sum."""

    def __init__(self, rounded: Callable[[Any], int] = micro) -> None:
        self._rounded = rounded
        self._sums: dict[tuple[Any, ...], list[Any]] = {}

    def add(
        self, *key: Any, used: Decimal | int, tokens: tuple[int, int] = (0, 0), requests: int = 0
    ) -> None:
        """Count under (account, day, model, key); `used` is in the gateway's own unit."""
        sums = self._sums.setdefault(key, [0, 0, 0, 0])
        for at, more in enumerate((used, *tokens, requests)):
            sums[at] += more

    def rows(self) -> list[KeyUsage]:
        return [
            KeyUsage(account, day, model, self._rounded(used), key, inp, out, requests)
            for (account, day, model, key), (used, inp, out, requests) in self._sums.items()
            if used or inp or out
        ]
