"""What a few words mean under a card: `同意`, `just 100`, `no, too expensive`, `what is it for?`.

A decision is never exact, so it is confirmed before anything moves.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

from handlers.command import Command
from handlers.language.reader import read_command

_DECIDED = {"yes": "approve", "no": "decline", "amount": "approve"}
_BY_APPROVER = frozenset({"approve", "decline", "revoke", "ask"})
_BY_REQUESTER = frozenset({"cancel", "nudge", "answer"})
_OPEN = frozenset({"none", "yes", "no", "amount"})
"""Intents of words that say nothing by themselves."""
_OTHERWISE = frozenset({"request", "recall"})
"""Verbs that are a decision below a card: `批 100`, `收回`."""
_LETS_GO = {"yes": "yes", "approve": "yes", "lend": "yes", "no": "no", "decline": "no"}
_QUESTION = re.compile(r"[?？]\s*$|[吗呢]\s*$")


def by_approver(command: Command, code: str, today: date) -> Command | None:
    """The decision about the request of this CODE, or a question back; None where the words say something else."""
    if _speaks_for_itself(command) or command.intent in ("thanks", "hello"):
        return None
    if command.intent in _BY_APPROVER or command.intent == "amount":
        return replace(
            command, intent=_DECIDED.get(command.intent, command.intent), code=code, confidence="clear"
        )
    if (decided := _beside(command, code, today)) is not None and decided.intent in _BY_APPROVER:
        return decided
    if _QUESTION.search(command.text):
        return Command("ask", code=code, reason=command.text, text=command.text)
    intent = _DECIDED.get(command.intent)
    return replace(command, intent=intent, code=code, confidence="clear") if intent else None


def by_requester(command: Command, code: str, today: date, *, asked: bool) -> Command | None:
    """What the requester wants with their own request. `asked`: the approver waits for an answer."""
    if _speaks_for_itself(command):
        return None
    if command.intent in _BY_REQUESTER:
        return replace(command, code=code, confidence="clear")
    if (wanted := _beside(command, code, today)) is not None and wanted.intent == "cancel":
        return wanted
    said = asked and command.intent not in ("thanks", "hello")
    return Command("answer", code=code, reason=command.text, text=command.text) if said else None


def by_lender(command: Command, code: str) -> Command | None:
    """The yes or no to a colleague who asks for a loan."""
    intent = None if command.code or command.person or command.amount else _LETS_GO.get(command.intent)
    return Command(intent, code=code, text=command.text) if intent else None


def _speaks_for_itself(command: Command) -> bool:
    """Whether the words need no card: they name a CODE, or are understood without one."""
    known = command.intent in _BY_APPROVER | _BY_REQUESTER | _OPEN | _OTHERWISE
    return bool(command.code) or (not known and command.confidence != "unclear")


def _beside(command: Command, code: str, today: date) -> Command | None:
    """The words read as if the CODE stood before them."""
    found = read_command(f"{code} {command.text}", today)
    if found.code != code or found.confidence == "unclear":
        return None
    return replace(found, text=command.text, confidence="clear" if found.exact else found.confidence)
