"""Stand-ins for the vendors on loopback, and the playground above them.

The adapters are the production ones; nothing leaves the machine.
"""
