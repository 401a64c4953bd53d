"""A connector's answers in the words of the ledger."""

from __future__ import annotations

from dataclasses import fields

from bot.gateways.port import Account, UsageRow
from models.metering.reading import KeyUsage, Reading


def reading_of(found: Account, *, refunds: bool) -> Reading:
    """What it says of one account."""
    shared = {one.name: getattr(found, one.name) for one in fields(Reading) if one.name != "refunds"}
    return Reading(**shared, refunds=refunds)


def key_usage_of(row: UsageRow) -> KeyUsage:
    """What it says of one day, model and key."""
    return KeyUsage(row.account, row.day, row.model, row.key, row.amount, row.input_tokens, row.output_tokens)
