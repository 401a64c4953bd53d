"""What Slack refuses in messages and views: counts, lengths and shapes of Block Kit."""
