"""The sentence for each refusal. None tells what somebody else has, owes or is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from handlers.words.text import SafeText, Text, listed
from models import refusal
from models.messages.message import clean

QUOTED = 60
"""Code points kept of a text that is quoted."""

WORDS: dict[type[refusal.Refusal], Text] = {
    refusal.NotUnderstood: Text(
        "I did not get that; nothing was changed. Say `help` to see what I can do.",
        "没听懂，未做任何改动。发送 `帮助` 看看我能做什么。",
    ),
    refusal.WrongUsage: Text(
        "Nothing was changed. It goes like this: {usage}", "未做任何改动，请这样说：{usage}"
    ),
    refusal.BadAmount: Text(
        "I can't use “{text}” as an amount: {why}. Nothing was changed.",
        "“{text}” 不能作为数额：{why}。未做任何改动。",
    ),
    refusal.AmbiguousAmount: Text(
        "“{text}” can be read in two ways. Please write {choices}.", "“{text}” 有歧义，请写成 {choices}。"
    ),
    refusal.AllNotAllowed: Text("Please give a number here.", "这里请写具体数额。"),
    refusal.BadDate: Text(
        "“{text}” is no day to come that I know. Try `15 Dec` or `2026-12-15`.",
        "“{text}” 不是有效的未来日期，可以写 `12月15日` 或 `2026-12-15`。",
    ),
    refusal.UnknownSender: Text(
        "Hello! I don't know you yet, so I can't show or move any quota. Ask an admin{admins} to add you; your id is `{address}`.",
        "你好！名单里还没有你，暂时不能查看或使用额度。请联系管理员{admins}添加，并告知你的 ID：`{address}`。",
    ),
    refusal.UnknownPerson: Text(
        "I know nobody called “{text}”. Give their full name, job number or e-mail, or mention them where you can.",
        "没有找到“{text}”。请写对方的全名、工号或邮箱；能 @ 的话，直接 @ 最准。",
    ),
    refusal.AmbiguousPerson: Text(
        "More than one person is called “{text}”: {names}. Which e-mail?",
        "有不止一位“{text}”：{names}。请写邮箱或工号。",
    ),
    refusal.SeveralPeople: Text(
        "One person at a time, please. Nothing was changed.", "一次只能操作一位同事，未做任何改动。"
    ),
    refusal.UnknownMention: Text(
        "I don't know the person you mentioned, so they can't take part right now. Nothing was changed.",
        "我不认识你 @ 的人，未做任何改动。如果是本组织的同事，请联系管理员添加。",
    ),
    refusal.NotAColleague: Text(
        "{name} can't take part right now. Nothing was changed.", "{name} 现在无法参与，未做任何改动。"
    ),
    refusal.OnlyColleagues: Text(
        "That is for colleagues of this workspace only. Nothing was changed.",
        "仅限本组织的在职同事使用，未做任何改动。",
    ),
    refusal.StatusUnknown: Text(
        "I could not check who takes part just now. Nothing was changed; please try again in a minute.",
        "暂时无法核实身份，未做任何改动，请稍后再试。",
    ),
    refusal.NoPolicyYet: Text(
        "No quota has been handed out yet. The admins have to apply a policy first.",
        "还没有分配额度，需要管理员先启用额度规则。",
    ),
    refusal.NoRate: Text(
        "The gateway counts USD and the policy {unit}: write into policy.yaml how many {unit} are one USD (gateway: per_usd).",
        "网关按美元计，额度规则按 {unit} 计：请在 policy.yaml 中写明 1 美元合多少 {unit}（gateway: per_usd）。",
    ),
    refusal.TokensNotEnforced: Text(
        "The gateway counts money, so a policy in tokens can only be observed: GATEWAY_MODE=observe.",
        "网关按金额计，以 token 为单位的额度规则只能观察、不能限额：GATEWAY_MODE=observe。",
    ),
    refusal.PeriodClosing: Text(
        "The month is closing, a minute. Nothing was changed; please try again shortly.",
        "正在月结，请过一分钟再试。未做任何改动。",
    ),
    refusal.TooSlow: Text(
        "That took too long, so I stopped: nothing moved. Please try again.",
        "处理超时，已停止，额度没有变动，请重试。",
    ),
    refusal.KeyReused: Text(
        "That message was already used for something else. Nothing was changed.",
        "该消息已用于其他操作，未做任何改动。",
    ),
    refusal.NothingToConfirm: Text("There is nothing waiting for your yes.", "没有等待你确认的操作。"),
    refusal.OnlyAdmins: Text("Only admins can do this.", "仅管理员可以操作。"),
    refusal.NotYoursToPause: Text(
        "Only the managers of {name}, the owner of their team and admins can do this. Nothing was changed.",
        "只有 {name} 的主管、团队负责人和管理员可以操作，未做任何改动。",
    ),
    refusal.NotEdited: Text(
        "Nothing to decide any more: the limit at the gateway is no longer one that somebody else set.",
        "无需再处理：网关上的限额已不是他人改动的值。",
    ),
    refusal.NothingToApprove: Text(
        "Nothing of that waits for you any more that could be approved whole. `pending` shows what is open.",
        "这些申请已没有等你审批、且可全额批准的了。发送 `待办` 查看当前情况。",
    ),
    refusal.BudgetNotForYou: Text(
        "Budgets are shown to team owners, admins and finance. Your own quota: `balance`.",
        "预算仅团队负责人、管理员和财务可见。你自己的额度请发送 `余额` 查看。",
    ),
    refusal.NotForYou: Text("Only managers and owners can see this.", "仅主管和负责人可以查看。"),
    refusal.InsufficientQuota: Text(
        "You have only {available} for that, not {wanted}. Nothing was moved.",
        "可用额度只有 {available}，不足 {wanted}，额度未变动。",
    ),
    refusal.NotLendable: Text(
        "You can lend up to {lendable} just now. Nothing was moved.",
        "你现在最多可借出 {lendable}，额度未变动。",
    ),
    refusal.LoanTooSmall: Text(
        "A loan is at least {least}. Nothing was moved.", "每次至少借 {least}，额度未变动。"
    ),
    refusal.HoldsBorrowed: Text(
        "You still hold unspent quota that you asked to borrow, so you can't lend. Give it back first (`repay`).",
        "你主动借入的额度还没用完，暂不能借出。请先归还（`还`）。",
    ),
    refusal.LendingIsOff: Text("Lending is switched off here.", "本组织没有开放同事间借额度。"),
    refusal.LendingToOneself: Text(
        "That would be a loan to yourself. Nothing was moved.", "不能借给自己，额度未变动。"
    ),
    refusal.CannotLendNow: Text("{name} can't lend right now.", "{name} 现在不方便借出。"),
    refusal.CannotBorrowNow: Text(
        "{name} can't borrow right now. Nothing was moved.", "{name} 现在不方便借入，额度未变动。"
    ),
    refusal.TakesNoAsks: Text(
        "{name} takes no asks to lend. Nothing was sent; you can ask somebody else, or your manager.",
        "{name} 目前不接受借用请求，没有发送。可以问问其他同事，或向主管申请。",
    ),
    refusal.TooManyMessages: Text(
        "You have sent colleagues many messages within an hour. Nothing was changed; it works again from {time}.",
        "你一小时内发给同事的消息较多，未做任何改动，{time} 后可以继续。",
    ),
    refusal.TriesUsedUp: Text(
        "Five of these were refused within an hour, so this command rests. Nothing was changed; it works again from {time}.",
        "一小时内已有五次未能成功，此操作暂停，未做任何改动，{time} 后可以再试。",
    ),
    refusal.TooManyLoans: Text(
        "You have {most} open loans; that is the most. Give one back first.",
        "你已有 {most} 笔未结清的借款，达到上限，请先还一笔。",
    ),
    refusal.TooMuchBorrowed: Text("You can borrow up to {left} more.", "你最多还能再借 {left}。"),
    refusal.OverdueLoans: Text(
        "You still owe from two periods ago. Repay that before you borrow again.",
        "你有逾期两期的欠款，还清后才能再借。",
    ),
    refusal.NoSuchLoan: Text(
        "There is no open loan between you and {name}.", "你和 {name} 之间没有未结清的借条。"
    ),
    refusal.NothingOwed: Text(
        "There is nothing of that kind left with {name}.", "{name} 那里已没有相应的部分可以操作。"
    ),
    refusal.MoreThanDue: Text(
        "It can be {due} at most, not {wanted}. Nothing was changed.",
        "最多 {due}，不能是 {wanted}，未做任何改动。",
    ),
    refusal.UnknownCode: Text(
        "{code} is not yours to decide or change. Nothing was changed.", "{code} 不由你处理，未做任何改动。"
    ),
    refusal.AlreadyDecided: Text("{code} is settled: {state}", "{code} 已处理：{state}"),
    refusal.Replaced: Text(
        "That request was replaced by {code}, now {amount}. Nothing was decided.",
        "该申请已被 {code} 取代，现为 {amount}，尚未审批。",
    ),
    refusal.OverCeiling: Text(
        "You can grant up to {ceiling}. Nothing was decided.", "你的审批上限是 {ceiling}，尚未审批。"
    ),
    refusal.PoolTooSmall: Text(
        "The budget of {team} has {left} left. Nothing was decided; you can approve up to that.",
        "{team} 的预算只剩 {left}，尚未审批；可在此范围内同意。",
    ),
    refusal.NothingToRevoke: Text("Nothing of {code} is left to take back.", "{code} 已没有可收回的部分。"),
    refusal.UnreadableMessage: Text(
        "I found no words in that message, so nothing was done. Say `help` to see what I can do.",
        "这条消息里没有文字，我没有做任何操作。发送 `帮助` 看看我能做什么。",
    ),
    refusal.NotFromHere: Text(
        "I can't help you with that: only colleagues of this organisation take part, and I am not told that you are one. If you are, please ask an admin.",
        "仅限本组织的在职同事使用，目前无法确认你的身份。如有疑问，请联系管理员。",
    ),
    refusal.CallsUsedUp: Text(
        "DingTalk has held your words back: the organisation's calls of this month are used up. Nothing was changed; the admins know.",
        "本组织当月的钉钉调用量已用完，我没有收到你发的内容。未做任何改动，已通知管理员。",
    ),
}

WHY_NO_AMOUNT: dict[str, Text] = {
    "empty": Text("it is empty", "没有写数额"),
    "too_long": Text("it is too long", "太长了"),
    "hidden_characters": Text("it holds invisible characters", "含有不可见字符"),
    "other_digits": Text("it holds digits I don't take", "含有不支持的数字"),
    "not_a_number": Text("it is no number", "不是数字"),
    "exponent": Text("please write it without an exponent", "请不要用科学计数法"),
    "hex": Text("please write it in decimal", "请用十进制"),
    "negative": Text("it has to be positive", "必须是正数"),
    "zero": Text("there is nothing to move", "数额为零"),
    "range": Text("please give one number, not a range", "请写一个数，不要写范围"),
    "two_numbers": Text("there are two numbers", "出现了两个数"),
    "wrong_currency": Text("it is not in this workspace's unit", "单位与本组织不符"),
    "too_precise": Text("it is finer than the unit allows", "小数位数过多"),
    "too_big": Text("it is too large", "数额过大"),
}


def words(
    no: refusal.Refusal, locale: str, amount: Callable[[int], SafeText], extra: dict[str, Any]
) -> SafeText:
    """The sentence for a refusal. Whole numbers among its facts are amounts, except `most`, which is a count."""
    facts = {
        name: amount(value) if isinstance(value, int) and name != "most" else _quoted(value)
        for name, value in no.facts.items()
    }
    if isinstance(no, refusal.TooManyMessages):  # for somebody whose zone is not known
        facts["time"] = f"{no.at:%H:%M} UTC"
    if isinstance(no, refusal.BadAmount):
        facts["why"] = WHY_NO_AMOUNT[no.why](locale)
    if isinstance(no, refusal.AmbiguousAmount):
        facts["choices"] = SafeText(" / ".join(f"`{amount(choice)}`" for choice in no.choices))
    if isinstance(no, refusal.AmbiguousPerson):
        facts["names"] = listed(no.names, locale)
    return WORDS[type(no)](locale, **(facts | extra))


def _quoted(value: Any) -> Any:
    """What somebody sent, cut: a forged button may carry anything."""
    return clean(value, QUOTED) if isinstance(value, str) else value
