"""The LLM gateways, behind one port, and the loop that keeps them in step with the ledger."""
