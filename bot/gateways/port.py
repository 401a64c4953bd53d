"""The gateway port: one vocabulary for every LLM gateway. A connector is one file here, and one row.

Money is integer micro-USD (10⁻⁶ USD) whatever the gateway counts in; its floats are rounded up. Caps
(LiteLLM, OpenRouter) and wallets (New API) look the same from outside: `spent` has been used, `total` may
be used in all, and `set_total` sets it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Literal, Protocol, runtime_checkable

from aiohttp import ClientSession

from models.metering.ladder import Offer, Patterns
from models.metering.limits import GatewayTraits
from models.metering.model_list import Words
from models.metering.reading import KeyUsage, Reading

Family = Literal["cap", "wallet"]


class GatewayError(Exception):
    """Temporary: try again, not before `retry_after` seconds. `unknown`: the call may have been carried out."""

    def __init__(self, reason: str, *, retry_after: float | None = None, unknown: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.retry_after, self.unknown = reason, retry_after, unknown


class GatewayRefused(Exception):  # noqa: N818 - what the gateway did
    """Permanent: the gateway understood and refused, in its own words. `status` is HTTP's."""

    def __init__(self, reason: str, *, status: int = 0) -> None:
        super().__init__(reason)
        self.reason, self.status = reason, status


class NoSuchAccount(GatewayRefused):
    """The gateway does not know this account (any more)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A setting that limits people besides us, or would undo our limits.

    `code` and `facts` choose the words elsewhere. `subjects`: the accounts, keys, teams or models
    concerned. `fix`: the setting or call that helps, in the gateway's own spelling; empty if there is none.
    """

    code: str
    fix: str = ""
    subjects: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)


class Gateway(Protocol):
    """A gateway that meters and limits. Every call raises `GatewayError` and `GatewayRefused`.

    Each connector spaces its own calls to `calls_per_minute`; the caller chooses their order. Wallets take
    a call in flight from the remainder before they count it as used, so `total` dips for seconds: believe a
    change only if two readings agree.
    """

    family: Family
    calls_per_minute: int
    # An account is a key, so a person normally has several.
    per_key: bool

    def accounts(self) -> AsyncIterator[list[Reading]]:
        """Every account once, by pages, in a stable order."""

    async def account(self, id: str) -> Reading:  # noqa: A002 - it is one
        """One account by its exact id. Raises `NoSuchAccount`."""

    async def set_total(self, id: str, total: int) -> Reading:  # noqa: A002
        """Set the total that may be spent (≥ 0, micro-USD), and return the reading after it.

        Idempotent: the change is derived from a fresh reading, and after a lost answer from another one. A
        wallet needs one caller at a time across processes; within one process the connector takes care of
        it.
        """

    async def release(self, id: str, found: int | None) -> Reading:  # noqa: A002
        """Put back a limit as it was found. None removes the limit; nothing else does. Otherwise like `set_total`."""

    def holds(self, total: int) -> int:
        """`total` rounded down to the gateway's smallest unit: the value that `set_total` reads back."""

    def usage(self, since: date, until: date, account: str = "") -> AsyncIterator[list[KeyUsage]]:
        """Usage of these UTC days, both included, of every account or one. (account, day, model, key) is unique.

        With `account`, the rows name the key where the gateway can.
        """

    async def preflight(self, free_models: Collection[str] = ()) -> list[Finding]:
        """Settings that limit people besides us or would undo our limits, and those of `free_models` that are not free."""

    async def free_models(self, names: Collection[str]) -> set[str]:
        """Those of `names` that cost nothing and still work when the limit is reached."""


@runtime_checkable
class ModelLists(Protocol):
    """Optional: a gateway that can limit an account to some models.

    A list is in the gateway's own words, as in `Reading.models`: names of models, a group, a guardrail. Empty: every model.
    """

    async def offer(self, patterns: Patterns) -> Offer | None:
        """A list that lets through models that match one pattern of each, and no others; None where there is none."""

    async def set_models(self, id: str, words: Words) -> Reading:  # noqa: A002
        """Set the list, and return the reading after it. Absolute; a limit is not touched."""

    async def ways_around(self, offers: Collection[Offer]) -> list[Finding]:
        """What lets people use other models although such a list stands for them."""


def traits_of(gateway: Gateway) -> GatewayTraits:
    return GatewayTraits(gateway.holds, gateway.family == "wallet", gateway.per_key)


def now_utc() -> datetime:
    """The clock of the readings."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach a gateway: what a connector is made from. `calls_per_minute` overrides the connector's own pace.

    `name`: of a gateway of GATEWAYS_FILE, empty for the one of the settings.
    """

    url: str
    key: str
    http: ClientSession
    entity: str = "user"
    clock: Callable[[], datetime] = now_utc
    calls_per_minute: int | None = None
    timeout: float = 15.0
    name: str = ""

    @property
    def url_setting(self) -> str:
        return setting("GATEWAY_URL", self.name)


def setting(variable: str, name: str) -> str:
    """The setting that an operator changes: a variable, or that key of the gateway `name` in GATEWAYS_FILE."""
    return f"GATEWAYS_FILE, {name}: {variable.removeprefix('GATEWAY_').lower()}" if name else variable


def days(since: date, until: date) -> list[date]:
    return [since + timedelta(days=n) for n in range((until - since).days + 1)]
