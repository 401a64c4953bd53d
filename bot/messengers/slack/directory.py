"""The people of a Slack workspace: one profile, at most an hour old, or everybody."""

from __future__ import annotations

import time

from bot.messengers.port import Undeliverable
from bot.messengers.slack.api import SlackApi
from bot.messengers.slack.read import read_profile
from models.people.profile import Profile

PROFILE_KEPT = 60 * 60
"""Seconds for which a profile is believed."""
INFO_A_MINUTE = 80
"""users.info is tier 4 (100 a minute); reads that are not urgent stop a little earlier."""


class Directory:
    """`team_id` is our workspace, empty until Slack said so."""

    def __init__(self, api: SlackApi) -> None:
        self.api = api
        self.team_id = ""
        self._profiles: dict[str, tuple[float, Profile]] = {}
        self._reads: list[float] = []

    async def profile(self, address: str, *, urgent: bool) -> Profile | None:
        user, now = address.split(":", 1)[1], time.monotonic()
        kept = self._profiles.get(user)
        if kept is not None and now - kept[0] < PROFILE_KEPT:
            return kept[1]
        self._reads = [at for at in self._reads if now - at < 60]
        if not urgent and len(self._reads) >= INFO_A_MINUTE:
            return None
        self._reads.append(now)
        try:
            found = await self.api.call("users.info", user=user, include_locale=True)
        except Undeliverable:
            return Profile("outsider")
        profile = read_profile(found["user"], self.team_id)
        self._profiles[user] = (now, profile)
        return profile

    def remember_outsider(self, user: str) -> None:
        """A payload said that this person belongs to another workspace: no call is needed for an hour."""
        self._profiles[user] = (time.monotonic(), Profile("outsider"))

    async def people(self) -> list[tuple[str, Profile]]:
        """Everybody of the workspace; raises rather than returning half of them."""
        found: list[tuple[str, Profile]] = []
        cursor = ""
        while True:
            page = await self.api.call("users.list", limit=200, cursor=cursor or None, include_locale=True)
            found += [(f"slack:{one['id']}", read_profile(one, self.team_id)) for one in page["members"]]
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return found
