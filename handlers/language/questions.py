"""The words of `understanding` for what moves nothing: balance, loans, history, team, help, language.

A subject is recognised by words that stand together in one question; whole phrases serve for what only comes close to one (a typo).
`{U}` is a word for quota.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from handlers.language.phrases import OPENING_EN, UNIT_EN, UNIT_ZH, A, P

CLOSE_ENOUGH = 80  # of 100
LONGEST_EN, LONGEST_ZH = 80, 30  # characters; whoever writes more does not ask a bot for a number


@dataclass(frozen=True)
class Subject:
    """What a question is about when it has all of `words` and none of `never`."""

    intent: str
    words: tuple[re.Pattern[str], ...]
    never: re.Pattern[str]

    def fits(self, question: str) -> bool:
        return all(word.search(question) for word in self.words) and not self.never.search(question)


def asked(spaced: str, tight: str) -> str | None:
    """What is asked; English is read with its spaces, Chinese without any."""
    english, chinese = _THANKS.sub("", spaced), _THANKS.sub("", tight)
    if len(english) <= LONGEST_EN and _ASKS_EN.match(english):
        for subject in _ENGLISH:
            if subject.fits(english):
                return subject.intent
    if len(chinese) <= LONGEST_ZH and not chinese.isascii():
        return next((subject.intent for subject in _CHINESE if subject.fits(chinese)), None)
    return None


def resembles(spaced: str) -> str | None:
    """What a short sentence comes close to, if anything."""
    if re.search(f"{_OTHERS_EN}|{_OTHERS_ZH}", spaced):
        return None
    found = process.extractOne(
        _THANKS.sub("", spaced), _PHRASES.keys(), scorer=fuzz.token_sort_ratio, score_cutoff=CLOSE_ENOUGH
    )
    return _PHRASES[found[0]] if found else None


_THANKS = re.compile(r"[\s,.!~?]*(?:(?:please|pls|plz|thanks|thank you|thx|谢谢|谢了|多谢|拜托)[\s,.!~?]*)*$")

# a question, an order to show something, or a few words
_ASKS_EN = re.compile(
    rf"{OPENING_EN}(?:(?:i want to|let me|can i|may i|could i) )?(?:(?:whats?|hows?|when|where|who|whom|which|will|would|can|could|may|do|does|did|is|are|am|have|has|"
    r"show|check|see|view|tell|give|list|any|get|display|explain|look up|teach|know|my|most|help|lang|language|"
    r"set|switch|change|speak|talk|use|reply|answer|in)\b|(?:\S+ ?){1,4}$)"
)
_DEAL = r"\b(?:lend\w*|borrow\w*|repay\w*|return|requests?|requesting|approv\w+|forgiv\w+|recall\w*|delegat\w+|pay|run out|quota|tokens|quotabot|loans?|bot|(?:this|it|you|that|everything) (?:all )?works?|use (?:this|it|you))\b"
_OTHERS_EN = r"\b(?:he|she|they|his|their|your|said|told|heard|everyone|everybody|coffee|beer|lunch|favou?r|time|days|vacation|holiday|meeting|pto)\b"

_ENGLISH_SUBJECTS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("lang", (r"^(?:(?:lang(?:uage)?|speak|talk|use|switch|change|set|reply|answer)(?: (?:the|my|me))?(?: language)?(?: to| in)? |in )?(?:english|chinese|mandarin|en|zh)$",), "^(?:en|zh)$"),
    ("help", (r"\bhow (?:do|does|can|to|should|would|could)\b|\b(?:explain|teach)\b|\bwhat happens\b|\btell me (?:about|how)\b", _DEAL), r"\bhow (?:do|can) (?:he|she|they)\b"),
    ("help", (r"what (?:can|do|should) (?:you|i|we) (?:do|say|ask|type)(?: here| for me| with you)?$|\b(?:what|who) (?:are you|is (?:this bot|quotabot))\b|^what is this$",), "$^"),
    ("help", (r"\b(?:can|may|could) (?:i|we) (?:also )?(?:lend|borrow|request|repay|forgive|recall|delegate|(?:share|transfer|give|pass)\b.*\b{U}|(?:share|transfer|give|pass) (?:it|them))\b|\bdo i (?:have|need) to (?:pay|repay|return|give)\b",), "$^"),
    ("help", (r"^(?:i need |need |some )?help(?: me)?$|^(?:show |list |what are |what )?(?:me )?(?:the )?(?:menu|tutorial|commands?|command list|instructions|manual|guide|options|rules|docs)(?: are there)?$",), "$^"),
    ("loans", (r"\b(?:owe|owes|owed|loans?|debts?|lent|borrowed|borrowings|ious?|in debt|borrow\w* from me|paid? (?:me |us )?back|pay back)\b", rf"\b(?:i|me|my|who|whom|anyone|anybody|any|outstanding|open|list|show)\b|{P}|^\w+$"), rf"{_OTHERS_EN}|\bbank\b|[{A}]"),
    ("team", (r"\b(?:team'?s?|group|department|dept|squad|org|our)\b", r"\b(?:{U}|pool|left|remaining|spen[dt]|used|usage|status)\b"), r"\b(?:your|said|lunch|time)\b"),
    ("history", (r"\b(?:what|where|which|how (?:was|were|is)|most expensive)\b", r"\b(?:expensive|spen[dt]|spending|us(?:e|ed|ing)|burn\w*|costs?|eat|ate|eating|consum\w+)\b", r"\b(?:i|my|{U}|models?)\b"), rf"{_OTHERS_EN}|\bwhat (?:can|should)\b|[{A}]"),
    ("history", (r"\bwhere\b.*\b(?:{U}|it all)\b.*\b(?:go|gone|going|went)\b|\bhow(?: much)? did i (?:use|spend|burn|consume)\b",), _OTHERS_EN),
    ("history", (r"^(?:\S+ ){0,5}(?:history|usage|breakdown|transactions|my spend|spending|activity|consumption)(?: (?:history|report|details?|breakdown|log|like|by|per|for|this|last|today|so far|of my)\b.*)?$",), rf"{_OTHERS_EN}|\bof (?!my)|\bis\b"),
    ("balance", (r"\b{U}\b", r"\b(?:left|remain\w*|enough|have|got|still|any|run\w*|us(?:e|ed) up|used|last|ok|check|reset\w*|refresh\w*|renew\w*|refill\w*|much|many|fast|burn\w*|status|current|available|my|looking)\b", r"\b(?:i|my|me|left|remaining|resets?|status|check)\b"), rf"{_OTHERS_EN}|{P}|[{A}]|\b(?:need|more|terrible|don'?t|no|for (?:a|an)|at)\b"),
    ("balance", (r"\bhow (?:much|many)(?: (?:is|are|do|have|can|of|i|my|we|there|still|got|left|remaining|available|use|spend|used|spent|now|today|this|month|so|far|more|for|me|the|rest|{U}))+$",), _OTHERS_EN),
    ("balance", (r"\b(?:run|running) (?:out|low|dry)\b|\bmake it (?:to|through|until)\b.*\b(?:end|month|week|quarter)\b", r"\b(?:i|we)\b"), rf"{_OTHERS_EN}|{P}|\bout of (?!my|{{U}})\w|\bif\b"),
    ("balance", (r"\banything left\b|\bwill (?:it|this|that) last\b|\b(?:when|what day)\b.*\b(?:my|the) (?:next )?reset\b|\bwhat.?s left of my {U}|\bbe ok (?:until|through|to)\b.*\bmonth\b|\bwill i be ok\b|^(?:show|check|see|view|get)(?: me)?(?: the)? {U}(?: status)?$|^(?:what'?s|what is|what do i have|how much is|anything)(?: still)? left(?: for me| this month)?$|\bhow long will (?:it|i) last\b|\bwhere do i stand\b",), "$^"),
)  # fmt: skip

_ASKS_ZH = "吗|么|多少|多久|多长|几|谁|哪|什么|啥|怎|咋|如何|[不没]$|够不够|有没有|能不能|是不是|呢|好多|查|看|记录|明细|情况"
_OTHERS_ZH = "他(?!人)|她|你们|时间|饭|假|工位|工作|作业|会议|报销|入群|群聊|说(?!明)|听|别(?!人)|bug|书(?!$)|充电|快递"

_CHINESE_SUBJECTS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("lang", ("^(?:请|麻烦|能不能|可以)?(?:你)?(?:说|用|讲|切换?|换|改|设置?|语言|lang)*(?:到|成|为)?:?(?:中文|英文|英语|汉语|普通话|english|chinese)(?:回复|回答|吧|显示|版|吗)?$",), "$^"),
    ("help", ("怎么|如何|怎样|咋|流程|规则|教程|说明|步骤", "借|还款|还钱|还额度|申请|审批|批准|收回|委托|转|加额|提额|{U}|机器人|这个|^(?:怎么|如何|怎样|咋)(?:用|使用|玩|操作|弄|开始)(?:啊|呀|呢)?$|^使用|^(?:规则|教程|说明书?)$"), f"{_OTHERS_ZH}|这个token|用掉|没了|花掉|怎么样|怎么办|怎么(?:不|没|又|这么)"),
    ("help", ("^(?:你)?(?:都)?(?:能|会|可以)(?:帮我)?(?:做|干)?(?:点|些)?(?:什么|啥|嘛|哪些)|(?:什么|哪些|啥)(?:功能|命令|指令|用法)|^(?:命令|指令|菜单|规则|指南|功能|用法|使用方法|帮助)(?:列表|文档|介绍|说明|一下)?$|^你是(?:谁|什么|干)",), "$^"),
    ("help", ("^(?:我|{U})*(?:可以|能|能不能|可不可以|允许).{0,6}(?:借|转|匀|给).{0,4}(?:别人|同事|其他人|他人)|借了?(?:的)?{U}?.{0,4}(?:要|用|需要)还吗|(?:不还|到期|逾期|还不上).{0,4}(?:会|怎)",), "$^"),
    ("loans", ("欠|借给?谁|借(?:了|出|入|过|款|条|贷)|债|没还|未还", f"{_ASKS_ZH}|^.{{0,4}}(?:欠款|借款|借条|债务|借出.{{0,5}})$|我的"), f"{_OTHERS_ZH}|[{A}]|借(?:了|过)?我?的?(?:本|支|把|台)|不借|为什么"),
    ("team", ("团队|部门|小组|我们组|咱们?组|本组|组里|全组|项目组|team", "{U}|预算|余额|剩|用了|花了|用量", f"{_ASKS_ZH}|(?:{{U}}|预算|余额|剩余)$"), f"他们|[{A}]|说|听|建设|聚餐"),
    ("history", ("花|用|耗|烧|去|费", "哪|为什么.*快|什么了|什么$|怎么.?掉|怎么没|什么上|什么地方|啥了|在什么", "{U}|我|都|费用|模型|快|钱"), f"{_OTHERS_ZH}|[{A}{P}]|能用|可用|好用|用完|会用"),
    ("history", ("(?:消费|使用|消耗|花费|交易|支出|{U}|最近|历史|我的|查|看|我|全部).{0,8}(?:明细|记录|历史|流水|详情|统计|账单|报表|用量)|(?:明细|用量统计|消费情况|使用情况|消费记录|账单)$|最近的?消费|(?:昨天|上周|上个?月|今天|最近).{0,4}(?:用|花)了(?:多少|什么|哪些)",), f"{_OTHERS_ZH}|[{A}{P}]|借|聊天|会议|历史遗留"),
    ("balance", ("剩|余|够|{U}.{0,3}有|还有.{0,4}{U}|{U}.{0,4}多少|有多少|能用|能花|可用|用完|用光|花完|撑|坚持|重置|刷新|到期|清零|查.{0,3}{U}|看.{0,4}{U}|用了多少|可以用|^(?:我的?|当前|本月|{U})*{U}(?:呢|情况)?$", f"{_ASKS_ZH}|^(?:我的?|当前|本月|剩余|可用|账户|账上|个人|帮我|请|{{U}})*(?:{{U}}|剩余)(?:呢|情况|查询)?$", "{U}|余额|我|还|剩|够|月|撑|坚持|速度|速度|什么时候|多久|多少|几"), f"{_OTHERS_ZH}|[{A}{P}]|能用什么|够意思|怎么|活|电|票|人|钱一"),
)  # fmt: skip


def _subjects(rows: tuple[tuple[str, tuple[str, ...], str], ...], unit: str) -> tuple[Subject, ...]:
    def compiled(words: str) -> re.Pattern[str]:
        return re.compile(words.replace("{U}", f"(?:{unit})"))

    return tuple(
        Subject(intent, tuple(map(compiled, words)), compiled(never)) for intent, words, never in rows
    )


_ENGLISH = _subjects(_ENGLISH_SUBJECTS, UNIT_EN)
_CHINESE = _subjects(_CHINESE_SUBJECTS, f"{UNIT_ZH}|余额|预算")

_WHOLE = {
    "balance": "balance|my balance|check my balance|how much quota do i have left|remaining quota|will my quota last until the end of the month|am i running out of quota|"
    "余额|查余额|我的余额|还剩多少额度|我还有多少额度|剩余额度|额度够用到月底吗",
    "loans": "loans|my loans|who do i owe|who owes me|show my debts|what do i still owe|借款|我的借款|谁欠我的|我欠谁|查看借条",
    "history": "history|usage history|where did my quota go|what did i use it on|usage breakdown by model|show my spending|明细|使用记录|消费明细|额度花在哪了",
    "team": "team budget|our team budget|what is left in our team budget|how much does my team have left|团队预算|团队还有多少预算",
    "help": "help|help me|how does this work|how does lending work|what can you do|show the commands|帮助|怎么用|使用说明|你能做什么|怎么申请额度",
}  # fmt: skip
_PHRASES = {phrase: intent for intent, phrases in _WHOLE.items() for phrase in phrases.split("|")}
