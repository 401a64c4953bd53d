"""A member's loans as lines with buttons."""

from __future__ import annotations

from handlers.context import Reader
from handlers.words import texts
from handlers.words.text import SafeText
from models.messages.message import Button
from models.metering.quota_view import OpenLoan, Other, QuotaView
from models.people.member import Member


def loan_lines(reader: Reader, view: QuotaView) -> list[tuple[str, tuple[Button, ...]]]:
    return [(_line(reader, loan), _loan_buttons(reader, loan)) for loan in view.loans]


def _line(reader: Reader, loan: OpenLoan) -> SafeText:
    say = reader.locale
    when = texts.OVERDUE(say) if loan.overdue else texts.DUE_ON(say, day=reader.last_day(loan.due))
    return (texts.LOAN_TAKEN if loan.taken else texts.LOAN_GIVEN)(
        say,
        name=loan.other.name,
        unspent=reader.amount(loan.sums.unspent),
        owed=reader.amount(loan.sums.owed),
        due=SafeText(_back_on(reader, loan) + when),
    )


def _back_on(reader: Reader, loan: OpenLoan) -> SafeText:
    # Only where that is before the period ends.
    if loan.ends_at is None or not loan.sums.unspent:
        return SafeText("")
    return texts.BACK_ON(reader.locale, day=reader.last_day(loan.ends_at))


def _loan_buttons(reader: Reader, loan: OpenLoan) -> tuple[Button, ...]:
    number, other = loan.id, loan.other
    if loan.taken:
        return (loan_button(reader, "loan.return", number, other),)
    recall = (loan_button(reader, "loan.recall", number, other),) if loan.sums.unspent else ()
    forgive = (loan_button(reader, "loan.forgive", number, other),) if loan.sums.owed else ()
    return recall + forgive


_LOAN_BUTTONS = {
    "loan.return": (texts.GIVE_BACK_BUTTON, "repay"),
    "loan.recall": (texts.RECALL_BUTTON, "recall"),
    "loan.forgive": (texts.FORGIVE_BUTTON, "forgive"),
}


def loan_button(reader: Reader, action: str, number: int, other: Member | Other) -> Button:
    # The typed command names the other person: a loan has no CODE.
    label, verb = _LOAN_BUTTONS[action]
    return Button(label(reader.locale), action, str(number), typed=f"{verb} {other.word}")
