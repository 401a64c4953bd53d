"""Slack's settings."""

from __future__ import annotations

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class SlackSettings(BaseSettings):
    """A part of `bot.settings.Settings`."""

    slack_bot_token: SecretStr | None = Field(None, description="xoxb-...; without it Slack is off")
    slack_app_token: SecretStr | None = Field(
        None, description="xapp-...; present: Socket Mode, absent: HTTP mode"
    )
    slack_signing_secret: SecretStr | None = Field(None, description="needed in HTTP mode")
    slack_api_url: str = Field("https://slack.com/api/", description="for proxies and stand-ins")
    slack_command: str = Field("/quota", description="flows into the manifest and the help")
    slack_link_by_email: bool = Field(False, description="unknown ids are linked by their workspace e-mail")

    @property
    def slack_lacks(self) -> str:
        """Reason why Slack is off; empty when it can run."""
        if self.slack_bot_token is None:
            return "SLACK_BOT_TOKEN is not set"
        if self.slack_app_token is None and self.slack_signing_secret is None:
            return "HTTP mode needs SLACK_SIGNING_SECRET, Socket Mode SLACK_APP_TOKEN"
        return ""
