"""The card of a request, and a messenger's own approval."""
