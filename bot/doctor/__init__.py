"""`quotabot doctor`: everything that can be checked from here, with the way to mend it."""
