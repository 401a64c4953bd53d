"""A DingTalk organisation on loopback that speaks the protocol, enforces the limits and can make trouble."""
