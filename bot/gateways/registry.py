"""The registry of connectors: GATEWAY_KIND, one row a gateway."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from importlib import import_module
from typing import Final, cast

from aiohttp import ClientSession

from bot.gateways.port import Access, Gateway, GatewayRefused, now_utc

# GATEWAY_KIND → class, in the module of the same name.
CONNECTORS: Final = {
    "litellm": "LiteLLM",
    "new-api": "NewApi",
    "openrouter": "OpenRouter",
    "claude-enterprise": "ClaudeEnterprise",
}
DEFAULT_URLS: Final = {
    "openrouter": "https://openrouter.ai/api/v1",
    "claude-enterprise": "https://api.anthropic.com",
}


def open_gateway(
    kind: str,
    url: str | None,
    key: str | None,
    http: ClientSession,
    *,
    entity: str = "user",
    clock: Callable[[], datetime] = now_utc,
    calls_per_minute: int | None = None,
    timeout: float = 15.0,
) -> Gateway:
    """The connector for GATEWAY_KIND; makes no call yet. Raises `GatewayRefused` if the configuration cannot work."""
    if kind not in CONNECTORS:
        raise GatewayRefused(f"GATEWAY_KIND {kind}: not yet; there are {', '.join(CONNECTORS)}")
    url = url or DEFAULT_URLS.get(kind)
    missing = [name for name, value in (("GATEWAY_URL", url), ("GATEWAY_KEY", key)) if not value]
    if missing or url is None or key is None:
        raise GatewayRefused(f"GATEWAY_KIND {kind} needs {' and '.join(missing)}")
    url, key = url.strip(), key.strip()
    if not url.startswith(("http://", "https://")):
        raise GatewayRefused(f"GATEWAY_URL {url}: begin it with https:// or http://")
    if any(not char.isprintable() for char in key):
        raise GatewayRefused(
            "GATEWAY_KEY has a line break or another control character in it: paste it as one line"
        )
    access = Access(url.rstrip("/"), key, http, entity, clock, calls_per_minute, timeout)
    module = import_module(f"bot.gateways.{kind.replace('-', '_')}")
    return cast("Gateway", getattr(module, CONNECTORS[kind])(access))
