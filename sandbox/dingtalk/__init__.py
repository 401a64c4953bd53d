"""A DingTalk organisation on loopback that speaks the protocol, enforces the limits and fails on demand."""
