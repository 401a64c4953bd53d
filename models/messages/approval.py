"""A request decided in a messenger's own approval: one more copy of its card, as an effect of kind `say`.

The payload's `approval` says who asks and who may decide. The effect's `ref` is the vendor's id of the approval; it is
empty when the request was settled before an approval was started.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Self

from sqlmodel import Session, select

from models.messages.outbox import Claim, Effect, copies, promise

_FORM = "approval:form"


@dataclass(frozen=True)
class Approval:
    """A request in a messenger's own approval. `over`: the messenger has finished it."""

    code: str
    requester: str
    approvers: tuple[str, ...]
    over: bool = field(default=False, compare=False)

    @classmethod
    def of(cls, effect: Effect | Claim) -> Self | None:
        """None for a message that is not an approval."""
        found = effect.payload.get("approval")
        if found is None:
            return None
        return cls(found["code"], found["requester"], tuple(found["approvers"]), found["over"])

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def lane(self) -> str:
        # Its own lane: a slow approval delays nothing else.
        return f"approval:{self.code}:{self.requester}:{','.join(self.approvers)}"


@dataclass(frozen=True)
class ApprovalForm:
    """The form that a messenger made for our approvals."""

    messenger: str
    id: str
    locale: str


def approval_form(session: Session) -> ApprovalForm | None:
    found = _form_mark(session)
    if found is None or not found.ref:
        return None
    return ApprovalForm(found.payload["messenger"], found.ref, found.payload["locale"])


def remember_form(session: Session, form: ApprovalForm, now: datetime) -> None:
    mark = _form_mark(session) or Effect(key=_FORM, kind="mark", due_at=now, done_at=now)
    mark.payload, mark.ref = {"messenger": form.messenger, "locale": form.locale}, form.id
    session.add(mark)


def _form_mark(session: Session) -> Effect | None:
    return session.exec(select(Effect).where(Effect.key == _FORM)).one_or_none()


def approvals(session: Session, about: str) -> list[Effect]:
    """Promised, started or finished approvals, without those that were set aside."""
    return [copy for copy in copies(session, about) if Approval.of(copy) is not None]


def find_approval(session: Session, about: str, ref: str) -> Effect | None:
    return next((one for one in approvals(session, about) if one.ref == ref), None)


def starting_approval(session: Session, about: str) -> Effect | None:
    # The vendor's id is not known yet.
    return next((one for one in approvals(session, about) if one.ref is None), None)


def was_set_aside(session: Session, about: str) -> bool:
    """Whether an approval could not be started, or ended without a decision."""
    return any(aside for aside, _ in _said(session, about))


def lacks_card(session: Session, about: str) -> bool:
    """Whether an approval was set aside and no card has taken its place."""
    said = _said(session, about)
    return any(aside for aside, _ in said) and not any(reader for _, reader in said)


def _said(session: Session, about: str) -> list[tuple[bool, int | None]]:
    """For every copy: (an approval that was set aside, the member who reads it)."""
    query = select(Effect.payload, Effect.parked_at).where(Effect.about == about, Effect.kind == "say")
    return [
        ("approval" in what and parked is not None, what["reader"])
        for what, parked in session.exec(query).all()
    ]


def conclude(session: Session, copy: Effect) -> None:
    """The messenger has finished a started approval: nothing is asked or ended there any more."""
    if copy.ref:
        copy.payload = copy.payload | {"approval": copy.payload["approval"] | {"over": True}}
        session.add(copy)


def set_aside(session: Session, copy: Effect, now: datetime, why: str) -> None:
    """The request goes out as a card instead."""
    copy.parked_at, copy.error = now, why
    session.add(copy)


def promise_review(
    session: Session,
    messenger: str,
    ref: str,
    why: str,
    now: datetime,
    *,
    code: str = "",
    known: bool = False,
) -> None:
    """Promise to look at an approval, once for each reason `why`. `known`: nothing new is to be seen there."""
    effect = Effect(
        key=f"approval:{messenger}:{ref}:{why}",
        kind="review",
        payload={"messenger": messenger, "ref": ref, "code": code},
        lane=f"approval:{messenger}:{ref}",
        due_at=now,
        done_at=now if known else None,
    )
    promise(session, effect)
