"""A member's loans as lines with buttons."""

from __future__ import annotations

from handlers.context import Context, Reader
from handlers.words import texts
from handlers.words.text import SafeText
from models.messages.message import Button
from models.people.member import Member
from models.quota.borrowing import overdue
from models.quota.loan import Loan, loans_of
from models.quota.loan_sums import Sums
from models.quota.period import Period


def loan_lines(ctx: Context, member: Member, reader: Reader) -> list[tuple[str, tuple[Button, ...]]]:
    lines: list[tuple[str, tuple[Button, ...]]] = []
    for loan, sums in loans_of(ctx.session, member.id):
        taken = loan.borrower_id == member.id
        other = ctx.session.get_one(Member, loan.lender_id if taken else loan.borrower_id)
        due = ctx.session.get_one(Period, loan.period_id).ends_at
        when = (
            texts.OVERDUE(reader.locale)
            if overdue(ctx.session, loan)
            else texts.DUE_ON(reader.locale, day=reader.last_day(due))
        )
        line = (texts.LOAN_TAKEN if taken else texts.LOAN_GIVEN)(
            reader.locale,
            name=other.name,
            unspent=reader.amount(sums.unspent),
            owed=reader.amount(sums.owed),
            due=SafeText(_back_on(reader, loan, sums) + when),
        )
        lines.append((line, _loan_buttons(reader, loan.id, sums, other, taken=taken)))
    return lines


def _back_on(reader: Reader, loan: Loan, sums: Sums) -> SafeText:
    # Only where that is before the period ends.
    if loan.ends_at is None or not sums.unspent:
        return SafeText("")
    return texts.BACK_ON(reader.locale, day=reader.last_day(loan.ends_at))


def _loan_buttons(
    reader: Reader, number: int, sums: Sums, other: Member, *, taken: bool
) -> tuple[Button, ...]:
    if taken:
        return (loan_button(reader, "loan.return", number, other),)
    recall = (loan_button(reader, "loan.recall", number, other),) if sums.unspent else ()
    forgive = (loan_button(reader, "loan.forgive", number, other),) if sums.owed else ()
    return recall + forgive


_LOAN_BUTTONS = {
    "loan.return": (texts.GIVE_BACK_BUTTON, "repay"),
    "loan.recall": (texts.RECALL_BUTTON, "recall"),
    "loan.forgive": (texts.FORGIVE_BUTTON, "forgive"),
}


def loan_button(reader: Reader, action: str, number: int, other: Member) -> Button:
    # The typed command names the other person: a loan has no CODE.
    label, verb = _LOAN_BUTTONS[action]
    return Button(label(reader.locale), action, str(number), typed=f"{verb} {other.word}")
