"""Every setting, from the environment, `.env` and `/run/secrets`. No token is mandatory: what is absent is off."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

SECRETS = Path("/run/secrets")


class Settings(BaseSettings):
    """`.env.example` lists these with their defaults; a test holds the two equal."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", env_ignore_empty=True)

    database_url: str = Field(
        "sqlite:///quotabot.db", description="SQLite file, or postgresql://user@host/db"
    )
    policy_file: Path = Field(Path("policy.yaml"), description="used when no file is named")
    http_host: str = Field("127.0.0.1", description="where /healthz /readyz /metrics /slack/events listen")
    http_port: int = Field(8080, ge=0, le=65535, description="and the port")
    slack_bot_token: SecretStr | None = Field(None, description="xoxb-...; without it Slack is off")
    slack_app_token: SecretStr | None = Field(
        None, description="xapp-...; present: Socket Mode, absent: HTTP mode"
    )
    slack_signing_secret: SecretStr | None = Field(None, description="needed in HTTP mode")
    slack_api_url: str = Field("https://slack.com/api/", description="for proxies and stand-ins")
    slack_command: str = Field("/quota", description="flows into the manifest and the help")
    slack_link_by_email: bool = Field(False, description="unknown ids are linked by their workspace e-mail")
    dingtalk_client_id: str | None = Field(None, description="without it and the secret DingTalk is off")
    dingtalk_client_secret: SecretStr | None = Field(None, description="the app's secret")
    dingtalk_robot_code: str | None = Field(None, description="the client id when absent")
    dingtalk_card_template_id: str | None = Field(None, description="absent: Markdown with typed commands")
    dingtalk_api_url: str = Field("https://api.dingtalk.com", description="for proxies and stand-ins")
    dingtalk_oapi_url: str = Field("https://oapi.dingtalk.com", description="the older half of the API")
    gateway_kind: Literal["none", "litellm", "new-api", "openrouter", "claude-enterprise"] = Field(
        "none", description="none, litellm, new-api, openrouter, claude-enterprise"
    )
    gateway_url: str | None = Field(None, description="base address of the gateway")
    gateway_key: SecretStr | None = Field(None, description="its admin key; New API: ADMIN_ID:TOKEN")
    gateway_mode: Literal["observe", "enforce"] = Field(
        "observe", description="enforce writes limits; observe only reads"
    )
    gateway_entity: Literal["user", "key", "team_member"] = Field(
        "user", description="LiteLLM: user, key or team_member"
    )
    gateway_sync_seconds: int = Field(30, gt=0, description="stretches by itself to the gateway's rate limit")
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
