"""The people of a Slack workspace: profiles, the full list, and the readers of a channel."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog

from bot.messengers.port import MessengerError, Undeliverable
from bot.messengers.slack.api import SlackApi, bounded, until_answered
from bot.messengers.slack.read import read_profile
from bot.messengers.slack.workspace import Workspace, sender_team, teams_of
from models.people.member import HERE
from models.people.profile import Profile

log = structlog.get_logger()

# Seconds for which a profile is believed.
PROFILE_KEPT = 60 * 60
# Seconds after which a record is read again when a payload contradicts it.
DOUBTED = 60
# Seconds for which the readers of a channel are believed.
CHANNEL_KEPT = 5 * 60
# The readers of a larger channel are unknown: looking up each one would exhaust users.info.
MOST_READERS = 200
# Slack recommends at most 200 people a page; users.list is tier 2 (20 pages a minute).
PAGE, TRIES = 200, 8
# users.info is tier 4 (100 a minute). Reads that are not urgent stop a little earlier.
INFO_A_MINUTE = 80


@dataclass(frozen=True)
class _Record:
    at: float
    profile: Profile
    teams: frozenset[str]


class Directory:
    """Decides who is a colleague, by Slack's record of a person and never by a payload."""

    def __init__(self, api: SlackApi, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self.api, self.sleep = api, sleep
        self.ours = Workspace()
        self.bot_id = ""
        self._profiles: dict[str, _Record] = {}
        self._readers: dict[str, tuple[float, bool]] = {}
        self._reads: list[float] = []

    async def learn_ours(self) -> None:
        await self._take_ours(
            await until_answered(
                partial(bounded, self.api.web.auth_test), "slack does not answer", "SLACK_BOT_TOKEN"
            )
        )

    async def ask_ours(self) -> None:
        """Learn our own ids, or raise Slack's error; rate limits and outages are waited for."""
        await self._take_ours(await self._patiently("auth.test"))

    async def _take_ours(self, me: Any) -> None:
        app_id = ""
        try:
            app_id = str((await self.api.call("bots.info", bot=me.get("bot_id")))["bot"]["app_id"])
        except (MessengerError, Undeliverable, KeyError, TypeError) as error:
            log.info("slack does not say which app this is", reason=str(error))
        self.bot_id = str(me["user_id"])
        self.ours = Workspace(str(me.get("team_id") or ""), str(me.get("enterprise_id") or ""), app_id)

    async def profile(self, address: str, *, urgent: bool) -> Profile | None:
        record = await self._record(address.split(":", 1)[1], urgent=urgent)
        return record.profile if record is not None else None

    async def is_from_us(self, body: dict[str, Any], user: str, *, within: float) -> bool:
        """Whether an envelope of this sender comes from our workspace or enterprise.

        If the sender or the workspace looks foreign, the sender's record is read again.
        """
        self._doubt(user, sender_team(body))
        if self.ours.sent(body):
            return True
        try:
            record = await asyncio.wait_for(self._record(user, urgent=True), within)
        except (MessengerError, TimeoutError):
            return False
        return record is not None and record.profile.status == HERE and self.ours.sent(body, record.teams)

    def _doubt(self, user: str, team: str) -> None:
        # A payload that contradicts the record may be newer than the record, or forged. A minute's age
        # keeps forged ones from costing calls.
        record = self._profiles.get(user)
        if record is None or not team or time.monotonic() - record.at < DOUBTED:
            return
        if (team in record.teams or team == self.ours.team_id) == (record.profile.status == "outsider"):
            del self._profiles[user]

    async def _record(self, user: str, *, urgent: bool) -> _Record | None:
        now = time.monotonic()
        kept = self._profiles.get(user)
        if kept is not None and now - kept.at < PROFILE_KEPT:
            return kept
        self._reads = [at for at in self._reads if now - at < 60]
        if not urgent and len(self._reads) >= INFO_A_MINUTE:
            return None
        self._reads.append(now)
        try:
            found = (await self.api.call("users.info", user=user, include_locale=True))["user"]
        except Undeliverable:
            return _Record(now, Profile("outsider"), frozenset())
        record = _Record(now, read_profile(found, self.ours), teams_of(found))
        self._profiles[user] = record
        return record

    async def outsiders_read(self, channel: str, *, within: float) -> bool | None:
        """Whether guests or another organisation can read this channel; None when that is unknown."""
        kept = self._readers.get(channel)
        if kept is not None and time.monotonic() - kept[0] < CHANNEL_KEPT:
            return kept[1]
        try:
            found = await asyncio.wait_for(self._look_at_readers(channel), within)
        except (MessengerError, Undeliverable, TimeoutError) as error:
            log.info("who can read a channel is unknown", channel=channel, reason=str(error))
            return None
        if found is not None:
            self._readers[channel] = (time.monotonic(), found)
        return found

    async def _look_at_readers(self, channel: str) -> bool | None:
        about = (await self.api.call("conversations.info", channel=channel))["channel"]
        if about.get("is_ext_shared") or about.get("is_pending_ext_shared"):
            return True
        page = await self.api.call("conversations.members", channel=channel, limit=MOST_READERS)
        records = [await self._record(user, urgent=False) for user in page["members"]]
        if any(record and record.profile.status in ("guest", "outsider") for record in records):
            return True
        if (page.get("response_metadata") or {}).get("next_cursor") or None in records:
            return None
        return False

    async def people(self) -> list[tuple[str, Profile]]:
        found: list[tuple[str, Profile]] = []
        cursor = ""
        while True:
            page = await self._patiently("users.list", limit=PAGE, cursor=cursor or None, include_locale=True)
            found += [(f"slack:{one['id']}", read_profile(one, self.ours)) for one in page["members"]]
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return found

    async def _patiently(self, method: str, **words: Any) -> Any:
        """A call for the command line, which waits for rate limits and outages."""
        wait = 1.0
        for left in reversed(range(TRIES)):
            try:
                return await self.api.call(method, **words)
            except MessengerError as error:
                if not left or not (error.retry_after or error.unknown):
                    raise
                pause = error.retry_after or wait
                log.info("slack is asked again", method=method, reason=str(error), again_in=pause)
            await self.sleep(pause)
            wait = min(wait * 2, 60)
        raise AssertionError("the last try returns or raises")
