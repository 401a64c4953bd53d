"""The users, keys and teams of the stand-in LiteLLM, with their budgets and their JSON."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from sandbox.gateways.stand_in import Json


@dataclass
class Budget:
    """A budget: `live` enforces; `spend` is the database's figure since the last flush."""

    max_budget: float | None = None
    spend: float = 0.0
    live: float = 0.0
    budget_duration: str | None = None
    budget_reset_at: str | None = None
    models: list[str] = field(default_factory=list)

    def lets(self, model: str) -> bool:
        """An empty list lets every model through."""
        return not self.models or "all-proxy-models" in self.models or model in self.models

    @property
    def reached(self) -> bool:
        """0 blocks; None never does."""
        return self.max_budget is not None and self.live >= self.max_budget

    def as_json(self) -> Json:
        return {
            "max_budget": self.max_budget,
            "spend": self.spend,
            "budget_duration": self.budget_duration,
            "budget_reset_at": self.budget_reset_at,
            "models": self.models,
        }


@dataclass
class User(Budget):
    user_id: str = ""
    user_email: str | None = None
    user_alias: str | None = None
    user_role: str | None = None
    teams: list[str] = field(default_factory=list)

    def as_json(self) -> Json:
        names = {"user_id": self.user_id, "user_email": self.user_email, "user_alias": self.user_alias}
        names["user_role"] = self.user_role
        return names | super().as_json() | {"teams": self.teams, "metadata": {}}


@dataclass
class Key(Budget):
    """A virtual key. `secret` calls models; `token` is its hash, and the only form that lists show."""

    secret: str = ""
    key_alias: str | None = None
    user_id: str | None = None
    team_id: str | None = None
    blocked: bool | None = None
    budget_limits: list[Json] | None = None

    @property
    def token(self) -> str:
        """The key's id everywhere but in calls of models."""
        return hashlib.sha256(self.secret.encode()).hexdigest()

    def as_json(self) -> Json:
        # Without the token: one answer has it beside the row, another one in it.
        owner = {"key_alias": self.key_alias, "user_id": self.user_id, "team_id": self.team_id}
        rest = {
            "blocked": self.blocked,
            "budget_limits": self.budget_limits,
            "key_name": f"sk-...{self.secret[-4:]}",
        }
        return owner | super().as_json() | rest


@dataclass
class Team(Budget):
    """A team and the budgets of its members."""

    team_id: str = ""
    team_alias: str = ""
    members: dict[str, Budget] = field(default_factory=dict)
    # The budget of members without one of their own.
    default: Budget | None = None
    inheriting: set[str] = field(default_factory=set)

    def set_default(self, usd: float) -> None:
        """`/team/update {team_member_budget}`: everybody who shares it follows."""
        self.default = Budget(usd)
        for name in self.inheriting:
            self.members[name].max_budget = usd

    def as_json(self) -> Json:
        # /v2/team/list does not report the members' spend.
        return {"team_id": self.team_id, "team_alias": self.team_alias, **super().as_json()}
