"""Health, metrics, and the signed endpoint of Slack."""
