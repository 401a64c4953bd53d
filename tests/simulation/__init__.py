"""A company lives for a year in seconds: every seed is another year, and the same seed is the same year."""
