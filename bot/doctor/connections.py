"""Checks that ask the vendors: tokens, scopes, the gateway. They change nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp

from bot.doctor.check import Check, ok, warning, wrong
from bot.gateways.configured import GatewayConfig, configured_gateways
from bot.gateways.offers import preflight
from bot.gateways.port import GatewayError, GatewayRefused
from bot.settings import Settings
from models.policy.document import Policy

# Seconds for one answer of a vendor.
PATIENCE = aiohttp.ClientTimeout(total=10)


async def check_slack(settings: Settings, http: aiohttp.ClientSession) -> AsyncIterator[Check]:
    """The bot token, its scopes, and the app-level token (docs.slack.dev/reference/methods/auth.test)."""
    from bot.messengers.slack.manifest import scopes  # noqa: PLC0415 - Slack's library takes a second to load

    token = settings.slack_bot_token
    if token is None:
        return
    try:
        said, granted = await _slack(settings, http, "auth.test", token.get_secret_value())
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        yield wrong(
            "Slack", f"does not answer: {_short(error)}", f"look at SLACK_API_URL {settings.slack_api_url}"
        )
        return
    if not said.get("ok"):
        yield wrong(
            "SLACK_BOT_TOKEN", f"Slack says {said.get('error')}", "install the app again and copy the token"
        )
        return
    yield ok("SLACK_BOT_TOKEN", f"is {said.get('user', 'the bot')} in {said.get('team', 'the workspace')}")
    missing = sorted(set(scopes()) - granted) if granted else []
    if missing:
        yield wrong(
            "Slack scopes", f"missing: {', '.join(missing)}", "update the manifest and reinstall the app"
        )
    if settings.slack_app_token is not None:
        app_token = settings.slack_app_token.get_secret_value()
        said, _ = await _slack(settings, http, "apps.connections.open", app_token)
        if said.get("ok"):
            yield await _socket(http, str(said["url"]))
        else:
            yield wrong(
                "SLACK_APP_TOKEN",
                f"Slack says {said.get('error')}",
                "generate one with the scope connections:write",
            )


async def _socket(http: aiohttp.ClientSession, url: str) -> Check:
    """Slack gives an address also where Socket Mode is off, and says so on the socket. It is closed at once."""
    try:
        async with http.ws_connect(url, timeout=aiohttp.ClientWSTimeout(ws_close=1)) as socket:
            hello = await socket.receive_json(timeout=PATIENCE.total)
    except (aiohttp.ClientError, TimeoutError, TypeError, ValueError) as error:
        return wrong(
            "Slack socket", f"does not open: {_short(error)}", "let wss:// to Slack through the proxy"
        )
    if hello.get("reason") == "link_disabled":
        cure = "api.slack.com/apps → Socket Mode → enable it"
        return wrong("Slack socket", "Socket Mode is off for this app", cure)
    return ok("SLACK_APP_TOKEN", "opens a socket")


async def _slack(
    settings: Settings, http: aiohttp.ClientSession, method: str, token: str
) -> tuple[dict[str, object], set[str]]:
    """The answer of a method, and the token's scopes if Slack names them."""
    url = f"{settings.slack_api_url.rstrip('/')}/{method}"
    async with http.post(url, headers={"Authorization": f"Bearer {token}"}, timeout=PATIENCE) as answer:
        scopes = answer.headers.get("x-oauth-scopes", "")
        return await answer.json(content_type=None), {one.strip() for one in scopes.split(",") if one.strip()}


async def check_dingtalk(settings: Settings, http: aiohttp.ClientSession) -> AsyncIterator[Check]:
    """Client id and secret (open.dingtalk.com: accessToken)."""
    secret = settings.dingtalk_client_secret
    if settings.dingtalk_client_id is None or secret is None:
        return
    body = {"appKey": settings.dingtalk_client_id, "appSecret": secret.get_secret_value()}
    url = f"{settings.dingtalk_api_url.rstrip('/')}/v1.0/oauth2/accessToken"
    try:
        async with http.post(url, json=body, timeout=PATIENCE) as answer:
            accepted = answer.status == 200 and "accessToken" in await answer.json(content_type=None)
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        yield wrong("DingTalk", f"does not answer: {_short(error)}", f"look at DINGTALK_API_URL {url}")
        return
    if accepted:
        yield ok("DingTalk", "accepts client id and secret")
    else:
        yield wrong(
            "DingTalk", f"refuses client id and secret ({answer.status})", "copy both from the app's page"
        )
    if settings.dingtalk_card_template_id is None:
        yield warning(
            "DINGTALK_CARD_TEMPLATE_ID",
            "is not set: no buttons, typed commands only",
            "docs/dingtalk.md, section 4",
        )


async def check_gateway(
    settings: Settings, http: aiohttp.ClientSession, policy: Policy | None
) -> AsyncIterator[Check]:
    try:
        gateways = configured_gateways(settings)
    except GatewayRefused as error:
        yield wrong("GATEWAYS_FILE", str(error), "docs/gateways.md, Several gateways")
        return
    for config in gateways:
        async for check in _check_one(config, f"gateway {config.name}".strip(), http, policy):
            yield check


async def _check_one(
    config: GatewayConfig, called: str, http: aiohttp.ClientSession, policy: Policy | None
) -> AsyncIterator[Check]:
    try:
        gateway = config.open(http)
        async for _ in gateway.accounts():
            break
        found = await preflight(gateway, policy)
    except GatewayRefused as error:
        yield wrong(called, f"refuses: {error}", "look at GATEWAY_URL and GATEWAY_KEY (docs/gateways.md)")
        return
    except (GatewayError, aiohttp.ClientError, TimeoutError) as error:
        yield wrong(called, f"does not answer: {_short(error)}", "look at GATEWAY_URL (docs/gateways.md)")
        return
    yield ok(called, f"{config.kind} answers")
    for one in found:
        yield warning(called, one.code.replace("_", " "), one.fix or "docs/gateways.md, Preflight")


def _short(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:200]
