"""The states of a request, and which state may follow which."""

from __future__ import annotations

from enum import StrEnum


class RequestState(StrEnum):
    PENDING = "pending"
    UNROUTABLE = "unroutable"
    """Open, but there is nobody to ask."""
    APPROVED = "approved"
    """Granted; the gateway has not confirmed it yet."""
    APPLIED = "applied"
    APPLY_FAILED = "apply_failed"
    """Granted; the gateway could not apply it and is asked again."""
    DECLINED = "declined"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    VOID = "void"
    """The requester left while it was open."""


OPEN = (RequestState.PENDING, RequestState.UNROUTABLE)
UNCONFIRMED = (RequestState.APPROVED, RequestState.APPLY_FAILED)
_FROM_OPEN = frozenset(RequestState) - {RequestState.APPLY_FAILED}
TRANSITIONS: dict[RequestState, frozenset[RequestState]] = {
    RequestState.PENDING: _FROM_OPEN,
    RequestState.UNROUTABLE: _FROM_OPEN,
    RequestState.APPROVED: frozenset({RequestState.APPLIED, RequestState.APPLY_FAILED}),
    RequestState.APPLY_FAILED: frozenset({RequestState.APPLIED}),
}
"""The states that may follow each state; a state that is not listed is final."""


def granted_state(*, live: bool) -> RequestState:
    """`live`: a gateway must confirm first."""
    return RequestState.APPROVED if live else RequestState.APPLIED
