"""The messengers, behind one port."""
