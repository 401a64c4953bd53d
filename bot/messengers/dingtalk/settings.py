"""DingTalk's settings."""

from __future__ import annotations

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class DingTalkSettings(BaseSettings):
    """A part of `bot.settings.Settings`."""

    dingtalk_client_id: str | None = Field(None, description="without it and the secret DingTalk is off")
    dingtalk_client_secret: SecretStr | None = Field(None, description="the app's secret")
    dingtalk_robot_code: str | None = Field(None, description="the client id when absent")
    dingtalk_card_template_id: str | None = Field(None, description="absent: Markdown with typed commands")
    dingtalk_api_url: str = Field("https://api.dingtalk.com", description="for proxies and stand-ins")
    dingtalk_oapi_url: str = Field("https://oapi.dingtalk.com", description="the older half of the API")

    @property
    def dingtalk_lacks(self) -> str:
        """Reason why DingTalk is off; empty when it can run."""
        if self.dingtalk_client_id is None or self.dingtalk_client_secret is None:
            return "DINGTALK_CLIENT_ID and DINGTALK_CLIENT_SECRET are not both set"
        return ""
