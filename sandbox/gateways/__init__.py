"""Stand-ins for LLM gateways: each speaks its vendor's protocol, and can misbehave."""
