"""The words of `understanding`: how people ask for each thing, in English and in Chinese.

A template is a regular expression over a sentence whose people and amounts were taken out: `{P}` somebody, `{M}` somebody mentioned,
`{A}` an amount, `{Q}` an amount or "some quota", `{U}` a word for quota. English ones read `lend P A for the test`, Chinese ones `借给PA`,
without spaces. Each is anchored at the beginning, after greetings and "could you please" only: what somebody said, would do or did
yesterday matches none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from itertools import count

P = "\ue000"  # somebody
A = "\ue001"  # an amount
OTHER = "\ue002"  # a number that may count something else (5 files)
HAN = r"(?-i:[^\W\x00-\xff])"
"""A letter beyond Latin: as a range of twenty thousand signs it takes a hundred times as long to compile."""

# ── people, quota and courtesy ──────────────────────────────────────────────────────────────────────

UNIT_EN = "quota|tokens?|credits?|budget|allowance|balance|limit|allocation|usage|money|funds?|bucks"
UNIT_ZH = "额度|配额|预算|token数?|tokens?|quota|credits?|积分|令牌|算力|钱"

_NOT_NAMES_EN = (
    "me|my|mine|him|her|his|hers|them|their|us|our|you|your|it|its|the|this|that|these|those|an?|some|any|every|each|all|both|no|not|"
    "never|everyone|everybody|someone|somebody|nobody|anyone|anybody|anything|nothing|something|everything|back|up|out|off|over|to|"
    "from|for|of|in|on|at|by|with|until|till|and|or|if|but|so|than|then|more|less|extra|another|about|much|many|again|please|pls|now|"
    "away|i|we|they|he|she|who|what|when|how|why|team|people|guys|folks|manager|boss|requests?|quota|tokens?|credits?|money|budget|"
    "half|part|most|debts?|loans?|attention|feedback|thanks|help|way|hand|lunch|coffee|yourself|myself|stock|work"
)  # fmt: skip
_NOT_NAMES_ZH = "[^A-Za-z]{0,3}(?:[我你您他她它谁不没别了吗的过说会要想能该应点些]|大家|同事|团队|自己|老板|主管|经理|朋友|所有|多少|公司|欠款|借款|债务|额度|可以|全部|清楚|一下)"
_NAME_EN = rf"(?!(?:{_NOT_NAMES_EN})\b)@?(?:[a-z][\w.'-]*|(?!{_NOT_NAMES_ZH})(?:{HAN}|·){{2,10}}(?!{HAN}))"
_NAME_ZH = rf"(?!{_NOT_NAMES_ZH})(?:(?:{HAN}|·){{2,4}}?|[a-z][\w.-]*)"
_SOME_EN = (
    "(?:(?:some|a (?:bit|little)(?: of)?|part of|any|spare)(?: more)?(?: of)?(?: my| your)?(?: spare)?"
    f"(?: (?:{UNIT_EN}))?)"
)
_SOME_ZH = f"(?:(?:一?点儿?|一?些|几个|一?部分|多余的?)(?:{UNIT_ZH})?|(?:{UNIT_ZH}))"
_AMOUNT_EN = f"{A}(?: (?:worth of|of|from|out of)(?: my| the| our)?(?: own)? (?:{UNIT_EN}|mine))?"
_AMOUNT_ZH = f"{A}(?:的?(?:{UNIT_ZH}))?"

GREETING_EN = (
    "(?:hi|hey|hello|yo|ok|okay|so|well|um+|(?:good )?(?:morning|afternoon|evening)|sorry|btw|alright|great|thanks|thank you|urgent|"
    "quick one)(?: (?:there|all|team|folks|bot|quotabot|everyone|guys|again))?|quotabot|bot"
)  # fmt: skip
_WISH_EN = (
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
OPENING_EN = rf"(?:(?:{GREETING_EN})[ ,!.:-]+){{0,3}}(?:(?:{_WISH_EN}) ){{0,4}}"
OPENING_ZH = rf"(?:{GREETING_ZH}[,!.:~]*){{0,3}}(?:(?:{_WISH_ZH}),?){{0,6}}"


@dataclass(frozen=True)
class Template:
    """The ways to ask for one thing in one language; `sure`: whoever puts it like this means it."""

    intent: str
    sure: bool
    english: bool
    source: str

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Compiled when the first sentence comes: all together take a third of a second, and most commands never need one."""
        return re.compile(self.source)

    @property
    def moves_away(self) -> bool:
        """What is asked for takes something from the asker or from somebody else at once."""
        return self.intent in ("lend", "repay", "recall", "forgive", "delegate")


