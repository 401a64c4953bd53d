"""Checks of the settings: names, shapes of tokens, what belongs together, file modes, the port."""

from __future__ import annotations

import socket
import stat
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path

from dotenv import dotenv_values
from pydantic import SecretStr

from bot.doctor.check import Check, ok, warning, wrong
from bot.settings import Settings

# Variables with these prefixes were meant for the bot.
PREFIXES = ("SLACK_", "DINGTALK_", "GATEWAY_", "HTTP_", "LOG_", "DATABASE_", "POLICY_", "OIDC_", "PUBLIC_")
TOKENS = {"slack_bot_token": "xoxb-", "slack_app_token": "xapp-"}
PLACEHOLDERS = ("…", "...", "changeme", "placeholder", "your-", "<")


def check_settings(settings: Settings, env_file: Path) -> Iterator[Check]:
    """Checks without a network. `env_file` may be absent."""
    if env_file.is_file():
        yield from _names(dotenv_values(env_file), env_file)
        yield from private(env_file)
    yield from _tokens(settings)
    yield from _slack(settings)
    yield from _dingtalk(settings)
    yield from _gateway(settings)
    if settings.pages_begun and (lack := settings.pages_lack):
        yield wrong("pages", f"are off: {lack}", "docs/pages.md")
    if settings.slack_bot_token is None and settings.dingtalk_client_id is None:
        yield wrong(
            "messengers", "none is configured", "set SLACK_BOT_TOKEN or DINGTALK_CLIENT_ID (docs/slack.md)"
        )


def _names(written: Iterable[str], env_file: Path) -> Iterator[Check]:
    known = [name.upper() for name in Settings.model_fields]
    for name in written:
        if name.upper() in known:
            continue
        close = get_close_matches(name.upper(), known, n=1, cutoff=0.8)
        if close:
            yield wrong(name, f"is no setting ({env_file.name})", f"did you mean {close[0]}?")
        elif name.upper().startswith(PREFIXES):
            yield warning(name, f"is no setting ({env_file.name})", "remove it, or see .env.example")


def private(path: Path) -> Iterator[Check]:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        yield warning(path.name, f"others may read it (mode {mode:04o})", f"chmod 600 {path}")


def _tokens(settings: Settings) -> Iterator[Check]:
    for name, prefix in TOKENS.items():
        value = _secret(settings, name)
        if not value:
            continue
        if any(mark in value.lower() for mark in PLACEHOLDERS):
            yield wrong(name.upper(), "is a placeholder", "paste the token from the Slack app's page")
        elif not value.startswith(prefix):
            other = next((one.upper() for one, begins in TOKENS.items() if value.startswith(begins)), "")
            found = f"holds what belongs into {other}" if other else f"does not begin with {prefix}"
            yield wrong(
                name.upper(), found, "swap the two" if other else "copy it again from the Slack app's page"
            )


def _slack(settings: Settings) -> Iterator[Check]:
    if settings.slack_bot_token is None:
        if settings.slack_app_token is not None or settings.slack_signing_secret is not None:
            yield wrong(
                "SLACK_BOT_TOKEN", "is not set, so Slack is off", "Install App → Bot User OAuth Token"
            )
        return
    if settings.slack_app_token is None and settings.slack_signing_secret is None:
        yield wrong(
            "Slack",
            "neither Socket Mode nor HTTP is configured",
            "set SLACK_APP_TOKEN (Socket Mode) or SLACK_SIGNING_SECRET (HTTP)",
        )
    else:
        yield ok("Slack", "Socket Mode" if settings.slack_app_token else "HTTP")


def _dingtalk(settings: Settings) -> Iterator[Check]:
    given = settings.dingtalk_client_id is not None, settings.dingtalk_client_secret is not None
    if given[0] != given[1]:
        missing = "DINGTALK_CLIENT_SECRET" if given[0] else "DINGTALK_CLIENT_ID"
        yield wrong(missing, "is not set, so DingTalk is off", "copy it from the app's credentials page")


def _gateway(settings: Settings) -> Iterator[Check]:
    if settings.gateways_file is not None:
        return  # it is read where the gateways are asked
    if settings.gateway_kind == "none":
        if settings.gateway_url or settings.gateway_key:
            yield wrong(
                "GATEWAY_KIND", "is none although an address or key is set", "name the gateway's kind"
            )
        return
    if settings.gateway_mode == "observe":
        yield warning(
            "GATEWAY_MODE",
            "observe: limits are read and not written",
            "set enforce when `quotabot gateway diff` looks right",
        )
    url = settings.gateway_url or ""
    if url and "://" not in url:
        yield wrong("GATEWAY_URL", "has no scheme", f"write https://{url}")


def check_port(settings: Settings) -> Iterator[Check]:
    # The port of a running bot is taken, too.
    if not settings.http_port:
        return
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.http_host, settings.http_port))
        except OSError as error:
            yield warning(
                "HTTP_PORT",
                f"{settings.http_host}:{settings.http_port} cannot be taken ({error.strerror})",
                "fine when the bot runs already; else choose another port",
            )
            return
    yield ok("HTTP_PORT", f"{settings.http_host}:{settings.http_port} is free")


def _secret(settings: Settings, name: str) -> str:
    value = getattr(settings, name)
    return value.get_secret_value() if isinstance(value, SecretStr) else ""
