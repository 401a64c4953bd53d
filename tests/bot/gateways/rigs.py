"""Gateways of all kinds with an account for each of a few members, and the faults that each of them has."""

from __future__ import annotations

from typing import Any, Protocol

from bot.gateways.claude_enterprise import ClaudeEnterprise
from bot.gateways.litellm import LiteLLM
from bot.gateways.new_api import NewApi
from bot.gateways.openrouter import OpenRouter
from bot.gateways.port import Access, Gateway
from sandbox.gateways import claude_enterprise as a_claude_enterprise
from sandbox.gateways import litellm as a_litellm
from sandbox.gateways import new_api as a_new_api
from sandbox.gateways import openrouter as an_openrouter
from sandbox.gateways.stand_in import (
    FAILED,
    FAILED_AFTER,
    LATE,
    RATE_LIMITED,
    REFUSED,
    REPLY_GARBLED,
    REPLY_LOST,
    REQUEST_LOST,
)
from tests.company import NOW

USD = 1_000_000


NAMES = ("alice", "bob", "eve")


class Rig(Protocol):
    """A stand-in with an account for each of `NAMES`; amounts in USD, quarters of which floats hold exactly."""

    standin: Any
    routes: tuple[str, ...]
    ways: tuple[str, ...]

    def connector(self, access: Access) -> Gateway:
        """The real one."""

    def account(self, name: str) -> str:
        """Its id."""

    def burn(self, name: str, usd: float) -> None:
        """Spend, whatever the limit says: calls in flight may do that."""

    def left(self, name: str) -> float:
        """What can still be spent there."""

    def total(self, name: str) -> float:
        """The limit that stands there."""

    def edit(self, name: str, usd: float) -> None:
        """By hand: so much more."""

    def dear(self, name: str) -> bool:
        """Whether the list of models lets a dear model through; `hunyuan` always passes."""

    def flush(self) -> None:
        """What lags arrives."""

    def reset(self, name: str) -> bool:
        """A window ends; False where there are none."""


class OnLiteLLM:
    routes = ("POST /user/update", "GET /v2/user/info", "GET /user/list")
    ways = (FAILED, FAILED_AFTER, RATE_LIMITED, REPLY_GARBLED, REPLY_LOST, REQUEST_LOST)

    def __init__(self) -> None:
        self.standin = a_litellm.LiteLLM(
            users={self.account(name): None for name in NAMES}, clock=lambda: NOW
        )

    def connector(self, access: Access) -> Gateway:
        return LiteLLM(access)

    def account(self, name: str) -> str:
        return f"{name}@corp.example"

    def burn(self, name: str, usd: float) -> None:
        self.standin.burn(self.account(name), usd)

    def left(self, name: str) -> float:
        user = self.standin.users[self.account(name)]
        return float(user.max_budget - user.live)

    def total(self, name: str) -> float:
        return float(self.standin.users[self.account(name)].max_budget)

    def edit(self, name: str, usd: float) -> None:
        user = self.standin.users[self.account(name)]
        user.max_budget += usd

    def dear(self, name: str) -> bool:
        return bool(self.standin.users[self.account(name)].lets("claude-opus-5"))

    def flush(self) -> None:
        self.standin.flush()

    def reset(self, name: str) -> bool:
        self.standin.reset(self.account(name))
        return True


