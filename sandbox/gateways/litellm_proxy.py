"""State of a stand-in LiteLLM, and the actions of admins, spend and time."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from sandbox.gateways.litellm_objects import Budget, Key, Team, User
from sandbox.gateways.stand_in import Json, Refusal, StandIn

# USD a token, in and out. A model at 0 and 0 passes at any budget.
PRICES: Final = {"claude-opus-5": (5e-06, 25e-06), "gpt-5.5-mini": (2.5e-07, 2e-06), "hunyuan": (0.0, 0.0)}

Spent = tuple[date, str, str, str]  # day, user, key, model


class Proxy(StandIn):
    """One proxy without its routes. `flush_seconds`: delay until spend shows; None: at `flush()`."""

    key = "sk-master-stand-in"

    def __init__(
        self,
        *,
        users: Mapping[str, str | None] | None = None,
        prices: Mapping[str, tuple[float, float]] = PRICES,
        flush_seconds: float | None = None,
        over_budget_status: int = 422,
        activity_rows: int = 1000,
        light_reads: bool = True,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        port: int = 0,
    ) -> None:
        super().__init__(port=port)
        self.users = {name: User(user_id=name, user_email=email) for name, email in (users or {}).items()}
        self.keys: dict[str, Key] = {}
        self.teams: dict[str, Team] = {}
        self.prices = dict(prices)
        self.settings: Json = {"apply_user_budget_to_team_keys": None}
        self.router: Json = {}
        self._flush_seconds, self._status, self._clock = flush_seconds, over_budget_status, clock
        self._rows, self._light = activity_rows, light_reads
        self._pending: list[tuple[Spent, Json, list[Budget]]] = []
        self._daily: dict[Spent, Json] = {}

    # ---- what an admin and time do ----------------------------------------------------------------------------

    def add_user(self, user_id: str, email: str | None = None, **fields: Any) -> User:
        self.users[user_id] = User(user_id=user_id, user_email=email, **fields)
        return self.users[user_id]

    def add_key(self, user_id: str | None, *, team_id: str | None = None, **fields: Any) -> Key:
        """A new key; its secret is shown only now."""
        key = Key(secret=f"sk-{uuid.uuid4().hex}", user_id=user_id, team_id=team_id, **fields)
        self.keys[key.token] = key
        return key

    def add_team(self, team_id: str, members: Iterable[str] = (), **fields: Any) -> Team:
        """A team whose members have no limit yet."""
        self.teams[team_id] = Team(team_id=team_id, members={name: Budget() for name in members}, **fields)
        return self.teams[team_id]

    def rotate(self, key: Key) -> Key:
        """Regenerate a key: new secret and hash, everything else unchanged."""
        new = replace(self.keys.pop(key.token), secret=f"sk-{uuid.uuid4().hex}")
        self.keys[new.token] = new
        return new

    def edit(self, user_id: str, limit: float | None) -> None:
        self.users[user_id].max_budget = limit

    def reset(self, user_id: str) -> None:
        # The end of a window: the spend is reset, the budget stays, the next end is set.
        user = self.users[user_id]
        last = datetime.fromisoformat(user.budget_reset_at or self._clock().isoformat())
        user.spend, user.live = 0.0, user.live - user.spend
        user.budget_reset_at = (last + timedelta(days=30)).isoformat()

    def burn(self, user_id: str, usd: float, *, model: str = "claude-opus-5", key: Key | None = None) -> None:
        """Spend without a call; shown after the next flush."""
        own = next((key for key in self.keys.values() if key.user_id == user_id), None)
        self.bill(key or own or self.add_key(user_id), model, usd, (0, 0))

    def flush(self) -> None:
        # The real proxy writes its spend to the database every ten seconds.
        for spent, metrics, budgets in self._pending:
            for budget in budgets:
                budget.spend += metrics["spend"]
            row = self._daily.setdefault(spent, dict.fromkeys(metrics, 0))
            for name, value in metrics.items():
                row[name] += value
        self._pending.clear()

    def budgets(self, key: Key) -> dict[str, Budget]:
        """The budgets that apply to this key's calls."""
        found: dict[str, Budget] = {f"Key={key.key_alias}": key}
        user, team = self.users.get(key.user_id or ""), self.teams.get(key.team_id or "")
        if team is not None:
            found[f"Team={team.team_id}"] = team
            if key.user_id in team.members:
                found[f"TeamMember={key.user_id}:{team.team_id}"] = team.members[key.user_id]
        if user is not None and (team is None or self.settings["apply_user_budget_to_team_keys"]):
            found[f"User={user.user_id}"] = user
        return found

    def lists(self, key: Key) -> dict[str, Budget]:
        """The lists of models that apply to this key's calls."""
        found = self.budgets(key)
        if key.team_id:
            found.pop(f"User={key.user_id}", None)
        return found

    def bill(self, key: Key, model: str, usd: float, tokens: tuple[int, int]) -> None:
        budgets = [*self.budgets(key).values()]
        user = self.users.get(key.user_id or "")
        if user is not None and user not in budgets:
            budgets.append(user)
        for budget in budgets:
            budget.live += usd
        metrics = {
            "spend": usd,
            "prompt_tokens": tokens[0],
            "completion_tokens": tokens[1],
            "successful_requests": 1,
        }
        self._pending.append(((self._clock().date(), key.user_id or "", key.token, model), metrics, budgets))
        if self._flush_seconds is not None:
            asyncio.get_running_loop().call_later(self._flush_seconds, self.flush)


def error(status: int, message: str, kind: str) -> Refusal:
    return Refusal(status, {"error": {"message": message, "type": kind, "param": None, "code": str(status)}})
