"""`Command`: one shape for everything typed, pressed or filled into a form. Nothing is looked up yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Person:
    """A person as named: by a messenger's id, by a typed name or e-mail, or by the id of a `Member`."""

    id: str | None = None
    name: str | None = None
    member: int | None = None


@dataclass(frozen=True)
class Command:
    """One thing asked.

    `intent`: a command of interface.md, the action of a button, or the callback of a form. Besides these: `yes`,
    `no`, `pause`, `resume`, `several` (more people than a command takes), `none`, and `unread` (the sentence
    broke the reader; `reason` says where).
    `amount`: as typed, for `models.ledger.amount.parse`.
    `until`: an ISO day, or the typed words when there is no such day.
    `code`: a CODE, or the one value of a command without one: a loan, a row of history, a language.
    `confidence`: only `exact` runs at once; `clear` and `unclear` are confirmed first.
    `text`: the whole sentence; empty for a button or a form.
    """

    intent: str
    person: Person | None = None
    amount: str | None = None
    reason: str = ""
    until: str | None = None
    code: str = ""
    confidence: str = "exact"
    text: str = ""

    @classmethod
    def pressed(cls, action: str, value: str) -> Self:
        return cls(action, code=storable(value))

    @classmethod
    def filled(cls, form: str, value: str, fields: Mapping[str, str]) -> Self:
        given = {name: storable(text) for name, text in fields.items()}
        person = given.get("person")
        return cls(
            form, person=Person(person) if person else None, amount=given.get("amount") or None,
            reason=given.get("reason", ""), until=given.get("until") or None, code=storable(value),
        )  # fmt: skip

    @property
    def exact(self) -> bool:
        return self.confidence == "exact"

    @property
    def words(self) -> tuple[str, ...]:
        # Stored fingerprints depend on this form.
        if self.text:
            return (self.text,)
        person = self.person.id if self.person else None
        fields = {"amount": self.amount, "person": person, "reason": self.reason, "until": self.until}
        return (self.intent, self.code, *(str(field) for field in fields.items() if field[1]))

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        # A row of an earlier version kept the member beside the other fields.
        person = data.get("person") or {"member": data.get("member")}
        known = {name: data[name] for name in ("intent", "amount", "reason", "until", "code") if name in data}
        return cls(**known, person=Person(**person) if any(person.values()) else None)


@dataclass(frozen=True)
class Quoted:
    """The message that somebody replies to: where it landed, the thread it stands in, or the only CODE in its words."""

    ref: str = ""
    thread: str = ""
    code: str = ""

    @property
    def place(self) -> str:
        """The name of what is replied to; empty where the messenger gives none."""
        return self.ref or self.thread


def storable(text: str) -> str:
    # JSON can carry NUL and lone surrogates, and no database stores them.
    return text.replace("\0", "").encode(errors="replace").decode()