def _english(intent: str, *ways: str, sure: bool = True, opening: str = OPENING_EN) -> Template:
    name = _NAME_EN if opening else f"{_NAME_EN}(?: {_NAME_EN})?"
    pattern = _compiled(
        ways, f"(?:{P}|(?:him|her|them)\\b|{{name}})", name, f"(?:{_AMOUNT_EN})", _SOME_EN, UNIT_EN
    )
    return Template(intent, sure, True, rf"{opening}(?:{pattern})(?!\w)")


def _chinese(intent: str, *ways: str, sure: bool = True, opening: str = OPENING_ZH) -> Template:
    pattern = _compiled(
        ways,
        f"(?:{P}(?:老师|哥|姐|总|同学|大佬|工)?|[他她]|ta|{{name}})",
        _NAME_ZH,
        f"(?:{_AMOUNT_ZH})",
        _SOME_ZH,
        UNIT_ZH,
    )
    return Template(intent, sure, False, f"{opening}(?:{pattern})")


def _compiled(ways: tuple[str, ...], person: str, name: str, amount: str, some: str, unit: str) -> str:
    """Fill in what the letters in braces stand for; a typed name is in the one group `n…` that matched."""
    pattern = "|".join(ways)
    for letter, meaning in {
        "P": person,
        "M": f"{P}(?:老师|哥|姐|总|同学|大佬)?",
        "Q": f"(?:{amount}|{some})",
        "A": amount,
        "U": f"(?:{unit})",
        "B": BOSS_ZH,
    }.items():
        pattern = pattern.replace(f"{{{letter}}}", meaning)
    number = count()
    return re.sub(r"\{name\}", lambda _: f"(?P<n{next(number)}>{name})", pattern)


# ── the typed grammar of interface.md, word for word ────────────────────────────────────────────────

TYPED = (
    _english("lend", "lend {P} {A}", opening=""),
    _chinese("lend", "借给{P}{A}", opening=""),
    _english("borrow", "borrow {A} from {P}", "borrow {P} {A}", opening=""),
    _chinese("borrow", "向{P}借{A}", opening=""),
    _english("repay", "repay {P}(?: {A})?", opening=""),
    _chinese("repay", "归?还给?{P}{A}", "归?还给?{M}$", opening=""),
    _english("recall", "recall {P}(?: {A})?", opening=""),
    _chinese("recall", "收回{P}{A}", "收回{M}$", opening=""),
    _english("forgive", "forgive {P}(?: {A})?", opening=""),
    _chinese("forgive", "免还{P}{A}", "免还{M}$", opening=""),
    # After a blank it is a name; without one, `收回成命` would take something back from Mr 成命.
    _english("repay", "归?还 {P}", opening=""),
    _english("recall", "收回 {P}", opening=""),
    _english("forgive", "免还 {P}", opening=""),
    _english("request", "request {A}", opening=""),
    _chinese("request", "申请{A}", opening=""),
    _english("delegate", "delegate (?:to )?{P}", opening=""),
    _chinese("delegate", "委托(?:给)?{P}", opening=""),
)
WORDS = {
    "balance": "|balance|余额",
    "loans": "loans|借款|借条",
    "history": "history|明细|记录",
    "team": "team|团队",
    "help": r"help|\?|帮助",
    "pause": "pause|暂停|先暂停",
    "resume": "continue|resume|继续|继续使用|恢复",
    "yes": "yes|y|yep|confirm|确认|是|是的",
    "no": "no|n|nope|取消|否|不|不要|不用了|算了",
}
BARE = {
    "lend": "lend|借给|借出",
    "borrow": "borrow|借",
    "repay": "repay|归?还|还款|还钱",
    "recall": "recall|收回",
    "forgive": "forgive|免还",
    "request": "request|申请",
    "approve": "approve|同意|批准|通过",
    "decline": "decline|reject|拒绝|驳回",
    "cancel": "cancel|撤回",
    "revoke": "revoke",
    "delegate": "delegate|委托",
    "lang": "lang|language|语言",
}
COMMANDS = tuple(command for command in BARE if command != "lang")
DECISIONS = {
    "approve": "approve|accept|grant|同意|批准|通过|准了|批了|核准",
    "decline": "decline|deny|reject|refuse|拒绝|驳回|不同意|不批准?|不通过|否决",
    "cancel": "cancel|withdraw|retract|撤回|撤销|取消",
    "revoke": "revoke|收回|作废",
}

