"""Words that mean the same to a bot for quota, as features of the classifier: `spot`, `float` and `匀` all lend."""

from __future__ import annotations

import re

_ENGLISH = {
    "I": "i|i'm|im|i've|ive|i'd|i'll|ill|we|we're",
    "me": "me|us|my|mine|our|myself",
    "them": "@|him|her|them|his|hers|their|he|she|they|he's|she's",
    "anybody": "some(?:one|body)|any(?:one|body)|colleagues?|whoever|who|team ?mates?|volunteers?",
    "everybody": "every(?:one|body)|nobody|no one|people|ppl|all of them|others",
    "boss": "boss|manager|lead|supervisor|mgmt|management|approver|higher up|budget holder",
    "company": "company|departments?|dept|org|organi[sz]ation|division|business unit",
    "team": "team|squad|group|crew|lot|direct reports?|reports|headcount|staff",
    "lend": "lend|loan|spot|float|front|advance|sub|slide|tide|bail|hook|cover|stake|spare|share|help(?=.* out)|let(?=.*(?:use|have))|on tick|stretch",
    "borrow": "borrow\\w*|scrounge|tap|bum|sponge|loan of",
    "owe": "owes?|owed|owing|debts?|ious?|outstanding|in debt|tab",
    "back": "back|returns?|returned|repay|refund|pays?|settle|square|clear|reimburse",
    "take back": "claw|pull|recall|reclaim|retrieve|yank|recover|fetch",
    "more": "more|extra|additional|another|top[- ]?ups?|raise|increase|bump|bigger|higher|larger|refill|supplement|further",
    "left": "left|remaining|remains?|still|headroom|runway|balance|in the tank",
    "out": "r[ua]n out|run dry|ran dry|dry|empty|used up|broke|skint|burnt?|gone|zilch|zero|blocked",
    "how much": "how (?:much|many|far|fast|long|deep)|what percentage",
    "yes": "ok|okay|yes|yep|yup|yeah|fine|sure|good|approved?|agree|agreed|green|nod|sign(?:ed)? off|granted?|happy|alright|proceed|release|\\+1|go ahead",
    "no": "no|nope|nah|refus\\w+|reject\\w*|declin\\w+|den(?:y|ied)|turn(?:ed)? (?:\\w+ )?down|knock|bin|veto|against|not happening|isn'?t happening",
    "not": "not|don'?t|can'?t|cannot|won'?t|doesn'?t|isn'?t|didn'?t|never|without",
    "no longer": "any ?more|no longer|no need|doesn'?t (?:need|have)|don'?t need|needn'?t",
    "why": "why|what for|what(?:'s| is) (?:it|this) (?:\\w+ )?for|which project|explain|clarify|for what|reason",
    "remind": "remind\\w*|poke|nudge|chase|ping|push|follow up|hurry|bump|speed",
    "approvals": "approvals?|sign[- ]offs?|decisions?|requests?|approving|stand(?:s|ing)? in|deputy|sign things|yeses",
    "away": "vacation|leave|holidays?|hols|ooo|away|travel\\w*|sick|surgery|off(?:line|site)|absence",
    "returned": "back (?:from|at|in|online|on)|i'?m back|returned|again",
    "stop": "stop\\w*|pause\\w*|freeze|halt|suspend|block\\w*|lock|disable|shut|brakes?|hold|cut|kill",
    "runaway": "loop\\w*|runaway|wild|rogue|leak\\w*|burning|out of control|mad|crazy|draining|stolen",
    "go on": "resume|unfreeze|unblock|unlock|continue|carry on|reactivate|lift|restore|unpause|activate|enable|go on",
    "budget": "budgets?|forecast|pot|spend",
    "history": "history|statement|transactions?|log|ledger|movements|happened|activity|changes|breakdown|where",
    "language": "english|chinese|german|mandarin|french|spanish|language|japanese|translate",
    "how to": "how (?:do|does|can|to|should|is)|explain|what (?:can|do) (?:you|i)|what are|who are|rules|new here|command",
    "beg": "ask(?:s|ed|ing)? me|asks|pester\\w*|begs?|begging|bother\\w*|bugg\\w+|approach|hit me up|loan asks|borrow requests?|loan requests?",
    "give away": "gift|donate|for good|contribute|pool|kitty|don'?t need it back|surrender|leftovers|for keeps",
    "let off": "forg(?:et|ive)|waive|write off|wipe|hook|keep|even|on the house|on me|let off|never ?mind|nvm|quits|slate",
    "wrong": "mistake|regret\\w*|undo|wrong|revers\\w+|revert|rescind|too soon|changed my mind|by accident|shouldn'?t have",
    "scrap": "scrap|withdraw|cancel|drop|retract|forget|void|unsend|take back",
    "told": "yesterday|last (?:week|month|night)|already|said|says|told|heard|wrote|thinks?|apparently",
    "if": "if|might|maybe|perhaps|unless|would have|imagine|should i|was (?:going|gonna)|depends|depending|once|when",
    "thing": "stapler|pen|charger|meeting|room|lunch|coffee|beer|pr|deploy|build|ci|cluster|printer|recording|invoice|laptop|book|leave request|holiday",
    "thanks": "thanks|thx|cheers|sorry|lol|haha|oops|ty",
    "models": "models?|opus|sonnet|haiku|gpt",
}  # fmt: skip
_CHINESE = {
    "them": "他|她|ta",
    "me": "我|咱|俺",
    "anybody": "谁|有人|哪位|哪个同事|好心人|大佬|哪些人|有没有人|随便哪",
    "everybody": "大家|任何人|所有人|别人|各位|都不|全部人|谁都|谁也",
    "boss": "老板|领导|主管|经理|上级|总监|老大|组长|审批人",
    "company": "公司|部门|整个|事业部|中心|组织|集团",
    "team": "团队|组里|我们组|手下|组员|下属|小组|咱组",
    "lend": "借给|匀|挪|垫|支援|拨|救急|救济|划|顶一下|从我|走我的?账|我出|我这边出|算他?借|算借",
    "borrow": "借我|跟.{1,5}借|向.{1,6}借|找.{1,5}借|周转|借点|问.{1,5}借|接济|求助",
    "owe": "欠|债|借出|没还|未还",
    "back": "还|归还|退还|退给|结清|还清",
    "take back": "收回|拿回|要回|抽回|追回|撤回来|拿回来",
    "more": "追加|再加|再给|多给|多批|加点|补|提额|提一提|上调|续|充|增加|多要|申请",
    "left": "剩|余额|余粮|还有|够|可用",
    "out": "用完|用光|烧完|烧光|见底|没了|不够|莫得|没额度|快没|吃光|顶不住|已用尽",
    "how much": "多少|几|多久|百分之",
    "yes": "同意|批了|批准|准了|通过|可以|没问题|放行|核准|照准|给过|没意见|签了|照批",
    "no": "拒|驳|打回|免谈|退回|不批|不给|给不了|批不了|不行|过不了|没门|毙|否|不合适|不同意|退件",
    "not": "不|没|别|莫|勿",
    "no longer": "不用|不要了|不再|不需要|不必|用不着",
    "why": "为什么|为啥|干嘛|用途|说明|理由|说清楚|做什么|问下|问问他|哪个项目",
    "remind": "催|提醒|戳|艾特|推一下|再推",
    "approvals": "审批|代批|签核|单子|签字|要我批|等我批|找我批|替我签|代签",
    "away": "休假|出差|不在|请假|住院|回老家|飞|产假|年假",
    "returned": "回来|销假|返岗|上班了|回公司",
    "stop": "冻|停|掐|禁|锁|刹车|关停",
    "runaway": "死循环|失控|狂|乱跑|跑飞|泄露|疯了",
    "go on": "恢复|解冻|继续|放开|解除|解锁|接着用|打开|重新",
    "budget": "预算|盘子|总的",
    "history": "流水|明细|记录|变动|账单|花在|去哪|进出",
    "language": "英文|中文|英语|繁体|语言|普通话|日语|德语|英",
    "how to": "怎么|如何|咋|怎样|你是|啥功能|什么命令|教",
    "beg": "找我借|跟我借|向我借|来借|烦我|问我借|来找我|跟我要|拉黑|屏蔽|黑名单|借用请求|借款请求|谢绝",
    "give away": "捐|充公|上交|贡献|归公|公用|无偿|给团队|给公司|给组里",
    "let off": "免|勾销|算了|不用还|送他|送给|抹|两清",
    "wrong": "错|反悔|后悔|手滑|误批|不小心",
    "scrap": "撤|取消|作废|收回|不要了",
    "told": "昨天|已经|说|听说|上周|刚才|之前",
    "if": "如果|要是|可能|本来|假如|也许|再说|考虑|要不要",
    "thing": "会议|外卖|快递|充电|吃|电脑|年假|报销|打卡|群|接电话",
    "thanks": "谢谢|谢了|辛苦|收到|哈哈|抱歉|早",
    "models": "模型",
}  # fmt: skip
_NAMES = {f"m{place}": name for place, name in enumerate(_ENGLISH)}
_EN = re.compile(
    "|".join(rf"(?P<{key}>(?<![a-z'])(?:{_ENGLISH[name]})(?![a-z]))" for key, name in _NAMES.items())
)
_ZH = tuple((name, re.compile(words)) for name, words in _CHINESE.items())


def meanings(text: str) -> list[str]:
    """What the words of a text mean, in their order; in Chinese, where words overlap, those of a kind in one place."""
    found = [(match.start(), _NAMES[match.lastgroup or ""]) for match in _EN.finditer(text)]
    if not text.isascii():
        found += [(match.start(), name) for name, words in _ZH for match in words.finditer(text)]
    return [name for _, name in sorted(found)]
