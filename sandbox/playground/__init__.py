"""The playground: a page with both messengers, the ledger and the gateway, on this machine only."""