# ── plain sentences, the more particular ones first ─────────────────────────────────────────────────

_LEND = "(?:lend|loan|give|send|hand|shoot|transfer|pass|share|spot|wire|move|slip|gift|advance|front|float|allocate)"
_TO_ME = "(?:lend|loan|spot|spare|front|float|advance|share with|transfer|give|send|pass|slip)"
_LOAN_ME = "(?:lend|loan|spot|spare|front|float|advance)"
_CALLED = rf"{{M}}[,:!]? (?:(?:{GREETING_EN})[ ,!]+)?(?:(?:{_WISH_EN}|do|have) (?:you )?){{0,3}}"
_ANYONE = (
    "(?:any chance |is it possible )?(?:that )?(?:(?:can|could|would|will|does|do|is there|has) )?(?:somebody|someone|anyone|anybody|any of you|one of you|who)(?: here| else)?"
    "(?: (?:can|could|would|please|who|willing to|able to|want to|wants to|kind enough to|maybe|possibly))*"
)  # fmt: skip
_MAY_I = "(?:can|could|may|might) (?:i|we) (?:please |maybe |possibly |also )*"
_MORE = "(?:(?:some|a (?:bit|little)(?: of)?) )?(?:more|extra|additional)"
_MY_QUOTA = r"(?:(?:my|the) )?(?:\w+ )?(?:{U}|cap|account)"
_RAISE = "(?:raise|increase|bump(?: up)?|lift|up|extend|expand|top up|boost|refill|recharge)"
_GIVE_ME = "(?:give|grant|allocate|assign|get|send|add)"
_TO_ME_ZH = "(?:借|匀|转|分|支援|拨)(?:给|点给|一下)?我(?:用)?"
_DEBT = "(?:debts?|loans?|borrowings?)"
_BOSS = r"(?:(?:my |the )?(?:manager|boss|lead|team ?lead|supervisor))"

