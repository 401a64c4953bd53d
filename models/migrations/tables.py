"""Import every table once, so that the metadata is complete."""

from models.db import metadata
from models.ledger import account, transfer
from models.messages import confirmation, outbox, receipt, skeleton
from models.metering import alarm, gateway_account, gateway_state, usage, vendor_calls
from models.people import authority, member
from models.policy import versions
from models.quota import allocation, approvers, ask, chain, code, decision, delegation, loan, period, request
from models.reports import backup, kept

__all__ = [
    "account", "alarm", "allocation", "approvers", "ask", "authority", "backup", "chain", "code", "confirmation", "decision", "delegation", "gateway_account", "gateway_state", "kept", "loan",
    "member", "metadata", "outbox", "period", "receipt", "request", "skeleton", "transfer", "usage", "vendor_calls", "versions",
]  # fmt: skip
