"""Block Kit's limits of messages and views: counts, lengths and shapes."""