class OnNewApi:
    routes = ("POST /api/user/manage", "GET /api/user/{id}", "GET /api/user/")
    ways = (FAILED, FAILED_AFTER, LATE, RATE_LIMITED, REFUSED, REPLY_GARBLED, REPLY_LOST, REQUEST_LOST)
    one_api = False

    def __init__(self) -> None:
        self.standin = a_new_api.NewApi(one_api=self.one_api, clock=NOW.timestamp)
        self.users = {
            name: self.standin.add_user(name, email=f"{name}@corp.example", used_quota=125_000)
            for name in NAMES
        }
        self.standin.add_channel("claude,hunyuan", "default")
        self.standin.add_channel("hunyuan", "cheap")

    def connector(self, access: Access) -> Gateway:
        return NewApi(access)

    def dear(self, name: str) -> bool:
        return bool(self.standin.lets(self.users[name], "claude"))

    def account(self, name: str) -> str:
        return str(self.users[name].id)

    def burn(self, name: str, usd: float) -> None:
        self.standin.consume(self.users[name], int(usd * 500_000))

    def left(self, name: str) -> float:
        return self.users[name].quota / 500_000

    def total(self, name: str) -> float:
        user = self.users[name]
        return (user.quota + user.used_quota) / 500_000

    def edit(self, name: str, usd: float) -> None:
        self.standin.edit(self.users[name], self.users[name].quota + int(usd * 500_000))

    def flush(self) -> None:
        self.standin.flush()

    def reset(self, name: str) -> bool:
        return False


class OnOneApi(OnNewApi):
    routes = ("POST /api/topup", "PUT /api/user/", "GET /api/user/{id}", "GET /api/user/")
    one_api = True

    def left(self, name: str) -> float:
        return max(self.users[name].quota, 0) / 500_000


class OnOpenRouter:
    routes = ("PATCH /keys/{hash}", "GET /keys/{hash}", "GET /keys")
    ways = (FAILED, FAILED_AFTER, RATE_LIMITED, REPLY_GARBLED, REPLY_LOST, REQUEST_LOST)

    def __init__(self) -> None:
        self.standin = an_openrouter.OpenRouter(clock=lambda: NOW)
        self.keys = {
            name: self.standin.add_key(f"{name}@corp.example", limit_reset="monthly") for name in NAMES
        }
        self.standin.guardrails = [
            {"id": "r1", "name": "cheap", "allowed_models": ["hunyuan"], "limit_usd": None}
        ]

    def dear(self, name: str) -> bool:
        return self.keys[name].hash not in self.standin.assigned

    def connector(self, access: Access) -> Gateway:
        return OpenRouter(access)

    def account(self, name: str) -> str:
        return str(self.keys[name].hash)

    def burn(self, name: str, usd: float) -> None:
        key, limit = self.keys[name], self.keys[name].limit
        key.limit = None
        self.standin.spend(key, usd)
        key.limit = limit

    def left(self, name: str) -> float:
        return float(self.keys[name].limit - self.keys[name].counted)

    def total(self, name: str) -> float:
        return float(self.keys[name].limit)

    def edit(self, name: str, usd: float) -> None:
        self.keys[name].limit += usd

    def flush(self) -> None:
        """It never lags."""

    def reset(self, name: str) -> bool:
        self.keys[name].usage_monthly = 0.0
        return True


class OnClaudeEnterprise:
    routes = ("POST /v1/organizations/spend_limits", "GET /v1/organizations/spend_limits/effective")
    ways = (FAILED, FAILED_AFTER, RATE_LIMITED, REPLY_GARBLED, REPLY_LOST, REQUEST_LOST)

    def __init__(self) -> None:
        self.standin = a_claude_enterprise.ClaudeEnterprise(clock=lambda: NOW)
        self.members = {name: self.standin.add_member(f"{name}@corp.example") for name in NAMES}

    def connector(self, access: Access) -> Gateway:
        return ClaudeEnterprise(access)

    def account(self, name: str) -> str:
        return self.members[name].id

    def burn(self, name: str, usd: float) -> None:
        self.standin.burn(self.members[name], int(usd * 100))

    def left(self, name: str) -> float:
        return self.total(name) - float(self.members[name].spent) / 100

    def total(self, name: str) -> float:
        return float(self.standin.amount(self.members[name]) or "inf") / 100

    def dear(self, name: str) -> bool:
        return True

    def edit(self, name: str, usd: float) -> None:
        cents = int((self.total(name) + usd) * 100)
        self.standin.edit(self.members[name], str(max(cents, 0)))

    def flush(self) -> None:
        self.standin.unavailable.clear()

    def reset(self, name: str) -> bool:
        """Its windows are a month long; in between a counter may read "0" for a while."""
        self.standin.unavailable.add(self.account(name))
        return False
