"""What sentences are made of: signs, courtesy, names, amounts; and the templates that are put together from these.

A template is a regular expression over a sentence whose people and amounts are replaced by signs. English templates read
`lend {person} {amount}`, Chinese ones `借给{person}{amount}`, without spaces. The placeholders are

    {person}   a mention, or a typed name
    {mention}  a mention only
    {amount}   an amount
    {quota}    an amount or "some quota"
    {unit}     a word for quota
    {boss}     "ask my manager to", in Chinese

A template begins at the front of a clause, after greetings and "could you please" only, so a sentence about what somebody said,
would do or did yesterday matches none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from itertools import count

PERSON = "\ue000"
AMOUNT = "\ue001"
COUNT = "\ue002"
"""A number that may count something else: 5 files."""
JOINT = "·"
"""Between the parts of a full name: Bob·Jones, 欧阳·娜娜."""
HAN_LETTER = r"(?-i:[^\W\x00-\xff])"
"""A letter beyond Latin. As a range of twenty thousand characters it takes a hundred times as long to compile."""

# ── people, quota and courtesy ──────────────────────────────────────────────────────────────────────

UNIT_EN = "quota|tokens?|credits?|budget|allowance|balance|limit|allocation|usage|money|funds?|bucks"
UNIT_ZH = "额度|配额|预算|token数?|tokens?|quota|credits?|积分|令牌|算力|钱"

_NOT_NAMES_EN = (
    "me|my|mine|him|her|his|hers|them|their|us|our|you|your|it|its|the|this|that|these|those|an?|some|any|every|each|all|both|no|not|"
    "never|everyone|everybody|someone|somebody|nobody|anyone|anybody|anything|nothing|something|everything|back|up|out|off|over|to|"
    "from|for|of|in|on|at|by|with|until|till|and|or|if|but|so|than|then|more|less|extra|another|about|much|many|again|please|pls|now|"
    "away|i|we|they|he|she|who|what|when|how|why|team|people|guys|folks|manager|boss|requests?|quota|tokens?|credits?|money|budget|"
    "half|part|most|debts?|loans?|attention|feedback|thanks|help|way|hand|lunch|coffee|yourself|myself|stock|work|days?|night|check|slip|cut"
)  # fmt: skip
_NOT_NAMES_ZH = "(?:(?:the|my|our)?team|teh|pool)(?![a-z])|[^A-Za-z]{0,3}(?:组里|小组|[我你您他她它谁不没别了吗的过说会要想能该应点些]|大家|同事|团队|自己|老板|主管|经理|朋友|所有|多少|公司|欠款|借款|债务|额度|可以|全部|清楚|一下)"
NAME_EN = rf"(?!(?:{_NOT_NAMES_EN})\b)@?(?:[a-z][\w.'·-]*|(?!{_NOT_NAMES_ZH})(?:{HAN_LETTER}|·){{2,10}}(?!{HAN_LETTER}))"
NAME_ZH = rf"(?!{_NOT_NAMES_ZH})(?:{HAN_LETTER}{{1,5}}?·(?:{HAN_LETTER}|·){{1,6}}?|{HAN_LETTER}{{2,4}}?|[a-z][\w.·'-]*)"
_TEAM = r"(?: ?\([^()]{1,20}\))?"  # 张三(研发), as some clients write their names
SURNAMES = (
    "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦许何吕施张孔曹严华金魏陶姜戚谢邹喻柏窦章苏潘葛范彭郎鲁韦昌马苗凤方俞任袁柳鲍史唐费岑薛雷贺倪汤"
    "殷罗毕郝安常乐傅皮齐康伍余顾孟黄穆萧尹姚邵湛汪毛狄米贝明戴宋庞熊纪舒屈项祝董梁杜阮蓝闵季贾江童颜郭梅盛林钟徐邱骆高夏蔡田胡凌霍万"
    "柯卢莫房丁邓洪包左石崔龚程裴陆翁甄封储靳段焦侯全班仇宁甘武刘景龙叶黎白蒲邢温庄晏柴瞿阎连习艾向古易廖耿匡文聂冷简饶曾关查涂丘肖游"
)
_SOME_EN = (
    "(?:(?:some|a (?:bit|little)(?: of)?|part of|any|spare)(?: more)?(?: of)?(?: my| your)?(?: spare)?"
    f"(?: (?:{UNIT_EN}))?)"
)
_SOME_ZH = f"(?:(?:一?点儿?|一?些|几个|一?部分|多余的?)(?:{UNIT_ZH})?|(?:{UNIT_ZH}))"
_AMOUNT_EN = f"{AMOUNT}(?: (?:worth of|of|from|out of)(?: my| the| our)?(?: own)? (?:{UNIT_EN}|mine))?"
_AMOUNT_ZH = f"{AMOUNT}(?:的?(?:{UNIT_ZH}))?"

GREETING_EN = (
    "(?:hi|hey|hello|yo|ok|okay|so|well|um+|(?:good )?(?:morning|afternoon|evening)|sorry|btw|alright|great|thanks|thank you|urgent|"
    "quick one)(?: (?:there|all|team|folks|bot|quotabot|everyone|guys|again))?|quotabot|bot"
)  # fmt: skip
WISH_EN = (
    "please|pls|plz|kindly|just|quickly|also|now|go ahead and|then|(?:can|could|would|will) (?:you|u)|(?:can|could|shall) we|(?:i'?d|i would) (?:really )?"
    "(?:like|love)(?: you)? to|i (?:want|need|wish|have)(?: you)? to|i wanna|i'?m (?:going to|gonna|happy to)|i'?ll|i will|let me|"
    "help me(?: to)?|want to|wanna|need to|happy to"
)  # fmt: skip
GREETING_ZH = (
    "(?:你好|您好|嗨|哈喽|hi|hello|早(?:上好)?|上午好|下午好|晚上好|亲|(?:跪求|求)?(?:大佬们?|兄弟们?|各位|好心人)|请问|劳驾|拜托|辛苦了?|那个?|好的?|嗯|"
    "哎|喂|算了|机器人|小助手|quotabot)"
)  # fmt: skip
_WISH_ZH = (
    "请|麻烦(?:你|您)?|帮(?:我|忙|个忙)|我(?:想要|想|要|打算|来|准备|需要|得)?|想|要|能不能|能否|可不可以|可否|可以|能|求|给我|再|先|"
    "现在|今天|直接|赶紧|快|临时|暂时|替我|为我|让我|从我(?:这里|这儿|这|的额度里?|账上)?|我这[边里儿]?|跪求|提前"
)  # fmt: skip
BOSS_ZH = "(?:(?:向|跟|找|问|请|让|叫|麻烦)(?:我的?)?(?:主管|经理|老板|领导|上级|leader|boss|mentor|组长|总监|manager)(?:再)?(?:给我|帮我)?)"
OPENING_EN = rf"(?:(?:{GREETING_EN})[ ,!.:-]+){{0,3}}(?:(?:{WISH_EN}) ){{0,4}}"
OPENING_ZH = rf"(?:{GREETING_ZH}[,!.:~]*){{0,3}}(?:(?:{_WISH_ZH}),?){{0,6}}"


@dataclass(frozen=True)
class Template:
    """The ways to ask for one thing in one language. `sure`: these words have no other meaning."""

    intent: str
    sure: bool
    english: bool
    source: str

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        # Compiled at first use: all together take a third of a second, and most commands need none.
        return re.compile(self.source)

    @property
    def moves_away(self) -> bool:
        """Whether quota is taken at once from the sender or from another member."""
        return self.intent in ("lend", "repay", "recall", "forgive", "delegate")


def in_english(intent: str, *ways: str, sure: bool = True, opening: str = OPENING_EN) -> Template:
    # after an opening, a second word may be anything; in a bare command up to four belong to the name
    name = NAME_EN if opening else f"{NAME_EN}(?: {NAME_EN}){{0,3}}"
    parts = {
        "person": f"(?:{PERSON}|(?:him|her|them)\\b|{{name}}){_TEAM}",
        "amount": f"(?:{_AMOUNT_EN})",
        "quota": f"(?:(?:{_AMOUNT_EN})|{_SOME_EN})",
        "unit": f"(?:{UNIT_EN})",
    }
    return Template(intent, sure, True, rf"{opening}(?:{_fill(ways, parts, name)})(?!\w)")


def in_chinese(intent: str, *ways: str, sure: bool = True, opening: str = OPENING_ZH) -> Template:
    parts = {
        "person": f"(?:{PERSON}(?:老师|哥|姐|总|同学|大佬|工)?|[他她]|ta|{{name}}){_TEAM}",
        "amount": f"(?:{_AMOUNT_ZH})",
        "quota": f"(?:(?:{_AMOUNT_ZH})|{_SOME_ZH})",
        "unit": f"(?:{UNIT_ZH})",
    }
    return Template(intent, sure, False, f"{opening}(?:{_fill(ways, parts, NAME_ZH)})")


def _fill(ways: tuple[str, ...], parts: dict[str, str], name: str) -> str:
    # Each `{name}` becomes a group of its own: n0, n1, …
    pattern = "|".join(ways)
    for part, meaning in (parts | {"mention": _MENTION, "boss": BOSS_ZH}).items():
        pattern = pattern.replace(f"{{{part}}}", meaning)
    number = count()
    return re.sub(r"\{name\}", lambda _: f"(?P<n{next(number)}>{name})", pattern)


_MENTION = f"{PERSON}(?:老师|哥|姐|总|同学|大佬)?"
