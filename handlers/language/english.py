"""Templates for English commands that move something. The more particular ones come first."""

from __future__ import annotations

from handlers.language.grammar import GREETING_EN, WISH_EN, in_english

_LEND = "(?:lend|loan|give|send|hand|shoot|transfer|pass|share|spot|wire|move|slip|gift|advance|front|float|allocate)"
_TO_ME = "(?:lend|loan|spot|spare|front|float|advance|share with|transfer|give|send|pass|slip)"
_LOAN_ME = "(?:lend|loan|spot|spare|front|float|advance)"
_CALLED = rf"{{mention}}[,:!]? (?:(?:{GREETING_EN})[ ,!]+)?(?:(?:{WISH_EN}|do|have) (?:you )?){{0,3}}"
_ANYONE = (
    "(?:any chance |is it possible )?(?:that )?(?:(?:can|could|would|will|does|do|is there|has) )?(?:somebody|someone|anyone|anybody|any of you|one of you|who)(?: here| else)?"
    "(?: (?:can|could|would|please|who|willing to|able to|want to|wants to|kind enough to|maybe|possibly))*"
)  # fmt: skip
_MAY_I = "(?:can|could|may|might) (?:i|we) (?:please |maybe |possibly |also )*"
_MORE = "(?:(?:some|a (?:bit|little)(?: of)?) )?(?:more|extra|additional)"
_MY_QUOTA = r"(?:(?:my|the) )?(?:\w+ )?(?:{unit}|cap|account)"
_RAISE = "(?:raise|increase|bump(?: up)?|lift|up|extend|expand|top up|boost|refill|recharge)"
_GIVE_ME = "(?:give|grant|allocate|assign|get|send|add)"
_DEBT = "(?:debts?|loans?|borrowings?)"
_BOSS = r"(?:(?:my |the )?(?:manager|boss|lead|team ?lead|supervisor))"

