"""The cast of the playground: twelve people of one company, their teams and their policy.

Everybody is on both messengers. In English the company lives on Slack, in Chinese on DingTalk.
"""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Shanghai")
DESIGN, GROUP = "C01DESIGN", "cidDESIGN"
HOME = {"en": "slack", "zh": "dingtalk"}
"""The messenger that people use until they switch."""
STRONG, SMALL = "claude-opus-5", "gpt-5.5-mini"

POLICY = """\
unit: USD
timezone: Asia/Shanghai
period: monthly
admins: [sam@acme.example]
allocations:
  - match: {employment: contractor}
    amount: 40
  - match: {team: payments, role: engineer}
    amount: 300
    reason: on-call tooling
  - match: {}
    amount: 100
gateway: {per_usd: 1}
free_models: [hunyuan]
teams:
  - {name: company, owner: olga@acme.example}
  - {name: design, parent: company, owner: bob@acme.example, top_up_budget: 400}
  - {name: payments, parent: company, owner: lee@acme.example, top_up_budget: 1000}
  - {name: data, parent: company, owner: mei@acme.example, top_up_budget: 500}
requests:
  approve_up_to: {manager: 200, owner: 2000}
  fallback_approvers: [olga@acme.example]
"""


@dataclass(frozen=True)
class Role:
    """One member of the cast. `spent`: quarters of a dollar by today, so that the gateway's floats stay exact."""

    name: str
    slack: str
    manager: str
    team: str
    role: str
    spent: int
    employment: str = "employee"

    @property
    def id(self) -> str:
        """The id in the page and on DingTalk."""
        return self.name.lower()

    @property
    def email(self) -> str:
        """The e-mail address, also the id at the gateway."""
        return f"{self.id}@acme.example"

    def address(self, messenger: str) -> str:
        """The address on a messenger, as the bot stores it."""
        return f"{messenger}:{self.slack if messenger == 'slack' else self.id}"


CAST = (
    Role("Alice", "U01ALICE", "Bob", "design", "designer", 382),
    Role("Bob", "U02BOB", "Olga", "design", "lead", 124),
    Role("Carol", "U03CAROL", "Bob", "design", "designer", 451),
    Role("Dan", "U04DAN", "Bob", "design", "illustrator", 172, "contractor"),
    Role("Olga", "U05OLGA", "", "company", "CEO", 71),
    Role("Lee", "U06LEE", "Olga", "payments", "lead", 203),
    Role("Pia", "U07PIA", "Lee", "payments", "engineer", 826),
    Role("Quinn", "U08QUINN", "Lee", "payments", "engineer", 1012),
    Role("Raj", "U09RAJ", "Lee", "payments", "engineer", 554),
    Role("Mei", "U10MEI", "Olga", "data", "lead", 266),
    Role("Tom", "U11TOM", "Mei", "data", "analyst", 301),
    Role("Sam", "U12SAM", "Olga", "company", "IT admin", 38),
)
WHO = {role.name: role for role in CAST}
BY_ID = {role.id: role for role in CAST}
TEAMS = {"design": 2, "payments": 3, "data": 4}
"""DingTalk's departments; the company itself is 1."""
