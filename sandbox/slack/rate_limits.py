"""Rate limits: tiers per method, and one message a second per channel.

https://docs.slack.dev/apis/web-api/rate-limits. Off unless a workspace is given a `RateLimits`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox.slack.objects import SlackError

_TIERS = {1: 1, 2: 20, 3: 50, 4: 100}
_TIER_OF = {
    2: ("users.list", "conversations.list"),
    3: (
        "apps.connections.open", "chat.delete", "chat.update", "conversations.history", "conversations.info",
        "conversations.open", "conversations.replies", "team.info", "team.profile.get", "users.lookupByEmail",
    ),
    4: (
        "chat.postEphemeral", "conversations.members", "users.info", "users.profile.get", "views.open",
        "views.publish", "views.push", "views.update",
    ),
}  # fmt: skip
PER_MINUTE: Mapping[str, int] = {
    method: _TIERS[tier] for tier, methods in _TIER_OF.items() for method in methods
}


@dataclass(frozen=True)
class RateLimits:
    """Calls per minute by method, and posts per second and channel with a short burst."""

    per_minute: Mapping[str, int] = field(default_factory=lambda: PER_MINUTE)
    posts_per_second: float = 1.0
    burst: int = 4


@dataclass
class _Bucket:
    left: float
    filled: float


class RateLimiter:
    def __init__(self, rate_limits: RateLimits | None) -> None:
        self.rate_limits = rate_limits
        self._buckets: dict[str, _Bucket] = {}

    def count(self, method: str, channel: str, now: float) -> None:
        """Let the call pass, or raise `ratelimited` with the seconds to wait."""
        if self.rate_limits is None:
            return
        if method == "chat.postMessage":
            self._take(f"{method} {channel}", self.rate_limits.posts_per_second, self.rate_limits.burst, now)
        elif method in self.rate_limits.per_minute:
            most = self.rate_limits.per_minute[method]
            self._take(method, most / 60, most, now)

    def _take(self, key: str, per_second: float, most: int, now: float) -> None:
        bucket = self._buckets.setdefault(key, _Bucket(most, now))
        bucket.left = min(most, bucket.left + (now - bucket.filled) * per_second)
        bucket.filled = now
        if bucket.left < 1:
            wait = math.ceil((1 - bucket.left) / per_second)
            raise SlackError("ratelimited", status=429, retry_after=max(1, wait))
        bucket.left -= 1