ENGLISH = (
    _english(
        "repay",
        "(?:repay|pay back|pay off|return|settle) (?:everything|all|what)(?: that)? i (?:still )?(?:owe|borrowed)(?: (?:to|from) {P})?",
        "(?:pay|give|send|hand|return) {P}(?: (?:the|my|his|her|their))?(?: {A})? back(?: (?:the )?{A})?",
        "return {P}'s {A}",
        "payback {P}(?: {A})?",
        "(?:repay|reimburse|pay back|pay off|settle(?: up)? with) {P}(?: {A})?",
        "(?:give|pay|send|hand|transfer) back(?: {A}| everything| the rest| the quota| it)?(?: to {P})?",
        "(?:pay|give|send|hand|transfer) (?:{A}|the rest|it|what i (?:owe|borrowed)) back to {P}",
        "(?:return|repay|pay back)(?: the)? (?:{A}|everything|the rest|it|the quota|what i (?:owe|borrowed)|my debt) (?:to|from) {P}",
        "(?:repay|pay back) (?:{A}|everything|all)$",
        f"(?:repay|pay back|pay off|settle|clear|return)(?: all)?(?: of)? (?:my|the) {_DEBT}(?: (?:to|with|from) {{P}})?",
    ),
    _english("repay", "(?:pay|reimburse) {M}(?: {A})?", "return {P} {A}", sure=False),
    _english(
        "recall",
        r"(?:i |i'?d |i would )?(?:take|get|have|want|need|like|claim|pull|call|bring)(?: (?:my|the))?(?: {A}| {U})?(?: {U})? back (?:{U} )?(?:from|off) {P}",
        "(?:take|get|claim|pull|call) back(?: my| the)? (?:{A}|{U}|what)(?: {U})? (?:from |that i lent |i lent |i lent to )(?:to )?{P}",
        "(?:recall|reclaim|withdraw)(?: my| the)?(?: {A}| {U}| everything| what)?(?: {U})?(?: that)?(?: from| i lent(?: to)?| lent to) {P}",
        "(?:recall|reclaim) {P}(?:'s)?(?: {A}| loan)?",
        "(?:undo|reverse|end|close|call back) (?:the|my) loan (?:to|with) {P}",
        "recall {A}",
    ),
    _english(
        "recall",
        "(?:ask|tell|get) {P} to (?:give|pay|return|send)(?: me)?(?: back)?(?: the| my)?(?: {A})?(?: back)?",
        _MAY_I + "(?:get|have|take)(?: my| the)?(?: {A}| {U})? back from {P}",
        "recall",
        sure=False,
    ),
    _english(
        "forgive",
        f"(?:forgive|waive|write off|cancel|drop|erase)(?: the)?(?: {{A}})?(?: of)? {{P}}(?:'s)? (?:the |his |her )?(?:{{A}}|{_DEBT})",
        "(?:forgive|waive|write off|forget(?: about)?|never ?mind) (?:what|the {A}|{A}|everything)(?: that)? {P} (?:still )?owes(?: me)?",
        "(?:forgive|waive|write off) (?:the )?{A}(?: for| of| owed by) {P}",
        "let {P} off(?: (?:the )?{A})?",
        "forgive {P}",
    ),
    _english(
        "forgive",
        "{M} (?:can|may) keep (?:the )?(?:{A}|it|{U})",
        "(?:tell {P} )?(?:that )?(?:{P}|he|she|they) (?:doesn'?t|does not|needn'?t|need not|don'?t)(?: have to| need to)? (?:pay|repay|give|return)(?: me| it| the)?(?: {A})?(?: back)?",
        sure=False,
    ),
    _english(
        "borrow",
        f"(?:{_CALLED})?{_TO_ME} me (?:another )?{{Q}}(?: of yours| from yours)?,? {{M}}",
        f"{_CALLED}{_TO_ME} me {{Q}}",
        "spare (?:me )?{Q},? {M}",
        f"(?:can|could|would|will) {{M}} (?:please )?{_TO_ME} me {{Q}}",
        "{M}[,:]? (?:do you |have you )?(?:got|have) {Q} (?:to spare|to lend|spare|for me)",
        "{M}[,:]? (?:can|could|do|may) (?:you|i) (?:spare|have|borrow|get|take)(?: me)? {Q}(?: (?:to spare|for me|i (?:can|could) borrow|from you|of yours))?",
        f"{_ANYONE} (?:to )?(?:{_TO_ME} me|spare(?: me)?) {{Q}}",
        f"{_ANYONE} share {{Q}} with me",
        f"(?:i )?need (?:somebody|someone) to {_TO_ME} me {{Q}}",
        f"{_ANYONE} (?:have|has|got|having|with)(?: got)? {{Q}}(?: (?:to spare|spare|to lend|for me|left to lend|i (?:can|could) borrow))",
        f"(?:{_MAY_I})?borrow(?: another)? {{Q}} (?:from|off) {{P}}",
        f"(?:{_MAY_I})?borrow from {{P}} {{Q}}",
        f"(?:{_MAY_I}|i (?:need|want|would like|'d like) )?(?:get|have|take|grab|use|need)? ?(?:a loan of )?{{A}} (?:from|off) {{M}}",
        "ask {P} (?:for|to (?:lend|loan|spot|give|send) me)(?: a loan of)? {Q}",
        f"{_LOAN_ME} me(?: another)? {{Q}}",
        "(?:i )?(?:need|get|take|want|request|ask for)(?: to get)? a loan(?: of {A})?(?: from {P})?",
        "borrow(?: another)? {Q}",
        "borrow from {P}",
    ),
    _english("borrow", f"{_MAY_I}borrow {{Q}}(?: from (?:someone|somebody|anyone|a colleague))?", sure=False),
    _english(
        "delegate",
        "(?:delegate|hand(?: over)?|assign|pass|give|transfer) (?:all )?(?:of )?my (?:approvals?|approval rights|requests|decisions)(?: over)? to {P}",
        "(?:delegate|hand over)(?: approvals?| approving)?(?: to)? {P}",
        "(?:let|have|make|set) {P} (?:(?:to )?(?:approve|decide|stand in|fill in|cover)(?: requests| approvals| things)? (?:for me|on my behalf|in my place|while i'?m away|while i'?m out)|"
        "(?:as )?(?:my|the) (?:delegate|deputy|stand-in|backup approver))",
        "{M} (?:will|can|is going to|should|to) (?:approve|decide|stand in|fill in|cover)(?: requests| approvals)? (?:for me|on my behalf|in my place)",
        "(?:while i'?m (?:on leave|on holiday|on vacation|away|out|off),? )?{M} (?:approves|decides|stands in|fills in|covers)(?: requests| approvals)? "
        "(?:for me|on my behalf|in my place)",
        "{M} (?:is|will be) my (?:delegate|deputy|stand-in)",
    ),
    _english(
        "cancel",
        r"(?:cancel|withdraw|retract|drop|take back|scrap|undo|ignore|disregard) (?:my|the|that|this)(?: \w+)? request",
    ),
    _english(
        "lend",
        rf"{_LEND} {{P}} (?:another |an extra )?{{A}}",
        rf"{_LEND}(?: over)? {{A}}(?: over)? (?:to|with) {{P}}",
        "let {P} (?:borrow|have|use|take) {A}",
        "{M} (?:can|may) (?:borrow|have|use|take) {A} (?:of mine|from me)",
    ),
    _english(
        "lend",
        rf"{_LEND} {{M}} {{Q}}",
        rf"{_LEND} {{Q}} (?:to|with) {{M}}",
        "lend {A}",
        "lend {M}",
        sure=False,
    ),
    _english(
        "request",
        f"(?:{_RAISE}) {_MY_QUOTA}(?: (?:by|with))(?: another)? {{A}}",
        f"(?:{_RAISE} {_MY_QUOTA})(?! to)",
        "top me up(?: (?:by|with))?(?: {A})?",
        "top up(?: by)? {A}",
        f"(?:request|require|apply for|(?:ask|petition) (?:{_BOSS} )?for|(?:put in|file|submit|raise|make|open|send) a request (?:to {_BOSS} )?for)(?: an?(?: increase| extra| top[- ]?up) of)? {{A}}",
        f"(?:request|require|apply for|ask (?:{_BOSS} )?for) {_MORE}(?: {{U}})?",
        f"(?:request|apply for|ask (?:{_BOSS} )?for) (?:an?|the) (?:increase|top[- ]?up|raise|extension|bump)(?: of {{A}})?",
        f"{_GIVE_ME} me (?:up |with |another |an extra )?(?:{{A}}|{_MORE}(?: {{U}})?)",
        f"add (?:{{A}}|{_MORE} {{U}}) to {_MY_QUOTA}",
        "(?:i'?d like|i would like)(?: another| an extra| an additional)? {A}",
        "(?:i |we )?(?:really |urgently |still |will )?(?:need|want|could use)(?: about| another| an extra| an additional| at least)? {A}",
        f"(?:i |we )?(?:really |urgently |still )?(?:need|want|could use) {_MORE} {{U}}",
        f"(?:{_MAY_I})(?:get|have|receive)(?: another| an extra| an additional)? (?:{{A}}|{_MORE}(?: {{U}})?)",
        f"(?:another|an extra|an additional|{_MORE}) {{U}},? please",
        "(?:another |an extra )?{A},? please",
        "(?:i |we )?(?:need|get|have|want|can i (?:get|have)) an? (?:{U} )?(?:top[- ]?up|increase|raise|extension)(?: of {A})?",
        "i(?:'?m| am) (?:short (?:of |by )?|missing ){A}",
        "i(?:'?m| am) {A} short",
        f"(?:can|could|will|would) {_BOSS} (?:please )?(?:give|grant|approve|allow) me (?:another )?(?:{{A}}|{_MORE}(?: {{U}})?)",
        "(?:can|could) (?:my|the) {U} be (?:raised|increased|extended)(?: by {A})?",
    ),
    _english(
        "request",
        f"{_RAISE} {_MY_QUOTA} to {{A}}",
        "(?:i |we )?(?:really |urgently )?need {U}",
        "(?:send|transfer) me {A}",
        "(?:(?:i'?m|i am|we'?re|i have|i'?ve|i|we)(?: almost| nearly| completely| all| just| already)? )?(?:out of|running (?:out of|low on)|ran out of|run out of|low on|short (?:of|on)|used up(?: all)?(?: my)?|burned through(?: my)?) (?:my )?{U}",
        "(?:my |the )?{U} (?:is|are|has|have|'s|isn'?t|ran|won'?t)(?: been)?(?: almost| all| already| nearly)? (?:out|gone|empty|finished|exhausted|used up|run out|enough|over|too (?:low|small)|depleted)",
        f"(?:{_MORE}) {{U}}",
        sure=False,
    ),
)

