"""The requests: one function for each. No vendor, no commit, no clock."""
