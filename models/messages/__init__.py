"""Messages to people, and what is promised to be sent."""
