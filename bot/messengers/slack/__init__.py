"""Slack as a messenger: what arrives is read, what is said is drawn, and the manifest of the app."""
