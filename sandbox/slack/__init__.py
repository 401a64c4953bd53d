"""A Slack workspace on loopback that speaks the protocol, enforces the limits and can make trouble."""
