"""The cast of the playground: twelve people of one company, their teams and their policy.

Everybody is on both messengers. In English the company lives on Slack, in Chinese on DingTalk.
"""

from __future__ import annotations

from dataclasses import dataclass
from string import Template
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Shanghai")
DESIGN, GROUP = "C01DESIGN", "cidDESIGN"
# The messenger that people use until they switch.
HOME = {"en": "slack", "zh": "dingtalk"}
STRONG, SMALL = "claude-opus-5", "gpt-5.5-mini"

_POLICY = Template("""\
unit: USD
timezone: Asia/Shanghai
period: monthly
admins: [sam@acme.example]
organisation: {year_budget: 15000}
allocations:
  - match: {employment: contractor}
    amount: 40
  - match: {team: $payments, role: $engineer}
    amount: 300
    reason: $reason
  - match: {}
    amount: 100
gateway: {per_usd: 1}
free_models: [hunyuan]
teams:
  - {name: $company, owner: olga@acme.example}
  - {name: $design, parent: $company, owner: bob@acme.example, top_up_budget: 400}
  - {name: $payments, parent: $company, owner: lee@acme.example, top_up_budget: 1000}
  - {name: $data, parent: $company, owner: mei@acme.example, top_up_budget: 500}
requests:
  approve_up_to: {manager: 200, owner: 2000}
  fallback_approvers: [olga@acme.example]
""")
# The Chinese company: the words of the policy, its teams and its people, each with name and role.
WORDS = {
    "en": {"company": "company", "design": "design", "payments": "payments", "data": "data"}
    | {"engineer": "engineer", "reason": "on-call tooling"},
    "zh": {"company": "公司", "design": "设计组", "payments": "支付组", "data": "数据组"}
    | {"engineer": "工程师", "reason": "值班工具"},
}
IN_CHINESE = {
    "Alice": ("李婷", "设计师"),
    "Bob": ("王强", "组长"),
    "Carol": ("赵敏", "设计师"),
    "Dan": ("孙浩", "插画师"),
    "Olga": ("周岚", "总经理"),
    "Lee": ("陈立", "组长"),
    "Pia": ("林佳", "工程师"),
    "Quinn": ("吴越", "工程师"),
    "Raj": ("何睿", "工程师"),
    "Mei": ("徐静", "组长"),
    "Tom": ("郑涛", "分析师"),
    "Sam": ("冯磊", "IT 管理员"),
}


def policy(language: str) -> str:
    return _POLICY.substitute(WORDS[language])


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
        """The id in the page and on DingTalk, and the handle on Slack."""
        return self.name.lower()

    def called(self, language: str) -> str:
        return IN_CHINESE[self.name][0] if language == "zh" else self.name

    def works_as(self, language: str) -> str:
        return IN_CHINESE[self.name][1] if language == "zh" else self.role

    def team_in(self, language: str) -> str:
        return WORDS[language][self.team]

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
# DingTalk's departments; the company itself is 1.
TEAMS = {"design": 2, "payments": 3, "data": 4}
