"""LLM gateways behind one port, and the loop that keeps their limits equal to the ledger."""
