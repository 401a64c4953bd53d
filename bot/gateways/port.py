"""The gateway port: what every LLM gateway is asked, in one vocabulary. A connector is one file here, and one row.

Money is integer micro-USD (10⁻⁶ USD) whatever the gateway counts in; its floats are rounded up. Caps
(LiteLLM, OpenRouter) and wallets (New API) look the same from outside: `spent` has been used, `total` is
what may be used in all, and `set_total` makes it so.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Literal, Protocol

from aiohttp import ClientSession

from models.metering.limits import GatewayTraits
from models.metering.reading import KeyUsage, Reading

Family = Literal["cap", "wallet"]


class GatewayError(Exception):
    """Temporary: try again, not before `retry_after` seconds. `unknown`: the call may have been carried out."""

    def __init__(self, reason: str, *, retry_after: float | None = None, unknown: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.retry_after, self.unknown = reason, retry_after, unknown


class GatewayRefused(Exception):  # noqa: N818 - what the gateway did
    """Permanent: the gateway understood and said no, in its own words. `status` is HTTP's."""

    def __init__(self, reason: str, *, status: int = 0) -> None:
        super().__init__(reason)
        self.reason, self.status = reason, status


class NoSuchAccount(GatewayRefused):
    """The gateway does not know this account (any more)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that binds besides our limits, or would undo them.

    `code` and `facts` choose the words elsewhere; `subjects` are the accounts, keys, teams or models
    concerned; `fix` is the setting or call that helps, in the gateway's own spelling, empty when there is
    none.
    """

    code: str
    fix: str = ""
    subjects: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)


class Gateway(Protocol):
    """A gateway that meters and limits. Every call raises `GatewayError` and `GatewayRefused`.

    Each connector spaces its own calls to `calls_per_minute`; the caller chooses their order. In the
    family of wallets a call in flight is taken from what remains before it is counted as used, so `total`
    dips for seconds: believe a change of it that two readings agree on.
    """

    family: Family
    calls_per_minute: int

    def accounts(self) -> AsyncIterator[list[Reading]]:
        """Every account, by pages, each once, in a stable order."""

    async def account(self, id: str) -> Reading:  # noqa: A002 - it is one
        """One account, by its exact id. Raises `NoSuchAccount`."""

    async def set_total(self, id: str, total: int) -> Reading:  # noqa: A002
        """Make `total` what may be spent in all (≥ 0, micro-USD), read it back and return the reading.

        Idempotent: what is done is derived from a reading made now, and after a lost reply from another
        one. For an account's wallet there must be one caller at a time across processes; within one, the
        connector sees to it.
        """

    async def release(self, id: str, found: int | None) -> Reading:  # noqa: A002
        """Put back a limit as it was found, None being none at all: the only way to lift one. Else as `set_total`."""

    def holds(self, total: int) -> int:
        """`total` rounded down to the gateway's smallest unit: what `set_total` reads back."""

    def usage(self, since: date, until: date, account: str = "") -> AsyncIterator[list[KeyUsage]]:
        """Usage of these UTC days, both included, of every account or one; no two rows have the same four keys.

        With `account` the rows name the key where the gateway can.
        """

    async def preflight(self, free_models: Collection[str] = ()) -> list[Finding]:
        """What else binds besides our limits, or would undo them, and which of `free_models` are not free."""

    async def free_models(self, names: Collection[str]) -> set[str]:
        """Those of `names` that cost nothing and pass also when the limit is reached."""


def traits_of(gateway: Gateway) -> GatewayTraits:
    return GatewayTraits(gateway.holds, gateway.family == "wallet")


def now_utc() -> datetime:
    """The clock readings are stamped with."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach a gateway: what a connector is made from. `calls_per_minute` overrides the connector's own pace."""

    url: str
    key: str
    http: ClientSession
    entity: str = "user"
    clock: Callable[[], datetime] = now_utc
    calls_per_minute: int | None = None
    timeout: float = 15.0


def days(since: date, until: date) -> list[date]:
    """The days from `since` to `until`, both included."""
    return [since + timedelta(days=n) for n in range((until - since).days + 1)]
