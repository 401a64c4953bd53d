"""Which gateways there are: those of GATEWAYS_FILE, else the one of the `GATEWAY_*` variables."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from aiohttp import ClientSession
from dotenv import dotenv_values
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.gateways.named import named
from bot.gateways.port import Gateway, GatewayRefused, now_utc
from bot.gateways.registry import CONNECTORS, open_gateway
from bot.settings import SECRETS, Settings


class GatewayConfig(BaseModel):
    """`name`: empty for the one gateway of the variables. `key`: the secret itself, once it was looked up."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,19}$")]
    kind: str
    key: Annotated[str, Field(repr=False)]
    url: str | None = None
    mode: Literal["observe", "enforce"] = "observe"
    entity: Literal["user", "key", "team_member"] = "user"
    sync_seconds: Annotated[int, Field(gt=0)] = 30
    timeout_seconds: Annotated[float, Field(gt=0)] = 15.0

    @property
    def enforced(self) -> bool:
        return self.mode == "enforce"

    def open(self, http: ClientSession, clock: Callable[[], datetime] = now_utc) -> Gateway:
        """Raises `GatewayRefused` when it cannot work as configured."""
        opened = open_gateway(
            self.kind, self.url, self.key, http,
            entity=self.entity, clock=clock, timeout=self.timeout_seconds, name=self.name,
        )  # fmt: skip
        return named(self.name, opened) if self.name else opened


def configured_gateways(settings: Settings) -> list[GatewayConfig]:
    """Raises `GatewayRefused`, naming the file and the line's key."""
    if settings.gateways_file is not None:
        return _listed(settings.gateways_file)
    if settings.gateway_kind == "none":
        return []
    key = settings.gateway_key.get_secret_value() if settings.gateway_key else ""
    return [
        GatewayConfig.model_construct(
            name="", kind=settings.gateway_kind, key=key, url=settings.gateway_url, mode=settings.gateway_mode,
            entity=settings.gateway_entity, sync_seconds=settings.gateway_sync_seconds,
            timeout_seconds=settings.gateway_timeout_seconds,
        )
    ]  # fmt: skip


def enforced(settings: Settings) -> bool:
    """Whether limits are written anywhere."""
    return any(one.enforced for one in configured_gateways(settings))


def _listed(file: Path) -> list[GatewayConfig]:
    try:
        rows = yaml.safe_load(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise GatewayRefused(f"GATEWAYS_FILE {file}: {str(error).splitlines()[0]}") from error
    if not isinstance(rows, list) or not rows:
        raise GatewayRefused(f"GATEWAYS_FILE {file}: it is a list of gateways, see docs/gateways.md")
    found = [_row(file, number, row) for number, row in enumerate(rows, 1)]
    names = [one.name for one in found]
    if twice := next((name for name in names if names.count(name) > 1), ""):
        raise GatewayRefused(f"GATEWAYS_FILE {file}: two gateways are called {twice}")
    return found


def _row(file: Path, number: int, row: Any) -> GatewayConfig:
    where = f"GATEWAYS_FILE {file}, gateway {number}"
    if not isinstance(row, dict):
        raise GatewayRefused(
            f"{where}: it is a mapping with name, kind, url, key, mode, entity, sync_seconds"
        )
    try:
        found = GatewayConfig.model_validate(row | {"key": _secret(row.get("key"), where)})
    except ValidationError as error:
        first = error.errors()[0]
        raise GatewayRefused(f"{where}: {'.'.join(map(str, first['loc']))}: {first['msg'].lower()}") from None
    if found.kind not in CONNECTORS:
        raise GatewayRefused(f"{where}: kind {found.kind}: not yet; there are {', '.join(CONNECTORS)}")
    return found


def _secret(named: Any, where: str) -> str:
    """The value of `env:NAME`, looked for where the settings are."""
    if not isinstance(named, str) or not named.startswith("env:"):
        raise GatewayRefused(
            f"{where}: key: write env:NAME, the variable that holds it, never the key itself"
        )
    name = named.removeprefix("env:")
    secret = SECRETS / name.lower()
    value = (
        os.environ.get(name) or dotenv_values(".env").get(name) or (secret.is_file() and secret.read_text())
    )
    if not value:
        raise GatewayRefused(f"{where}: key: the variable {name} is not set")
    return value