CHINESE = (
    _chinese(
        "recall",
        "(?:收回|要回|拿回|取回|追回|讨回|回收|撤回)(?:来)?(?:我)?(?:之前)?(?:借给|借|给|从)?{P}(?:那里|那边|那)?的?{Q}?",
        "从{P}(?:那里|那儿|那边|那|这里|手里|手上)?(?:把)?{A}?(?:收回|要回|拿回|取回|追回|回收)(?:来)?{A}?",
        "(?:把|将){Q}从{P}(?:那里|那儿|那边|那|手里)?(?:收|要|拿|取)回(?:来)?",
        "(?:把|将)(?:我)?(?:之前)?(?:借|转|匀|分|给)?(?:给|了)?{P}(?:那里|那边|那儿|那|手里)?的?{Q}?(?:都|全|全部|再)?(?:收|要|拿|取|撤|追)回(?:来)?",
        "(?:把|将)?(?:我)?借出去?的(?:额度)?{A}?(?:都|全|全部)?(?:收|要|拿)回(?:来)?",
        "(?:收回|要回)(?:我)?(?:借出去?的)?{Q}",
    ),
    _chinese(
        "recall",
        "(?:让|叫){P}(?:把)?{Q}?还(?:给)?我{Q}?",
        "{M}(?:把)?{Q}?还(?:给)?我{Q}?",
        "收回",
        sure=False,
    ),
    _chinese(
        "forgive",
        "(?:免还|免除|免掉|免了|豁免|减免|勾销){P}(?:欠我?)?的?{A}?(?:欠款|债务?|借款|还款)?",
        "(?:免还|免除|免掉|免了|豁免)(?:{P}欠(?:我)?的)?{A}",
        "{M}的(?:债务?|欠款|借款)(?:都|就)?(?:免了|免掉|勾销)",
        "{M}(?:欠我?的?|那|的)?{A}(?:都|就)?(?:免了|免掉|算了|不用还了?|不必还了?|勾销)",
        "{P}欠(?:我)?的{Q}?(?:都|就)?(?:免了|免掉|算了|一笔勾销|勾销)",
    ),
    _chinese(
        "forgive",
        "{P}(?:欠我?的)?{Q}?(?:都|就)?(?:不用|不必|无需|不需要|甭)(?:再)?还(?:我)?(?:{A})?了?",
        "(?:不用|不必|不要|无需|不需要){P}(?:再)?还(?:我)?那?{Q}?了?",
        "(?:把|将){P}(?:欠我?)?的(?:债务?|欠款|{A})(?:都)?(?:免|勾销)(?:了|掉)?",
        sure=False,
    ),
    _chinese(
        "repay",
        "(?:归还|偿还|还款|还钱|还清|还掉|还上|还一下|还|退还|退回|退)(?:{U})?(?:给)?{P}的?(?:{Q}|欠款|债|全部)?",
        "(?:把|将)?(?:欠|借){P}的{Q}?(?:都|先|全|全部|一次)?还(?:清|掉|上|给他|给她|回去)?(?:了|吧)?",
        "(?:把|将)?(?:{Q}|钱)?(?:都|先|全|全部)?(?:归)?还(?:回)?(?:给|回)?{P}{A}?",
        "(?:归)?还(?:{Q}|钱)给{P}",
        "给{P}还(?:款|钱)?{Q}",
        "(?:归还|偿还|还款|还){A}",
        "(?:还款|还钱|还债|归还)",
        "(?:把)?(?:我)?欠的(?:{U}|都|全|全部|先)*(?:还|还清)(?:了|掉|上)?",
        "(?:还清|归还|偿还|还掉|还)(?:我的)?(?:所有|全部)?(?:的)?(?:借款|欠款|债务?|额度)",
        "(?:全部?还(?:了|清|掉))",
    ),
    _chinese(
        "borrow",
        "(?:向|跟|找|问|从|管|和|同|与){P}(?:那里|那儿|那边|那|这里|这儿|这|手里)?(?:再|先|暂时|临时|,)?(?:借|要|匀|拿|讨|周转)(?:我|一下)?{Q}",
        f"(?:问(?:一下|下)?)?{{M}},?(?:请|麻烦你?|再|先|暂时|帮忙|快|求|,){{0,4}}{_TO_ME_ZH}{{Q}}",
        f"(?:问(?:一下|下)?)?{{M}},?(?:请|你|帮忙|先|再|方便|,){{0,3}}(?:能不能|能否|可不可以|可否|是否可以|愿不愿意)(?:先|再|暂时|帮忙){{0,2}}{_TO_ME_ZH}{{Q}}",
        f"{{M}},?(?:请|你|能不能|能否|能|可不可以|可以|可否|方便|再|先|暂时|帮忙|是否|愿意|,){{1,5}}{_TO_ME_ZH}{{Q}}(?=.*[吗吧么呗不嘛?])",
        "(?:有没有人|有哪位|有没有谁|有谁|有人|有没有好心人|谁|哪位|大家|各位|同事们?|小伙伴们?)(?:同事|大佬|好心人|能不能|能|可不可以|可以|愿意|有|方便|都|先|这里|多余?的?|{U}|,){0,4}(?:借|匀|分|转|支援)(?:给|点给|一下)?我?{Q}(?:给我)?",
        f"{_TO_ME_ZH}{{Q}}",
        "{M},?(?:你)?(?:能|可以|有没有|还有)?(?:多余的)?{Q}(?:能|可以)?(?:借|匀)(?:给)?我",
        "{M},?(?:请|能不能|可不可以|能|可以|先|再)*(?:借|转|匀|分){Q}给我",
        "借(?:用)?{P}的{Q}",
        "借(?:用|一下)?{Q}",
    ),
    _chinese(
        "borrow",
        "{M},?(?:请|麻烦你?|能|可以|先|再)*给我(?:{Q})",
        "(?:找|向|跟){P}借",
        "(?:让|叫|请){P}借(?:给)?我{Q}",
        sure=False,
    ),
    _chinese(
        "delegate",
        "(?:委托|授权|指定)(?:给)?{P}(?:(?:帮|替|代|为)我?|来|负责|进行)*(?:审批|批|处理|审核|决定)?",
        "(?:这周|本周|下周|这几天|休假期间|出差期间|我休假(?:期间)?|我不在(?:的时候|时)?|,){0,3}(?:让|由|请|叫){P}(?:来)?(?:帮|替|代|为|代替)我?(?:来)?(?:审批|审核|处理审批|批|做主)",
        "(?:把|将)?(?:我的)?(?:审批权?|批准权|审批工作)(?:先|暂时)?(?:交|转|委托|授权|移交)(?:给|到){P}",
        "{M}(?:替|代|帮|代替)我(?:审批|审核|批)",
    ),
    _chinese(
        "cancel",
        "(?:把)?(?:撤回|取消|撤销|收回|撤掉|撤了|撤)(?:我|的|刚才|刚刚|那个|这个|上一个|上次|这次){0,4}(?:申请|请求)",
        "(?:把)?(?:我|的|刚才|刚刚|那个|这个|上一个|上次|这次){0,4}申请(?:给)?(?:撤回|取消|撤销|撤了|撤掉|不要了)",
    ),
    _chinese(
        "lend",
        "借给{P}{A}",
        "{M},?我(?:可以|能|来)?(?:借|转|匀|分)(?:给)?你{A}",
        "(?:把|将)(?:我)?(?:剩下?的?)?{U}(?:分|匀|借|转|拨){A}给{P}",
        "(?:转账给|转给|分给|匀给|拨给|送给|划给|打给|发给|让给|支援|赞助|移给|调给|分享给|共享给|赠送?给|转|分|匀|送|给){P}{A}",
        "(?:给|为){P}(?:先)?(?:借|转|分|匀|拨|打|划|送|加|充)(?:个|去|过去)?{A}",
        "(?:把|将)?(?:我的)?{A}(?:都|先)?(?:借|转|送|匀|分|拨|划|让|打|发|调|挪)?给{P}",
        "(?:借|转账?|匀|分享?|共享|转让|赠送?|送|拨|划|打|发|挪|调){A}给{P}",
    ),
    _chinese(
        "lend",
        "借{P}{A}",
        "让{P}(?:用|借|拿)(?:我的?)?{Q}",
        "(?:借|转|匀|分|送|拨|给)(?:给)?{P}{Q}",
        "给{P}(?:借|转|分|匀|拨|送){Q}",
        "(?:借|转|匀|分|送|拨|给){Q}给{P}",
        "(?:把|将){Q}(?:借|转|送|匀|分|拨|划|让)给{P}",
        "借给(?:{M}|{A})",
        sure=False,
    ),
    _chinese(
        "request",
        "(?:{B})?(?:再)?(?:申请|追加|增加|添加|新增|加|补|批|充|提|要|需要|来|多要|多给|还要|还需要|还差|还缺|缺|差)+(?:我)?(?:一下|个)?(?:额外)?的?{U}?(?:再)?(?:加|追加|增加)?{Q}",
        "申请(?:(?!报销|出差|采购|休假|请假|退款|[了过没不别])" + HAN + "){0,6}{A}",
        "(?:给我|帮我)?(?:再)?(?:给|加|补|批|充|来)(?:我)?(?:加|批|补)?{A}",
        "(?:把)?(?:我的)?{U}(?:再)?(?:加|提|调|涨|提高|增加|上调)(?:{Q}|高|大)",
        "(?:提高|调高|增加|提升|上调|扩大|提)(?:一下|下)?(?:我的)?(?:{U}|额)(?:上限)?{A}?",
        "(?:{B})?(?:申请|追加|需要|想要|要)(?:更多|一下|加|提高|增加|一些|点)?(?:的)?{U}",
        "(?:再)?(?:多)?(?:给|加|补|批|来)(?:我)?(?:一?点儿?|些)(?:{U})?",
        "提额|扩容|加额",
    ),
    _chinese(
        "request",
        "(?:我的?|我这个月的|本月)?(?:{U})(?:都|已经|又|快|马上|好像|有点|全|要)*(?:不够(?:用)?|超了?|用完|用光|没(?:有)?了?|见底|告急|不足|耗尽|超了|光|花完|烧完)(?:了|啦)?",
        "(?:我)?(?:没(?:有)?|缺)(?:{U})了?",
        "不够用?了?",
        "(?:把)?(?:我的)?{U}(?:上限)?(?:再)?(?:提|加|调|涨|提高|增加|上调|提升)(?:到|至|成){A}",
        sure=False,
    ),
)
