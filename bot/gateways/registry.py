"""The registry of connectors: GATEWAY_KIND, one row a gateway."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from importlib import import_module
from typing import Final, cast

from aiohttp import ClientSession

from bot.gateways.port import Access, Gateway, GatewayRefused, now_utc, setting

# GATEWAY_KIND → class, in the module of the same name.
CONNECTORS: Final = {
    "litellm": "LiteLLM",
    "new-api": "NewApi",
    "openrouter": "OpenRouter",
    "claude-enterprise": "ClaudeEnterprise",
    "claude-apps-gateway": "ClaudeAppsGateway",
    "chatgpt-enterprise": "ChatGPTEnterprise",
}
DEFAULT_URLS: Final = {
    "openrouter": "https://openrouter.ai/api/v1",
    "claude-enterprise": "https://api.anthropic.com",
    "chatgpt-enterprise": "https://api.chatgpt.com/v1",
}


# Ends of the addresses that clients use, beside which the admin API is; `/v1` for every other gateway.
CLIENT_PATHS: Final = {"new-api": ("/v1", "/api")}


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
    name: str = "",
) -> Gateway:
    """The connector for GATEWAY_KIND; nothing is called yet. Raises `GatewayRefused` when it cannot work as configured.

    `name`: of a gateway of GATEWAYS_FILE.
    """
    if kind not in CONNECTORS:
        raise GatewayRefused(
            f"{setting('GATEWAY_KIND', name)} {kind}: not yet; there are {', '.join(CONNECTORS)}"
        )
    url = url or DEFAULT_URLS.get(kind)
    missing = [setting(one, name) for one, value in (("GATEWAY_URL", url), ("GATEWAY_KEY", key)) if not value]
    if missing or url is None or key is None:
        raise GatewayRefused(f"{setting('GATEWAY_KIND', name)} {kind} needs {' and '.join(missing)}")
    url, key = url.strip().rstrip("/"), key.strip()
    _check_address(kind, url, setting("GATEWAY_URL", name))
    if any(not char.isprintable() for char in key):
        raise GatewayRefused(
            f"{setting('GATEWAY_KEY', name)} has a line break or another control character in it: paste it as one line"
        )
    access = Access(url, key, http, entity, clock, calls_per_minute, timeout, name)
    module = import_module(f"bot.gateways.{kind.replace('-', '_')}")
    return cast("Gateway", getattr(module, CONNECTORS[kind])(access))


def _check_address(kind: str, url: str, where: str) -> None:
    if not url.startswith(("http://", "https://")):
        raise GatewayRefused(f"{where} {url}: begin it with https:// or http://")
    if any(not char.isprintable() or char == " " for char in url):
        raise GatewayRefused(f"{where} {url!r}: it is an address on one line, without spaces")
    end = next((one for one in CLIENT_PATHS.get(kind, ("/v1",)) if url.endswith(one)), "")
    if end and not DEFAULT_URLS.get(kind, "").endswith(end):
        raise GatewayRefused(f"{where} {url}: leave out {end}; the admin API is beside it")
