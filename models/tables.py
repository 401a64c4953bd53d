"""Every table, imported once, so that the metadata is whole."""

from models import (
    approvers,
    calls,
    echo,
    gateway,
    gateway_state,
    ledger,
    loan,
    member,
    outbox,
    period,
    policy,
    receipt,
    request,
    usage,
)
from models.base import metadata

__all__ = [
    "approvers", "calls", "echo", "gateway", "gateway_state", "ledger", "loan", "member", "metadata", "outbox", "period", "policy", "receipt", "request", "usage",
]  # fmt: skip
