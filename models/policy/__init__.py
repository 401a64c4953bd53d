"""The rules an admin writes, and the calendar they use."""
