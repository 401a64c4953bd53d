"""The typed grammar of interface.md, word for word."""

from __future__ import annotations

from handlers.language.grammar import PERSON, in_chinese, in_english

TYPED = (
    in_english("lend", "lend {person} {amount}", opening=""),
    in_chinese("lend", "借给{person}{amount}", opening=""),
    in_english("borrow", "borrow {amount} from {person}", "borrow {person} {amount}", opening=""),
    in_chinese("borrow", "向{person}借{amount}", opening=""),
    in_english("mute", "mute {person}", "屏蔽 {person}", opening=""),
    in_chinese("mute", "屏蔽{mention}", opening=""),
    in_english("unmute", "unmute {person}", "取消屏蔽 {person}", opening=""),
    in_chinese("unmute", "取消屏蔽{mention}", opening=""),
    # of nobody by name: whoever is named further on is asked, or lent to, by another template
    in_english("borrow", rf"borrow {{amount}}(?!.*(?:\b(?:from|off|of|to)\b|{PERSON}))", opening=""),
    in_chinese("borrow", f"借{{amount}}(?!.*(?:[给向从跟找]|{PERSON}))", opening=""),
    in_english("withdraw", "withdraw {person}", "撤回借用 {person}", opening=""),
    in_chinese("withdraw", "撤回借用{mention}", opening=""),
    in_english("repay", "repay {person}(?: {amount})?", opening=""),
    in_chinese("repay", "归?还给?{person}{amount}", "归?还给?{mention}$", opening=""),
    in_english("recall", "recall {person}(?: {amount})?", opening=""),
    in_chinese("recall", "收回{person}{amount}", "收回{mention}$", opening=""),
    in_english("forgive", "forgive {person}(?: {amount})?", opening=""),
    in_chinese("forgive", "免还{person}{amount}", "免还{mention}$", opening=""),
    # After a space it is a name. Without the space, the idiom `收回成命` would recall from a Mr 成命.
    in_english("repay", "归?还 {person}", opening=""),
    in_english("recall", "收回 {person}", opening=""),
    in_english("forgive", "免还 {person}", opening=""),
    in_english("request", "request {amount}", opening=""),
    in_chinese("request", "申请{amount}", opening=""),
    in_english("pause", "(?:pause|暂停) {person}", opening=""),
    in_chinese("pause", "暂停{mention}", opening=""),
    in_english("resume", "(?:resume|恢复) {person}", "continue {mention}", opening=""),
    in_chinese("resume", "(?:恢复|继续){mention}", opening=""),
    in_english("emergency", "emergency {amount}", opening=""),
    in_chinese("emergency", "紧急{amount}", opening=""),
    in_english("delegate", "delegate (?:to )?{person}", opening=""),
    in_chinese("delegate", "委托(?:给)?{person}", opening=""),
)
WORDS = {
    "balance": "|balance|余额",
    "loans": "loans|借款|借条",
    "history": "history|明细|记录",
    "team": "team|团队",
    "budget": "budget|budgets|预算",
    "help": r"help|\?|帮助",
    "pause": "pause|暂停|先暂停",
    "resume": "continue|resume|继续|继续使用|恢复",
    "pending": "pending|待办|待审批|待处理",
    "approve_all": "approve all|approve all shown|全部同意|全部批准|同意全部",
    "nudge": "nudge|催一下|催办",
    "emergency": "emergency|break glass|紧急|紧急额度",
    "withdraw": "withdraw|撤回借用",
    "mute": "mute|屏蔽",
    "unmute": "unmute|取消屏蔽",
    "no_asks": "no asks|别找我借|不接受借用",
    "allow_asks": "allow asks|可以找我借|接受借用",
    "undelegate": "undelegate|取消委托|结束委托|收回委托",
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
    "nudge": "nudge|催一下|催办|催",
    "ask": "ask|question|询问|问",
    "answer": "answer|reply|答复|回复|回答|答",
}
