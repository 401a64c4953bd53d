"""The card of a request, and a vendor's own approval."""
