"""Stand-ins for the vendors on loopback, and the playground above them: the production adapters, nothing leaves the machine."""
