"""All settings, from the environment, `.env` and `/run/secrets`.

No token is mandatory: a missing one switches its part off.
"""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.messengers.registry import MessengerSettings

SECRETS = Path("/run/secrets")
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class ProcessSettings(BaseSettings):
    database_url: str = Field(
        "sqlite:///quotabot.db", description="SQLite file, or postgresql://user@host/db"
    )
    policy_file: Path = Field(Path("policy.yaml"), description="used when no file is named")
    http_host: str = Field("127.0.0.1", description="where /healthz /readyz /metrics /slack/events listen")
    http_port: int = Field(8080, ge=0, le=65535, description="and the port")
    metrics_port: int | None = Field(
        None, ge=0, le=65535, description="/readyz and /metrics on a port of their own, not on HTTP_PORT"
    )


class PagesSettings(BaseSettings):
    oidc_issuer: str | None = Field(
        None, description="https://…, the company's sign-in; without it the pages for money people are off"
    )
    oidc_client_id: str | None = Field(None, description="of the application registered there")
    oidc_client_secret: SecretStr | None = Field(None, description="its secret")
    public_url: str | None = Field(None, description="https://…, where people reach HTTP_HOST:HTTP_PORT")

    @property
    def pages_lack(self) -> str:
        """Reason why the pages are off; empty when they can run."""
        needed = ("oidc_issuer", "oidc_client_id", "oidc_client_secret", "public_url")
        if missing := [name.upper() for name in needed if getattr(self, name) is None]:
            return f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set"
        from yarl import URL  # noqa: PLC0415 - a part of the HTTP library

        for name in ("oidc_issuer", "public_url"):
            url = URL(getattr(self, name))
            # Codes and cookies pass there, so plain HTTP is for this machine only.
            if url.scheme != "https" and not (url.scheme == "http" and url.host in LOOPBACK):
                return f"{name.upper()} must begin with https://"
        return ""

    @property
    def pages_begun(self) -> bool:
        return any((self.oidc_issuer, self.oidc_client_id, self.oidc_client_secret))


class Settings(PagesSettings, MessengerSettings, ProcessSettings):
    """`.env.example` lists these fields with their defaults. The fields of the last base class come first."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", env_ignore_empty=True)

    gateway_kind: Literal[
        "none",
        "litellm",
        "new-api",
        "openrouter",
        "claude-enterprise",
        "claude-apps-gateway",
        "chatgpt-enterprise",
    ] = Field(
        "none",
        description="none, litellm, new-api, openrouter, claude-enterprise, claude-apps-gateway, chatgpt-enterprise",
    )
    gateway_url: str | None = Field(None, description="base address of the gateway")
    gateway_key: SecretStr | None = Field(None, description="its admin key; New API: ADMIN_ID:TOKEN")
    gateway_mode: Literal["observe", "enforce"] = Field(
        "observe", description="enforce writes limits; observe only reads"
    )
    gateway_entity: Literal["user", "key", "team_member"] = Field(
        "user", description="LiteLLM: user, key or team_member"
    )
    gateway_timeout_seconds: float = Field(15, gt=0, description="for a slow gateway")
    gateway_sync_seconds: int = Field(30, gt=0, description="stretches by itself to the gateway's rate limit")
    gateways_file: Path | None = Field(
        None, description="several gateways, a YAML list (docs/gateways.md); without it the GATEWAY_* above"
    )
    effects_kept_days: int = Field(
        30, ge=1, description="done messages and their addresses are deleted after that"
    )
    state_directory: Path | None = Field(
        None,
        description="keeps what the bot must know after a kill while Postgres is away; else a temporary folder",
    )
    log_format: Literal["auto", "console", "json"] = Field("auto", description="auto = console on a terminal")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="DEBUG, INFO, WARNING, ERROR"
    )

    @classmethod
    def load(cls) -> Settings:
        try:
            return cls(_secrets_dir=SECRETS if SECRETS.is_dir() else None)
        except UnicodeDecodeError:
            raise OSError(errno.EILSEQ, "not UTF-8; save the file as UTF-8", ".env") from None
