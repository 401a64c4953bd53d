"""Accounts and transfers: the ledger."""
