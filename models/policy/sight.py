"""Who sees figures of money: admins and finance all of them, owners their own teams, nobody else any."""

from __future__ import annotations

from dataclasses import dataclass

from models.policy.document import Policy


@dataclass(frozen=True)
class Sight:
    """`whole`: the organisation. Else `teams`, and every team below them."""

    policy: Policy
    whole: bool
    teams: frozenset[str]

    @classmethod
    def of(cls, policy: Policy, email: str) -> Sight:
        # The fallback approvers are the people of finance.
        whole = email in (*policy.admins, *policy.requests.fallback_approvers)
        return cls(policy, whole, frozenset(one.name for one in policy.teams if one.owner == email))

    def __bool__(self) -> bool:
        return self.whole or bool(self.teams)

    def shows(self, team: str) -> bool:
        return self.whole or any(one.name in self.teams for one in self.policy.team_chain(team))
