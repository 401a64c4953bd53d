"""A stand-in Claude apps gateway: the spend-limit routes of Anthropic's Admin API, and none of its reports of costs.

https://code.claude.com/docs/en/claude-apps-gateway-spend-limits
"""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from sandbox.gateways.claude_enterprise import ClaudeEnterprise


class ClaudeAppsGateway(ClaudeEnterprise):
    """One gateway, with its developers as members. `inherited`: the limit of the organization."""

    key = "gateway-admin-write-key"

    def routes(self) -> Sequence[web.RouteDef]:
        return [one for one in super().routes() if "/analytics/" not in one.path]
