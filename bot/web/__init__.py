"""Health, metrics, and the routes of messengers that are called over HTTP."""
