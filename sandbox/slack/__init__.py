"""A Slack workspace on loopback that speaks the protocol, enforces the limits and fails on demand."""
