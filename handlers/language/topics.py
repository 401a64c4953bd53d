"""Questions about balance, loans, history, team, help or the language. None of these moves anything.

A question is about a topic when it has all the words of one row and none that the row excludes. A short text without
such words is compared with whole phrases, so that a typo is still understood. `{unit}` stands for a word for quota.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from handlers.language.grammar import AMOUNT, OPENING_EN, PERSON, UNIT_EN, UNIT_ZH

CLOSE_ENOUGH = 80
"""Of 100: how alike two texts are."""
LONGEST_EN, LONGEST_ZH = 80, 30
"""Characters: a longer text is no question to a bot."""


@dataclass(frozen=True)
class Topic:
    """A question with all of `words` and nothing of `excluded` asks for `intent`."""

    intent: str
    words: tuple[re.Pattern[str], ...]
    excluded: re.Pattern[str]

    def fits(self, question: str) -> bool:
        return all(word.search(question) for word in self.words) and not self.excluded.search(question)


def topic_of(spaced: str, tight: str) -> str | None:
    # English is read with its spaces, Chinese without any.
    english, chinese = _THANKS.sub("", spaced), _THANKS.sub("", tight)
    if len(english) <= LONGEST_EN and _QUESTION_EN.match(english):
        for topic in _ENGLISH:
            if topic.fits(english):
                return topic.intent
    if len(chinese) <= LONGEST_ZH and not chinese.isascii():
        return next((topic.intent for topic in _CHINESE if topic.fits(chinese)), None)
    return None


def closest_topic(spaced: str) -> str | None:
    """The intent of the phrase that a text resembles, if any."""
    if re.search(f"{_UNRELATED_EN}|{_UNRELATED_ZH}", spaced):
        return None
    found = process.extractOne(
        _THANKS.sub("", spaced), _PHRASES.keys(), scorer=fuzz.token_sort_ratio, score_cutoff=CLOSE_ENOUGH
    )
    return _PHRASES[found[0]] if found else None


def rule_of(question: str) -> str:
    """A name of `handlers.rules.RULES`, or empty."""
    return next((name for name, words in _RULES if words.search(question)), "")


_RULES = tuple(
    (name, re.compile(words))
    for name, words in (
        ("ranking", "\\brank|leader ?board|\\b(?:uses?|spends?|spent|used|burns?|consumes?) (?:the )?most\\b|top (?:users?|spenders?|consumers?)|排名|排行|谁.{0,4}(?:用|花)得?.{0,2}最(?:多|狠)"),
        ("outsiders", "contractor|intern|external|freelanc|guest|outsider|vendor|外包|外部|供应商|访客|合同工"),
        ("private", "\\b(?:see|sees|know|knows|private|visible|shown)\\b|看到|看见|看得|能看|知道|公开|保密"),
        ("expiry", "roll(?:s|ed)? over|carr(?:y|ies) over|expire|unused|unspent|leftover|清零|过期|作废|结转|失效|没用完|用不完"),
        ("debt", "(?:have|need) to (?:pay|repay|return|give)|interest|(?:if|when) i (?:don'?t|can'?t|cannot) (?:pay|repay|return)|要还吗|需要还吗|用还吗|不还|还不上|利息"),
    )
)  # fmt: skip


_THANKS = re.compile(r"[\s,.!~?]*(?:(?:please|pls|plz|thanks|thank you|thx|谢谢|谢了|多谢|拜托)[\s,.!~?]*)*$")

# a question word, an order to show something, or at most four words
_QUESTION_EN = re.compile(
    rf"{OPENING_EN}(?:(?:i want to|let me|can i|may i|could i) )?(?:(?:whats?|hows?|when|where|who|whom|which|will|would|can|could|may|do|does|did|is|are|am|have|has|"
    r"show|check|see|view|tell|give|list|any|get|display|explain|look up|teach|know|my|most|help|lang|language|"
    r"set|switch|change|speak|talk|use|reply|answer|in)\b|(?:\S+ ?){1,4}$)"
)
_ABOUT_QUOTA = r"\b(?:lend\w*|borrow\w*|repay\w*|return|requests?|requesting|approv\w+|forgiv\w+|recall\w*|delegat\w+|pay|run out|quota|tokens|quotabot|loans?|bot|(?:this|it|you|that|everything) (?:all )?works?|use (?:this|it|you))\b"
_UNRELATED_EN = r"\b(?:he|she|they|his|their|your|said|told|heard|everyone|everybody|coffee|beer|lunch|favou?r|time|days|vacation|holiday|meeting|pto)\b"

# intent, words that must all occur, words that must not
_ENGLISH_ROWS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("lang", (r"^(?:(?:lang(?:uage)?|speak|talk|use|switch|change|set|reply|answer)(?: (?:the|my|me))?(?: language)?(?: to| in)? |in )?(?:english|chinese|mandarin|en|zh)$",), "^(?:en|zh)$"),
    ("help", (r"\bhow (?:do|does|can|to|should|would|could)\b|\b(?:explain|teach)\b|\bwhat happens\b|\btell me (?:about|how)\b", _ABOUT_QUOTA), r"\bhow (?:do|can) (?:he|she|they)\b"),
    ("help", (r"what (?:can|do|should) (?:you|i|we) (?:do|say|ask|type)(?: here| for me| with you)?$|\b(?:what|who) (?:are you|is (?:this bot|quotabot))\b|^what is this$",), "$^"),
    ("help", (r"\b(?:can|may|could) (?:i|we) (?:also )?(?:lend|borrow|request|repay|forgive|recall|delegate|(?:share|transfer|give|pass)\b.*\b{unit}|(?:share|transfer|give|pass) (?:it|them))\b|\bdo i (?:have|need) to (?:pay|repay|return|give)\b",), "$^"),
    ("help", (r"^(?:i need |need |some )?help(?: me)?$|^(?:show |list |what are |what )?(?:me )?(?:the )?(?:menu|tutorial|commands?|command list|instructions|manual|guide|options|rules|docs)(?: are there)?$",), "$^"),
    ("pending", (r"\b(?:what|who|anything|any|show|list|my|which)\b.*\b(?:waiting|waits|pending|to approve|to decide|open requests?)\b|^(?:show |list )?(?:my )?(?:pending|open|waiting) (?:requests?|approvals?|decisions?|asks?)$",), rf"[{AMOUNT}{PERSON}]|\b(?:build|pr|review|train|bus|deploy|table)\b"),
    ("help", (r"\brank|leader ?board|\bwho (?:uses?|spends?|spent|used|burns?|consumes?) (?:the )?most\b|\btop (?:users?|spenders?|consumers?)\b",), "$^"),
    ("help", (r"\b(?:can|could|does|do|will|is|are|who)\b.*\b(?:see|sees|know|knows|visible to|private|shown to)\b", r"\b(?:manager|boss|lead|admins?|others?|people|colleagues?|team ?mates?|anyone|anybody|everyone|who|private)\b", r"\b(?:{unit}|spend|history|loans?|i use|i used)\b"), r"\b(?:can|may|could) i see\b|\bwho (?:owes|has)\b"),
    ("help", (r"\b(?:unused|leftovers?|left over|not used|unspent|what i don'?t use)\b|\b(?:roll|rolls|carry|carries|carried) over\b|\b{unit} expire", r"\b(?:what|does|do|will|is|are|can|where|how)\b"), rf"[{AMOUNT}{PERSON}]|\btake\b|\bget\b"),
    ("help", (r"\b(?:can|may|could|are|is it possible|is it ok|allowed)\b.*\b(?:contractors?|interns?|externals?|freelancers?|guests?|other teams?|another team)\b",), rf"[{AMOUNT}{PERSON}]"),
    ("loans", (r"\b(?:owe|owes|owed|loans?|debts?|lent|borrowed|borrowings|ious?|in debt|borrow\w* from me|paid? (?:me |us )?back|pay back)\b", rf"\b(?:i|me|my|who|whom|anyone|anybody|any|outstanding|open|list|show)\b|{PERSON}|^\w+$"), rf"{_UNRELATED_EN}|\bbank\b|[{AMOUNT}]|\b(?:forget|forgive|waive|write off|drop|clear)\b"),
    ("team", (r"\b(?:team'?s?|group|department|dept|squad|org|our)\b", r"\b(?:{unit}|pool|left|remaining|spen[dt]|used|usage|status)\b"), r"\b(?:your|said|lunch|time)\b"),
    ("history", (r"\b(?:what|where|which|how (?:was|were|is)|most expensive)\b", r"\b(?:expensive|spen[dt]|spending|us(?:e|ed|ing)|burn\w*|costs?|eat|ate|eating|consum\w+)\b", r"\b(?:i|my|{unit}|models?)\b"), rf"{_UNRELATED_EN}|\bwhat (?:can|should)\b|[{AMOUNT}]"),
    ("history", (r"\bwhere\b.*\b(?:{unit}|it all)\b.*\b(?:go|gone|going|went)\b|\bhow(?: much)? did i (?:use|spend|burn|consume)\b",), _UNRELATED_EN),
    ("history", (r"^(?:\S+ ){0,5}(?:history|usage|breakdown|transactions|my spend|spending|activity|consumption)(?: (?:history|report|details?|breakdown|log|like|by|per|for|this|last|today|so far|of my)\b.*)?$",), rf"{_UNRELATED_EN}|\bof (?!my)|\bis\b"),
    ("budget", (r"\b(?:forecast|over budget|within budget|budgets)\b|\b(?:year|annual|department|company|organi[sz]ation|show|whole|overall|total)\b.*\b(?:budget|spend|spent|cost)\b|\b(?:company|organi[sz]ation|department)\b.*\bspen[dt]\b",), rf"{_UNRELATED_EN}|[{AMOUNT}{PERSON}]|\bmy\b|\bmeeting\b"),
    ("balance", (r"\b{unit}\b", r"\b(?:left|remain\w*|enough|have|got|still|any|run\w*|us(?:e|ed) up|used|last|ok|check|reset\w*|refresh\w*|renew\w*|refill\w*|much|many|fast|burn\w*|status|current|available|my|looking)\b", r"\b(?:i|my|me|left|remaining|resets?|status|check)\b"), rf"{_UNRELATED_EN}|{PERSON}|[{AMOUNT}]|\b(?:need|more|terrible|don'?t|no|for (?:a|an)|at)\b"),
    ("balance", (r"\bhow (?:much|many)(?: (?:is|are|do|have|can|of|i|my|we|there|still|got|left|remaining|available|use|spend|used|spent|now|today|this|month|so|far|more|for|me|the|rest|{unit}))+$",), _UNRELATED_EN),
    ("balance", (r"\b(?:run|running) (?:out|low|dry)\b|\bmake it (?:to|through|until)\b.*\b(?:end|month|week|quarter)\b", r"\b(?:i|we)\b"), rf"{_UNRELATED_EN}|{PERSON}|\bout of (?!my|{{unit}})\w|\bif\b"),
    ("balance", (r"\banything left\b|\bwill (?:it|this|that) last\b|\b(?:when|what day)\b.*\b(?:my|the) (?:next )?reset\b|\bwhat.?s left of my {unit}|\bbe ok (?:until|through|to)\b.*\bmonth\b|\bwill i be ok\b|^(?:show|check|see|view|get)(?: me)?(?: the)? {unit}(?: status)?$|^(?:what'?s|what is|what do i have|how much is|anything)(?: still)? left(?: for me| this month)?$|\bhow long will (?:it|i) last\b|\bwhere do i stand\b",), "$^"),
)  # fmt: skip

_QUESTION_ZH = "吗|么|多少|多久|多长|几|谁|哪|什么|啥|怎|咋|如何|[不没]$|够不够|有没有|能不能|是不是|呢|好多|查|看|记录|明细|情况"
_UNRELATED_ZH = "他(?!人)|她|你们|时间|饭|假|工位|工作|作业|会议|报销|入群|群聊|说(?!明)|听|别(?!人)|bug|书(?!$)|充电|快递"

_CHINESE_ROWS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("lang", ("^(?:请|麻烦|能不能|可以)?(?:你)?(?:说|用|讲|切换?|换|改|设置?|语言|lang)*(?:到|成|为)?:?(?:中文|英文|英语|汉语|普通话|english|chinese)(?:回复|回答|吧|显示|版|吗)?$",), "$^"),
    ("help", ("怎么|如何|怎样|咋|流程|规则|教程|说明|步骤", "借|还款|还钱|还额度|申请|审批|批准|收回|委托|转|加额|提额|{unit}|机器人|这个|^(?:怎么|如何|怎样|咋)(?:用|使用|玩|操作|弄|开始)(?:啊|呀|呢)?$|^使用|^(?:规则|教程|说明书?)$"), f"{_UNRELATED_ZH}|这个token|用掉|没了|花掉|怎么样|怎么办|怎么(?:不|没|又|这么)"),
    ("help", ("^(?:你)?(?:都)?(?:能|会|可以)(?:帮我)?(?:做|干)?(?:点|些)?(?:什么|啥|嘛|哪些)|(?:什么|哪些|啥)(?:功能|命令|指令|用法)|^(?:命令|指令|菜单|规则|指南|功能|用法|使用方法|帮助)(?:列表|文档|介绍|说明|一下)?$|^你是(?:谁|什么|干)",), "$^"),
    ("help", ("^(?:我|{unit})*(?:可以|能|能不能|可不可以|允许).{0,6}(?:借|转|匀|给).{0,4}(?:别人|同事|其他人|他人)|借了?(?:的)?{unit}?.{0,4}(?:要|用|需要)还吗|(?:不还|到期|逾期|还不上).{0,4}(?:会|怎)",), "$^"),
    ("pending", ("(?:待|等)(?:我|着我)?的?(?:审批|批准|处理)|(?:有|还有).{0,4}(?:什么|哪些|谁).{0,4}(?:要我批|等我批|待批)|谁在等我|什么在等我|我的申请.{0,4}(?:批了|通过了|到哪|怎么样)",), f"[{AMOUNT}{PERSON}]"),
    ("help", ("排名|排行|谁.{0,4}(?:用|花)得?.{0,2}最(?:多|狠)",), "$^"),
    ("help", ("清零|过期|作废|结转|累积|失效|攒到|滚到", "吗|会|么|怎|可以|能"), f"[{AMOUNT}{PERSON}]|什么时候|哪天|几号"),
    ("help", ("看到|看见|看得到|看得见|能看|知道|公开|保密", "主管|经理|老板|领导|别人|同事|其他人|他们|大家|谁|管理员", "余额|用量|额度|花|用了|剩|借|明细"), f"[{AMOUNT}{PERSON}]|不知道"),
    ("help", ("外包|实习生|外部|供应商|合同工|访客|跨部门|跨组|别的(?:组|团队|部门)", "能|可以|允许|可不可以|行不行|准"), f"[{AMOUNT}{PERSON}]"),
    ("loans", ("欠|借给?谁|借(?:了|出|入|过|款|条|贷)|债|没还|未还", f"{_QUESTION_ZH}|^.{{0,4}}(?:欠款|借款|借条|债务|借出.{{0,5}})$|我的"), f"{_UNRELATED_ZH}|[{AMOUNT}]|借(?:了|过)?我?的?(?:本|支|把|台)|不借|为什么|免了|免掉|不用还|不必还|请求|撤"),
    ("budget", ("(?:公司|全公司|组织|全年|年度|各团队|各部门).{0,6}(?:预算|花|用|费)|预算.{0,4}(?:执行|报表)|超预算|预算.{0,2}超|预计.{0,4}(?:花|超)|forecast",), f"{_UNRELATED_ZH}|[{AMOUNT}{PERSON}]|建设|聚餐"),
    ("team", ("团队|部门|小组|我们组|咱们?组|本组|组里|全组|项目组|team", "{unit}|预算|余额|剩|用了|花了|用量", f"{_QUESTION_ZH}|(?:{{unit}}|预算|余额|剩余)$"), f"他们|[{AMOUNT}]|说|听|建设|聚餐"),
    ("history", ("花|用|耗|烧|去|费", "哪|为什么.*快|什么了|什么$|怎么.?掉|怎么没|什么上|什么地方|啥了|在什么", "{unit}|我|都|费用|模型|快|钱"), f"{_UNRELATED_ZH}|[{AMOUNT}{PERSON}]|能用|可用|好用|用完|会用"),
    ("history", ("(?:消费|使用|消耗|花费|交易|支出|{unit}|最近|历史|我的|查|看|我|全部).{0,8}(?:明细|记录|历史|流水|详情|统计|账单|报表|用量)|(?:明细|用量统计|消费情况|使用情况|消费记录|账单)$|最近的?消费|(?:昨天|上周|上个?月|今天|最近).{0,4}(?:用|花)了(?:多少|什么|哪些)",), f"{_UNRELATED_ZH}|[{AMOUNT}{PERSON}]|借|聊天|会议|历史遗留|暂停|恢复|停"),
    ("balance", ("剩|余|够|{unit}.{0,3}有|还有.{0,4}{unit}|{unit}.{0,4}多少|有多少|能用|能花|可用|用完|用光|花完|撑|坚持|重置|刷新|到期|清零|查.{0,3}{unit}|看.{0,4}{unit}|用了多少|可以用|^(?:我的?|当前|本月|{unit})*{unit}(?:呢|情况)?$", f"{_QUESTION_ZH}|^(?:我的?|当前|本月|剩余|可用|账户|账上|个人|帮我|请|{{unit}})*(?:{{unit}}|剩余)(?:呢|情况|查询)?$", "{unit}|余额|我|还|剩|够|月|撑|坚持|速度|速度|什么时候|多久|多少|几"), f"{_UNRELATED_ZH}|[{AMOUNT}{PERSON}]|能用什么|够意思|怎么|活|电|票|人|钱一"),
)  # fmt: skip


def _topics(rows: tuple[tuple[str, tuple[str, ...], str], ...], unit: str) -> tuple[Topic, ...]:
    def compiled(words: str) -> re.Pattern[str]:
        return re.compile(words.replace("{unit}", f"(?:{unit})"))

    return tuple(
        Topic(intent, tuple(map(compiled, words)), compiled(excluded)) for intent, words, excluded in rows
    )


_ENGLISH = _topics(_ENGLISH_ROWS, UNIT_EN)
_CHINESE = _topics(_CHINESE_ROWS, f"{UNIT_ZH}|余额|预算")

_WHOLE = {
    "balance": "balance|my balance|check my balance|how much quota do i have left|remaining quota|will my quota last until the end of the month|am i running out of quota|"
    "余额|查余额|我的余额|还剩多少额度|我还有多少额度|剩余额度|额度够用到月底吗",
    "loans": "loans|my loans|who do i owe|who owes me|show my debts|what do i still owe|借款|我的借款|谁欠我的|我欠谁|查看借条",
    "history": "history|usage history|where did my quota go|what did i use it on|usage breakdown by model|show my spending|明细|使用记录|消费明细|额度花在哪了",
    "team": "team budget|our team budget|what is left in our team budget|how much does my team have left|团队预算|团队还有多少预算",
    "help": "help|help me|how does this work|how does lending work|what can you do|show the commands|帮助|怎么用|使用说明|你能做什么|怎么申请额度",
}  # fmt: skip
_PHRASES = {phrase: intent for intent, phrases in _WHOLE.items() for phrase in phrases.split("|")}
