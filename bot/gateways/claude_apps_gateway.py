"""Claude apps gateway: a monthly spend limit for each developer. https://code.claude.com/docs/en/claude-apps-gateway-spend-limits

Its Admin API mirrors the spend-limit routes of Anthropic's, so a client of those works with another base URL. It is one's own
server and states no limit of calls. Which report it has of costs by person and day is not described there, so nothing is
read by model.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from datetime import date

from bot.gateways.port import Finding
from bot.gateways.spend_limits import SpendLimits
from models.metering.reading import KeyUsage


class ClaudeAppsGateway(SpendLimits):
    """One gateway. Its developers are the accounts; they are found by e-mail."""

    pace = 300

    async def usage(self, since: date, until: date, account: str = "") -> AsyncIterator[list[KeyUsage]]:
        nothing: list[list[KeyUsage]] = []
        for page in nothing:
            yield page

    async def preflight(self, free_models: Collection[str] = ()) -> list[Finding]:
        return [*await super().preflight(free_models), Finding("no_usage_by_model", "", ("*",))]
