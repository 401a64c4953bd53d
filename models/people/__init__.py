"""Members, and where they can be reached."""