ENGLISH = (
    in_english(
        "repay",
        "(?:repay|pay back|pay off|return|settle) (?:everything|all|what)(?: that)? i (?:still )?(?:owe|borrowed)(?: (?:to|from) {person})?",
        "(?:pay|give|send|hand|return) {person}(?: (?:the|my|his|her|their))?(?: {amount})? back(?: (?:the )?{amount})?",
        "return {person}'s {amount}",
        "payback {person}(?: {amount})?",
        "(?:repay|reimburse|pay back|pay off|settle(?: up)? with) {person}(?: {amount})?",
        "(?:give|pay|send|hand|transfer) back(?: {amount}| everything| the rest| the quota| it)?(?: to {person})?",
        "(?:pay|give|send|hand|transfer) (?:{amount}|the rest|it|what i (?:owe|borrowed)) back to {person}",
        "(?:return|repay|pay back)(?: the)? (?:{amount}|everything|the rest|it|the quota|what i (?:owe|borrowed)|my debt) (?:to|from) {person}",
        "(?:repay|pay back) (?:{amount}|everything|all)$",
        f"(?:repay|pay back|pay off|settle|clear|return)(?: all)?(?: of)? (?:my|the) {_DEBT}(?: (?:to|with|from) {{person}})?",
    ),
    in_english("repay", "(?:pay|reimburse) {mention}(?: {amount})?", "return {person} {amount}", sure=False),
    in_english(
        "recall",
        r"(?:i |i'?d |i would )?(?:take|get|have|want|need|like|claim|pull|call|bring)(?: (?:my|the))?(?: {amount}| {unit})?(?: {unit})? back (?:{unit} )?(?:from|off) {person}",
        "(?:take|get|claim|pull|call) back(?: my| the)? (?:{amount}|{unit}|what)(?: {unit})? (?:from |that i lent |i lent |i lent to )(?:to )?{person}",
        "(?:recall|reclaim|withdraw)(?: my| the)?(?: {amount}| {unit}| everything| what)?(?: {unit})?(?: that)?(?: from| i lent(?: to)?| lent to) {person}",
        "(?:recall|reclaim) {person}(?:'s)?(?: {amount}| loan)?",
        "(?:undo|reverse|end|close|call back) (?:the|my) loan (?:to|with) {person}",
        "recall {amount}",
    ),
    in_english(
        "recall",
        "(?:ask|tell|get) {person} to (?:give|pay|return|send)(?: me)?(?: back)?(?: the| my)?(?: {amount})?(?: back)?",
        _MAY_I + "(?:get|have|take)(?: my| the)?(?: {amount}| {unit})? back from {person}",
        "recall",
        sure=False,
    ),
    in_english(
        "forgive",
        f"(?:forgive|waive|write off|cancel|drop|erase)(?: the)?(?: {{amount}})?(?: of)? {{person}}(?:'s)? (?:the |his |her )?(?:{{amount}}|{_DEBT})",
        "(?:forgive|waive|write off|forget(?: about)?|never ?mind) (?:what|the {amount}|{amount}|everything)(?: that)? {person} (?:still )?owes(?: me)?",
        "(?:forgive|waive|write off) (?:the )?{amount}(?: for| of| owed by) {person}",
        "let {person} off(?: (?:the )?{amount})?",
        "forgive {person}",
    ),
    in_english(
        "forgive",
        "{mention} (?:can|may) keep (?:the )?(?:{amount}|it|{unit})",
        "(?:tell {person} )?(?:that )?(?:{person}|he|she|they) (?:doesn'?t|does not|needn'?t|need not|don'?t)(?: have to| need to)? (?:pay|repay|give|return)(?: me| it| the)?(?: {amount})?(?: back)?",
        sure=False,
    ),
    in_english(
        "borrow",
        f"(?:{_CALLED})?{_TO_ME} me (?:another )?{{quota}}(?: of yours| from yours)?,? {{mention}}",
        f"{_CALLED}{_TO_ME} me {{quota}}",
        "spare (?:me )?{quota},? {mention}",
        f"(?:can|could|would|will) {{mention}} (?:please )?{_TO_ME} me {{quota}}",
        "{mention}[,:]? (?:do you |have you )?(?:got|have) {quota} (?:to spare|to lend|spare|for me)",
        "{mention}[,:]? (?:can|could|do|may) (?:you|i) (?:spare|have|borrow|get|take)(?: me)? {quota}(?: (?:to spare|for me|i (?:can|could) borrow|from you|of yours))?",
        f"{_ANYONE} (?:to )?(?:{_TO_ME} me|spare(?: me)?) {{quota}}",
        f"{_ANYONE} share {{quota}} with me",
        f"(?:i )?need (?:somebody|someone) to {_TO_ME} me {{quota}}",
        f"{_ANYONE} (?:have|has|got|having|with)(?: got)? {{quota}}(?: (?:to spare|spare|to lend|for me|left to lend|i (?:can|could) borrow))",
        f"(?:{_MAY_I})?borrow(?: another)? {{quota}} (?:from|off) {{person}}",
        f"(?:{_MAY_I})?borrow from {{person}} {{quota}}",
        f"(?:{_MAY_I}|i (?:need|want|would like|'d like) )?(?:get|have|take|grab|use|need)? ?(?:a loan of )?{{amount}} (?:from|off) {{mention}}",
        "ask {person} (?:for|to (?:lend|loan|spot|give|send) me)(?: a loan of)? {quota}",
        f"{_LOAN_ME} me(?: another)? {{quota}}",
        "(?:i )?(?:need|get|take|want|request|ask for)(?: to get)? a loan(?: of {amount})?(?: from {person})?",
        "borrow(?: another)? {quota}",
        "borrow from {person}",
    ),
    in_english(
        "borrow", f"{_MAY_I}borrow {{quota}}(?: from (?:someone|somebody|anyone|a colleague))?", sure=False
    ),
    in_english(
        "delegate",
        "(?:delegate|hand(?: over)?|assign|pass|give|transfer) (?:all )?(?:of )?my (?:approvals?|approval rights|requests|decisions)(?: over)? to {person}",
        "(?:delegate|hand over)(?: approvals?| approving)?(?: to)? {person}",
        "(?:let|have|make|set) {person} (?:(?:to )?(?:approve|decide|stand in|fill in|cover)(?: requests| approvals| things)? (?:for me|on my behalf|in my place|while i'?m away|while i'?m out)|"
        "(?:as )?(?:my|the) (?:delegate|deputy|stand-in|backup approver))",
        "{mention} (?:will|can|is going to|should|to) (?:approve|decide|stand in|fill in|cover)(?: requests| approvals)? (?:for me|on my behalf|in my place)",
        "(?:while i'?m (?:on leave|on holiday|on vacation|away|out|off),? )?{mention} (?:approves|decides|stands in|fills in|covers)(?: requests| approvals)? "
        "(?:for me|on my behalf|in my place)",
        "{mention} (?:is|will be) my (?:delegate|deputy|stand-in)",
    ),
    in_english(
        "undelegate",
        "(?:stop|end|undo|cancel|revoke|remove) (?:my |the )?delegat(?:ing|ion)(?: (?:of )?(?:my )?(?:approvals?|requests))?(?: (?:to|with) {person})?",
        "(?:take|get|want|have) (?:back )?my approvals(?: back)?(?: from {person})?",
    ),
    in_english(
        "cancel",
        r"(?:cancel|withdraw|retract|drop|take back|scrap|undo|ignore|disregard) (?:my|the|that|this)(?: \w+)? request",
    ),
    in_english(
        "lend",
        rf"{_LEND} {{person}} (?:another |an extra )?{{amount}}",
        rf"{_LEND}(?: over)? {{amount}}(?: over)? (?:to|with) {{person}}",
        "let {person} (?:borrow|have|use|take) {amount}",
        "{mention} (?:can|may) (?:borrow|have|use|take) {amount} (?:of mine|from me)",
    ),
    in_english(
        "lend",
        rf"{_LEND} {{mention}} {{quota}}",
        rf"{_LEND} {{quota}} (?:to|with) {{mention}}",
        "lend {amount}",
        "lend {mention}",
        sure=False,
    ),
    in_english(
        "request",
        f"(?:{_RAISE}) {_MY_QUOTA}(?: (?:by|with))(?: another)? {{amount}}",
        f"(?:{_RAISE} {_MY_QUOTA})(?! to)",
        "top me up(?: (?:by|with))?(?: {amount})?",
        "top up(?: by)? {amount}",
        f"(?:request|require|apply for|(?:ask|petition) (?:{_BOSS} )?for|(?:put in|file|submit|raise|make|open|send) a request (?:to {_BOSS} )?for)(?: an?(?: increase| extra| top[- ]?up) of)? {{amount}}",
        f"(?:request|require|apply for|ask (?:{_BOSS} )?for) {_MORE}(?: {{unit}})?",
        f"(?:request|apply for|ask (?:{_BOSS} )?for) (?:an?|the) (?:increase|top[- ]?up|raise|extension|bump)(?: of {{amount}})?",
        f"{_GIVE_ME} me (?:up |with |another |an extra )?(?:{{amount}}|{_MORE}(?: {{unit}})?)",
        f"add (?:{{amount}}|{_MORE} {{unit}}) to {_MY_QUOTA}",
        "(?:i'?d like|i would like)(?: another| an extra| an additional)? {amount}",
        "(?:i |we )?(?:really |urgently |still |will )?(?:need|want|could use)(?: about| another| an extra| an additional| at least)? {amount}",
        f"(?:i |we )?(?:really |urgently |still )?(?:need|want|could use) {_MORE} {{unit}}",
        f"(?:{_MAY_I})(?:get|have|receive)(?: another| an extra| an additional)? (?:{{amount}}|{_MORE}(?: {{unit}})?)",
        f"(?:another|an extra|an additional|{_MORE}) {{unit}},? please",
        "(?:another |an extra )?{amount},? please",
        "(?:i |we )?(?:need|get|have|want|can i (?:get|have)) an? (?:{unit} )?(?:top[- ]?up|increase|raise|extension)(?: of {amount})?",
        "i(?:'?m| am) (?:short (?:of |by )?|missing ){amount}",
        "i(?:'?m| am) {amount} short",
        f"(?:can|could|will|would) {_BOSS} (?:please )?(?:give|grant|approve|allow) me (?:another )?(?:{{amount}}|{_MORE}(?: {{unit}})?)",
        "(?:can|could) (?:my|the) {unit} be (?:raised|increased|extended)(?: by {amount})?",
    ),
    in_english(
        "request",
        f"{_RAISE} {_MY_QUOTA} to {{amount}}",
        "(?:i |we )?(?:really |urgently )?need {unit}",
        "(?:send|transfer) me {amount}",
        "(?:(?:i'?m|i am|we'?re|i have|i'?ve|i|we)(?: almost| nearly| completely| all| just| already)? )?(?:out of|running (?:out of|low on)|ran out of|run out of|low on|short (?:of|on)|used up(?: all)?(?: my)?|burned through(?: my)?) (?:my )?{unit}",
        "(?:my |the )?{unit} (?:is|are|has|have|'s|isn'?t|ran|won'?t)(?: been)?(?: almost| all| already| nearly)? (?:out|gone|empty|finished|exhausted|used up|run out|enough|over|too (?:low|small)|depleted)",
        f"(?:{_MORE}) {{unit}}",
        sure=False,
    ),
)
