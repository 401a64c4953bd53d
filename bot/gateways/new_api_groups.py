"""Which models a group of New API or One API has: those of its enabled channels. A user's list of models is their group."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from bot.gateways.client import Json, Reply, listed
from bot.gateways.port import Finding, GatewayError, GatewayRefused
from models.metering.ladder import Offer, Patterns, matches
from models.metering.model_list import Words
from models.metering.reading import Reading

ENABLED = 1


@dataclass(frozen=True)
class Groups:
    """Group → its models."""

    models: Mapping[str, frozenset[str]]

    @classmethod
    async def read(cls, channels: AsyncIterator[list[Json]]) -> Groups:
        found: dict[str, set[str]] = {}
        async for page in channels:
            for channel in page:
                for group in _names(channel["group"]) if channel["status"] == ENABLED else ():
                    found.setdefault(group, set()).update(_names(channel["models"]))
        return cls({group: frozenset(models) for group, models in found.items()})

    def offer(self, patterns: Patterns) -> Offer | None:
        """The group with the most models, of those that have no other models than these."""
        fits = [
            group for group, models in self.models.items() if models and matches(models, patterns) == models
        ]
        if not fits:
            return None
        best = min(fits, key=lambda group: (-len(self.models[group]), group))
        return Offer((best,), tuple(sorted(self.models[best])))

    def open_to_all(self, usable: Iterable[str], offers: Iterable[Offer]) -> Finding:
        """Groups that anybody may choose for a token of theirs, with models beyond what is offered."""
        offered = list(offers)
        around = [
            group
            for group in usable
            if any(group not in one.words and self.models.get(group, frozenset()) - set(one.models) for one in offered)
        ]  # fmt: skip
        return Finding("open_groups", "UserUsableGroups", tuple(sorted(around)))


class GroupLists(ABC):
    """Lists of models as groups. `lists_asked`: somebody wants them, so readings name the group."""

    lists_asked = False
    _is_one_api: bool | None
    _moving: defaultdict[str, asyncio.Lock]
    _settle: timedelta
    _clock: Callable[[], datetime]

    def __init__(self) -> None:
        self._late: dict[str, datetime] = {}

    @abstractmethod
    async def account(self, id: str) -> Reading: ...  # noqa: A002

    @abstractmethod
    async def _user(self, id: str) -> tuple[Json, datetime]: ...  # noqa: A002

    @abstractmethod
    async def _learn_flavour(self) -> None: ...

    @abstractmethod
    async def _ask(self, method: str, path: str, body: Any = None) -> Reply: ...

    @abstractmethod
    def _pages(self, path: str) -> AsyncIterator[tuple[Reply, list[Json]]]: ...

    async def offer(self, patterns: Patterns) -> Offer | None:
        self.lists_asked = True
        return (await self._groups()).offer(patterns)

    async def set_models(self, id: str, words: Words) -> Reading:  # noqa: A002
        self.lists_asked = True
        async with self._moving[id]:
            row, asked = await self._user(id)
            wait = self._late.get(id, asked) - self._clock()
            if wait > timedelta():
                said = f"an earlier group of user {id} may still arrive"
                raise GatewayError(said, retry_after=wait.total_seconds())
            # One API writes what is sent. New API takes the form of its own page, and older versions write all of that.
            body = {"id": row["id"]} if self._is_one_api else row
            put = partial(self._ask, "PUT", "/api/user/", {**body, "group": words[0]})
            # Noted before the call: the reading after it may be lost, too.
            self._late[id] = self._clock() + self._settle
            try:
                found = await listed(put, partial(self.account, id), words)
            except GatewayRefused:
                del self._late[id]
                raise
            del self._late[id]
            return found

    async def ways_around(self, offers: Collection[Offer]) -> list[Finding]:
        """Tokens may be of another group than their user's, of those that are open to everybody."""
        reply = None if self._is_one_api else await self._ask("GET", "/api/pricing")
        usable = (reply.data.get("usable_group") if reply else None) or {}
        found = (await self._groups()).open_to_all(usable, offers)
        return [found] if found.subjects else []

    async def _groups(self) -> Groups:
        await self._learn_flavour()
        return await Groups.read(rows async for _, rows in self._pages("/api/channel/"))


def _names(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]
